# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which processes and mounts are those of a k3s: by the socket of its containerd, and by its folders. Pure.

Nothing of another container engine is among them: its shims name another socket, its mounts lie elsewhere.
"""

from __future__ import annotations

import os
import re
from typing import Dict, Iterable, List, Mapping, NamedTuple, Sequence, Set, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import SOCKET
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# Folders below which all mounts are k3s's.
MOUNTS = ("/run/k3s", "/var/lib/kubelet")
# What k3s makes in its data folder; whatever else lies there is somebody else's. It mounts nothing in that of volumes.
_PARTS, VOLUMES = ("agent", "data", "server"), "storage"
_UNPACKED = re.compile(r"[0-9a-f]{64}(-tmp)?\Z")
_BESIDE_UNPACKED = ("current", "previous", "cni", ".lock")
# Folders that the system shares among all programs, one of which nobody gives to k3s alone.
_SHARED = frozenset(
    "/" + name
    for name in (
        ("", "bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "media", "mnt", "opt", "proc", "root", "run")
        + ("sbin", "srv", "sys", "tmp", "usr", "usr/bin", "usr/lib", "usr/local", "usr/local/bin", "usr/local/lib")
        + ("usr/sbin", "usr/share", "var", "var/cache", "var/lib", "var/log", "var/opt", "var/run", "var/spool")
        + ("var/tmp",)
    )
)
_NAMESPACES = "/run/netns/cni-"
# What flannel and the bridge plugin make.
LINKS = ("cni0", "flannel.1", "flannel-v6.1", "kube-ipvs0", "flannel-wg", "flannel-wg-v6")


class Process(NamedTuple):
    """A process: its number, its parent's, its command line."""

    pid: int
    parent: int
    words: Tuple[str, ...]


def require_own(data_dir: str) -> None:
    """Raise Problem for a data folder that cannot be k3s's alone: in it nothing is removed."""
    why = None
    if not data_dir.startswith("/") or ".." in data_dir.split("/"):
        why = "it is not a whole path, or .. is in it"
    elif os.path.normpath(data_dir).replace("//", "/") in _SHARED:
        why = "it is a folder of the system, with things of others in it"
    if why:
        raise Problem(
            "nothing is removed in the data folder %s" % (data_dir or "without a name"),
            found=why,
            next_step="remove what is k3s's there by hand: agent, data, server and storage",
        )


def parts(data_dir: str) -> List[str]:
    """The folders below the data folder that k3s makes and mounts in."""
    return [os.path.join(data_dir, name) for name in _PARTS]


def is_unpacked(name: str) -> bool:
    """Whether a name in DATA_DIR/data is k3s's: there it unpacks its programs."""
    return bool(_UNPACKED.match(name)) or name in _BESIDE_UNPACKED


def ours(processes: Iterable[Process], data_dirs: Sequence[str]) -> List[Process]:
    """The shims of k3s's containerd with all that they started, and that containerd itself; ``data_dirs`` are the names
    of its data folder.
    """
    processes = list(processes)
    roots = [process for process in processes if _is_shim(process) or _is_containerd(process, data_dirs)]
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


def _is_containerd(process: Process, data_dirs: Sequence[str]) -> bool:
    words = process.words
    configs = {os.path.join(data_dir, "agent/etc/containerd/config.toml") for data_dir in data_dirs}
    return bool(words) and os.path.basename(words[0]) == "containerd" and bool(configs & set(words))


def mount_points(mountinfo: str) -> List[str]:
    """Where something is mounted, from what the kernel says of that."""
    rows = [line.split() for line in mountinfo.splitlines()]
    return [_unescaped(words[4]) for words in rows if len(words) > 4]


def mounts(points: Iterable[str], folders: Iterable[str]) -> List[str]:
    """Those of the mount points that k3s made: below ``folders``, and networks of pods; the inner ones first. A folder
    that is a mount itself is the board's.
    """
    below = tuple(folder + "/" for folder in folders)
    found: Set[str] = {path for path in points if path.startswith(_NAMESPACES) or path.startswith(below)}
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
