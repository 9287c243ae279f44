# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards: the files one starts with, starting, stopping, and running commands on one."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import time
from dataclasses import dataclass, replace

import blank
import cgroups
import network
from common import CGROUP, DATASTORE, LAB, NAMESPACE_PREFIX, STATE, LabError, run, wait_for

BOOT_SECONDS = 20
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DISK_FOLDERS = {
    "etc/rancher": 0o755,
    "var/lib/rancher": 0o755,
    "var/lib/kubelet": 0o755,
    "var/lib/cni": 0o755,
    "var/log": 0o755,
    "var/tmp": 0o1777,
    "srv": 0o755,
    "tmp": 0o1777,
    "root": 0o700,
    "home": 0o755,
}
# An account without rights, for tests of what the modules say to one.
USER, USER_ID = "operator", 1999
# Where a board has the built programs, and what k3s unpacks: a packaged program where none was built.
BUILT = "/usr/local/lib/k3s-lab/"
TOOLS = dict.fromkeys(
    ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet", "kubectl"),
    BUILT + "kubernetes",
)
TOOLS.update(k3s=BUILT + "k3s", crictl=BUILT + "crictl", runc="/usr/sbin/runc", etcd="/usr/bin/etcd")
TOOLS.update({name: "/usr/bin/" + name for name in ("ctr", "containerd", "containerd-shim-runc-v2")})


@dataclass
class Board:
    """One board: its name, its role in the cluster, and where it is on the network."""

    name: str
    command: str
    service: str
    address: str
    pod_cidr: str
    # The service manager of a blank board, "" where the lab's own scripts take its place.
    manager: str = ""
    # A machine of its own, which is no namespace and is reached by ssh alone.
    emulated: bool = False

    @property
    def namespace(self):
        return NAMESPACE_PREFIX + self.name

    @property
    def folder(self):
        return STATE / "boards" / self.name

    @property
    def log(self):
        return self.folder / "console.log"


_SERVICES = {"server": "k3s", "agent": "k3s-agent"}
MOST = 4  # the certificates of the servers name that many addresses


def _board(number, command, is_blank=False):
    name, address = "board-%d" % number, "10.99.0.%d" % (number + 1)
    manager = "" if not is_blank else blank.OPENRC if number == 1 else blank.SYSTEMD
    return Board(name, command, _SERVICES[command], address, "10.42.%d.0/24" % (number - 1), manager)


# The boards of this lab; lay_out() makes others of them.
BOARDS = [_board(1, "server"), _board(2, "agent")]


def check_layout(commands):
    """Whether there can be such boards: "server" or "agent" of each."""
    if not commands or set(commands) - set(_SERVICES) or commands[0] != "server" or len(commands) > MOST:
        raise LabError(
            "these cannot be the boards of a lab: %s. Next: give 1 to %d of server and agent, separated by commas, the "
            "first one a server" % (",".join(commands), MOST)
        )


def lay_out(commands, is_blank=False, is_emulated=False):
    """From now on the lab's boards are those. Blank ones become what ``commands`` say only in the inventory."""
    check_layout(commands)
    if is_emulated:
        BOARDS[:] = [replace(_board(1, "server", True), manager=blank.SYSTEMD, emulated=True)]
        return
    BOARDS[:] = [_board(number, command, is_blank) for number, command in enumerate(commands, 1)]


def servers():
    """The boards that are servers; the first one is always there."""
    return [board for board in BOARDS if board.command == "server"]


def find(name):
    """The board of that name."""
    for board in BOARDS:
        if board.name == name:
            return board
    raise LabError("there is no board %s, there are %s" % (name, " and ".join(board.name for board in BOARDS)))


def prepare(board, version, programs, helm=False):
    """Make a new board's folders and files; ``programs`` are the names of those that were built, ``helm`` says whether
    the helm controller runs.

    Its system files lie on a tmpfs over the machine's own, which stay as they are.
    """
    system, disk = board.folder / "system", board.folder / "disk"
    for folder in (system, board.folder / "root"):
        folder.mkdir(parents=True)
    run(["mount", "-t", "tmpfs", "-o", "mode=755", "riscv-k3s-" + board.name, system])
    for folder in ("upper", "work"):
        (system / folder).mkdir()
    for folder, mode in DISK_FOLDERS.items():
        (disk / folder).mkdir(parents=True)
        (disk / folder).chmod(mode)
    upper = system / "upper"
    _system_files(board, upper)
    _inside_k3s(board, upper, programs, helm)
    _ssh_files(board, upper, disk)
    if board.manager:
        blank.prepare(upper, disk, board.manager)
    else:
        _k3s_files(board, upper, disk, version)


def _system_files(board, upper):
    names = "".join("%s %s\n" % (other.address, other.name) for other in BOARDS)
    _write(upper / "etc/hostname", board.name + "\n")
    _write(upper / "etc/hosts", "127.0.0.1 localhost\n" + names)
    # Nobody answers there: a name outside fails at once, as it does on a board whose uplink is gone.
    _write(upper / "etc/resolv.conf", "nameserver 10.99.0.1\noptions timeout:1 attempts:1\n")
    _write(upper / "etc/machine-id", os.urandom(16).hex() + "\n")
    _write(
        upper / "etc/passwd", "%s%s:x:%d:%d::/home/%s:/bin/sh\n" % (_host_file("passwd"), USER, USER_ID, USER_ID, USER)
    )
    _write(upper / "etc/group", "%s%s:x:%d:\n" % (_host_file("group"), USER, USER_ID))
    # Neither account has a password, and neither is locked, which sshd would refuse.
    _write(upper / "etc/shadow", "root:*:19000:0:99999:7:::\n%s:*:19000:0:99999:7:::\n" % USER, 0o640)
    _copy(STATE / "programs/board", upper / "usr/sbin/init", 0o755)


def _host_file(name):
    lines = pathlib.Path("/etc", name).read_text(encoding="utf-8").splitlines()
    return "".join(line + "\n" for line in lines if not line.startswith(USER + ":"))


def _inside_k3s(board, upper, programs, helm):
    """What stands for what the real k3s has inside of itself, or a machine by itself."""
    # Nobody waits for blank boards to become nodes together.
    many = 0 if board.manager else len(BOARDS)
    settings = {"pod_cidr": board.pod_cidr, "cgroup": cgroups.create(board.name), "boards": many, "helm": helm}
    _write(upper / "usr/local/share/k3s-lab/board.json", json.dumps(settings))
    for name, target in TOOLS.items():
        _link(upper / "usr/local/share/k3s-lab/bin" / name, BUILT + name if name in programs else target)
    # What a server of k3s makes and hands out; a data folder without certificates gets them from here.
    for source in (STATE / "pki").iterdir():
        _copy(source, upper / "usr/local/share/k3s-lab/pki" / source.name, 0o600)
    (upper / "usr/local/share/k3s-lab/pki").chmod(0o700)


def _k3s_files(board, upper, disk, version):
    set_version(board, version)
    for name in ("k3s", "kubectl", "crictl", "ctr"):
        _link(upper / "usr/local/bin" / name, "k3s" if name != "k3s" else BUILT + "k3s")
    config = "token: lab-token\nnode-ip: %s\n" % board.address
    if board.command == "agent":
        config += "server: https://%s:6443\n" % BOARDS[0].address
    elif len(servers()) > 1:
        # One etcd outside of the boards: any of them may go, and the API stays.
        config += "datastore-endpoint: http://%s\n" % DATASTORE
    _write(disk / "etc/rancher/k3s/config.yaml", config, 0o600)
    service = (
        (LAB / "board/service.sh")
        .read_text(encoding="utf-8")
        .replace("@SERVICE@", board.service)
        .replace("@COMMAND@", board.command)
    )
    _write(upper / "etc/init.d" / board.service, service, 0o755)


def _ssh_files(board, upper, disk):
    _copy(LAB / "board/sshd_config", upper / "etc/ssh/sshd_config_lab", 0o644)
    _copy(STATE / "ssh" / board.name, upper / "etc/ssh/lab_host_key", 0o600)
    _copy(LAB / "board/ssh-session.sh", upper / "usr/local/sbin/ssh-session", 0o755)
    for home, owner in (("root", 0), ("home/" + USER, USER_ID)):
        keys = disk / home / ".ssh/authorized_keys"
        _copy(STATE / "ssh/controller.pub", keys, 0o600)
        for path in (disk / home, keys.parent, keys):
            os.chown(path, owner, owner)
    for path, mode in ((disk / "var/log/ssh-processes", 0o1777), (disk / "var/log/ssh-sessions.log", 0o666)):
        path.mkdir() if mode == 0o1777 else path.touch()
        path.chmod(mode)


def set_version(board, version):
    """What installing that version of k3s does."""
    _write(board.folder / "system/upper/usr/local/share/k3s-lab/version", version + "\n")


def boot(board):
    """Start a board and return the process id of its init, as this machine sees it."""
    environment = dict(
        os.environ,
        LAB_NAME=board.name,
        LAB_ROOT=str(board.folder / "root"),
        LAB_SYSTEM=str(board.folder / "system"),
        LAB_DISK=str(board.folder / "disk"),
        LAB_STATE=str(STATE),
        LAB_PROGRAMS=str(STATE / "programs"),
        LAB_MANAGER=board.manager,
        LAB_CGROUP="%s/%s" % (CGROUP, board.name),
    )
    argv = network.inside(
        board.namespace,
        [
            "unshare",
            "--mount",
            "--pid",
            "--uts",
            "--ipc",
            "--fork",
            "--kill-child",
            "--propagation",
            "private",
            "sh",
            str(LAB / "board/setup.sh"),
        ],
    )
    with open(board.log, "a", encoding="utf-8") as log:
        process = subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    def is_up():
        if process.poll() is not None:
            said = board.log.read_text(encoding="utf-8").strip().splitlines()[-3:]
            raise LabError("%s did not start: %s" % (board.name, " / ".join(said)))
        children = (
            pathlib.Path("/proc/%d/task/%d/children" % (process.pid, process.pid)).read_text(encoding="ascii").split()
        )
        return int(children[0]) if children and os.path.exists("/proc/%s/root/run/sshd.pid" % children[0]) else None

    return wait_for("ssh on " + board.name, is_up, BOOT_SECONDS, interval=0.05)


def power_off(pid, seconds=20):
    """End a board as a cut of its power does: the kernel ends every process with its init."""
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + seconds
    while os.path.exists("/proc/%d" % pid):
        if time.monotonic() > deadline:
            raise LabError("the init of a board, process %d, does not end" % pid)
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            pass
        time.sleep(0.05)


def enter(pid, argv):
    """``argv`` as a command on the board whose init is ``pid``."""
    return [
        "nsenter",
        "--target",
        str(pid),
        "--mount",
        "--uts",
        "--ipc",
        "--net",
        "--pid",
        "--root",
        "env",
        "-i",
        "--chdir=/root",
        "PATH=" + PATH,
        "HOME=/root",
        "TERM=" + os.environ.get("TERM", "dumb"),
        "LC_ALL=C.UTF-8",
        *argv,
    ]


def _write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def _copy(source, path, mode):
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, path)
    path.chmod(mode)


def _link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
