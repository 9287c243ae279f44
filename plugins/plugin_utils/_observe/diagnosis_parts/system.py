# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a board's system is set up, beside the preflight: the reader of what system.sh writes. Pure."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.riscv.k3s.plugins.module_utils._output.rows import reads

MODULES_FILE = "/etc/modules-load.d/riscv-k3s.conf"
# After 99-sysctl.conf, by which Debian reads /etc/sysctl.conf: of two files that say a thing the later one counts.
SYSCTL_FILE = "/etc/sysctl.d/99-zz-riscv-k3s.conf"
OWN_FILES = (MODULES_FILE, SYSCTL_FILE)
SYSCTLS = (
    "net.ipv4.ip_forward",
    "net.bridge.bridge-nf-call-iptables",
    "net.bridge.bridge-nf-call-ip6tables",
    "net.ipv6.conf.all.forwarding",
)


def read_system(seen):
    """The part ``system``."""
    return {"system": seen.out("system", parse_system)}


@reads("the system")
def parse_system(text):
    """The part ``system`` as {modular, own: {path: text}, sysctl: {name: value}, boot: [(path, name, value)]}.

    ``modular`` is whether the kernel can load modules, ``own`` are the files of ours that are there, ``boot`` what
    files say of the settings at the next boot, in the order in which they are read.
    """
    seen: Dict[str, Any] = {"modular": False, "own": {}, "sysctl": {}, "boot": []}
    for line in text.splitlines():
        key, dummy, value = line.partition(" ")
        if key == "modular":
            seen["modular"] = True
        elif key == "own":
            path, dummy, rest = value.partition(" ")
            seen["own"][path] = seen["own"].get(path, "") + rest + "\n"
        elif key == "sysctl":
            name, dummy, number = value.partition(" ")
            seen["sysctl"][name.replace("/", ".")] = number.strip()
        elif key == "boot":
            path, dummy, rest = value.partition(" ")
            name, dummy, number = rest.partition("=")
            seen["boot"].append((path, name.strip().lstrip("-").replace("/", "."), number.strip()))
    return seen
