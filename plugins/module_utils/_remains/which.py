# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which processes and mounts are those of a k3s: by the socket of its containerd, and by its folders. Pure.

Nothing of another container engine is among them: its shims name another socket, its mounts lie elsewhere.
"""

from __future__ import annotations

import os
from typing import Dict, Iterable, List, Mapping, NamedTuple, Sequence, Set, Tuple

SOCKET = "/run/k3s/containerd/containerd.sock"
# Folders below which all mounts are k3s's; more than that, the data folder.
_MOUNTS = ("/run/k3s", "/var/lib/kubelet")
_NAMESPACES = "/run/netns/cni-"
# What flannel and the bridge plugin make.
LINKS = ("cni0", "flannel.1", "flannel-v6.1", "kube-ipvs0", "flannel-wg", "flannel-wg-v6")


class Process(NamedTuple):
    """A process: its number, its parent's, its command line."""

    pid: int
    parent: int
    words: Tuple[str, ...]


def ours(processes: Iterable[Process], data_dir: str) -> List[Process]:
    """The shims of k3s's containerd with all that they started, and that containerd itself."""
    processes = list(processes)
    roots = [process for process in processes if _is_shim(process) or _is_containerd(process, data_dir)]
    children: Dict[int, List[Process]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    found: Dict[int, Process] = {}
    while roots:
        process = roots.pop()
        if process.pid not in found and process.pid > 1:
            found[process.pid] = process
            roots += children.get(process.pid, [])
    return [found[pid] for pid in sorted(found)]


def _is_shim(process: Process) -> bool:
    words = process.words
    name = os.path.basename(words[0]) if words else ""
    return name.startswith("containerd-shim") and ("-address", SOCKET) in zip(words, words[1:])


def _is_containerd(process: Process, data_dir: str) -> bool:
    words = process.words
    config = os.path.join(data_dir, "agent/etc/containerd/config.toml")
    return bool(words) and os.path.basename(words[0]) == "containerd" and config in words


def mounts(mountinfo: str, data_dir: str) -> List[str]:
    """The mount points below k3s's folders, the inner ones first. A folder that is a mount itself is the board's."""
    found: Set[str] = set()
    for line in mountinfo.splitlines():
        words = line.split()
        path = _unescaped(words[4]) if len(words) > 4 else ""
        if path.startswith(_NAMESPACES) or any(path.startswith(folder + "/") for folder in (*_MOUNTS, data_dir)):
            found.add(path)
    return sorted(found, key=lambda path: (-path.count("/"), path))


def _unescaped(text: str) -> str:
    """The kernel writes blanks and the like in octal digits."""
    return text.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")


def kept_rules(saved: str) -> str:
    """What iptables-save wrote, without the rules of Kubernetes, the CNI plugins and flannel."""
    return "".join(line + "\n" for line in saved.splitlines() if not _is_rule_of_k3s(line))


def _is_rule_of_k3s(line: str) -> bool:
    return "KUBE-" in line or "CNI-" in line or "flannel" in line.lower()


def bridged(links: Sequence[Mapping[str, str]]) -> List[str]:
    """The links to delete, of rows {name, master}: those in the bridge of the pods first, then the bridge."""
    names = [row["name"] for row in links]
    return [row["name"] for row in links if row["master"] == "cni0"] + [name for name in LINKS if name in names]
