# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the running kernel is told: modules and settings (sysctl)."""

from __future__ import annotations

import re
from typing import Optional

from ansible_collections.riscv.k3s.plugins.module_utils._system.host import Host
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

LOADED = "loaded"
_NAME = re.compile(r"[a-zA-Z0-9_]+\Z")
_SYSCTL = re.compile(r"[a-z0-9_-]+(\.[a-zA-Z0-9_-]+)+\Z")


def read_module(host: Host, name: str) -> Optional[str]:
    """Whether a module is loaded."""
    _require(_NAME, name, "the name of a kernel module")
    lines = (host.read("/proc/modules") or "").splitlines()
    is_listed = any(line.split(" ")[0] == name for line in lines)
    return LOADED if is_listed or host.is_there("/sys/module/" + name) else "absent"


def write_module(host: Host, name: str, value: str) -> None:
    """Load a module. None is ever unloaded: others may use it."""
    host.run("modprobe", name)


def read_sysctl(host: Host, name: str) -> Optional[str]:
    """The value of a kernel's setting now."""
    _require(_SYSCTL, name, "the name of a sysctl")
    text = host.read(_path(name))
    return None if text is None else text.strip()


def write_sysctl(host: Host, name: str, value: str) -> None:
    """Give a kernel's setting a value."""
    host.write_kernel(_path(name), value + "\n")


def _path(name: str) -> str:
    return "/proc/sys/" + name.replace(".", "/")


def _require(pattern: re.Pattern, name: str, what: str) -> None:
    if not pattern.match(name):
        raise Problem("this is not %s" % what, found=name)
