# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is merely starting is no finding; what stays broken, or can be told at once, is one."""

from __future__ import annotations

import pytest
from fake_board import SHELLS, TOKEN, FakeBoard
from fake_fleet import NOW, STOCK, FakeFleet, ago

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import REGISTRY
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes.starting import OF_K3S, PASSES
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.table import text
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.last_words import seconds_of_k3s
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import Seen, split_output
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import observe
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.board import read_board

PULL = 'failed to resolve reference "%s": failed to do request: Head "https://reg.example:5000/v2/": dial tcp: '
REFUSED = PULL % "reg.example:5000/a/b:1" + "connect: connection refused"
NOT_FOUND = "rpc error: code = NotFound desc = failed to resolve reference: reg.example:5000/a/b:1: not found"
START = 'time="2026-11-26T08:%02d:%02dZ" level=info msg="Starting k3s v1.30.0+k3s1 (abc)"'


@pytest.fixture(name="fleet")
def _fleet():
    return FakeFleet()


def started(fleet, seconds, board="board-2"):
    fleet.boards[board]["k3s"]["seconds"] = seconds


def down(fleet, board="board-2"):
    fleet.boards[board]["k3s"]["running"] = False
    fleet.boards[board]["errors"] = [{"section": "containerd", "rc": 1, "message": "connect: connection refused"}]
    not_ready(fleet)


def not_ready(fleet, since=900):
    condition = {"status": "Unknown", "reason": "r", "message": "Kubelet stopped posting", "since": ago(since)}
    fleet.server["details"]["nodes"]["board-2"]["Ready"] = condition


def no_api(fleet):
    down(fleet, "board-1")
    fleet.server["api"] = {"reachable": False, "error": "refused", "nodes": [], "pods": [], "addons": []}
    fleet.server["details"] = None


def test_all_these_causes_there_are():
    assert set(PASSES) <= {cause.id for cause in REGISTRY}


@pytest.mark.parametrize("seconds, causes", [(0, []), (OF_K3S - 1, []), (OF_K3S, ["k3s-down"]), (None, ["k3s-down"])])
def test_a_containerd_that_does_not_answer_yet(fleet, seconds, causes):
    down(fleet)
    started(fleet, seconds)
    assert fleet.causes() == causes


def test_what_is_said_instead(fleet):
    down(fleet)
    started(fleet, 12)
    document = fleet.document()
    (row,) = document["collect"]
    assert (row["board"], row["pod"], row["command"]) == ("board-2", None, "systemctl status k3s-agent")
    assert row["text"] == (
        "The k3s of board-2 has been starting for 12 s, which may be why: k3s-down. Check again in two minutes."
    )
    assert row["text"] in text(document) and "0 findings." in text(document)[-1]


@pytest.mark.parametrize(
    "service, words, causes",
    [
        ({}, [], []),
        ({"k3s-agent": {"state": "activating", "sub_state": "start", "restarts": 0}}, [], []),
        ({"k3s-agent": {"state": "activating", "sub_state": "start", "restarts": 3}}, [], ["k3s-down"]),
        ({"k3s-agent": {"state": "activating", "sub_state": "auto-restart", "restarts": 0}}, [], ["k3s-down"]),
        ({}, [START % (0, 1), START % (1, 1), START % (2, 1), START % (2, 59)], ["k3s-down"]),
        ({}, [START % (0, 1), START % (1, 1), START % (2, 1), START % (9, 1)], []),
        ({}, [START % (2, 1), START % (2, 31), START % (2, 59)], []),
    ],
)
def test_one_that_ends_and_is_started_again_and_again_does_not_start(fleet, service, words, causes):
    down(fleet)
    started(fleet, 5)
    fleet.agent.update(service_state=service, last_words=words)
    assert fleet.causes() == causes


def test_its_last_words_are_those_of_an_earlier_time_while_it_starts(fleet):
    down(fleet)
    fleet.agent["last_words"] = ['time="2026-11-26T08:00:00Z" level=fatal msg="failed to find memory cgroup (v2)"']
    assert "cgroup-missing" in fleet.causes()
    started(fleet, 5)
    assert fleet.causes() == []


def test_a_server_that_starts_is_not_known_yet(fleet):
    no_api(fleet)
    assert fleet.document()["cluster_known"] is False and "cluster-unknown" in fleet.causes()
    started(fleet, 30, "board-1")
    document = fleet.document()
    assert (document["findings"], document["cluster_known"]) == ([], False)
    assert "cluster-unknown" in document["collect"][0]["text"] and "NOT KNOWN" in text(document)[-1]


@pytest.mark.parametrize("since, causes", [(5, []), (59, []), (61, ["node-not-ready"]), (900, ["node-not-ready"])])
def test_a_node_that_is_not_ready_since_seconds(fleet, since, causes):
    not_ready(fleet, since)
    assert fleet.causes() == causes


@pytest.mark.parametrize("board", ["board-1", "board-2"])
def test_a_node_may_wait_for_its_own_k3s_and_for_the_server(fleet, board):
    not_ready(fleet)
    started(fleet, 50, board)
    assert fleet.causes() == []


@pytest.mark.parametrize("seconds, causes", [(20, []), (900, ["registry-refused"])])
def test_a_pull_while_the_network_comes_up(fleet, seconds, causes):
    started(fleet, seconds)
    fleet.waiting("p", "ErrImagePull", REFUSED)
    assert fleet.causes() == causes


@pytest.mark.parametrize("reason, message, cause", [("ErrImagePull", NOT_FOUND, "no-such-image")])
def test_what_does_not_pass_is_told_at_once(fleet, reason, message, cause):
    started(fleet, 5)
    started(fleet, 5, "board-1")
    fleet.waiting("p", reason, message)
    assert fleet.causes() == [cause]


def test_what_a_kubelet_said_before_it_was_started_anew_counts_no_more(fleet):
    row = fleet.waiting("p", "ContainerCreating", sandbox=False)
    fleet.event(row, "FailedCreatePodSandBox", "context deadline exceeded")
    event = fleet.server["details"]["events"][-1]
    event.update(source="kubelet", time=ago(400))
    started(fleet, 900)
    assert fleet.causes() == ["error-unknown"], "it was started before that"
    started(fleet, 300)
    assert fleet.causes() == []
    event.update(source="default-scheduler")
    assert fleet.causes() == ["error-unknown"], "another one's word"


@pytest.mark.parametrize("age, causes", [(20, []), (90, ["probe-fails"])])
@pytest.mark.parametrize("behind", [0, 7200])
def test_a_probe_of_a_container_that_is_new_by_the_clock_of_its_board(fleet, age, causes, behind):
    row = fleet.pod("p", "board-2", "reg.example:5000/a/b:1", ready=False)
    fleet.agent["containers"][-1].update(state="running", created_at=ago(age + behind))
    fleet.agent["preflight"]["time"] = NOW - behind
    fleet.event(row, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500")
    assert [cause for cause in fleet.causes() if cause != "clock"] == causes


def test_a_pod_that_no_node_takes_yet(fleet):
    row = fleet.pod("p", "", "reg.example:5000/a/b:1", ready=False, phase="Pending", state="waiting", sandbox=False)
    fleet.event(row, "FailedScheduling", "0/2 nodes are available: 2 node(s) had untolerated taint")
    for age, causes in ((20, []), (90, ["unschedulable"])):
        row["created_at"] = ago(age)
        assert fleet.causes() == causes


@pytest.fixture(name="board")
def _board(tmp_path):
    board = FakeBoard(tmp_path)
    board.answer("ctr --namespace k8s.io version", err="ctr: failed to dial: connect: connection refused", rc=1)
    return board


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_k3s_is_looked_for_anew_where_its_containerd_did_not_answer(board, shell):
    seen = observe(board.run(["k3s", "last_words"], shell), TOKEN, ["k3s", "last_words"])
    assert (seen["k3s"]["running"], seen["k3s"]["seconds"], seen["last_words"]) == (False, None, [])
    board.process(200, ["/usr/local/bin/k3s agent"], comm="k3s-agent", started=988)
    seen = observe(board.run(["k3s", "last_words"], shell), TOKEN, ["k3s", "last_words"])
    assert (seen["k3s"]["running"], seen["k3s"]["seconds"], seen["last_words"]) == (False, 12, [])


@pytest.mark.parametrize("started_at, seconds", [("77", 923), ("1000", 0), ("1001", 0), ("", None)])
def test_where_it_answered_the_first_look_tells(board, started_at, seconds):
    sections = split_output(board.run(["k3s"]), TOKEN)
    own = dict(read_board(sections, False), uptime="1000", k3s_started=started_at)
    assert seconds_of_k3s(Seen({}, TOKEN, own, 30)) == seconds


def test_a_healthy_fleet_that_starts_has_nothing_to_say(fleet):
    for name in fleet.boards:
        started(fleet, 3, name)
    document = fleet.document()
    assert (document["findings"], document["collect"]) == ([], []) and STOCK in str(document["images"])
