# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What prepare decides, in tables: what was seen of a board's system, and the rows and settings that follow."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.preflight import (
    KERNEL,
    parse_preflight,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.system import (
    MODULES_FILE,
    SYSCTL_FILE,
    parse_system,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._prepare import cluster as _cluster
from ansible_collections.riscv.k3s.plugins.plugin_utils._prepare.facts import own_text
from ansible_collections.riscv.k3s.plugins.plugin_utils._prepare.plan import STEPS, plan

FORWARD, BRIDGE, BRIDGE6 = (
    "net.ipv4.ip_forward",
    "net.bridge.bridge-nf-call-iptables",
    "net.bridge.bridge-nf-call-ip6tables",
)
# A kernel that has everything, and a system that is as k3s needs it.
BUILT_IN = ["release 6.6.0"] + ["config /boot/config-6.6.0 CONFIG_%s=y" % name for name in KERNEL]
BUILT_IN += ["cgroup2 cpu cpuset memory pids", "iptables iptables v1.8.9 (nf_tables)"]
ALL_ON = ["modular"] + ["sysctl %s 1" % name.replace(".", "/") for name in (FORWARD, BRIDGE, BRIDGE6)]
KEPT = own_text(["%s = 1" % name for name in (FORWARD, BRIDGE, BRIDGE6)])
OWN = ["own %s %s" % (SYSCTL_FILE, line) for line in KEPT.splitlines()]


def seen(preflight=(), system=(), without=()):
    """A board that has all but the lines that begin with one of ``without``, and that has the given ones."""

    def text(lines, more):
        return "\n".join([line for line in lines if not line.startswith(tuple(without) or "\0")] + list(more))

    return {
        "preflight": parse_preflight(text(BUILT_IN, preflight)),
        "system": parse_system(text(ALL_ON + OWN, system)),
    }


def decide(observed, *chosen, cluster=None):
    return plan(observed, "board-1", chosen, _cluster.cluster([]) if cluster is None else cluster)


def of(planned, step, state):
    return [row["text"] for row in planned["rows"] if (row["step"], row["state"]) == (step, state)]


def test_a_board_that_lacks_nothing():
    planned = decide(seen(), *STEPS)
    assert {row["state"] for row in planned["rows"]} == {"ok"}, planned["lines"]
    assert (planned["system"], planned["changes"], planned["reboot"], planned["left"]) == ([], 0, [], [])


MODULE = "CONFIG_BRIDGE_NETFILTER"
CAN_LOAD = ["config /boot/config-6.6.0 %s=m" % MODULE, "dep br_netfilter"]
MODULES = [
    ("not loaded", CAN_LOAD, (), ["br_netfilter"], ["br_netfilter"]),
    ("loaded, not kept", [CAN_LOAD[0], "loaded br_netfilter", "dep br_netfilter"], (), [], ["br_netfilter"]),
    (
        "loaded and kept",
        [CAN_LOAD[0], "loaded br_netfilter"],
        ["own %s %s" % (MODULES_FILE, line) for line in own_text(["br_netfilter"]).splitlines()],
        [],
        None,
    ),
    (
        "two, another kept",
        [*CAN_LOAD, "config /boot/config-6.6.0 CONFIG_VXLAN=m", "dep vxlan"],
        ["own %s %s" % (MODULES_FILE, line) for line in own_text(["br_netfilter"]).splitlines()],
        ["br_netfilter", "vxlan"],
        ["br_netfilter", "vxlan"],
    ),
]


@pytest.mark.parametrize(
    "preflight, system, loaded, kept", [row[1:] for row in MODULES], ids=[row[0] for row in MODULES]
)
def test_modules(preflight, system, loaded, kept):
    planned = decide(seen(preflight, system), "modules")
    settings = {(one["kind"], one["name"]): one for one in planned["system"]}
    assert [name for kind, name in settings if kind == "module"] == loaded
    file = settings.get(("file", MODULES_FILE))
    assert (file["content"] if file else None) == (own_text(kept) if kept else None)
    assert planned["changes"] == len(settings)


LACKING = [
    ("not set", ["config /boot/config-6.6.0 # CONFIG_VXLAN is not set"], "kernel", "CONFIG_VXLAN is not set"),
    ("no module", ["config /boot/config-6.6.0 CONFIG_VXLAN=m"], "hand", "package of this kernel's modules"),
    ("no module at all", ["config /boot/config-6.6.0 # CONFIG_MEMCG is not set"], "kernel", "CONFIG_MEMCG"),
]


@pytest.mark.parametrize("preflight, state, text", [row[1:] for row in LACKING], ids=[row[0] for row in LACKING])
def test_what_no_setting_mends_is_told_with_the_option(preflight, state, text):
    planned = decide(seen(preflight), "modules")
    (told,) = of(planned, "modules", state)
    assert text in told and planned["left"] == [told]
    assert planned["system"] == [] and of(planned, "modules", "ok") == []


def test_a_kernel_of_which_nothing_is_known():
    planned = decide(seen(without=["config "]), "modules")
    (told,) = of(planned, "modules", "unknown")
    assert "br_netfilter" in told and planned["changes"] == 0


SYSCTLS = [
    ("forward off", ["sysctl net/ipv4/ip_forward 0"], {FORWARD: "1"}),
    ("bridge off", ["sysctl net/bridge/bridge-nf-call-iptables 0"], {BRIDGE: "1"}),
    ("all off", ["sysctl %s 0" % name.replace(".", "/") for name in (FORWARD, BRIDGE)], {FORWARD: "1", BRIDGE: "1"}),
]


@pytest.mark.parametrize("system, wanted", [row[1:] for row in SYSCTLS], ids=[row[0] for row in SYSCTLS])
def test_sysctls(system, wanted):
    planned = decide(seen(system=system), "sysctl")
    assert {one["name"]: one["value"] for one in planned["system"]} == wanted
    assert of(planned, "sysctl", "ok") == []


def test_sysctls_are_kept():
    planned = decide(seen(without=["own "]), "sysctl")
    assert planned["system"] == [{"kind": "file", "name": SYSCTL_FILE, "content": KEPT, "mode": "0644"}]


def test_a_setting_that_comes_with_a_module():
    """It is loaded first; without the module nothing can be set, and that is told."""
    off = ["sysctl net/bridge"]
    comes = decide(seen(CAN_LOAD, without=[*off, "config /boot/config-6.6.0 %s=" % MODULE]), "modules", "sysctl")
    assert [one["name"] for one in comes["system"]] == ["br_netfilter", MODULES_FILE, BRIDGE, BRIDGE6]
    planned = decide(seen(["config /boot/config-6.6.0 # %s is not set" % MODULE], without=off), "modules", "sysctl")
    assert len(of(planned, "sysctl", "hand")) == len(of(planned, "modules", "kernel")) == 1
    (file,) = planned["system"]
    assert file["content"] == own_text([FORWARD + " = 1"])


@pytest.mark.parametrize(
    "line, told",
    [
        ("boot /etc/sysctl.conf net.ipv4.ip_forward = 0", 1),
        ("boot /etc/sysctl.d/99-zzz.conf net/ipv4/ip_forward=0", 1),
        ("boot /etc/sysctl.d/99-zzz.conf net/ipv4/ip_forward=1", 0),
        ("boot /etc/sysctl.d/10-net.conf net.ipv4.ip_forward = 0", 0),
        ("boot /etc/sysctl.conf net.ipv6.conf.all.forwarding = 0", 0),
    ],
)
def test_a_file_that_says_otherwise_at_the_next_boot(line, told):
    assert len(of(decide(seen(system=[line]), "sysctl"), "sysctl", "hand")) == told


def test_a_cluster_with_ipv6():
    both = _cluster.cluster([{"config": {"cluster-cidr": ["10.42.0.0/16,fd00:42::/56"]}}])
    names = [one["name"] for one in decide(seen(), "sysctl", cluster=both)["system"]]
    assert names == ["net.ipv6.conf.all.forwarding", SYSCTL_FILE]


def test_what_is_not_chosen_is_only_told():
    observed = seen(CAN_LOAD, ["sysctl net/ipv4/ip_forward 0"])
    planned = decide(observed)
    assert (planned["system"], planned["changes"]) == ([], 0)
    assert sum("would" in line and "not chosen" in line for line in planned["lines"]) == 3
    one = decide(observed, "sysctl")
    assert [setting["name"] for setting in one["system"]] == [FORWARD]
    assert [row["step"] for row in one["rows"] if row["state"] == "change" and not row["chosen"]] == ["modules"] * 2


def test_each_row_says_what_it_is_needed_for():
    observed = seen(CAN_LOAD, ["sysctl net/ipv4/ip_forward 0"], without=["own "])
    rows = [row for row in decide(observed, *STEPS)["rows"] if row["state"] != "ok"]
    assert rows and all(row["needed_for"] for row in rows)


def test_what_was_not_seen_is_a_problem():
    with pytest.raises(Problem, match="cannot be read"):
        decide({"preflight": None, "system": None, "errors": [{"section": "preflight", "message": "no"}]})
    with pytest.raises(Problem, match="not known"):
        decide(dict(seen(), journal={"error": "it breaks off"}))


CLUSTERS = [
    ([], (["10.42.0.0/16"], ["10.43.0.0/16"], "6443", False)),
    ([{"config": None}, {"config": {}}], (["10.42.0.0/16"], ["10.43.0.0/16"], "6443", True)),
    (
        [{"config": {"cluster-cidr": ["10.1.0.0/16", "fd00::/48"], "service-cidr": ["10.2.0.0/16"]}}],
        (["10.1.0.0/16", "fd00::/48"], ["10.2.0.0/16"], "6443", True),
    ),
    ([{"config": {"https-listen-port": "7443"}}], (["10.42.0.0/16"], ["10.43.0.0/16"], "7443", True)),
]


@pytest.mark.parametrize("servers, wanted", CLUSTERS)
def test_the_networks_are_the_cluster_s_own(servers, wanted):
    found = _cluster.cluster(servers)
    assert (found["pods"], found["services"], found["port"], found["known"]) == wanted
