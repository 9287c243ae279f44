# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps cgroups and swap: what is said to the kernel at its start, and to the system. Pure."""

from __future__ import annotations

from typing import Iterator, Mapping

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import controllers
from ansible_collections.riscv.k3s.plugins.plugin_utils._prepare.facts import (
    CHANGE,
    HAND,
    KERNEL,
    OK,
    UNKNOWN,
    Facts,
    Row,
    listed,
    value,
)

_KUBELET = "memory limits (kubelet does not start without)"


def cgroups(facts: Facts) -> Iterator[Row]:
    """Controllers of cgroups, memory above all."""
    lacks = controllers.lacking(facts.preflight)
    unknown = [
        name for name in controllers.OPTION_OF if controllers.state(facts.preflight, name) == controllers.UNKNOWN
    ]
    if controllers.UNMOUNTED in lacks.values():
        yield Row("cgroups", HAND, "no file system of cgroups is mounted. " + controllers.MOUNT, _KUBELET)
        return
    for name, why in lacks.items():
        if why == controllers.SWITCH:
            yield _memory(facts)
        elif why == controllers.NOT_BUILT:
            text = "the controller %s is missing (CONFIG_%s). Only another kernel has it"
            yield Row("cgroups", KERNEL, text % (name, controllers.OPTION_OF[name]), "kubelet")
    yield from _others(lacks)
    if unknown:
        yield Row("cgroups", UNKNOWN, "whether there are the controllers %s" % listed(unknown), "kubelet")
    if not lacks and not unknown:
        yield Row("cgroups", OK, "the controllers that kubelet needs are there")


def _others(lacks: Mapping[str, str]) -> Iterator[Row]:
    """What neither prepare nor another kernel mends."""
    for why in dict.fromkeys(lacks.values()):
        if why in (controllers.SWITCH, controllers.NOT_BUILT):
            continue
        some = {name: one for name, one in lacks.items() if one == why}
        if why == controllers.UNREAD:
            text = "why there are no controllers %s. %s" % (listed(list(some)), controllers.remedy(some))
            yield Row("cgroups", UNKNOWN, text, "kubelet")
        else:
            text = "missing controllers: %s. %s" % (listed(list(some)), controllers.remedy(some))
            yield Row("cgroups", HAND, text, "kubelet")


def _memory(facts: Facts) -> Row:
    if not facts.system["loaders"]:
        text = "the controller memory is off, and no boot loader's file is known here: have the kernel started with %s"
        return Row("cgroups", HAND, text % controllers.OPTIONS, _KUBELET)
    path, has_options = facts.system["loaders"][0]
    if has_options and not _is_disabled(facts):
        text = "the controller memory is off, though %s has the options already: boot the board"
        return Row("cgroups", HAND, text % path, _KUBELET, reboot=True)
    text = "put %s into the kernel's command line (%s)" % (controllers.OPTIONS, path)
    return Row("cgroups", CHANGE, text, _KUBELET, [value("kernel_options", path, controllers.OPTIONS)], reboot=True)


def _is_disabled(facts):
    return "cgroup_disable=memory" in facts.system["cmdline"]


def swap(facts: Facts) -> Iterator[Row]:
    """Swap. Whether k3s's kubelet accepts it, k3s decides: it is turned off only where that is chosen."""
    why = "even answers of a slow disk"
    used, kept = facts.system["swaps"], facts.system["fstab"]
    if used:
        yield Row("swap", CHANGE, "turn off %s" % listed(used), why, [value("swap", name, "off") for name in used])
    if kept:
        text = "make the lines of %s in /etc/fstab comments" % listed(kept)
        yield Row("swap", CHANGE, text, why, [value("fstab", "/etc/fstab", "off")])
    for name in used:
        if "zram" in name:
            text = (
                "%s is made at each boot by a service of its own (zram-tools, zramswap, zram-generator): turn that off"
            )
            yield Row("swap", HAND, text % name, why)
    if not used and not kept:
        yield Row("swap", OK, "there is none")
