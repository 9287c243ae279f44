# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Controllers of cgroups: which of those that kubelet needs are missing, why, and what brings each back. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping

from ansible_collections.riscv.k3s.plugins.plugin_utils import shell

# Controllers by the kernel's option that they come with.
OPTION_OF = {"cpu": "CGROUP_SCHED", "cpuset": "CPUSETS", "memory": "MEMCG", "pids": "CGROUP_PIDS"}
# Whether there is one, and why not. A kernel gives each controller to one hierarchy: to one of v1, or to that of v2.
THERE, UNKNOWN = "there", "unknown"
UNMOUNTED = "unmounted"  # the kernel has it, and no file system of cgroups is mounted
HELD = "held"  # a hierarchy of v1 has it, so that of v2 does not
SWITCH = "switch"  # memory, which kernels of boards have off until their command line says otherwise
DISABLED = "disabled"  # the kernel has it, and says that it is off
NOT_GIVEN = "not given"  # the kernel has it, and this root of cgroups does not
NOT_BUILT = "not built"
UNREAD = "unread"  # it is missing, and /proc/cgroups was not read

OPTIONS = "cgroup_enable=memory cgroup_memory=1"
_UNIFY = (
    "Have all of them as cgroup v2: systemd.unified_cgroup_hierarchy=1 in the kernel's command line with systemd, "
    'rc_cgroup_mode="unified" in /etc/rc.conf with OpenRC; then reboot.'
)
MOUNT = (
    "Have it mounted: with OpenRC by its service cgroups (rc-update add cgroups sysinit; rc-service cgroups start), in "
    "the mode that rc_cgroup_mode in /etc/rc.conf names. Lines of cgroup in /etc/fstab are in its way."
)
V2 = (
    "The kubelet of Kubernetes 1.35 and later needs cgroup v2. %s A command line that has "
    "systemd.unified_cgroup_hierarchy=0 keeps v1. Until then, --kubelet-arg=fail-cgroupv1=false lets it start."
) % _UNIFY
_REMEDIES = {
    THERE: "The root of cgroups offers %(names)s (command), so it may have come since: start k3s again.",
    UNMOUNTED: MOUNT,
    HELD: "A hierarchy of cgroup v1 holds %(names)s (/proc/cgroups). " + _UNIFY,
    SWITCH: "Switch %%(names)s on by the kernel's command line (%s), and reboot." % OPTIONS,
    DISABLED: "The kernel has %(names)s, switched off: take cgroup_disable= for it out of the kernel's command line, "
    "and reboot.",
    NOT_GIVEN: "The kernel has %(names)s, and the root of cgroups does not offer it. Look for cgroup_disable= in the "
    "kernel's command line. What runs in a container has only what its host passes on.",
    NOT_BUILT: "The kernel does not have %(names)s: boot one that is built with %(options)s.",
    UNREAD: "Look for %(names)s in /proc/cgroups. With a hierarchy other than 0, v1 holds it: have all as "
    "cgroup v2. Without a line there, the kernel lacks it (%(options)s).",
}
_COMMANDS = {
    THERE: ("cat", "/sys/fs/cgroup/cgroup.controllers"),
    UNMOUNTED: ("cat", "/proc/mounts"),
    HELD: ("grep", "cgroup", "/proc/mounts"),
    SWITCH: ("cat", "/proc/cmdline"),
    DISABLED: ("cat", "/proc/cmdline"),
    NOT_GIVEN: ("cat", "/proc/cmdline"),
}
_NAME = re.compile(r"\b(cpuset|cpu|memory|pids)\b")


def named(text: str) -> List[str]:
    """The controllers that an error names."""
    return sorted(set(_NAME.findall(text)))


def state(seen: Mapping[str, Any], name: str) -> str:
    """Whether a board has a controller, and why not, by the part ``preflight``, which may be empty."""
    if seen.get("cgroup2") is None:
        enabled = (seen.get("cgroups") or {}).get(name)
        if not seen.get("cgroups"):
            return UNKNOWN
        if enabled:
            return UNMOUNTED if seen["unmounted"] else THERE
        return _why(seen, name)
    return THERE if name in seen["cgroup2"] else _why(seen, name)


def _why(seen: Mapping[str, Any], name: str) -> str:
    """Why a controller is missing. ``seen`` may be of a board whose /proc/cgroups could not be read."""
    read = seen.get("cgroups") or {}
    built = (seen.get("options") or {}).get(OPTION_OF[name], ("", ""))[0]
    if read.get(name) and name in seen.get("held", ()):
        return HELD
    if built == "n":
        return NOT_BUILT
    if name == "memory" and not read.get(name):
        return SWITCH
    if not read:
        return UNREAD
    if name in read:
        return NOT_GIVEN if read[name] else DISABLED
    # Newer kernels name there only what v1 may have.
    return NOT_GIVEN if built == "y" else NOT_BUILT


def lacking(seen: Mapping[str, Any], names: Iterable[str] = ()) -> Dict[str, str]:
    """{controller: why} of those that are missing, and of ``names``, of which k3s said so."""
    found = {}
    for name in OPTION_OF:
        why = state(seen, name)
        if why not in (THERE, UNKNOWN):
            found[name] = why
        elif name in names:
            found[name] = _why(seen, name) if why == UNKNOWN else _though_there(seen)
    return found


def _though_there(seen: Mapping[str, Any]) -> str:
    """Why k3s misses what the kernel has: of v1 it looks for what is mounted."""
    return UNMOUNTED if seen["cgroup2"] is None else THERE


def remedy(lacks: Mapping[str, str]) -> str:
    """What brings them back, for each reason once."""
    told = []
    for why in dict.fromkeys(lacks.values()):
        names = [name for name in lacks if lacks[name] == why]
        options = ", ".join("CONFIG_" + OPTION_OF[name] for name in names)
        told.append(_REMEDIES[why] % {"names": ", ".join(names), "options": options})
    return " ".join(told)


def command(lacks: Mapping[str, str]) -> shell.Command:
    """What shows the reason of the first."""
    return shell.command(*_COMMANDS.get(next(iter(lacks.values())), ("cat", "/proc/cgroups")))


def is_prepared(lacks: Mapping[str, str]) -> bool:
    """Whether the step cgroups of prepare has something to do: the others have no switch."""
    return SWITCH in lacks.values()
