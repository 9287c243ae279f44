# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends what a stopped k3s leaves running on a board, and removes what it made there.

As k3s's own k3s-killall.sh and k3s-uninstall.sh do, and no more: only what is k3s's by its socket or its folders. What
somebody mounted among the volumes, a disk perhaps, stays as it is, and so does what k3s did not make in its data
folder. The folder of this collection's journal is the last to go, so that a run that was cut short is gone on with.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from typing import Dict, List, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Runner, find_program, last_lines
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import FOLDER
from ansible_collections.riscv.k3s.plugins.module_utils._remains import which
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# Folders that k3s, its kubelet and its CNI plugins made.
_MADE = ("/run/k3s", "/run/flannel", "/var/lib/kubelet", "/var/lib/cni", "/var/log/pods", "/var/log/containers")
_NETWORKS = "/run/netns"
_NODE = "/etc/rancher/node"
_EMPTY = ("/etc/rancher/k3s/config.yaml.d", "/etc/rancher/k3s", "/etc/rancher")
_LOGS = ("/var/log/k3s.log", "/var/log/k3s-agent.log")
_KUBECONFIG = "/etc/rancher/k3s/k3s.yaml"
_TABLES = ("iptables", "ip6tables")
_TRIES = 50
_PAUSE = 0.2


class Remains:
    """What is left of a k3s on this machine. ``root`` is the folder that stands for /, for tests."""

    def __init__(self, data_dir: str, runner: Optional[Runner] = None, root: str = "", kill=os.kill, sleep=time.sleep):
        which.require_own(data_dir)
        self.runner, self.root = runner or Runner(), root
        self._kill, self._sleep = kill, sleep
        # The kernel names mounts by where they really are; k3s names its files as it was told.
        self._told, self.data_dir = os.path.normpath(data_dir), self._real(data_dir)
        which.require_own(self.data_dir)

    def _real(self, path: str) -> str:
        """Where a path leads to."""
        whole, root = os.path.realpath(self.root + path), os.path.realpath(self.root or "/").rstrip("/")
        return whole[len(root) :] or "/" if whole.startswith(root + "/") else whole

    def found(self) -> Dict[str, List[str]]:
        """What there is: {processes, mounts, links, files}, texts."""
        return {
            "processes": ["%d %s" % (one.pid, " ".join(one.words[:1])) for one in self._processes()],
            "mounts": self._mounts(),
            "links": self._links(),
            "files": self._made(),
        }

    def stays(self) -> List[str]:
        """What somebody mounted where k3s keeps volumes: it stays mounted, with all that is on it."""
        volumes = self._volumes()
        return sorted(path for path in self._points() if path == volumes or path.startswith(volumes + "/"))

    def end(self) -> None:
        """End its processes, then unmount, then remove links, rules and folders. Raises Problem where something of it
        stays; nothing below a mount is ever removed.
        """
        self._end_processes()
        self._unmount()
        for name in self._links():
            self.runner.run(["ip", "link", "delete", name], check=False)
        for table in _TABLES:
            self._remove_rules(table)
        left = self._mounts()
        if left:
            raise Problem(
                "k3s is not removed: something is still mounted below its folders",
                found=", ".join(left[:5]),
                next_step="see who uses it (fuser -m), end that, and run again",
            )
        for path in self._made():
            self._remove(path)

    def leave(self) -> None:
        """Remove the folders that are empty by now, the journal's among them."""
        for path in (os.path.join(self.data_dir, FOLDER), self.data_dir, os.path.dirname(self._told), *_EMPTY):
            with contextlib.suppress(OSError):
                os.rmdir(self.root + path)

    def _processes(self) -> List[which.Process]:
        rows = []
        for name in os.listdir(self.root + "/proc"):
            if name.isdecimal():
                with contextlib.suppress(OSError, ValueError, IndexError):
                    rows.append(self._process(int(name)))
        return [row for row in which.ours(rows, (self.data_dir, self._told)) if row.pid != os.getpid()]

    def _process(self, pid: int) -> which.Process:
        folder = "%s/proc/%d/" % (self.root, pid)
        with open(folder + "stat", encoding="utf-8", errors="replace") as file:
            parent = int(file.read().rpartition(") ")[2].split()[1])
        with open(folder + "cmdline", encoding="utf-8", errors="replace") as file:
            words = tuple(file.read().rstrip("\0").split("\0"))
        return which.Process(pid, parent, words)

    def _end_processes(self) -> None:
        # Shims do not restart what they run; but while they are ended, one may just have started another process.
        for dummy in range(_TRIES):
            processes = self._processes()
            if not processes:
                return
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    self._kill(process.pid, signal.SIGKILL)
            self._sleep(_PAUSE)
        raise Problem(
            "containers of k3s cannot be ended",
            found=", ".join("%d %s" % (one.pid, one.words[0]) for one in processes[:5]),
            next_step="see what they wait for, a disk or a network share perhaps, then run again",
        )

    def _points(self) -> List[str]:
        with open(self.root + "/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            return which.mount_points(file.read())

    def _mounts(self) -> List[str]:
        folders = [self._real(path) for path in (*which.MOUNTS, *which.parts(self.data_dir))]
        return which.mounts(self._points(), folders)

    def _volumes(self) -> str:
        return os.path.join(self.data_dir, which.VOLUMES)

    def _unmount(self) -> None:
        for path in self._mounts():
            if self.runner.run(["umount", path], check=False).rc:
                self.runner.run(["umount", "-l", path], check=False)

    def _links(self) -> List[str]:
        folder = self.root + "/sys/class/net"
        rows = []
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            master = os.path.join(folder, name, "master")
            rows.append(
                {"name": name, "master": os.path.basename(os.readlink(master)) if os.path.islink(master) else ""}
            )
        return which.bridged(rows)

    def _remove_rules(self, table: str) -> None:
        if not (find_program(table + "-save") and find_program(table + "-restore")):
            return
        saved = self.runner.run([table + "-save"], check=False)
        kept = which.kept_rules(saved.out)
        if not saved.rc and kept != saved.out:
            done = self.runner.run([table + "-restore"], stdin=kept, check=False)
            if done.rc:
                raise Problem(
                    "rules of k3s stay in %s" % table,
                    found=last_lines(done.err) or "exit status %d and no message" % done.rc,
                    next_step="remove those that name KUBE-, CNI- or flannel by hand, or reboot, and run again",
                )

    def _made(self) -> List[str]:
        """The files and folders to remove, but for the journal's."""
        paths = list(_MADE) + [_NODE, _KUBECONFIG, *_LOGS]
        # What mounts of networks are on, empty files once these are gone.
        with contextlib.suppress(OSError):
            names = sorted(os.listdir(self.root + _NETWORKS))
            paths += [os.path.join(_NETWORKS, name) for name in names if name.startswith("cni-")]
        for part in which.parts(self.data_dir):
            paths += self._unpacked(part) if os.path.basename(part) == "data" else [part]
        points = self._points()
        paths += [self._volumes()] if self._volumes() not in points else []
        return [path for path in paths if self._has(path, points)]

    def _unpacked(self, folder: str) -> List[str]:
        """A data folder may be a disk, on which somebody else has a folder data, too."""
        try:
            names = sorted(os.listdir(self.root + folder))
        except OSError:
            return []
        own = [name for name in names if which.is_unpacked(name)]
        return [folder] if own == names else [os.path.join(folder, name) for name in own]

    def _has(self, path: str, points: List[str]) -> bool:
        """Whether there is a file, or a folder with something in it that is not mounted there. An empty one that is a
        mount is the board's.
        """
        full, real = self.root + path, self._real(path)
        if os.path.islink(full) or not os.path.isdir(full):
            return os.path.lexists(full)
        inner = [point for point in points if point.startswith(real + "/")]
        if real in points or inner or os.path.ismount(full):
            children = [os.path.join(real, name) for name in os.listdir(full)]
            return any(child not in points and self._has(child, points) for child in children)
        return True

    def _remove(self, path: str) -> None:
        """Remove it, but nothing that is mounted below it; one that is a mount itself stays, empty."""
        full, real, points = self.root + path, self._real(path), self._points()
        try:
            if os.path.islink(full) or not os.path.isdir(full):
                os.unlink(full)
            elif real in points or os.path.ismount(full) or any(point.startswith(real + "/") for point in points):
                for child in [os.path.join(real, name) for name in os.listdir(full)]:
                    if child not in points:
                        self._remove(child)
            else:
                shutil.rmtree(full)
        except FileNotFoundError:
            return
        except OSError as error:
            raise Problem("cannot remove %s" % path, found=error.strerror, next_step="remove it by hand") from error
