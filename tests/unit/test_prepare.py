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
BUILT_IN += ["cgroup2 cpu cpuset memory pids", "iptables iptables v1.8.9 (nf_tables)", "init systemd", "time 1000000"]
ALL_ON = ["modular", "iptables /usr/sbin/iptables", "rules nft", "uptime 100", "service chrony enabled active"]
ALL_ON += ["sysctl %s 1" % name.replace(".", "/") for name in (FORWARD, BRIDGE, BRIDGE6)]
KEPT = own_text(["%s = 1" % name for name in (FORWARD, BRIDGE, BRIDGE6)])
OWN = ["own %s %s" % (SYSCTL_FILE, line) for line in KEPT.splitlines()]


def seen(preflight=(), system=(), without=()):
    """A board that has all but the lines that begin with one of ``without``, and that has the given ones."""

    def text(lines, more):
        return "\n".join([line for line in lines if not line.startswith(tuple(without) or "\0")] + list(more))

    return {
        "preflight": parse_preflight(text(BUILT_IN, preflight)),
        "system": parse_system(text(ALL_ON + OWN, system)),
        "observed_at": 1000003,
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


# step, lines of preflight, lines of system, lines without; then the state and words of a row, the settings and whether
# a boot is waited for.
CASES = {
    "iptables of k3s": ("iptables", [], [], ["iptables /"], "ok", "the one that it brings along", []),
    "no iptables": ("iptables", [], [], ["iptables "], "unknown", "no iptables was found", []),
    "nft refused, legacy there": (
        "iptables",
        [],
        [
            "refused iptables: Failed to initialize nft: Protocol not supported",
            "alternative iptables /usr/sbin/iptables-legacy",
            "alternative iptables /usr/sbin/iptables-nft",
            "alternative ip6tables /usr/sbin/ip6tables-legacy",
        ],
        [],
        "change",
        "choose the variant legacy",
        ["alternative iptables=/usr/sbin/iptables-legacy", "alternative ip6tables=/usr/sbin/ip6tables-legacy"],
    ),
    "nft refused, nothing else": (
        "iptables",
        [],
        ["refused no"],
        [],
        "hand",
        "prefer-bundled-bin",
        [],
    ),
    "legacy refused": (
        "iptables",
        ["iptables iptables v1.8.9 (legacy)"],
        ["refused can't initialize", "alternative iptables /usr/sbin/iptables-nft"],
        [],
        "change",
        "choose the variant nft",
        ["alternative iptables=/usr/sbin/iptables-nft"],
    ),
    "nft that repeats rules": (
        "iptables",
        ["iptables iptables v1.8.4 (nf_tables)"],
        ["alternative iptables /usr/sbin/iptables-legacy"],
        [],
        "change",
        "repeats rules",
        ["alternative iptables=/usr/sbin/iptables-legacy"],
    ),
    "rules of both": ("iptables", [], ["rules legacy"], [], "hand", "reboot the board", []),
    "memory off": (
        "cgroups",
        ["cgroup2 cpu cpuset pids"],
        ["loader /boot/firmware/cmdline.txt lacks"],
        [],
        "change",
        "/boot/firmware/cmdline.txt",
        ["kernel_options /boot/firmware/cmdline.txt=cgroup_enable=memory cgroup_memory=1"],
    ),
    "memory off, not booted yet": (
        "cgroups",
        ["cgroup2 cpu cpuset pids"],
        ["loader /boot/cmdline.txt has"],
        [],
        "hand",
        "boot the board",
        [],
    ),
    "memory off, by a word": (
        "cgroups",
        ["cgroup2 cpu cpuset pids"],
        ["loader /boot/cmdline.txt has", "cmdline cgroup_disable=memory"],
        [],
        "change",
        "/boot/cmdline.txt",
        ["kernel_options /boot/cmdline.txt=cgroup_enable=memory cgroup_memory=1"],
    ),
    "memory off, no boot loader": (
        "cgroups",
        ["cgroup2 cpu cpuset pids"],
        [],
        [],
        "hand",
        "no boot loader's file is known",
        [],
    ),
    "memory not built": (
        "cgroups",
        ["cgroup2 cpu cpuset pids", "config /boot/c # CONFIG_MEMCG is not set"],
        ["loader /boot/cmdline.txt lacks"],
        [],
        "kernel",
        "CONFIG_MEMCG",
        [],
    ),
    "pids not built": (
        "cgroups",
        ["cgroup2 cpu cpuset memory", "config /boot/c # CONFIG_CGROUP_PIDS is not set"],
        [],
        [],
        "kernel",
        "CONFIG_CGROUP_PIDS",
        [],
    ),
    "cpu not in /proc/cgroups": (
        "cgroups",
        ["cgroup2 cpuset memory pids", "cgroup memory 1 0"],
        [],
        [],
        "kernel",
        "CONFIG_CGROUP_SCHED",
        [],
    ),
    "cpu held by v1": (
        "cgroups",
        ["cgroup2 cpuset memory pids", "cgroup cpu 1 2", "cgroup memory 1 0"],
        [],
        [],
        "hand",
        "missing controllers: cpu. A hierarchy of cgroup v1 holds cpu",
        [],
    ),
    "memory held by v1": (
        "cgroups",
        ["cgroup2 cpu cpuset pids", "cgroup memory 1 7"],
        ["loader /boot/cmdline.txt lacks"],
        [],
        "hand",
        "systemd.unified_cgroup_hierarchy=1",
        [],
    ),
    "cpuset disabled": (
        "cgroups",
        ["cgroup2 cpu memory pids", "cgroup cpuset 0 0"],
        [],
        [],
        "hand",
        "cgroup_disable=",
        [],
    ),
    "cpuset, as the host of a container keeps it": (
        "cgroups",
        ["cgroup2 cpu memory pids", "cgroup cpuset 1 0"],
        [],
        [],
        "hand",
        "does not offer it",
        [],
    ),
    "why is not known": ("cgroups", ["cgroup2 memory pids"], [], [], "unknown", "why there are no controllers cpu", []),
    "cgroups not known": ("cgroups", [], [], ["cgroup2"], "unknown", "cpu, cpuset, memory, pids", []),
    "a time service that is off": (
        "time",
        [],
        ["service chrony disabled inactive", "service ntpd enabled inactive"],
        [],
        "change",
        "have chrony run",
        ["service chrony=enabled active"],
    ),
    "one that runs and is not kept": (
        "time",
        [],
        ["service chrony disabled inactive", "service ntpd disabled active"],
        [],
        "change",
        "have ntpd run",
        ["service ntpd=enabled active"],
    ),
    "no time service": ("time", [], [], ["service "], "hand", "install chrony", []),
    "no known service manager": ("time", ["init sysv"], [], ["service "], "unknown", "service manager", []),
    "a clock that is behind": (
        "time",
        ["time 10"],
        [],
        [],
        "change",
        "999993 s behind",
        ["clock 1000003 at uptime 100=set"],
    ),
    "a clock that differs from the controller's": (
        "time",
        ["time 1000999"],
        ["synchronized yes"],
        [],
        "hand",
        "look at the controller's clock",
        [],
    ),
    "swap": ("swap", [], ["swap /swapfile"], [], "change", "turn off /swapfile", ["swap /swapfile=off"]),
    "swap at boot": ("swap", [], ["fstab /swapfile"], [], "change", "comments", ["fstab /etc/fstab=off"]),
    "swap of zram": ("swap", [], ["swap /dev/zram0"], [], "hand", "zram-generator", ["swap /dev/zram0=off"]),
    "no firewall": ("firewall", [], [], [], "ok", "neither ufw nor firewalld", []),
    "rules of nobody": (
        "firewall",
        ["rule -A FORWARD -s 10.42.0.0/16 -j DROP"],
        [],
        [],
        "hand",
        "Whoever made it must open it",
        [],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_step(case):
    step, preflight, system, without, state, text, settings = case
    planned = decide(seen(preflight, system, without), step)
    assert [told for told in of(planned, step, state) if text in told], planned["lines"]
    assert ["%(kind)s %(name)s=%(value)s" % one for one in planned["system"]] == settings
    assert bool(planned["reboot"]) == (step == "cgroups" and text.endswith(("cmdline.txt", "boot the board")))
    assert not decide(seen(preflight, system, without))["system"]


CLUSTER = {"pods": ["10.42.0.0/16"], "services": ["10.43.0.0/16"], "port": "6443", "known": True, "nodes": ["10.0.0.2"]}
PASSED = [
    "allow from 10.42.0.0/16",
    "route allow from 10.42.0.0/16",
    "allow from 10.43.0.0/16",
    "allow from 10.0.0.2 to any port 8472 proto udp",
    "allow from 10.0.0.2 to any port 10250 proto tcp",
]
API = "allow from 10.0.0.2 to any port 6443 proto tcp"
ETCD = "allow from 10.0.0.2 to any port 2379:2380 proto tcp"


@pytest.mark.parametrize(
    "rules, more, wanted",
    [
        ([], {}, PASSED),
        (["allow 22/tcp", *PASSED[:3]], {}, PASSED[3:]),
        (PASSED, {}, []),
        (PASSED, {"is_server": True}, [API]),
        (PASSED, {"is_server": True, "servers": 3}, [API, ETCD]),
        (PASSED, {"pods": ["10.1.0.0/16"]}, ["allow from 10.1.0.0/16", "route allow from 10.1.0.0/16"]),
    ],
)
def test_ufw(rules, more, wanted):
    lines = ["ufw active"] + ["ufwrule " + rule for rule in rules]
    planned = decide(seen(system=lines), "firewall", cluster=dict(CLUSTER, **more))
    assert [one["name"] for one in planned["system"]] == wanted
    assert bool(of(planned, "firewall", "ok")) == (not wanted)


def zones(place, sources="", rules=()):
    lines = ["public (default, active)", "  target: default", "  sources: ", "  rich rules: "]
    lines += ["\t" + rule for rule in rules] + ["", "trusted", "  target: ACCEPT", "  sources: " + sources, ""]
    return ["zone %s %s" % (place, line) for line in lines]


RULES = [
    'rule family="ipv4" source address="10.0.0.2" port port="%s" protocol="%s" accept' % row
    for row in (("8472", "udp"), ("10250", "tcp"))
]


def test_firewalld():
    """What is there now and what is kept are two things."""
    both = "10.42.0.0/16 10.43.0.0/16"
    lines = ["firewalld public", *zones("runtime", both, RULES), *zones("permanent", both, RULES)]
    assert of(decide(seen(system=lines), "firewall", cluster=CLUSTER), "firewall", "ok")
    lines = ["firewalld public", *zones("runtime", both, RULES), *zones("permanent", "10.42.0.0/16", RULES[:1])]
    planned = decide(seen(system=lines), "firewall", cluster=CLUSTER)
    assert [one["name"] for one in planned["system"]] == [
        "permanent trusted source 10.43.0.0/16",
        "permanent public rich-rule " + RULES[1],
    ]
    lines = ["firewalld public", *zones("runtime"), *zones("permanent")]
    assert len(decide(seen(system=lines), "firewall", cluster=CLUSTER)["system"]) == 8


def test_networks_that_no_server_told_are_named():
    planned = decide(seen(system=["ufw active"]), "firewall")
    assert of(planned, "firewall", "unknown") == [
        "no server told its networks, so k3s's defaults are taken: 10.42.0.0/16, 10.43.0.0/16"
    ]


def test_services_as_systemd_tells_them():
    text = "\n".join("unit " + line for line in [
        "Id=chrony.service", "LoadState=loaded", "ActiveState=inactive", "UnitFileState=disabled", "",
        "Id=ntpd.service", "LoadState=not-found", "ActiveState=inactive", "UnitFileState=", "",
        "Id=systemd-timesyncd.service", "LoadState=loaded", "ActiveState=active", "UnitFileState=enabled",
    ])  # fmt: skip
    assert parse_system(text)["services"] == {
        "chrony": "disabled inactive", "systemd-timesyncd": "enabled active"
    }  # fmt: skip


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


@pytest.mark.parametrize("name", ["ufw", "firewalld"])
def test_a_firewall_that_did_not_say_is_not_known(name):
    planned = decide(seen(system=["silent " + name]), "firewall", cluster=CLUSTER)
    assert not of(planned, "firewall", "ok") and not planned["system"]
    assert of(planned, "firewall", "unknown") == ["whether %s is at work: it did not say" % name]


@pytest.mark.parametrize("address", ["any", "0.0.0.0", "::", "10.0.0.9/8", "10.0.0.9 to any"])
def test_nothing_is_opened_to_what_is_no_address(address):
    """A node tells its address itself."""
    nodes = [{"name": "n2", "internal_ip": address}, {"name": "n3", "internal_ip": "10.0.0.3"}]
    own = _cluster.of_board(_cluster.cluster([]), nodes, {}, False, 1)
    planned = decide(seen(system=["ufw active"]), "firewall", cluster=own)
    names = [one["name"] for one in planned["system"]]
    assert names and all("from 10." in name and " any " not in name.partition(" to ")[0] for name in names)
    assert any("10.0.0.3" in name for name in names) and not any("10.0.0.9" in name for name in names)
    assert "the address of node n2, so nothing is opened to it" in of(planned, "firewall", "unknown")


@pytest.mark.parametrize(
    "config", [{"cluster-cidr": "0.0.0.0/0"}, {"service-cidr": "any"}, {"https-listen-port": "any"}]
)
def test_what_a_server_tells_that_is_no_network_or_port_is_refused(config):
    with pytest.raises(Problem, match="is none"):
        _cluster.cluster([{"config": config}])
