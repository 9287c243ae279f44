# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Booting an emulated board, once; from then on its state after that boot is gone on from, in seconds."""

from __future__ import annotations

import hashlib
import json
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import time

import boards
import builds
import machine
import network
from common import CACHE, CONTROLLER, STATE, LabError, run, say, wait_for

from emulated import qemu, root, system

PACKAGES = {
    "qemu-system-misc": "/usr/bin/qemu-system-riscv64",
    "qemu-utils": "/usr/bin/qemu-img",
    "mmdebstrap": "/usr/bin/mmdebstrap",
    "arch-test": "/usr/bin/arch-test",
    "e2fsprogs": "/usr/sbin/mke2fs",
    "cpio": "/usr/bin/cpio",
    "kmod": "/usr/sbin/depmod",
}
# What images are built of that its k3s (version B) asks for.
RECIPES = ("pause", "coredns", "local-path-provisioner", "metrics-server", "busybox")
PLACE = STATE / "boards" / system.NAME
BOOT_SECONDS, RESUME_SECONDS = 900, 120
# The state of a machine that has booted: its disk, as what differs from the one it was made of, and its memory.
_DISK, _MEMORY = "disk.qcow2", "memory"


def build():
    """Make what an emulated board is made of, where it is missing. Returns the folders of its system and programs."""
    machine.install_packages(PACKAGES)
    debian = root.make()
    programs = builds.build("2", "riscv64")
    return debian, _programs_disk(programs)


def _programs_disk(programs):
    key = hashlib.sha256("".join(sorted(str(folder) for folder in programs.values())).encode()).hexdigest()
    folder = CACHE / "lab" / ("programs-riscv64-" + key[:16])
    if not folder.exists():
        with builds.lock(CACHE / "lab"), tempfile.TemporaryDirectory(dir=folder.parent, prefix=".programs-") as scratch:
            files, out = pathlib.Path(scratch, "files"), pathlib.Path(scratch, "out")
            files.mkdir()
            out.mkdir()
            for name, source in programs.items():
                shutil.copy2(source / name, files / name)
            run(["mke2fs", "-q", "-t", "ext4", "-d", files, out / "disk", "600M"])
            shutil.copy2(programs["k3s"] / "k3s", out / "k3s")
            _replace(out, folder, "programs-riscv64-*")
    return folder


def _replace(out, folder, others):
    """What was made of other sources goes: it takes gigabytes."""
    for old in folder.parent.glob(others):
        shutil.rmtree(old, ignore_errors=True)
    out.rename(folder)


def boot(debian, programs):
    """Start the board: from the state after its first boot, or, where there is none, by that boot. Returns the process
    id of its emulator.
    """
    PLACE.mkdir(parents=True)
    key = hashlib.sha256(repr((debian, programs, pathlib.Path(qemu.__file__).read_text(encoding="utf-8"))).encode())
    booted = CACHE / "lab" / ("booted-riscv64-" + key.hexdigest()[:16])
    if not booted.exists():
        with builds.lock(CACHE / "lab"):
            if not booted.exists():
                _first_boot(debian, programs, booted)
    begin = time.monotonic()
    _overlay(booted / _DISK, "qcow2", PLACE / _DISK)
    pid = _start(debian, PLACE / _DISK, programs, booted / _MEMORY)
    _wait_for_ssh(RESUME_SECONDS, pid)
    # Its clock stands where it stood.
    on_board(["date", "-u", "-s", "@%d" % time.time()])
    say("the emulated board goes on after %.1f s" % (time.monotonic() - begin))
    return pid


def _first_boot(debian, programs, booted):
    say("booting the emulated board for the first time: half a minute on an idle machine, minutes on a busy one")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(dir=booted.parent, prefix=".booted-") as scratch:
        out = pathlib.Path(scratch, "out")
        # What was in the board's memory is in its file.
        out.mkdir(mode=0o700)
        _overlay(debian / root.DISK, "raw", out / _DISK)
        pid = _start(debian, out / _DISK, programs)
        _wait_for_ssh(BOOT_SECONDS, pid)
        # What systemd still starts, and the first start of Python, belong to the boot.
        wait_for("the end of the boot", _has_settled, BOOT_SECONDS, interval=2)
        on_board(["sh", "-c", "python3 -c 'import json, subprocess, ssl'; sync"])
        qemu.save(PLACE, out / _MEMORY)
        wait_for("the emulator to end", lambda: not pathlib.Path("/proc/%d/exe" % pid).exists(), 60)
        _replace(out, booted, "booted-riscv64-*")
    say("booted in %d s" % (time.monotonic() - begin))


def _has_settled():
    said = on_board(["systemctl", "is-system-running"], check=False).stdout.strip()
    if said == "degraded":
        raise LabError("the emulated board: %s" % on_board(["systemctl", "--failed", "--no-legend"]).stdout.strip())
    return said == "running"


def _overlay(base, kind, target):
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", kind, target])


def _start(debian, disk, programs, saved=None):
    disks = [(disk, "qcow2", False), (programs / "disk", "raw", True)]
    return qemu.start(debian / root.KERNEL, debian / root.INITRD, disks, system.NAME, PLACE, saved)


def _wait_for_ssh(seconds, pid):
    def answers():
        if not pathlib.Path("/proc/%d/exe" % pid).exists():
            raise LabError("the emulator ended, see %s" % (PLACE / "emulator.log"))
        return on_board(["true"], check=False).returncode == 0

    wait_for("ssh on the emulated board", answers, seconds, interval=0.5)


def copy_keys(debian):
    """The board knows its controller, and the controller knows the board, since its system was made."""
    (STATE / "ssh").mkdir(mode=0o700)
    for name, target in ((system.HOST_KEY, system.NAME), (system.USER_KEY, "controller")):
        for ending in ("", ".pub"):
            shutil.copy2(debian / (name + ending), STATE / "ssh" / (target + ending))


def prepare(pod_cidr):
    """Bring what stands on a board of the lab for what the real k3s has inside of itself."""
    with tempfile.TemporaryDirectory(dir=STATE) as scratch:
        folder = pathlib.Path(scratch)
        (folder / "bin").mkdir()
        for name, target in {**boards.TOOLS, **{name: boards.BUILT + name for name in builds.CONTAINERD_2}}.items():
            (folder / "bin" / name).symlink_to(target)
        shutil.copytree(STATE / "pki", folder / "pki")
        # The whole machine is the board's: the kubelet's own folder in the hierarchy of cgroups is its root.
        settings = {"pod_cidr": pod_cidr, "cgroup": "/", "boards": 0, "helm": False}
        (folder / "board.json").write_text(json.dumps(settings), encoding="ascii")
        packed = subprocess.run(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE, check=True).stdout
    place = "/usr/local/share/k3s-lab"
    command = "mkdir -p %s && tar -x --no-same-owner -C %s" % (place, place)
    subprocess.run(enter(["sh", "-c", command]), input=packed, check=True)


def enter(argv):
    """``argv`` as a command on the board, by ssh, as the tests' own way in: with no shell of its own to name a file."""
    options = ["UserKnownHostsFile=%s" % (STATE / "ssh/known_hosts"), "StrictHostKeyChecking=yes", "ConnectTimeout=5"]
    options += ["IdentitiesOnly=yes", "LogLevel=ERROR", "BatchMode=yes"]
    login = ["ssh", "-i", STATE / "ssh/controller", *(part for option in options for part in ("-o", option))]
    command = shlex.join(str(part) for part in argv)
    return network.inside(CONTROLLER, [str(part) for part in (*login, "root@" + system.ADDRESS, command)])


def on_board(argv, check=True, **options):
    """Run a command on the board."""
    return run(enter(argv), check=check, **options)
