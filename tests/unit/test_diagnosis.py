# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of diagnose: its shape, which is that of the example, and its text."""

import json
import pathlib

import pytest
from fake_fleet import FakeFleet

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.table import text

EXAMPLE = json.loads((pathlib.Path(__file__).parent / "fixtures" / "diagnose.json").read_text(encoding="utf-8"))
NOT_FOUND = "rpc error: code = NotFound desc = a/b:1: not found"


@pytest.fixture(name="fleet")
def _fleet():
    fleet = FakeFleet()
    row = fleet.waiting("p", "ErrImagePull", NOT_FOUND)
    fleet.event(row, "Failed", "Failed to pull")
    fleet.waiting("q", "ErrImagePull")
    fleet.boards["board-3"] = {"unreachable": True, "msg": "ssh: password=hunter2 is wrong"}
    return fleet


@pytest.mark.parametrize("part", ["boards", "pods", "images", "events", "findings"])
def test_keys_are_those_of_the_example(fleet, part):
    document = fleet.document()
    assert set(document) == set(EXAMPLE)
    assert {frozenset(row) for row in document[part]} == {frozenset(row) for row in EXAMPLE[part]}


def test_keys_below_are_those_of_the_example(fleet):
    document = fleet.document()
    for one in (document, EXAMPLE):
        assert {frozenset(container) for row in one["pods"] for container in row["containers"]} == {
            frozenset(EXAMPLE["pods"][0]["containers"][0])
        }
        assert {frozenset(row) for board in one["boards"] for row in board["preflight"]} == {
            frozenset(("name", "state", "needed_for", "detail"))
        }
        assert {frozenset(row["subject"]) for row in one["findings"]} == {frozenset(("kind", "board", "name"))}
        assert {tuple(sorted(row)) for row in one["collect"]} <= {("board", "command", "pod", "text")}


def test_it_is_json(fleet):
    document = fleet.document()
    assert json.loads(json.dumps(document)) == document


def test_nothing_that_looks_like_a_password_is_in_it(fleet):
    assert "hunter2" not in json.dumps(fleet.document())


def test_counts_and_links(fleet):
    document = fleet.document()
    assert [
        (board["name"], board["observed"], board["pods"], board["unready"], board["findings"])
        for board in document["boards"]
    ] == [
        ("board-1", True, 1, 0, 0),
        ("board-2", True, 2, 2, 1),
        ("board-3", False, 0, 0, 1),
    ]
    (row,) = [row for row in document["pods"] if row["name"] == "p"]
    assert document["findings"][row["finding"]]["cause"] == "no-such-image"
    assert [row["pod"] for row in document["collect"]] == ["default/q"]


def test_clock_skew_is_taken_at_the_moment_of_the_answer(fleet):
    fleet.agent["observed_at"] -= 50
    fleet.agent["preflight"]["time"] -= 48
    assert [board["clock_skew"] for board in fleet.document()["boards"]] == [0, 2, None]


def test_text(fleet):
    lines = text(fleet.document())
    assert lines[0].split("  ")[0] == "BOARD" and lines[0].endswith("REMEDY")
    assert any(line.startswith("board-2  default/p") and line.endswith("see 2") for line in lines)
    assert "2. reg.example:5000 has no such name: reg.example:5000/a/b:1  [no-such-image, certain]" in lines
    assert "   evidence: container main: " + NOT_FOUND in lines
    assert lines[-1] == "3 pods, 2 not Ready, 2 findings."


@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize("seen", [None, {"hostname": "board-3"}])
def test_pods_of_a_board_that_cannot_be_asked_are_shown_as_the_api_has_them(fleet, seen, ready):
    """With k3s dead on it they were in no row and in no count."""
    fleet.boards["board-3"] = dict(seen, sandboxes=None) if seen else {"msg": "no route", "unreachable": True}
    api = fleet.server["api"]
    api["nodes"].append(dict(api["nodes"][0], name="board-3", uid="n3"))
    before = len(fleet.document()["pods"])
    pod = dict(api["pods"][0], name="far", uid="far", node="board-3", ready=ready)
    api["pods"] += [pod, dict(pod, name="done", uid="done", phase="Succeeded")]
    document = fleet.document()
    (row,) = [row for row in document["pods"] if row["board"] == "board-3"]
    assert (row["name"], row["relation"], row["crictl"]) == ("far", None, "not known")
    (board,) = [board for board in document["boards"] if board["name"] == "board-3"]
    assert (board["pods"], board["unready"]) == (1, int(not ready))
    assert len(document["pods"]) == before + 1


def test_text_of_the_example():
    lines = text(EXAMPLE)
    assert "   on controller: ansible-playbook -i inventory riscv.k3s.site" in lines
    assert lines[-1] == "3 pods, 2 not Ready, 4 findings."
