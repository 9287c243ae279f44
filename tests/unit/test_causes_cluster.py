# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""diagnose on any cluster: several servers, boards that are no nodes, two clusters, and what is not known."""

from __future__ import annotations

import copy

import pytest
from fake_fleet import FakeFleet

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.table import text

REFUSED = {"reachable": False, "error": "connection refused", "nodes": [], "pods": [], "addons": []}


@pytest.fixture(name="fleet")
def _fleet():
    """Two servers, the first of which is board-0, and an agent."""
    fleet = FakeFleet()
    fleet.boards = {"board-0": copy.deepcopy(fleet.server), **fleet.boards}
    first = fleet.boards["board-0"]
    first.update(hostname="board-0", sandboxes=[], containers=[])
    for server in (first, fleet.server):
        server["api"]["nodes"] = [dict(fleet.server["api"]["nodes"][0], name="board-0", uid="board-0")] + copy.deepcopy(
            fleet.server["api"]["nodes"][:2]
        )
    return fleet


def boots(fleet):
    """Boards and nodes tell the boot id of their kernel."""
    for name, board in fleet.boards.items():
        board["identity"] = {"boot_id": "boot-" + name, "machine_id": name, "addresses": [], "said": []}
        for node in (board.get("api") or {}).get("nodes", ()):
            node.update(boot_id="boot-" + node["name"], machine_id=node["name"])


def silent(fleet, name="board-0"):
    fleet.boards[name]["api"] = dict(REFUSED)
    fleet.boards[name]["details"] = None


def test_a_healthy_cluster_of_two_servers_has_no_finding(fleet):
    boots(fleet)
    assert fleet.causes() == []


def test_the_first_server_whose_api_answers_is_the_one_that_counts(fleet):
    silent(fleet)
    document = fleet.document()
    assert [finding["cause"] for finding in document["findings"]] == ["api-down"]
    assert document["findings"][0]["title"] == "The API of board-0 does not answer, that of board-1 does"
    assert [board["ready"] for board in document["boards"]] == [True, True, True]
    assert {row["kubectl"] for row in document["pods"]} == {"Running"}


@pytest.mark.parametrize(
    "dead, cause",
    [
        ({"unreachable": True, "msg": "No route to host"}, "board-unreachable"),
        ({"failed": True, "msg": "timed out"}, "board-unreachable"),
    ],
)
def test_a_dead_first_server_is_the_one_finding_and_no_agent_is_called_unreachable(fleet, dead, cause):
    fleet.boards["board-0"] = dead
    document = fleet.document()
    assert [(row["cause"], row["subject"]["board"]) for row in document["findings"]] == [(cause, "board-0")]
    assert [board["observed"] for board in document["boards"]] == [False, True, True]


def test_the_finding_that_no_server_answered_is_in_the_text(fleet):
    for name in ("board-0", "board-1"):
        silent(fleet, name)
    document = fleet.document()
    assert [row["cause"] for row in document["findings"]] == ["api-down", "api-down", "cluster-unknown"]
    assert document["findings"][-1]["evidence"] == [
        "k3s kubectl on %s: connection refused" % name for name in ("board-0", "board-1")
    ]
    assert "NOT KNOWN: the cluster's view" in text(document)[-1]
    assert "NOT KNOWN" not in text(FakeFleet().document())[-1]


def test_agents_alone_do_not_show_a_healthy_cluster(fleet):
    fleet.boards = {"board-2": fleet.agent, "board-0": {"unreachable": True, "msg": "No route to host"}}
    findings = fleet.document()["findings"]
    assert [row["cause"] for row in findings] == ["board-unreachable", "cluster-unknown"]
    assert findings[1]["evidence"][1] == "board-0 was not observed"


def foreign(fleet, name="board-2"):
    fleet.agent["hostname"] = "elsewhere"
    fleet.agent["identity"]["boot_id"] = "another"


def renamed(fleet):
    fleet.agent["hostname"] = "elsewhere"


def rebooted(fleet):
    fleet.agent["identity"]["boot_id"] = "another"


def shared(fleet):
    for server in ("board-0", "board-1"):
        for node in fleet.boards[server]["api"]["nodes"]:
            node.update(boot_id="same", machine_id="same", internal_ip="")
    for board in fleet.boards.values():
        board["identity"].update(boot_id="same", machine_id="same")
    fleet.agent["hostname"] = "elsewhere"


def down(fleet):
    foreign(fleet)
    fleet.agent["k3s"]["running"] = False
    fleet.agent["errors"] = [{"section": "containerd", "rc": 1, "message": "connection refused"}]


@pytest.mark.parametrize(
    "change, expected",
    [
        (foreign, [("no-node", "certain")]),
        (rebooted, [("no-node", "likely")]),
        (shared, [("no-node", "possible")]),
        (renamed, []),
        (down, [("k3s-down", "certain")]),
    ],
)
def test_a_board_is_a_node_by_its_boot_id_whatever_its_name(fleet, change, expected):
    boots(fleet)
    change(fleet)
    findings = fleet.document()["findings"]
    assert [(row["cause"], row["confidence"]) for row in findings] == expected
    assert all(row["subject"]["board"] == "board-2" for row in findings)


def test_a_renamed_node_keeps_its_pods_and_its_condition(fleet):
    boots(fleet)
    renamed(fleet)
    fleet.pod("p", "board-2", "a:1", sandbox=False)
    fleet.boards["board-0"]["api"]["pods"] = fleet.server["api"]["pods"]
    document = fleet.document()
    assert [(board["node"], board["ready"]) for board in document["boards"]][2] == ("board-2", True)
    assert ("board-2", "p") in [(row["board"], row["name"]) for row in document["pods"]]


def test_names_alone_make_nothing_certain(fleet):
    fleet.agent["hostname"] = "elsewhere"
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["confidence"]) == ("no-node", "likely")


def test_sandboxes_of_a_board_that_is_no_node_are_no_ghosts(fleet):
    boots(fleet)
    foreign(fleet)
    fleet.sandbox("uid-x", "x", "default", "board-2")
    document = fleet.document()
    assert [row["cause"] for row in document["findings"]] == ["no-node"]
    assert [row["relation"] for row in document["pods"] if row["name"] == "x"] == [None]


def test_two_clusters_are_told_apart_and_the_others_pods_are_no_ghosts(fleet):
    boots(fleet)
    other = fleet.server["api"]
    other["nodes"] = [dict(node, uid="other-" + node["uid"]) for node in other["nodes"][1:]]
    fleet.boards["board-0"]["api"]["nodes"] = fleet.boards["board-0"]["api"]["nodes"][:1]
    fleet.boards["board-0"]["api"]["pods"] = []
    finding, empty = fleet.document()["findings"]
    assert empty["cause"] == "coredns-gone"
    assert (finding["cause"], finding["confidence"]) == ("two-clusters", "certain")
    assert finding["evidence"] == ["board-0: nodes board-0", "board-1: nodes board-1, board-2"]


def test_a_doubt_about_how_k3s_runs_is_a_finding(fleet):
    fleet.agent["doubts"] = ["k3s has not run with the data folder /x"]
    (finding,) = fleet.document()["findings"]
    assert finding["cause"] == "k3s-settings-unknown" and finding["evidence"] == fleet.agent["doubts"]


def test_k3s_s_own_account_that_names_another_folder_is_a_finding(fleet):
    for server in ("board-0", "board-1"):
        fleet.boards[server]["api"]["nodes"][2]["settings"] = {"data-dir": "/mnt/ssd"}
    (finding,) = fleet.document()["findings"]
    assert finding["cause"] == "k3s-settings-unknown" and "/mnt/ssd" in finding["evidence"][0]


def test_a_journal_that_cannot_be_read_is_a_finding(fleet):
    fleet.agent["journal"] = {"error": "the journal cannot be read. Found: it is empty"}
    (finding,) = fleet.document()["findings"]
    assert finding["cause"] == "journal-unreadable" and finding["subject"]["board"] == "board-2"


def service(state, sub_state="", restarts=0):
    return {"k3s-agent": {"state": state, "sub_state": sub_state, "restarts": restarts}}


@pytest.mark.parametrize(
    "running, state, expected",
    [
        (False, None, ("k3s-down", "certain", "k3s does not run on board-2")),
        (False, {}, ("k3s-down", "certain", "k3s does not run on board-2")),
        (False, service("failed"), ("k3s-down", "certain", "k3s does not run on board-2")),
        (
            False,
            service("activating", "start"),
            ("k3s-down", "possible", "k3s is starting on board-2, and its containerd does not answer yet"),
        ),
        (
            False,
            service("starting"),
            ("k3s-down", "possible", "k3s is starting on board-2, and its containerd does not answer yet"),
        ),
        (False, service("activating", "auto-restart", 7), ("k3s-down", "likely", "k3s does not run on board-2")),
        (None, None, ("k3s-unknown", "possible", "Whether k3s runs on board-2 is not known")),
        (None, service("active"), ("k3s-unknown", "possible", "Whether k3s runs on board-2 is not known")),
    ],
)
def test_k3s_that_starts_or_was_late_is_not_certainly_down(fleet, running, state, expected):
    fleet.agent["k3s"]["running"] = running
    fleet.agent["service_state"] = state
    fleet.agent["errors"] = [{"section": "containerd", "rc": 124, "message": "it did not finish within 30 s"}]
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["confidence"], finding["title"]) == expected
    assert all("service k3s-agent: " in text for text in finding["evidence"][1:])
