# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts of an inventory are the boards, and which are servers: a table of inventories."""

from __future__ import annotations

import pathlib

import pytest
import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings import groups as _groups


def inventory(**groups):
    hosts = list(dict.fromkeys(host for members in groups.values() for host in members))
    grouped = {host for name, members in groups.items() if name != "ungrouped" for host in members}
    return {"all": hosts, "ungrouped": [host for host in hosts if host not in grouped], **groups}


TABLE = {
    "k3s-ansible": (
        inventory(k3s_cluster=["s", "a"], server=["s"], agent=["a"]),
        (["k3s_cluster"], ["s"]),
    ),
    "its group renamed": (inventory(k3s=["s", "a"], server=["s"], agent=["a"]), (["server", "agent"], ["s"])),
    "its group left empty": (inventory(k3s_cluster=[], server=["s"], agent=["a"]), (["server", "agent"], ["s"])),
    "servers alone": (inventory(server=["s"]), (["server"], ["s"])),
    "servers and agents, and what runs elsewhere, too": (
        inventory(server=["s"], agent=["a"], node_exporter=["s", "db"]),
        (["server", "agent"], ["s"]),
    ),
    "servers, and what is no board": (inventory(server=["s"], bastion=["b"]), (["server"], ["s"])),
    "older k3s-ansible": (inventory(master=["s"], node=["a"]), (["master", "node"], ["s"])),
    "older k3s-ansible, with its group": (
        inventory(k3s_cluster=["a", "s"], master=["s"], node=["a"]),
        (["k3s_cluster"], ["s"]),
    ),
    "roles for k3s": (inventory(k3s_master=["s"], k3s_node=["a"]), (["k3s_master", "k3s_node"], ["s"])),
    "kubespray": (
        inventory(kube_control_plane=["s"], etcd=["s"], kube_node=["a"], k8s_cluster=["s", "a"]),
        (["kube_control_plane", "kube_node", "k8s_cluster"], ["s"]),
    ),
    "a server that is a node, too": (
        inventory(kube_control_plane=["s"], kube_node=["s", "a"]),
        (["kube_control_plane", "kube_node"], ["s"]),
    ),
    "a cluster and other servers": (
        inventory(server=["web"], k3s_cluster=["s", "a"], k3s_master=["s"], k3s_node=["a"]),
        (["k3s_cluster"], ["s"]),
    ),
    "a cluster of boards without a role": (inventory(k3s_cluster=["s", "a"]), (["k3s_cluster"], [])),
    "two names for the same": (
        inventory(server=["s"], agent=["a"], master=["s"], node=["a"]),
        (["server", "agent"], ["s"]),
    ),
    "two clusters": (
        inventory(cluster1=["s1", "a1"], cluster2=["s2", "a2"], server=["s1", "s2"], agent=["a1", "a2"]),
        (["server", "agent"], ["s1", "s2"]),
    ),
    "servers and agents within a group of one's own": (
        inventory(server=["s"], agent=["a"], home=["s", "a", "nas"]),
        (["server", "agent"], ["s"]),
    ),
    "a server, and where the work is done": (
        inventory(server=["s"], k3s_tools=["localhost"], site=["s", "localhost"]),
        (["server"], ["s"]),
    ),
    "kubespray's whole cluster within a group of one's own": (
        inventory(k8s_cluster=["s", "a"], home=["s", "a", "nas"]),
        (["k8s_cluster"], []),
    ),
}
WRONG = {
    "a flat list": (inventory(ungrouped=["b1", "b2"]), "has no groups"),
    "names of one's own": (inventory(boards=["b1", "b2"], others=["c"]), "groups are boards (2), others (1)"),
    "nothing": (inventory(), "an inventory without hosts"),
    "empty groups": (inventory(k3s_cluster=[], server=[], agent=[]), "an inventory without hosts"),
    "two that differ": (inventory(server=["web"], k3s_master=["s"], k3s_node=["a"]), "several groups could be"),
    # Of their agents no group that is known by its name tells.
    "servers, and workers": (inventory(master=["s"], worker=["a"], k3s=["s", "a"]), "several groups could be"),
    "servers, and workers in a group of clusters": (
        inventory(kubernetes=["s", "a"], master=["s"], worker=["a"]),
        "several groups could be",
    ),
    "servers, and agents by another name": (inventory(server=["s"], k3s_agent=["a"]), "several groups could be"),
    "a server within a group of one's own": (inventory(server=["s"], pis=["s", "a"]), "several groups could be"),
    # Others have such groups, too: a monitoring's, a build server's.
    "a server and agents of something else": (
        inventory(server=["monitor"], agent=["h1", "h2"], k3s=["s"]),
        "several groups could be",
    ),
    "a master and nodes of something else": (
        inventory(master=["builder"], node=["n"], k3s_servers=["s"], k3s_agents=["a"]),
        "several groups could be",
    ),
    "one that is less": (inventory(server=["s"], master=["s"], node=["a"]), "several groups could be"),
}


@pytest.mark.parametrize("name", TABLE)
def test_the_boards_and_the_servers_of_an_inventory(name):
    groups, (patterns, servers) = TABLE[name]
    assert _groups.fleet_hosts(groups) == patterns
    assert _groups.declared_servers(groups) == servers


@pytest.mark.parametrize("name", WRONG)
def test_where_it_is_not_clear_which_are_the_boards_it_is_asked_for(name):
    groups, told = WRONG[name]
    with pytest.raises(Problem) as error:
        _groups.fleet_hosts(groups)
    assert told in str(error.value)
    assert ("riscv_k3s_hosts" if groups["all"] else "-i") in error.value.next_step


def test_what_is_named_goes_before_every_group():
    groups = inventory(k3s_cluster=["s"], others=["b1", "b2"])
    assert _groups.fleet_hosts(groups, "others", ["b1", "b2"]) == ["others"]
    assert _groups.fleet_hosts(groups, ["b2", "b1"], ["b2", "b1"]) == ["b2", "b1"]


def test_what_is_named_must_match_a_host_of_the_inventory():
    groups = inventory(k3s_cluster=["s"])
    for matched in ([], ["localhost"]):
        with pytest.raises(Problem) as error:
            _groups.fleet_hosts(groups, "bords", matched)
        assert "riscv_k3s_hosts matches no host" in str(error.value) and "k3s_cluster (1)" in str(error.value)


def test_a_limit_must_leave_a_board():
    _groups.within_limit(["s", "a"], None, [])
    _groups.within_limit(["s", "a"], "a", ["a"])
    with pytest.raises(Problem, match="--limit leaves no board") as error:
        _groups.within_limit(["s", "a"], "web", ["web"])
    assert (error.value.found, error.value.where) == ("web", "s, a")


def test_names_of_an_inventory_are_shown_printable_and_not_without_end():
    groups = inventory(**{"g%d\x1b[31m" % number: ["h"] for number in range(1000)})
    with pytest.raises(Problem) as error:
        _groups.fleet_hosts(groups)
    assert "\x1b" not in str(error.value) and "and 992 more" in str(error.value) and len(str(error.value)) < 600


def test_a_group_of_servers_that_is_named_must_be_there():
    groups = inventory(k3s_cluster=["s", "a"], control=["a"], server=["s"])
    assert _groups.declared_servers(groups, "control") == ["a"]
    with pytest.raises(Problem, match="there is no group contrl"):
        _groups.declared_servers(groups, "contrl")


@pytest.mark.parametrize(
    "declared, roles, servers, lines",
    [
        (["s"], {"s": "server", "a": "agent"}, ["s"], 0),
        (["s"], {"s": None, "a": None}, ["s"], 0),
        (["s"], {}, ["s"], 0),
        ([], {"a": "agent", "s": "server"}, ["s"], 0),
        (["a"], {"s": "server", "a": "agent"}, ["s"], 2),
        (["s1", "s2"], {"s1": "agent", "s2": None, "a": "agent"}, ["s2"], 1),
        (["s1"], {"s2": "server", "s1": "server"}, ["s1", "s2"], 1),
    ],
)
def test_what_a_board_is_goes_before_what_the_inventory_says(declared, roles, servers, lines):
    assert _groups.seen_servers(declared, roles) == servers
    assert len(_groups.disagreements(declared, roles, "server")) == lines


def test_a_disagreement_names_the_board_and_both_sides():
    [of_agent, of_server] = _groups.disagreements(["b1"], {"b1": "agent", "b2": "server"}, "control")
    assert of_agent.startswith("b1: in the inventory it is among the servers (riscv_k3s_server_group is control), ")
    assert "on the board k3s is an agent" in of_agent
    assert of_server.startswith("b2: in the inventory it is not among the servers") and "k3s is a server" in of_server


def test_a_limit_that_leaves_out_the_machine_that_works():
    """The play would be skipped without a word, and upgrade_check end as if all were safe."""
    _groups.controller_within_limit(None, [])
    _groups.controller_within_limit("b1,localhost", ["localhost"])
    with pytest.raises(Problem, match="--limit leaves out localhost.*Found: b1. Next: .*--limit b1,localhost"):
        _groups.controller_within_limit("b1", [])


PLAYBOOKS = pathlib.Path(__file__).resolve().parents[2] / "playbooks"
WORK_HERE = ("build_images", "enroll", "prepare_upgrade", "publish", "upgrade", "upgrade_check")


@pytest.mark.parametrize("path", sorted(PLAYBOOKS.glob("*.yml")), ids=lambda path: path.stem)
def test_no_playbook_begins_with_what_a_limit_can_skip(path):
    first, *rest = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert ("fleet_hosts', controller=true" in first["hosts"]) == (path.stem in WORK_HERE)
    here = [play for play in rest if play.get("hosts") == "localhost"]
    assert first["hosts"] != "localhost" and (not here or path.stem in WORK_HERE)
