# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of an upgrade: the order, what each board gets, what is refused, and how a run that was cut short at any
step goes on.
"""

from __future__ import annotations

import json

import pytest
from planning import fleet_of, observed, settings_of

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.gates import judge, view
from ansible_collections.riscv.k3s.plugins.plugin_utils._rollout.upgraded import upgraded

OLD, NEW = "v1.35.8+k3s1", "v1.36.3+k3s1"
PATH = "/usr/local/bin/k3s"


def noted(version, previous=OLD, path=PATH):
    """The journal's entry of a program that is not settled."""
    before = {"sha256": "a" * 64, "version": previous, "mode": 493, "uid": 0, "gid": 0} if previous else None
    return {path: {"sha256": "b" * 64, "version": version, "previous": before, "before": before, "links": []}}


class Cluster:
    """Boards b1, b2… that are nodes; the first ``servers`` are servers."""

    def __init__(self, *runs, servers=1, **settings):
        self.servers = ["b%d" % number for number in range(1, servers + 1)]
        self.nodes = [
            {
                "name": "b%d" % number,
                "uid": "u%d" % number,
                "ready": True,
                "kubelet": version,
                "role": "server" if number <= servers else "agent",
            }
            for number, version in enumerate(runs, 1)
        ]
        self.seen = {
            "b%d" % number: observed(
                k3s={"installed": True, "program": PATH, "version": version, "running": True},
                journal={"programs": {}, "lease": None},
            )
            for number, version in enumerate(runs, 1)
        }
        self.settings = dict({"target_version": NEW, "binary": "/files/k3s"}, **settings)
        self.api = True
        self.more = {}

    def change(self, board, k3s=None, programs=None, node=None):
        self.seen[board]["k3s"].update(k3s or {})
        if programs is not None:
            self.seen[board]["journal"]["programs"] = programs
        for row in self.nodes:
            if row["name"] == board:
                row.update(node or {})
        return self

    def plan(self, boards=None, **settings):
        api = {"reachable": self.api, "error": None if self.api else "no", "pods": []}
        api["nodes"] = self.nodes if self.api else []
        given = settings_of(**dict(self.settings, **settings))
        rows = {
            name: (dict(seen, api=api) if name in self.servers else seen, given)
            for name, seen in self.seen.items()
            if boards is None or name in boards
        }
        away = {name: dict(self.seen[name], api=api) for name in self.servers if name not in rows}
        return upgraded(fleet_of(rows, servers=self.servers, away=away, **self.more))


def test_servers_one_by_one_then_agents_by_share():
    made = Cluster(*[OLD] * 6, servers=2, serial=[1, "100%"]).plan()
    assert made["waves"] == [["b1"], ["b2"], ["b3"], ["b4", "b5", "b6"]]
    assert (made["changes"], made["problems"], made["begun"], made["recover"]) == (6, {}, False, [])
    row = made["boards"]["b3"]
    assert (row["runs"], row["goal"], row["restart"], row["binary"]["replace"]) == (OLD, NEW, True, True)
    assert row["binary"]["version"] == NEW and row["binary"]["path"] == PATH
    assert made["lines"][0] == "b1, b2: server, %s -> %s" % (OLD, NEW)
    assert made["lines"][-1] == "wave 4 of 4: b4, b5, b6"


def test_nothing_to_do():
    made = Cluster(NEW, NEW).plan(binary=None)
    assert (made["changes"], made["waves"], made["problems"], made["begun"]) == (0, [], {}, False)
    assert made["lines"] == ["b1: server, runs %s" % NEW, "b2: agent, runs %s" % NEW]


def test_the_rest_of_a_fleet():
    made = Cluster(NEW, NEW, OLD).plan()
    assert made["waves"] == [["b3"]] and not made["begun"]


def test_the_document_is_plain_data():
    made = Cluster(OLD, OLD).plan(token="hunter2")
    assert json.loads(json.dumps(made))["target"] == NEW and "hunter2" not in json.dumps(made)


def test_the_first_gate_is_that_the_new_version_runs():
    cluster = Cluster(OLD, OLD)
    made = cluster.plan()
    board = made["boards"]["b2"]
    seen = dict(cluster.seen["b2"], hostname="b2", sandboxes=[])
    api = {"reachable": True, "nodes": cluster.nodes, "pods": []}

    def shut():
        return judge(board["settings"]["gates"], view("b2", board, seen, api, made["api"]))

    assert len(shut()) == 1 and "does not run k3s %s" % NEW in shut()[0] and OLD in shut()[0]
    cluster.change("b2", node={"kubelet": NEW})
    assert shut() == []
    cluster.change("b2", node={"ready": False})
    assert "the node is not Ready" in shut()[0]


def test_gates_of_the_inventory_come_after_it():
    made = Cluster(OLD).plan(gates=[])
    assert [gate["name"] for gate in made["boards"]["b1"]["settings"]["gates"]] == ["the new version runs"]


@pytest.mark.parametrize(
    "state, binary, restart, resumed",
    [
        # It was put there, and k3s was not stopped yet.
        ({"k3s": {"version": NEW}, "programs": noted(NEW)}, True, True, True),
        # It was noted, and not put there yet.
        ({"programs": noted(NEW)}, True, True, True),
        # k3s was stopped, or did not start yet: the API still has what it was.
        ({"k3s": {"version": NEW, "running": False}, "programs": noted(NEW)}, True, True, True),
        # It runs, and its gates were not seen open.
        ({"k3s": {"version": NEW}, "programs": noted(NEW), "node": {"kubelet": NEW}}, False, False, True),
        # It ran.
        (
            {"k3s": {"version": NEW, "running": False}, "programs": noted(NEW), "node": {"kubelet": NEW}},
            False,
            True,
            True,
        ),
        # The program of before is back, and was not seen well.
        ({"programs": noted(OLD)}, True, True, False),
        ({"programs": noted(OLD), "node": {"kubelet": NEW}}, True, True, False),
        # The version that is wanted is another one now.
        ({"k3s": {"version": "v1.36.2+k3s1"}, "programs": noted("v1.36.2+k3s1")}, True, True, False),
        # Settled.
        ({"programs": noted(OLD, previous=None)}, True, True, False),
        # By hand, and not restarted.
        ({"k3s": {"version": NEW}}, True, True, False),
    ],
)
def test_an_agent_that_an_earlier_run_left(state, binary, restart, resumed):
    made = Cluster(NEW, OLD).change("b2", **state).plan()
    row = made["boards"]["b2"]
    assert (bool(row["binary"]), row["restart"], row["resumed"]) == (binary, restart, resumed), row["line"]
    assert made["waves"] == [["b2"]] and made["begun"] == resumed and made["problems"] == {}


@pytest.mark.parametrize(
    "k3s, line",
    [
        ({}, "%s is installed, and its node is not Ready"),
        ({"running": False}, "%s is installed, and does not run"),
        ({"running": None}, "%s is installed, and whether it runs is not known"),
    ],
)
def test_runs_is_said_only_of_what_was_seen_to_run(k3s, line):
    """A node that is not Ready tells what ran when its kubelet last reported; site, which ends the run, judges it."""
    made = Cluster(NEW, NEW).change("b2", k3s=k3s, node={"ready": False}).plan()
    assert made["lines"] == ["b1: server, runs %s" % NEW, "b2: agent, " + line % NEW] and made["changes"] == 0


def test_a_node_that_is_not_ready_and_a_program_that_tells_nothing():
    made = Cluster(NEW, NEW).change("b2", k3s={"version": None}, node={"ready": False}).plan()
    assert "which version of k3s runs is not known. Found: its node is not Ready" in made["problems"]["b2"]


def test_a_server_that_an_earlier_run_left_down_comes_first():
    cluster = Cluster(OLD, OLD).change("b1", k3s={"version": NEW, "running": False}, programs=noted(NEW))
    cluster.api = False
    made = cluster.plan()
    row = made["boards"]["b1"]
    assert made["recover"] == ["b1"] and list(made["boards"]) == ["b1"] and made["problems"] == {}
    assert (row["runs"], row["goal"], row["binary"], row["restart"], row["resumed"]) == (OLD, NEW, None, True, True)
    assert made["waves"] == [["b1"]] and "as an earlier run began" in made["lines"][0]


def test_so_does_one_whose_program_came_back():
    cluster = Cluster(OLD, OLD).change("b1", k3s={"running": False}, programs=noted(OLD))
    cluster.api = False
    assert cluster.plan()["boards"]["b1"]["goal"] == OLD


def test_an_api_that_does_not_answer():
    cluster = Cluster(OLD, OLD)
    cluster.api = False
    made = cluster.plan()
    assert set(made["problems"]) == {"b1", "b2"} and not made["boards"]
    assert "which version of k3s runs is not known. Found: the API does not answer" in made["problems"]["b1"]


@pytest.mark.parametrize(
    "cluster, options, board, text",
    [
        (Cluster("v1.34.9+k3s1", OLD), {}, "b1", "one minor version at a time, and v1.36 is further"),
        (Cluster(OLD), {"target_version": "v1.34.9+k3s1"}, "b1", "not taken back"),
        (Cluster(OLD, OLD), {"boards": ["b2"]}, "b2", "before the servers"),
        (Cluster(OLD, "v1.31.14+k3s1"), {"boards": ["b1"]}, "b1", "3 minor versions older"),
        (Cluster(OLD), {"binary": None}, "b1", "riscv_k3s_binary is not set"),
        (Cluster(OLD), {"package": "k3s", "binary": None}, "b1", "riscv_k3s_package says that a package brings it"),
        (Cluster(OLD, OLD).change("b2", k3s={"version": "v1.33.12+k3s1"}), {}, "b2", "set riscv_k3s_binary_path"),
        (Cluster(OLD, OLD).change("b2", k3s={"installed": False}), {}, "b2", "k3s is not installed"),
        (Cluster(OLD, OLD).change("b2", k3s={"installed": False, "without_program": "it runs"}), {}, "b2", "it runs"),
        (Cluster(OLD, OLD).change("b2", node={"name": "another"}), {}, "b2", "no node of the API is this board"),
        (Cluster(OLD, "v1.35.8+rke2r1"), {}, "b2", "is not known"),
    ],
)
def test_refused(cluster, options, board, text):
    made = cluster.plan(**options)
    assert text in made["problems"][board], made["problems"]


def test_no_server_is_upgraded_while_another_one_is_lost():
    cluster = Cluster(OLD, OLD, OLD, servers=2)
    cluster.more = {"lost": {"b2": {}}}
    made = cluster.plan(boards=["b1", "b3"])
    assert "while a server cannot be reached. Found: b2" in made["problems"]["b1"]


@pytest.mark.parametrize(
    "variables, text",
    [({"target_version": None}, "there is no version to upgrade to"), ({"target_version": "new"}, "not a k3s version")],
)
def test_versions_that_are_none(variables, text):
    with pytest.raises(Problem, match=text):
        Cluster(OLD).plan(**variables)


def test_two_versions():
    cluster = Cluster(OLD, OLD)
    rows = {
        "b1": (cluster.seen["b1"], settings_of(target_version=NEW)),
        "b2": (cluster.seen["b2"], settings_of(target_version="v1.36.2+k3s1")),
    }
    with pytest.raises(Problem, match="upgraded to one version"):
        upgraded(fleet_of(rows))


@pytest.mark.parametrize("target", [NEW[1:], NEW + "\n", " " + NEW])
def test_a_target_is_the_version_that_nodes_say(target):
    """No node says 1.36.3+k3s1: each board would have been taken back."""
    made = Cluster(OLD, NEW).plan(target_version=target)
    assert made["target"] == NEW and made["waves"] == [["b1"]]
    assert made["boards"]["b1"]["settings"]["gates"][0]["query"] == "node.kubelet == '%s'" % NEW


def test_no_server_is_upgraded_while_one_that_is_no_board_of_this_run_is_not_ready():
    """With --limit nobody would look at it, and etcd could lose its quorum."""
    cluster = Cluster(OLD, OLD, OLD, OLD, servers=3).change("b3", node={"ready": False})
    made = cluster.plan(boards=["b1"])
    assert "another one is not Ready: etcd could lose its quorum. Found: b3" in made["problems"]["b1"]
    # Agents stop nobody's quorum, and of the boards of a run each is waited for.
    assert cluster.plan()["problems"] == {}
    old = Cluster(NEW, NEW, OLD, servers=2).change("b2", node={"ready": False})
    assert old.plan(boards=["b3"])["problems"] == {}


def test_a_server_that_is_no_board_of_this_run_and_does_not_tell_its_role_is_one():
    cluster = Cluster(OLD, OLD).change("b1", node={"role": None})
    assert "before the servers" in cluster.plan(boards=["b2"])["problems"]["b2"]


def test_a_server_that_an_earlier_run_left_goes_before_the_others():
    """Each waits until all others answer: one that is down would never have had its turn."""
    cluster = Cluster(OLD, OLD, servers=2).change("b2", programs=noted(NEW), k3s={"version": NEW, "running": False})
    assert cluster.plan()["waves"] == [["b2"], ["b1"]]


@pytest.mark.parametrize(
    "runs, target, refused",
    [
        ("v1.36.3+k3s-abc1234", "v1.36.3+k3s1", False),
        ("v1.36.3+k3s1", "v1.36.3+k3s-abc1234", False),
        ("v1.36.3+k3s2", "v1.36.3+k3s1", True),
        ("v1.36.3+k3s1", "v1.36.3-rc1+k3s1", True),
    ],
)
def test_builds_of_one_version(runs, target, refused):
    made = Cluster(runs).plan(target_version=target)
    assert ("not taken back" in made["problems"].get("b1", "")) == refused and made["changes"] == 1
