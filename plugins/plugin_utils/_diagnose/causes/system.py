# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What k3s needs of a board's kernel and system, and whether it is there; and the board's clock."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import controllers
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.preflight import KERNEL

OK, MISSING, UNKNOWN = "ok", "missing", "unknown"
_NEEDED_FOR = {
    "OVERLAY_FS": "images of containerd (overlayfs)",
    "BRIDGE": "the network of pods",
    "BRIDGE_NETFILTER": "traffic from pods to services on the same node",
    "VETH": "the network of pods",
    "VXLAN": "flannel between boards",
    "NF_CONNTRACK": "services",
    "NF_NAT": "services",
    "NETFILTER_XT_MATCH_COMMENT": "service rules of kube-proxy",
    "NETFILTER_XT_MATCH_CONNTRACK": "service rules of kube-proxy",
    "NETFILTER_XT_MATCH_STATISTIC": "services with several endpoints",
    "NETFILTER_XT_MATCH_MULTIPORT": "network policies",
    "NETFILTER_XT_MATCH_ADDRTYPE": "service rules of kube-proxy",
    "NETFILTER_XT_MARK": "service rules of kube-proxy",
    "NETFILTER_XT_NAT": "service rules of kube-proxy",
    "NETFILTER_XT_TARGET_MASQUERADE": "traffic from pods out of the cluster",
    "IP_NF_TARGET_REJECT": "services without endpoints",
    "CGROUPS": "kubelet",
    "MEMCG": "memory limits (kubelet does not start without)",
    "CGROUP_PIDS": "kubelet",
    "CPUSETS": "kubelet",
}
_SKEW = 120  # seconds; a certificate that was made a moment ago is not valid yet before that


def preflight(seen):
    """Rows {name, state, needed_for, detail} for what was read of a board's system (see _evidence.parse_preflight)."""
    if not seen:
        return []
    rows = [_feature(seen, option, module) for option, module in KERNEL.items()]
    rows += [_controller(seen, name) for name in controllers.OPTION_OF]
    for name, needed_for in (
        ("net.ipv4.ip_forward", "traffic of pods"),
        ("net.bridge.bridge-nf-call-iptables", _NEEDED_FOR["BRIDGE_NETFILTER"]),
    ):
        value = seen["sysctl"].get(name)
        state = UNKNOWN if value is None else OK if value == "1" else MISSING
        rows.append(
            {
                "name": name,
                "state": state,
                "needed_for": needed_for,
                "detail": "not readable" if value is None else value,
            }
        )
    version = seen["iptables"]
    found = version.startswith("iptables v")
    rows.append(
        {
            "name": "iptables",
            "state": OK if found else UNKNOWN,
            "needed_for": "services",
            "detail": version or "no answer",
        }
    )
    return rows


def _feature(seen, option, module):
    name = module or "CONFIG_" + option
    row = {
        "name": name,
        "state": UNKNOWN,
        "needed_for": _NEEDED_FOR[option],
        "detail": "no configuration of the kernel was found",
    }
    value, path = seen["options"].get(option, (None, None))
    where = seen["modules"].get(module)
    if value == "y" or where or (option == "OVERLAY_FS" and seen["overlay"]):
        return dict(
            row, state=OK, detail=where or ("CONFIG_%s=y in %s" % (option, path) if value else "in /proc/filesystems")
        )
    if value == "n":
        return dict(row, state=MISSING, detail="CONFIG_%s is not set in %s" % (option, path))
    if value == "m":
        return dict(
            row,
            state=MISSING,
            detail="CONFIG_%s=m in %s, and there is no such module in /lib/modules/%s"
            % (option, path, seen["release"]),
        )
    return row


def _controller(seen, name):
    found = controllers.state(seen, name)
    if found == controllers.UNKNOWN:
        return {"name": "cgroup " + name, "state": UNKNOWN, "needed_for": "kubelet", "detail": "no cgroups were found"}
    return {
        "name": "cgroup " + name,
        "state": OK if found == controllers.THERE else MISSING,
        "needed_for": "kubelet",
        "detail": _of_controller(seen, name, found),
    }


def _of_controller(seen, name, found):
    """What was read of a controller."""
    if found == controllers.UNMOUNTED:
        return "the kernel has it, and no file system of cgroups is mounted"
    enabled = seen["cgroups"].get(name)
    kernel = "/proc/cgroups: %s" % ("enabled" if enabled else "not enabled" if enabled is False else "not there")
    if found == controllers.HELD:
        kernel += ", in a hierarchy of v1"
    if seen["cgroup2"] is None:
        return kernel
    given = "cgroup.controllers: " + " ".join(seen["cgroup2"])
    return "%s; %s" % (given, kernel) if found != controllers.THERE and seen["cgroups"] else given


def _missing(fleet, wanted):
    for name, dummy in fleet.seen():
        rows = [row for row in preflight(fleet.preflight(name)) if row["state"] == MISSING and wanted(row["name"])]
        if rows:
            yield name, rows


def kernel(fleet):
    """Features that the kernel lacks, by its own configuration."""
    for name, rows in _missing(fleet, lambda one: not one.startswith(("cgroup ", "net."))):
        evidence = ["%s: %s (for %s)" % (row["name"], row["detail"], row["needed_for"]) for row in rows]
        remedy = "Boot a kernel that has them, or install the modules of this one."
        title = "The kernel of %s lacks %s" % (name, ", ".join(row["name"] for row in rows))
        yield m.Finding(
            title, m.LIKELY, ("board", name, name), evidence, remedy, shell.command("k3s", "check-config"), name
        )


def cgroups(fleet):
    """Controllers of cgroups that are off."""
    for name, rows in _missing(fleet, lambda one: one.startswith("cgroup ")):
        lacks = controllers.lacking(fleet.preflight(name))
        yield m.Finding(
            "%s lacks %s" % (name, ", ".join(row["name"] for row in rows)),
            m.CERTAIN,
            ("board", name, name),
            ["%s: %s" % (row["name"], row["detail"]) for row in rows],
            controllers.remedy(lacks),
            controllers.command(lacks),
            name,
            is_prepared=controllers.is_prepared(lacks),
        )


def sysctls(fleet):
    """Settings of the network that are off."""
    for name, rows in _missing(fleet, lambda one: one.startswith("net.")):
        # k3s sets them itself before its containerd starts.
        if name in fleet.starting and not fleet.boards[name]["k3s"]["running"]:
            continue
        for row in rows:
            evidence = ["sysctl %s = %s" % (row["name"], row["detail"])]
            remedy = "Switch it on, and keep it so in /etc/sysctl.d: it is needed for %s." % row["needed_for"]
            command = shell.command("sysctl", "-w", "%s=1" % row["name"])
            yield m.Finding(
                "%s is off on %s" % (row["name"], name),
                m.CERTAIN,
                ("board", name, name),
                evidence,
                remedy,
                command,
                name,
            )


def clock(fleet):
    """A board whose time differs from the controller's."""
    for name, dummy in fleet.seen():
        skew = clock_skew(fleet, name)
        if skew is not None and abs(skew) > _SKEW:
            evidence = [
                "date on %s: %d s %s the controller's" % (name, abs(skew), "ahead of" if skew > 0 else "behind")
            ]
            remedy = (
                "Set it, and let NTP keep it: "
                "a board without a battery starts in the past, and then no certificate is valid."
            )
            yield m.Finding(
                "The clock of %s is wrong" % name,
                m.LIKELY,
                ("board", name, name),
                evidence,
                remedy,
                fleet.set_clock(name),
                m.CONTROLLER,
            )


def is_clock_right(fleet, board):
    """Whether a board's clock is known to be that of the controller."""
    skew = clock_skew(fleet, board)
    return skew is not None and abs(skew) <= _SKEW


def clock_skew(fleet, board):
    """Seconds that a board's clock is ahead of the controller's, None when unknown."""
    moment = fleet.preflight(board).get("time")
    return None if moment is None else round(moment - fleet.boards[board].get("observed_at", fleet.now))


CAUSES = [
    m.Cause(
        "cgroup-missing",
        "The board lacks a controller of cgroups.",
        "`cgroup.controllers`, or `/proc/cgroups`",
        cgroups,
    ),
    m.Cause(
        "sysctl-off",
        "A setting of the kernel's network is off.",
        "`net.ipv4.ip_forward`, `net.bridge.bridge-nf-call-iptables`",
        sysctls,
    ),
    m.Cause(
        "clock",
        "The board's clock is wrong.",
        "`date` on the board differs from the controller's by more than two minutes",
        clock,
    ),
    m.Cause(
        "kernel-feature-missing",
        "The kernel lacks something that k3s needs.",
        "`/proc/config.gz` or `/boot/config-*`, and the modules that are there",
        kernel,
    ),
]
