# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing the lab up, taking it down, and making sure that nothing of it stays."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import time

import blank
import boards
import builds
import cgroups
import cluster
import controller
import machine
import memory
import network
import pause
from common import NAME, PAUSE_IMAGE_OF_A, STATE, VERSIONS, LabError, run, say, wait_for
from emulated import board as emulated

# Who has the machine set up while what an emulated board is made of is made.
_BUILDER = NAME + " build"


def build(containerd="1"):
    """Everything that must be there before a lab with that containerd can start."""
    machine.check_machine(STATE)
    machine.install_packages()
    return builds.build(containerd), builds.riscv64_programs()


def up(containerd="1", with_pause=True, helm=False, layout=("server", "agent"), is_blank=False):
    """Bring up the boards and the registry, broken as they are meant to be. ``containerd`` is the boards' major
    version of it, ``helm`` says whether the helm controller runs, ``layout`` what each board is; with ``is_blank`` what
    it shall become, and nothing but its system is on it.
    """
    machine.check_machine(STATE)
    boards.check_layout(list(layout))
    if memory.is_up():
        raise LabError("a lab is already up in %s. Next: use it, or take it down with tests/lab/lab down" % STATE)
    _refuse_foreign_lab()
    programs, made = build(containerd)
    if is_blank:
        machine.install_packages(machine.BLANK_PACKAGES)
    begin = time.monotonic()
    if leftovers():
        say("removing what an earlier lab left")
        down()
    boards.lay_out(list(layout), is_blank)
    values = {"boards": {}, "version": "A", "containerd": containerd, "layout": list(layout), "blank": is_blank}
    STATE.mkdir(parents=True, exist_ok=True)
    memory.save(values)
    try:
        _start(values, programs, helm)
        if not is_blank:
            if with_pause:
                pause.write_archive(made["pause"], PAUSE_IMAGE_OF_A, boards.BOARDS[0].folder / "disk/var/tmp/pause.tar")
                _give_pause()
            say("boards are booted, Kubernetes starts")
            _wait_until_broken()
    except BaseException:
        say("it failed, and is left as it is for you to look at. Next: tests/lab/lab down")
        raise
    values["complete"] = True
    memory.save(values)
    say(
        "up after %d s, %s on %s"
        % (
            time.monotonic() - begin,
            "no k3s" if is_blank else "k3s %s with containerd %s" % (VERSIONS["A"], containerd),
            " and ".join(board.name for board in boards.BOARDS),
        )
    )


def build_emulated():
    """Everything that must be there before an emulated board can start, and for images that are built for it: from the
    lab's networks nothing can be fetched.
    """
    machine.check_machine(STATE)
    machine.install_packages()
    builds.riscv64_programs(emulated.RECIPES)
    # Maintainer scripts of the board's Debian are riscv64 programs.
    machine.acquire(_BUILDER)
    try:
        return emulated.build()
    finally:
        machine.release(_BUILDER)


def up_emulated():
    """Bring up one board that is a riscv64 machine of its own, without k3s, and the registry."""
    machine.check_machine(STATE)
    if memory.is_up():
        raise LabError("a lab is already up in %s. Next: use it, or take it down with tests/lab/lab down" % STATE)
    _refuse_foreign_lab()
    debian, programs = build_emulated()
    if leftovers():
        say("removing what an earlier lab left")
        down()
    boards.lay_out(["server"], is_blank=True, is_emulated=True)
    values = {"boards": {}, "layout": ["server"], "blank": True, "emulated": True}
    STATE.mkdir(parents=True, exist_ok=True)
    memory.save(values)
    try:
        machine.acquire(NAME)
        (board,) = boards.BOARDS
        (STATE / "programs").mkdir()
        _place(programs / "k3s", STATE / "programs/k3s")
        run([builds.native("board"), "pki", STATE / "pki"])
        network.create([board])
        emulated.copy_keys(debian)
        controller.write_inventory()
        values["registry"] = memory.process(controller.start_registry())
        values["boards"][board.name] = memory.process(emulated.boot(debian, programs))
        memory.save(values)
        emulated.prepare(board.pod_cidr)
    except BaseException:
        say("it failed, and is left as it is for you to look at. Next: tests/lab/lab down")
        raise
    values["complete"] = True
    memory.save(values)


def _wait_until_broken():
    cluster.wait_for_nodes()
    cluster.wait_for_addons()
    cluster.wait_for_stock_pods()
    cluster.spread_stock_pods()
    cluster.wait_for_failures()


def _start(values, programs, helm):
    machine.acquire(NAME)
    (STATE / "programs").mkdir()
    for name, folder in programs.items():
        _place(folder / name, STATE / "programs" / name)
    run([STATE / "programs/board", "pki", STATE / "pki"])
    controller.create_keys()
    network.create(boards.BOARDS)
    values["registry"] = memory.process(controller.start_registry())
    if values["blank"]:
        blank.make_password()
    elif len(boards.servers()) > 1:
        values["datastore"] = memory.process(controller.start_datastore())
    for board in boards.BOARDS:
        boards.prepare(board, VERSIONS["A"], programs, helm)
        values["boards"][board.name] = memory.process(boards.boot(board))
        memory.save(values)
    controller.write_inventory()


def _give_pause():
    """Import the pause image on board-1 as soon as its containerd answers."""
    argv = ["k3s", "ctr", "images", "import", "--all-platforms", "--no-unpack", "/var/tmp/pause.tar"]
    wait_for("containerd on board-1", lambda: cluster.on_board(boards.BOARDS[0], argv, check=False).returncode == 0, 90)
    rows = {
        line.split()[0]: line.split()[2]
        for line in cluster.on_board(boards.BOARDS[0], ["k3s", "ctr", "images", "ls"]).stdout.splitlines()
    }
    if PAUSE_IMAGE_OF_A not in rows:
        raise LabError("ctr imported the pause image, and now has %s" % ", ".join(sorted(rows)))
    # By itself containerd 2 unpacks nothing of another architecture.
    cluster.on_board(boards.BOARDS[0], ["k3s", "ctr", "snapshots", "unpack", rows[PAUSE_IMAGE_OF_A]])


def _place(source, target):
    """A program from the cache, by a link where that can be. k3s is copied: a link of another lab, which comes or goes,
    would change the time at which its file was changed, and by that a look at a board sees whether k3s was replaced.
    """
    if source.name != "k3s":
        try:
            os.link(source, target)
            return
        except OSError:
            pass  # the cache is on another file system
    shutil.copy2(source, target)


def _refuse_foreign_lab():
    """Another state folder's lab uses the same names: it must be taken down with its own folder."""
    if network.namespaces() and not memory.load():
        users = [pid for name in network.namespaces() for pid in network.processes(name)]
        if users:
            raise LabError(
                "another lab runs on this machine (network namespaces %s, process %d), its state folder is not %s. "
                "Next: take it down with its own RISCV_K3S_LAB_DIR" % (", ".join(network.namespaces()), users[0], STATE)
            )


def restart(board):
    """Restart k3s on a board by its service manager."""
    done = cluster.service(board, "restart", check=False)
    if done.returncode != 0:
        raise LabError("%s: %s" % (board.name, (done.stdout + done.stderr).strip()))


def reboot(board):
    """Cut a board's power and boot it again. Its disk and its system files stay."""
    values = memory.load()
    if board.emulated:
        raise LabError("an emulated board is not booted again. Next: tests/lab/lab reset --emulated")
    boards.power_off(memory.board_pid(board))
    values["boards"][board.name] = memory.process(boards.boot(board))
    memory.save(values)
    if board.manager:
        return  # whoever installed k3s there knows what to wait for
    wait_for(
        "k3s on " + board.name,
        lambda: (
            cluster.service(board, "status", check=False).returncode == 0
            and os.path.exists("/proc/%d/root/run/k3s/lab-ready" % memory.board_pid(board))
        ),
        120,
    )
    cluster.wait_for_nodes()


def upgrade(letter):
    """Install the other version of k3s on all boards and restart it, the server first."""
    if letter not in VERSIONS:
        raise LabError("there is no version %s, there are A (%s) and B (%s)" % (letter, VERSIONS["A"], VERSIONS["B"]))
    values = memory.load()
    if values.get("blank"):
        raise LabError("boards that began blank have k3s from a playbook. Next: upgrade them with one, to `lab binary`")
    for board in boards.BOARDS:
        version = pathlib.Path("/proc/%d/root/usr/local/share/k3s-lab/version" % memory.board_pid(board))
        version.write_text(VERSIONS[letter] + "\n", encoding="utf-8")
        say("%s: k3s %s" % (board.name, VERSIONS[letter]))
        restart(board)
    values["version"] = letter
    memory.save(values)
    cluster.wait_for_nodes()
    cluster.wait_for_addons()


def down():
    """End every process of the lab and remove all it made. Works on a half or crashed lab too."""
    values = memory.load()
    for remembered in list(values.get("boards", {}).values()) + [values.get("registry"), values.get("datastore")]:
        if memory.is_alive(remembered):
            boards.power_off(remembered["pid"])
    _end_processes_in_namespaces()
    for _attempt in range(50):
        mounts = _mounts()
        if not mounts:
            break
        for mount in reversed(mounts):
            run(["umount", mount], check=False)
        time.sleep(0.1)
    cgroups.delete()
    network.delete()
    # One command of a lab is at work at a time: a build that is noted here was killed.
    for user in (_BUILDER, NAME):
        machine.release(user)
    if not _mounts():
        shutil.rmtree(STATE, ignore_errors=True)


def _end_processes_in_namespaces():
    """What a user left running by `lab ctl`, and what a crash left. Never this command's own ancestors."""
    own, pid = set(), os.getpid()
    while pid > 1:
        own.add(pid)
        pid = int(pathlib.Path("/proc/%d/stat" % pid).read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    for sign in (signal.SIGTERM, signal.SIGKILL):
        victims = [pid for name in network.namespaces() for pid in network.processes(name) if pid not in own]
        for pid in victims:
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                pass
        if not victims:
            return
        time.sleep(0.5)


def _mounts():
    lines = pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return [line.split()[1] for line in lines if line.split()[1].startswith(str(STATE) + "/")]


def leftovers():
    """Lines that say what of a lab is there now."""
    found = ["network namespace " + name for name in network.namespaces()]
    for name in network.namespaces():
        found += ["process %d in network namespace %s" % (pid, name) for pid in network.processes(name)]
    found += ["mount " + path for path in _mounts()]
    found += ["cgroup " + path for path in cgroups.leftovers()]
    found += [
        "process %d (init of a board)" % p["pid"]
        for p in memory.load().get("boards", {}).values()
        if memory.is_alive(p)
    ]
    found += ["this machine's settings, for " + user for user in (_BUILDER, NAME) if machine.is_acquired(user)]
    if STATE.exists() and any(STATE.iterdir()):
        found.append("folder %s" % STATE)
    return found
