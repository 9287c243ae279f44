# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_remains: what of a board is k3s's and what is not, and that only the former is ended, unmounted and removed."""

from __future__ import annotations

import os
import signal

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Result
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import opened, read
from ansible_collections.riscv.k3s.plugins.module_utils._remains import remains as _remains
from ansible_collections.riscv.k3s.plugins.module_utils._remains import which
from ansible_collections.riscv.k3s.plugins.module_utils._remains.remains import Remains
from ansible_collections.riscv.k3s.plugins.module_utils._remains.which import (
    Process,
    bridged,
    kept_rules,
    mount_points,
    mounts,
    ours,
    parts,
)
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import k3s_remains

DATA = "/var/lib/rancher/k3s"
SHIM = ("/x/containerd-shim-runc-v2", "-namespace", "k8s.io", "-address", which.SOCKET)
DOCKERS = ("/usr/bin/containerd-shim-runc-v2", "-namespace", "moby", "-address", "/run/containerd/containerd.sock")
CONTAINERD = ("containerd", "-c", DATA + "/agent/etc/containerd/config.toml")
MOUNTS = """\
1 1 8:1 / / rw - ext4 /dev/sda rw
2 1 8:1 / /var/lib/kubelet rw - ext4 /dev/sda rw
3 2 0:1 / /var/lib/kubelet/pods/1/volumes/x rw - tmpfs tmpfs rw
4 1 0:2 / /run/k3s/containerd/a/rootfs rw - overlay overlay rw
5 4 0:3 / /run/k3s/containerd/a/rootfs/with\\040blank rw - tmpfs tmpfs rw
6 1 0:4 net:[1] /run/netns/cni-1 rw - nsfs nsfs rw
7 1 0:5 net:[2] /run/netns/vpn rw - nsfs nsfs rw
8 1 8:2 / /var/lib/rancher/k3s rw - ext4 /dev/sdb rw
9 1 8:2 / /var/lib/rancher/k3s-other/x rw - ext4 /dev/sdb rw
10 1 8:2 / /var/lib/rancher/k3s/agent/x rw - ext4 /dev/sdb rw
11 1 8:2 / /var/lib/docker/overlay2/x rw - overlay overlay rw
"""


def test_processes_are_those_of_its_own_containerd():
    processes = [
        Process(10, 1, CONTAINERD),
        Process(11, 1, SHIM),
        Process(12, 11, ("/pause",)),
        Process(13, 12, ("sh", "-c", "sleep 1")),
        Process(20, 1, DOCKERS),
        Process(21, 20, ("nginx",)),
        Process(22, 1, ("containerd", "-c", "/etc/containerd/config.toml")),
        Process(23, 1, ("vi", DATA + "/agent/etc/containerd/config.toml")),
        Process(24, 1, ("grep", "containerd-shim", "-address", which.SOCKET)),
        Process(25, 1, ()),
    ]
    assert [process.pid for process in ours(processes, [DATA])] == [10, 11, 12, 13]


def test_the_first_process_is_never_ended():
    assert ours([Process(1, 0, SHIM)], [DATA]) == []


def test_mounts_below_its_folders_the_inner_ones_first():
    assert mounts(mount_points(MOUNTS), (*which.MOUNTS, *parts(DATA))) == [
        "/var/lib/kubelet/pods/1/volumes/x",
        "/run/k3s/containerd/a/rootfs/with blank",
        "/var/lib/rancher/k3s/agent/x",
        "/run/k3s/containerd/a/rootfs",
        "/run/netns/cni-1",
    ]


def test_links_in_the_bridge_of_the_pods_and_the_bridge():
    rows = [("eth0", ""), ("veth1", "cni0"), ("veth2", "docker0"), ("cni0", ""), ("flannel.1", "")]
    found = bridged([{"name": name, "master": master} for name, master in rows])
    assert found == ["veth1", "cni0", "flannel.1"]


def test_rules_that_cannot_be_written_are_told(monkeypatch, tmp_path):
    """As where another program holds the lock of iptables."""

    class Refusing:
        def run(self, argv, stdin=None, check=True):
            if argv[0].endswith("-save"):
                return Result(argv, 0, "*nat\n-A KUBE-SERVICES -j ACCEPT\nCOMMIT\n", "")
            assert stdin == "*nat\nCOMMIT\n"
            return Result(argv, 4, "", "Another app is currently holding the xtables lock\n")

    monkeypatch.setattr(_remains, "find_program", lambda name: name)
    with pytest.raises(Problem, match="rules of k3s stay in iptables.*xtables lock"):
        Remains(DATA, Refusing(), str(tmp_path))._remove_rules("iptables")


def test_rules_of_others_stay():
    of_k3s = (":KUBE-SVC - [0:0]", "-A POSTROUTING -j CNI-1", "-A X -m comment --comment flanneld")
    saved = "*nat\n:DOCKER - [0:0]\n%s\nCOMMIT\n" % "\n".join(of_k3s)
    assert kept_rules(saved) == "*nat\n:DOCKER - [0:0]\nCOMMIT\n"


class Board:
    """A folder that stands for /."""

    def __init__(self, root):
        self.root, self.killed, self.ran, self.stays = str(root), [], [], False
        for path in ("/proc/self", "/sys/class/net", "/run/netns", DATA + "/riscv-k3s", "/etc/rancher/k3s"):
            os.makedirs(self.root + path)
        self.file("/proc/self/mountinfo", MOUNTS.splitlines()[0] + "\n")
        self.process(12, 11, ("/pause",))
        self.process(11, 1, SHIM)
        self.process(20, 1, DOCKERS)

    def file(self, path, text=""):
        os.makedirs(os.path.dirname(self.root + path), exist_ok=True)
        with open(self.root + path, "w", encoding="utf-8") as file:
            file.write(text)

    def process(self, pid, parent, words):
        self.file("/proc/%d/stat" % pid, "%d (a) b) S %d 1 1" % (pid, parent))
        self.file("/proc/%d/cmdline" % pid, "\0".join(words) + "\0")

    def kill(self, pid, number):
        self.killed.append((pid, number))
        if not self.stays:
            os.unlink("%s/proc/%d/cmdline" % (self.root, pid))

    def run(self, argv, stdin=None, check=True, **dummy):
        self.ran.append(list(argv))
        return Result(list(argv), 0, "", "")

    def remains(self):
        return Remains(DATA, self, self.root, self.kill, lambda dummy: None)

    def has(self, path):
        return os.path.lexists(self.root + path)


@pytest.fixture(name="board")
def _board(tmp_path):
    return Board(tmp_path)


MADE = (DATA + "/server/db/x", DATA + "/agent/y", "/var/lib/kubelet/z", "/run/k3s/a", "/run/netns/cni-1")
MADE += ("/etc/rancher/node/password", "/etc/rancher/k3s/k3s.yaml", "/var/log/k3s.log")
OTHERS = (DATA + "/riscv-k3s/journal.json", "/etc/rancher/k3s/mine.yaml", "/run/netns/vpn", "/var/log/syslog")


def test_all_of_it_goes_and_nothing_else(board):
    for path in MADE + OTHERS:
        board.file(path)
    board.remains().end()
    assert board.killed == [(11, signal.SIGKILL), (12, signal.SIGKILL)]
    assert [path for path in MADE if board.has(path)] == []
    assert [path for path in OTHERS if not board.has(path)] == []
    assert not any(board.remains().found().values())


def test_nothing_is_removed_while_something_is_mounted_there(board):
    board.file(DATA + "/agent/x/data")
    board.file("/proc/self/mountinfo", MOUNTS)
    with pytest.raises(Problem, match="still mounted below its folders"):
        board.remains().end()
    assert ["umount", "-l", DATA + "/agent/x"] not in board.ran and ["umount", DATA + "/agent/x"] in board.ran
    assert board.has(DATA + "/agent/x/data")


def test_processes_that_stay_are_told(board):
    board.stays = True
    with pytest.raises(Problem, match="cannot be ended"):
        board.remains().end()


def test_a_link_is_removed_and_not_what_it_leads_to(board):
    board.file("/home/me/data")
    os.makedirs(board.root + DATA, exist_ok=True)
    os.symlink(board.root + "/home/me", board.root + DATA + "/storage")
    board.remains().end()
    assert not board.has(DATA + "/storage") and board.has("/home/me/data")


def test_links_of_the_network_are_deleted(board):
    os.makedirs(board.root + "/sys/class/net/cni0")
    board.remains().end()
    assert ["ip", "link", "delete", "cni0"] in board.ran


def test_folders_that_are_empty_go_at_the_end(board):
    os.rmdir(board.root + DATA + "/riscv-k3s")
    board.file("/etc/rancher/k3s/mine.yaml")
    board.remains().leave()
    assert not board.has(DATA) and board.has("/etc/rancher/k3s/mine.yaml")


def test_check_mode_tells_and_changes_nothing(tmp_path, monkeypatch):
    board = Board(tmp_path)
    board.file("/var/lib/kubelet/z")
    params = {"data_dir": str(tmp_path / "data"), "leave": False}
    told = k3s_remains.run(params, True, board.remains())
    assert told["changed"] and told["remains"]["files"] == ["/var/lib/kubelet"] and board.killed == []
    assert k3s_remains.run(params, False, board.remains()) == told
    assert not k3s_remains.run(params, False, board.remains())["changed"]


def test_what_lay_in_the_data_folder_is_forgotten_and_files_elsewhere_stay_noted(tmp_path):
    data = str(tmp_path / "data")
    with opened(data) as journal:
        journal.will_place(data + "/agent/images/riscv-k3s-00.tar")
        journal.will_write("/etc/rancher/k3s/config.yaml", b"x", "install")
        journal.will_change("sysctl net.x", "1", "0")
        journal.save()
    k3s_remains.run({"data_dir": data, "leave": False}, False, Board(tmp_path / "root").remains())
    left = read(data)
    assert list(left["files"]) == ["/etc/rancher/k3s/config.yaml"] and list(left["system"]) == ["sysctl net.x"]


@pytest.mark.parametrize(
    "path", ["/", "//", "/var", "/var/", "/var/lib", "/usr/local", "/home", "k3s", "", ".", "/var/lib/../../home/me"]
)
def test_a_data_folder_that_is_not_k3s_s_alone_is_refused(tmp_path, path):
    with pytest.raises(Problem, match="nothing is removed in the data folder"):
        Remains(path, root=str(tmp_path))


def test_a_data_folder_that_leads_to_one_of_the_system_is_refused(board):
    os.makedirs(board.root + "/var/log")
    os.symlink("../log", board.root + "/var/lib/k3s")
    with pytest.raises(Problem, match="nothing is removed in the data folder /var/log"):
        Remains("/var/lib/k3s", board, board.root)


def test_a_data_folder_that_is_a_link_is_looked_at_where_it_leads_to(board):
    """The kernel tells of mounts by that path: what is mounted there was removed with the folder."""
    board.file("/mnt/ssd/agent/x/of-somebody")
    os.symlink("../mnt/ssd", board.root + "/opt-k3s")
    board.file("/proc/self/mountinfo", "2 1 8:2 / /mnt/ssd/agent/x rw - ext4 /dev/sdb rw\n")
    os.rename(board.root + "/opt-k3s", board.root + "/var/k3s")
    remains = Remains("/var/k3s", board, board.root, board.kill, lambda dummy: None)
    with pytest.raises(Problem, match="still mounted below its folders"):
        remains.end()
    assert board.has("/mnt/ssd/agent/x/of-somebody") and ["umount", "/mnt/ssd/agent/x"] in board.ran


def test_a_disk_among_the_volumes_stays_mounted_and_as_it_is(board):
    board.file(DATA + "/storage/pvc-1/x")
    board.file(DATA + "/storage/disk/photos")
    board.file("/proc/self/mountinfo", "2 1 8:2 / %s/storage/disk rw - ext4 /dev/sdb rw\n" % DATA)
    remains = board.remains()
    remains.end()
    assert board.has(DATA + "/storage/disk/photos") and not board.has(DATA + "/storage/pvc-1")
    assert remains.stays() == [DATA + "/storage/disk"] and not any("umount" in argv[0] for argv in board.ran)
    assert remains.found()["files"] == []


def test_volumes_that_are_a_disk_stay(board):
    board.file(DATA + "/storage/photos")
    board.file("/proc/self/mountinfo", "2 1 8:2 / %s/storage rw - ext4 /dev/sdb rw\n" % DATA)
    board.remains().end()
    assert board.has(DATA + "/storage/photos") and board.remains().stays() == [DATA + "/storage"]


def test_a_part_that_is_a_disk_is_emptied_and_stays_mounted(board):
    board.file(DATA + "/agent/containerd/x")
    board.file("/proc/self/mountinfo", "2 1 8:2 / %s/agent rw - ext4 /dev/sdb rw\n" % DATA)
    board.remains().end()
    assert os.listdir(board.root + DATA + "/agent") == [] and not any("umount" in argv[0] for argv in board.ran)
    assert board.remains().found()["files"] == []


def test_what_somebody_mounted_in_other_folders_is_not_emptied(board):
    board.file("/var/log/pods/disk/x")
    board.file("/proc/self/mountinfo", "2 1 8:2 / /var/log/pods/disk rw - ext4 /dev/sdb rw\n")
    board.remains().end()
    assert board.has("/var/log/pods/disk/x")


def test_what_k3s_did_not_make_in_its_data_folder_stays(board):
    own = ("/data/" + "a" * 64 + "/bin/k3s", "/data/current/x", "/server/x", "/storage/pvc-1/x")
    others = ("/photos/x", "/data/mine", "/lost+found/x")
    for path in own + others:
        board.file(DATA + path)
    board.remains().end()
    assert [path for path in own if board.has(DATA + path)] == []
    assert [path for path in others if not board.has(DATA + path)] == []
