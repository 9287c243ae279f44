# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Health gates over the joined view of a board: which are shut, and what is said of wrong expressions."""

from __future__ import annotations

import pytest
from fake_fleet import PAUSE, STOCK, FakeFleet

from ansible_collections.riscv.k3s.plugins.filter import shut_gates as door
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import gates as _gates

SOURCE = "registry.example:5000/riscv64/coredns:1"
OTHER = "sha256:" + "b" * 64
HASH = "pod-template-hash"


def row(fix="tag", image=STOCK, source=SOURCE, tag_from=None, locked=None):
    return {"image": image, "fix": fix, "source": source, "tag_from": tag_from, "locked": locked}


def plan(*rows):
    return {"architecture": "riscv64", "images": list(rows)}


@pytest.fixture(name="fleet")
def _fleet():
    return FakeFleet()


def shut(fleet, board="board-2", gates=_gates.DEFAULT_GATES, before=None, rows=(row(),)):
    api = fleet.server["api"]
    return _gates.judge(gates, _gates.view(board, plan(*rows), fleet.boards[board], api, before or api))


def test_a_healthy_board(fleet):
    assert shut(fleet) == [] == shut(fleet, "board-1")


def test_k3s_does_not_run(fleet):
    fleet.agent["k3s"]["running"] = False
    (sentence,) = shut(fleet)
    assert sentence.startswith("gate 'k3s runs': k3s does not run") and '"running": false' in sentence


@pytest.mark.parametrize("how", [{"unreachable": True}, {"failed": False, "failed_when_result": False}])
def test_a_look_that_failed_shuts_every_gate(fleet, how):
    """The role lets it fail, so the result does not call it so."""
    failed = dict(how, msg="Connection timed out")
    sentences = _gates.judge(_gates.DEFAULT_GATES, _gates.view("board-2", plan(row()), failed, fleet.server["api"], {}))
    assert "Connection timed out" in sentences[0] and len(sentences) == 3
    fleet.server["api"] = failed
    assert ["the API" in sentence and "Connection timed out" in sentence for sentence in shut(fleet)] == [True]


def test_a_node_that_is_not_ready(fleet):
    fleet.server["api"]["nodes"][1]["ready"] = False
    assert [sentence.partition(":")[0] for sentence in shut(fleet)] == ["gate 'the node is Ready'"]
    assert shut(fleet, "board-1") == []


def test_a_board_that_is_no_node_is_told_so(fleet):
    fleet.agent["hostname"] = "elsewhere"
    (sentence,) = [text for text in shut(fleet) if "the node is Ready" in text]
    assert "is no node of the cluster, whose nodes are: board-1, board-2" in sentence


def test_an_api_that_does_not_answer(fleet):
    fleet.server["api"] = {"reachable": False, "error": "connection refused"}
    assert shut(fleet) == [
        "gate 'the node is Ready': the node is not Ready in the API. "
        'Found: {"reachable": false, "error": "connection refused"}'
    ]


def test_a_node_is_found_by_its_pods(fleet):
    """A node's name may differ from the host's."""
    fleet.agent["hostname"] = "elsewhere"
    assert shut(fleet)
    fleet.pod("web-1", "board-2", STOCK)
    assert shut(fleet) == []


def test_a_pod_that_broke(fleet):
    before = {"pods": []}
    fleet.waiting("web-1", "CrashLoopBackOff")
    (sentence,) = shut(fleet, before=before)
    assert sentence.startswith("gate 'pods are well'") and "default/web-1" in sentence
    assert shut(fleet, "board-1", before=before) == [], "of another board"


@pytest.mark.parametrize("changes", [{"phase": "Succeeded"}, {"phase": "Failed"}, {"deleting": True}, {"ready": True}])
def test_pods_that_are_not_broken(fleet, changes):
    fleet.waiting("web-1", "Error").update(changes)
    assert shut(fleet, before={"pods": []}) == []


def test_what_was_broken_before_does_not_count(fleet):
    owner = {"kind": "ReplicaSet", "name": "web"}
    old = fleet.waiting("web-1", "ImagePullBackOff", owner=owner)
    before = {"pods": [dict(old)]}
    assert shut(fleet, before=before) == []
    old.update(name="web-2", uid="another")
    assert shut(fleet, before=before) == [], "made again by its owner"
    old["owner"] = {"kind": "ReplicaSet", "name": "other"}
    assert shut(fleet, before=before) != []


def test_a_roll_out_makes_another_replica_set_of_the_same_deployment(fleet):
    old = fleet.waiting("web-1", "Error", owner={"kind": "ReplicaSet", "name": "web-a"}, labels={HASH: "a"})
    before = {"pods": [dict(old)]}
    old.update(uid="another", owner={"kind": "ReplicaSet", "name": "web-b"}, labels={HASH: "b"})
    assert shut(fleet, before=before) == []


@pytest.mark.parametrize(
    "rows, sentences",
    [
        ([row("present")], []),
        ([row("mirror")], []),
        ([row("stock", "docker.io/rancher/x:1"), row("impossible", "docker.io/rancher/y:1")], []),
        ([row("tag", tag_from=PAUSE)], []),
        ([row("tag", "docker.io/rancher/x:1")], ["docker.io/rancher/x:1 is not in the store"]),
        ([row("patch")], [SOURCE + " is not in the store"]),
        ([row("flag", PAUSE)], [SOURCE + " is not in the store"]),
        ([row("tag", locked=OTHER)], ["%s has the digest sha256:%s, expected is %s" % (STOCK, "a" * 64, OTHER)]),
    ],
)
def test_lacking(fleet, rows, sentences):
    assert _gates.lacking(plan(*rows), fleet.agent["images"]) == sentences
    assert bool(shut(fleet, rows=rows)) == bool(sentences)


def test_lacking_by_content(fleet):
    images = [dict(image) for image in fleet.agent["images"]]
    images[0]["digest"] = OTHER
    images[1]["platforms"] = ["linux/amd64"]
    assert _gates.lacking(plan(row("present")), images) == [STOCK + " is amd64, expected is riscv64"]
    assert "has the digest" in _gates.lacking(plan(row("tag", PAUSE, tag_from=STOCK)), images)[0]
    assert _gates.lacking(plan(row()), None) == [STOCK + " is not in the store"]


@pytest.mark.parametrize(
    "gate, text",
    [
        ({"name": "a", "query": "k3s.["}, "the query of the gate 'a' is not a JMESPath expression. Found: k3s.["),
        ({"name": "a", "query": "lenght(pods)"}, "the query of the gate 'a' is not a JMESPath expression"),
        ({"name": "a", "query": "length(pods, pods)"}, "the query of the gate 'a' is not a JMESPath expression"),
        ({"name": "a", "query": "board", "found": "]"}, "the found of the gate 'a' is not a JMESPath expression"),
        ({"name": "a"}, "a gate needs a name and a query"),
        ({"query": "board"}, "a gate needs a name and a query"),
        ("k3s.running", "a gate needs a name and a query"),
        ({"name": "a", "query": "board", "mesage": "x"}, "the gate 'a' has keys that are not known. Found: mesage"),
    ],
)
def test_wrong_gates_are_named(gate, text):
    with pytest.raises(Problem) as failed:
        _gates.read([{"name": "good", "query": "board"}, gate])
    assert str(failed.value).startswith(text) and "riscv_k3s_gates, number 2" in str(failed.value)


def test_gates_are_a_list():
    with pytest.raises(Problem, match="riscv_k3s_gates must be a list"):
        _gates.read({"name": "a", "query": "board"})
    assert _gates.read([]) == []


def test_jmespath_is_needed_for_gates_only(monkeypatch):
    monkeypatch.setattr(_gates, "jmespath", None)
    assert _gates.read([]) == []
    with pytest.raises(Problem, match="health gates need jmespath on the controller"):
        _gates.read(_gates.DEFAULT_GATES)


@pytest.mark.parametrize(
    "query, is_open",
    [
        ("length(pods) == `0`", False),
        ("length(pods)", True),
        ("length(images[?contains(platforms, 'linux/riscv64')]) == `2`", True),
        ("pods[?relation == 'orphan']", False),
        ("board == 'board-2'", True),
        ("nothing", False),
        ("max_by(pods, &board)", False),
        ("length(pods[?max_by(containers, &restarts).restarts > `5`]) == `0`", True),
    ],
)
def test_own_gates(fleet, query, is_open):
    fleet.pod("web-1", "board-2", STOCK)
    sentences = shut(fleet, gates=[{"name": "own", "query": query}])
    assert (sentences == []) == is_open
    assert not sentences or sentences[0].startswith("gate 'own'")


def test_a_value_of_another_type_shuts_the_gate(fleet):
    assert "gate 'own' cannot be evaluated" in shut(fleet, gates=[{"name": "own", "query": "length(node.ready)"}])[0]


def test_the_filter_takes_the_default_gates(fleet):
    api = fleet.server["api"]
    assert door.shut_gates(fleet.agent, plan(row()), board="board-2", api=api, before=api) == []
    assert len(door.shut_gates(fleet.agent, plan(row()), board="board-2", api={"msg": "timed out"})) == 1
    assert door.shut_gates({}, plan(row()), board="board-2", gates=[]) == []
