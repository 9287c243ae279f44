# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes on on the board: services, swap, the time."""

from __future__ import annotations

import re
from typing import Optional

from ansible_collections.riscv.k3s.plugins.module_utils._system.host import Host
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

ON, OFF, SET = "on", "off", "set"
_ENABLED = ("enabled", "enabled-runtime", "static", "alias", "indirect", "generated", "linked")
_CLOCK = re.compile(r"(\d+) at uptime (\d+)\Z")
_NEAR = 5  # seconds


def read_service(host: Host, name: str) -> Optional[str]:
    """ "enabled active", each of the words with its contrary."""
    if host.is_there("/run/systemd/system"):
        kept = host.run("systemctl", "is-enabled", name, check=False).out.strip() in _ENABLED
        active = host.run("systemctl", "is-active", name, check=False).out.strip() == "active"
    elif host.is_there("/etc/init.d/" + name) and host.has("rc-service"):
        rows = host.run("rc-update", "show").out.splitlines()
        kept = any(re.match(r" *%s *\|.*\b(default|boot)\b" % re.escape(name), row) for row in rows)
        active = host.run("rc-service", name, "status", check=False).rc == 0
    else:
        return None
    return "%s %s" % ("enabled" if kept else "disabled", "active" if active else "inactive")


def write_service(host: Host, name: str, value: str) -> None:
    """Have a service started at each boot or not, and running or not."""
    kept, active = value.split(" ")
    start = "start" if active == "active" else "stop"
    if host.is_there("/run/systemd/system"):
        host.run("systemctl", "enable" if kept == "enabled" else "disable", name)
        host.run("systemctl", start, name)
        return
    # rc-update fails where there is nothing to delete.
    host.run("rc-update", "add" if kept == "enabled" else "del", name, "default", check=kept == "enabled")
    host.run("rc-service", name, start)


def read_swap(host: Host, name: str) -> Optional[str]:
    """Whether a device or file is used as swap."""
    lines = (host.read("/proc/swaps") or "").splitlines()[1:]
    if name in [line.split()[0] for line in lines if line.split()]:
        return ON
    return OFF if host.is_there(name) else None


def write_swap(host: Host, name: str, value: str) -> None:
    """Use it as swap, or no longer."""
    host.run("swapon" if value == ON else "swapoff", name, timeout=600)


def read_clock(host: Host, name: str) -> Optional[str]:
    """Whether the clock is right, by what the controller's was at an uptime of this board: "SECONDS at uptime N"."""
    behind = round(_wanted(host, name) - host.now())
    return SET if abs(behind) <= _NEAR else "%d s %s" % (abs(behind), "behind" if behind > 0 else "ahead")


def write_clock(host: Host, name: str, value: str) -> None:
    """Set the clock."""
    host.set_clock(_wanted(host, name))


def _wanted(host, name):
    match = _CLOCK.match(name)
    if not match:
        raise Problem("this is no time at an uptime", found=name)
    return int(match.group(1)) + host.uptime() - int(match.group(2))
