# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a new board can join: its name, its version, and the options that servers have alike."""

from __future__ import annotations

import pytest
from test_install_document import api, fleet_of, fresh, node, of_us, run, running, settings_of

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.fleet import Board, Fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._joining import critical as _critical
from ansible_collections.riscv.k3s.plugins.plugin_utils._joining import names as _names
from ansible_collections.riscv.k3s.plugins.plugin_utils._joining import versions as _versions

SECRET = "hunter2"


def named(board, hostname):
    return dict(fresh(board), hostname=hostname)


def test_boards_of_one_name_are_refused_before_one_of_them_is_installed():
    """k3s-io/k3s#532, alexellis/k3sup#233: images of one vendor have one host name, and one node is seen for all."""
    boards = {"s1": fresh("s1"), "a1": named("a1", "Milkv"), "a2": named("a2", "milkv"), "a3": named("a3", "a3")}
    made = run(fleet_of(boards))
    assert set(made["problems"]) == {"a1", "a2"} and "milkv is also a2" in made["problems"]["a1"]
    assert "set node-name for it in riscv_k3s_agent_config" in made["problems"]["a1"]


def test_names_from_the_inventory_mend_it():
    rows = [Board("s1", named("s1", "milkv"), settings_of(server_config={"node-name": "one"}), True)]
    rows.append(Board("a1", named("a1", "milkv"), settings_of(agent_config={"with-node-id": True}), False))
    rows.append(Board("a2", named("a2", "milkv"), settings_of(), False))
    assert run(Fleet(rows, ["s1"]))["problems"] == {}


def test_a_board_that_was_written_anew_is_told_to_delete_its_node():
    """k3s-io/k3s#6054, vitobotta/hetzner-k3s#390: "Node password rejected", for ever."""
    server = of_us("s1", "s1", "a1")
    board = dict(fresh("a1"), identity=dict(fresh("a1")["identity"], boot_id="another", machine_id="new"))
    told = run(fleet_of({"s1": server, "a1": board}))["problems"]["a1"]
    assert "lets no other machine in by it" in told and "k3s kubectl delete node a1" in told
    assert "Found: a1, 10.0.0.1, Ready" in told


def test_a_board_that_has_run_is_not_asked():
    seen = dict(running("a1"), api=api("s1", "a1"))
    made = run(fleet_of({"s1": of_us("s1", "s1", "a1"), "a1": seen}))
    assert made["problems"] == {} and made["boards"]["a1"]["install"]["action"] == "left"


@pytest.mark.parametrize("name", ["my_board", "-a", "a..b", "a" * 64, "größe"])
def test_names_that_kubernetes_does_not_take(name):
    with pytest.raises(Problem, match="takes no node of this board's name"):
        _names.require("b", {"b": name}, [], "riscv_k3s_agent_config")


@pytest.mark.parametrize(
    "hostname, told, name",
    [
        # k3s-io/k3s#160, lablabs/ansible-role-rke2#417: capitals become small ones.
        ("Board-A", {}, "board-a"),
        ("a", {"node-name": "B"}, "b"),
        ("a", {"with-node-id": "true"}, None),
        ("", {}, None),
    ],
)
def test_by_which_name_a_board_becomes_a_node(hostname, told, name):
    assert _names.node_name({"hostname": hostname}, told) == name
    if name:
        _names.require("b", {"b": name}, [], "x")


@pytest.mark.parametrize(
    "one, other, names",
    [
        # k3s-io/k3s#12745: the second server was told none of the first one's options.
        (
            {"flannel-backend": "none", "disable-network-policy": True},
            {},
            ["disable-network-policy", "flannel-backend"],
        ),
        ({"disable": ["traefik", "servicelb"]}, {"disable": "traefik"}, ["disable: servicelb"]),
        ({"cluster-cidr": "10.42.0.0/16,fd00:42::/56"}, {}, ["cluster-cidr"]),
        ({"cluster-cidr": "10.1.0.0/16,fd00::/56"}, {"cluster-cidr": ["10.1.0.0/16", "fd00::/56"]}, []),
        ({"secrets-encryption": True}, {"secrets-encryption": False}, ["secrets-encryption"]),
        ({"agent-token": SECRET}, {"agent-token": "x"}, ["agent-token"]),
        # Other components may differ, and a default may be said.
        ({"disable": "traefik", "flannel-backend": "vxlan", "cluster-dns": "10.43.0.10"}, {}, []),
    ],
)
def test_options_that_servers_have_alike(one, other, names):
    assert _critical.differing(one, other) == _critical.differing(other, one) == names
    if names:
        with pytest.raises(Problem) as caught:
            _critical.require(one, other, "s2", "s1")
        assert SECRET not in str(caught.value)


def test_a_server_with_other_options_is_refused_in_the_plan():
    rows = [Board("s1", fresh("s1"), settings_of(server_config={"flannel-backend": "none"}), True)]
    rows.append(Board("s2", fresh("s2"), settings_of(), True))
    assert "other options than that one has. Found: flannel-backend" in run(Fleet(rows, ["s1", "s2"]))["problems"]["s2"]


def servers(*versions):
    return [dict(node("s%d" % number), kubelet=text, role="server") for number, text in enumerate(versions)]


@pytest.mark.parametrize(
    "target, versions, is_server, told",
    [
        # k3s-io/k3s#3217, #2996: an agent that is newer than its server.
        ("v1.36.3+k3s1", ["v1.35.8+k3s1"], False, "does not join with a newer k3s"),
        ("v1.36.3+k3s1", ["v1.36.3+k3s1", "v1.35.8+k3s1"], True, "the server s1 runs v1.35.8"),
        ("v1.32.3+k3s1", ["v1.36.3+k3s1"], False, "an agent does not join with so old a k3s"),
        ("v1.35.3+k3s1", ["v1.36.3+k3s1"], True, "a server does not join with so old a k3s"),
        ("v1.24.2+k3s2", ["v1.27.4+k3s1"], False, "so old a k3s"),
    ],
)
def test_versions_that_do_not_join(target, versions, is_server, told):
    with pytest.raises(Problem, match=told):
        _versions.require(target, servers(*versions), is_server, "b")


@pytest.mark.parametrize(
    "target, versions, is_server",
    [
        ("v1.36.3+k3s1", ["v1.36.1+k3s1"], True),
        ("v1.36.3+k3s-54c12b8f", ["v1.36.3+k3s1"], False),
        ("v1.36.0-rc2+k3s1", ["v1.36.3+k3s1"], False),
        ("v1.33.1+k3s1", ["v1.36.3+k3s1"], False),
        ("v1.36.3+k3s1", ["nonsense"], False),
        ("v1.36.3+k3s1", [], False),
    ],
)
def test_versions_that_join(target, versions, is_server):
    _versions.require(target, servers(*versions), is_server, "b")


def test_an_agent_that_would_be_newer_is_refused_in_the_plan():
    seen = of_us("s1", "s1")
    seen["api"]["nodes"] = [dict(seen["api"]["nodes"][0], kubelet="v1.35.8+k3s1", role="server")]
    assert "a newer k3s" in run(fleet_of({"s1": seen, "a1": fresh("a1")}))["problems"]["a1"]
