# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel and the system offer: what preflight.sh looks for, and the reader of what it writes. Pure."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils._output.rows import reads
from ansible_collections.riscv.k3s.plugins.module_utils.text import redact

# Kernel features that k3s needs: option of the kernel's configuration to module.
KERNEL = {
    "OVERLAY_FS": "overlay",
    "BRIDGE": "bridge",
    "BRIDGE_NETFILTER": "br_netfilter",
    "VETH": "veth",
    "VXLAN": "vxlan",
    "NF_CONNTRACK": "nf_conntrack",
    "NF_NAT": "nf_nat",
    "NETFILTER_XT_MATCH_COMMENT": "xt_comment",
    "NETFILTER_XT_MATCH_CONNTRACK": "xt_conntrack",
    "NETFILTER_XT_MATCH_STATISTIC": "xt_statistic",
    "NETFILTER_XT_MATCH_MULTIPORT": "xt_multiport",
    "NETFILTER_XT_MATCH_ADDRTYPE": "xt_addrtype",
    "NETFILTER_XT_MARK": "xt_mark",
    "NETFILTER_XT_NAT": "xt_nat",
    "NETFILTER_XT_TARGET_MASQUERADE": "xt_MASQUERADE",
    "IP_NF_TARGET_REJECT": "ipt_REJECT",
    "CGROUPS": None,
    "MEMCG": None,
    "CGROUP_PIDS": None,
    "CPUSETS": None,
}


def read_preflight(seen):
    """The part ``preflight``."""
    return {"preflight": seen.out("preflight", parse_preflight)}


@reads("the preflight")
def parse_preflight(text):
    """The part ``preflight`` as {release, time, options: {name: (value, file)}, modules: {name: where}, overlay,
    sysctl, cgroup2, cgroups, held (those of them that a hierarchy of v1 has), unmounted (no file system of cgroups),
    iptables, rules, firewalld, init, cni, addresses, elsewhere, mirrors: {registry: [url]}}."""
    seen: dict = {
        "release": "",
        "time": None,
        "options": {},
        "modules": {},
        "overlay": False,
        "sysctl": {},
        "cgroup2": None,
        "cgroups": {},
        "held": [],
        "unmounted": False,
        "iptables": "",
    }
    seen.update(rules=[], firewalld=False, init="sysv", cni=[], addresses={}, elsewhere=[], mirrors={})
    registry = None
    for line in text.splitlines():
        key, dummy, value = line.partition(" ")
        if key == "config":
            path, dummy, option = value.partition(" ")
            match = re.match(r"(?:# )?CONFIG_(\w+)(?:=(.*)| is not set)$", option)
            if match:
                seen["options"][match.group(1)] = (match.group(2) or "n", path)
        elif key in ("loaded", "builtin", "dep"):
            where = {"loaded": "loaded", "builtin": "built in", "dep": "can be loaded"}[key]
            seen["modules"].setdefault(value.strip(), where)
        elif key == "filesystem":
            seen["overlay"] = True
        elif key == "sysctl":
            name, dummy, number = value.partition(" ")
            seen["sysctl"][name.replace("/", ".")] = number.strip()
        elif key == "cgroup2":
            seen["cgroup2"] = value.split()
        elif key == "cgroup":
            name, enabled, hierarchy = (value.split() + [""] * 3)[:3]
            seen["cgroups"][name] = enabled == "1"
            if hierarchy.isdecimal() and hierarchy.strip("0"):
                seen["held"].append(name)
        elif key == "unmounted":
            seen["unmounted"] = True
        elif key == "rule":
            seen["rules"].append(value)
        elif key == "firewalld":
            seen["firewalld"] = True
        elif key in ("cni", "elsewhere"):
            seen[key].append(value)
        elif key == "address":
            name, dummy, address = value.partition(":")
            seen["addresses"][name.strip()] = address.strip().strip("\"'")
        elif key == "mirror":
            # Without an endpoint, too: one that has settings of its own is not asked by the mirror for all others.
            registry = value
            seen["mirrors"].setdefault(registry, [])
        elif key == "endpoint" and registry:
            seen["mirrors"][registry].append(redact(value))
        elif key == "time":
            seen["time"] = int(value) if value.isdigit() else None
        elif key in ("release", "iptables", "init"):
            seen[key] = value
    return seen
