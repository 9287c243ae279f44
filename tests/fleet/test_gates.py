# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gates of the inventory, what of a wave may fail, and waves that are taken back; on a small fleet."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(name="fleet")
def _fleet(make_fleet):
    return make_fleet(servers=1, agents=3, riscv_k3s_serial="100%")


def test_a_gate_of_the_inventory_is_heard(fleet):
    gate = {"name": "few boards", "query": "board != 'agent-02'", "found": "board"}
    gate["message"] = "this board is not wanted"
    run = fleet.play("-e", json.dumps({"riscv_k3s_gates": [gate]}), check=2)
    assert "gate 'few boards': this board is not wanted. Found: \\\"agent-02\\\"" in run.text
    assert run.failed == ["agent-02"] and run.untouched == ["server-01"]


def test_a_share_of_a_wave_may_fail(fleet):
    fleet.set("agent-02", breaks=True)
    run = fleet.play("-e", "riscv_k3s_max_fail_percentage=34", check=2)
    assert "agent-02" in run.failed and "the run continues" in run.text
    assert fleet.state("server-01")["store"], "the waves after it came"
    assert fleet.journal("server-01")["lease"]["held"] is None


@pytest.mark.slow
def test_a_wave_that_fails_can_be_taken_back(fleet):
    before = fleet.look()
    fleet.set("agent-02", breaks=True)
    run = fleet.play("-e", "riscv_k3s_gate_undo=true", check=2)
    fleet.set("agent-02", breaks=False)
    assert fleet.touched(before) == [] and not any(fleet.journal(board) for board in fleet.agents)
    assert run.failed == ["agent-02"] and run.untouched == ["server-01"]


def test_a_board_that_is_off_from_the_start_holds_up_nobody(fleet):
    fleet.vanish("agent-03")
    run = fleet.play()
    # The others get all; what was not seen is not called healthy, and that is an error.
    assert run.rc != 0 and "agent-03" in run.failed and "NOT KNOWN: agent-03: it could not be looked at" in run.text
    assert not set(run.failed) & {"agent-01", "agent-02"} and "All healthy." not in run.text
    assert fleet.journal("server-01")["lease"]["held"] is None
    assert all(fleet.state(board)["store"] for board in ("agent-01", "agent-02", "server-01"))


@pytest.mark.slow
def test_a_node_whose_name_nothing_on_its_board_tells_passes_its_gates(fleet):
    fleet.rename("agent-02", "worker-2")
    run = fleet.play(check=0)
    assert "All healthy." in run.text and fleet.state("agent-02")["store"]
    fleet.set("agent-02", breaks=True, store={})
    run = fleet.play(check=2)
    assert run.failed == ["agent-02"] and '\\"name\\": \\"worker-2\\"' in run.text, "its own row is shown"


@pytest.mark.slow
def test_a_slow_program_is_awaited_as_long_as_the_inventory_says(fleet):
    fleet.slow("agent-02", 3)
    run = fleet.play("-e", "riscv_k3s_program_timeout=1")
    assert "agent-02" in run.failed and "did not finish within 1 s" in run.text
    assert not fleet.state("agent-02")["store"]
    run = fleet.play("-e", "riscv_k3s_program_timeout=60", check=0)
    assert fleet.state("agent-02")["store"] and "All healthy." in run.text
