# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated board's own /proc, in which k3s and its containerd run. The clock of the boot is this machine's."""

from __future__ import annotations

import pathlib

_NAMESPACES = ("self/ns/net", "self/ns/pid")
_REAL = ("uptime", "sys/kernel/random/boot_id", "net/fib_trie")


def write_k3s(board, data, role, environ=()):
    """k3s as it was started just now, with its ``data`` folder. Without k3s there is no such folder at all."""
    proc = board / "proc"
    for name in (*_NAMESPACES, *_REAL):
        (proc / name).parent.mkdir(parents=True, exist_ok=True)
    for name in _NAMESPACES:
        (proc / name).touch()
    for name in _REAL:
        (proc / name).unlink(missing_ok=True)
        (proc / name).symlink_to(pathlib.Path("/proc", name))
    words = ["containerd", "-c", "%s/agent/etc/containerd/config.toml" % data]
    _process(proc, 200, ["/usr/local/bin/k3s " + role], "k3s-" + role, 1, environ)
    _process(proc, 201, words, "containerd", 200, ())


def _process(proc, pid, words, comm, parent, environ):
    folder = proc / str(pid)
    (folder / "ns").mkdir(parents=True, exist_ok=True)
    started = int(float(pathlib.Path("/proc/uptime").read_text().split()[0]) * 100)
    for name, text in (
        ("cmdline", "".join(word + "\0" for word in words)),
        ("environ", "".join(word + "\0" for word in environ)),
        ("comm", comm + "\n"),
        ("status", "Name:\t%s\nUid:\t0\t0\t0\t0\n" % comm),
        ("cgroup", "0::/system.slice/k3s.service\n"),
        ("stat", "%d (%s) S %d %s%d 0 0\n" % (pid, comm, parent, "0 " * 17, started)),
    ):
        (folder / name).write_text(text, encoding="utf-8")
    for name in _NAMESPACES:
        space = folder / "ns" / pathlib.Path(name).name
        space.unlink(missing_ok=True)
        space.symlink_to(proc / name)
