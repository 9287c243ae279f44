# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps modules and sysctl: what the running kernel is told, now and at the next boot. Pure."""

from __future__ import annotations

from typing import Iterator, List

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import system as _preflight
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.preflight import KERNEL as _OPTIONS
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.system import MODULES_FILE, SYSCTL_FILE
from ansible_collections.riscv.k3s.plugins.plugin_utils._prepare.facts import (
    CHANGE,
    HAND,
    KERNEL,
    OK,
    UNKNOWN,
    Facts,
    Row,
    a_file,
    listed,
    own_text,
    value,
)

_BRIDGED = "net.bridge.bridge-nf-call-iptables"
_FOR_PODS = "traffic of pods"
_FOR_BRIDGE = "traffic from pods to services on the same node"


def modules(facts: Facts) -> Iterator[Row]:
    """Modules of the kernel: loaded now, and at each boot."""
    rows = {row["name"]: row for row in _preflight.preflight(facts.preflight) if _is_of_kernel(row["name"])}
    where = dict(facts.preflight["modules"], **dict.fromkeys(_present(facts), "loaded"))
    kept = [name for name in _OPTIONS.values() if name and where.get(name) in ("loaded", "can be loaded")]
    missing = [name for name in kept if where[name] != "loaded"]
    if missing:
        needed_for = listed(list(dict.fromkeys(rows[name]["needed_for"] for name in missing)))
        settings = [value("module", name, "loaded") for name in missing]
        yield Row("modules", CHANGE, "load %s" % listed(missing), needed_for, settings)
    if kept and facts.system["own"].get(MODULES_FILE) != own_text(kept):
        text = "have %s loaded at each boot (%s)" % (listed(kept), MODULES_FILE)
        yield Row("modules", CHANGE, text, "the same after a boot", [a_file(MODULES_FILE, kept)])
    lacking = [row for row in rows.values() if row["state"] == _preflight.MISSING]
    for row in lacking:
        yield _lacking(row)
    unknown = [row["name"] for row in rows.values() if row["state"] == _preflight.UNKNOWN]
    if unknown:
        text = "whether the kernel has %s: no configuration of it was found (/proc/config.gz, /boot/config-*)"
        yield Row("modules", UNKNOWN, text % listed(unknown))
    if not (missing or lacking or unknown):
        yield Row("modules", OK, "the kernel has what k3s needs")


def _present(facts: Facts) -> List[str]:
    """Modules that can be loaded, and that /sys tells to be in the kernel already."""
    return [name for name in facts.system["present"] if facts.preflight["modules"].get(name) == "can be loaded"]


def _is_of_kernel(name):
    """Not the rows of other steps."""
    return not name.startswith(("cgroup ", "net.")) and name != "iptables"


def _lacking(row):
    if "=m" in row["detail"]:
        text = "%s: %s. Install the package of this kernel's modules, or boot a kernel whose modules are there"
        return Row("modules", HAND, text % (row["name"], row["detail"]), row["needed_for"])
    text = "%s: %s. Only another kernel has it" % (row["name"], row["detail"])
    return Row("modules", KERNEL, text, row["needed_for"])


def sysctl(facts: Facts) -> Iterator[Row]:
    """Settings of the kernel: now, and at each boot."""
    values = dict(facts.system["sysctl"])
    wanted = _wanted(facts, values)
    wrong = [name for name in wanted if values.get(name) != "1"]
    for name in wrong:
        text = "set %s to 1 (it is %s)" % (name, values.get(name, "not there before br_netfilter is loaded"))
        yield Row("sysctl", CHANGE, text, _needed_for(name), [value("sysctl", name, "1")])
    lines = ["%s = 1" % name for name in wanted]
    is_kept = facts.system["own"].get(SYSCTL_FILE) == own_text(lines)
    if wanted and not is_kept:
        text = "have %s set to 1 at each boot (%s)" % (listed(wanted), SYSCTL_FILE)
        yield Row("sysctl", CHANGE, text, "the same after a boot", [a_file(SYSCTL_FILE, lines)])
    yield from _against(facts, wanted)
    if _BRIDGED not in wanted:
        text = "%s is not there: it comes with the module br_netfilter (CONFIG_BRIDGE_NETFILTER)" % _BRIDGED
        yield Row("sysctl", HAND, text, _FOR_BRIDGE)
    elif not wrong:
        yield Row("sysctl", OK, "%s are 1" % listed(wanted))


def _wanted(facts: Facts, values) -> List[str]:
    """The names, those of bridges only where they are there or come with a module that can be loaded."""
    comes = facts.preflight["modules"].get("br_netfilter") == "can be loaded"
    names = ["net.ipv4.ip_forward"]
    names += [name for name in (_BRIDGED, "net.bridge.bridge-nf-call-ip6tables") if name in values or comes]
    if any(":" in cidr for cidr in facts.cluster.get("pods", ())):
        names.append("net.ipv6.conf.all.forwarding")
    return names


def _needed_for(name):
    return _FOR_BRIDGE if name.startswith("net.bridge") else _FOR_PODS


def _against(facts: Facts, wanted) -> Iterator[Row]:
    """Files that say something else and are read after ours."""
    for path, name, number in facts.system["boot"]:
        is_later = path == "/etc/sysctl.conf" or path.rpartition("/")[2] > SYSCTL_FILE.rpartition("/")[2]
        if name in wanted and number != "1" and is_later:
            text = "%s sets %s to %s at each boot, after %s: take the line out" % (path, name, number, SYSCTL_FILE)
            yield Row("sysctl", HAND, text, _needed_for(name))
