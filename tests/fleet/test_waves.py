# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of 20 boards that lack what k3s asks for: 17 agents in waves of 1, 1, 4 and 11, then three servers one by
one.
"""

from __future__ import annotations

import pytest


@pytest.fixture(name="fleet", scope="module")
def _fleet(make_fleet):
    return make_fleet()


def test_check_mode_touches_nothing_and_takes_no_lease(fleet):
    before = fleet.look()
    run = fleet.play("--check", "--limit", "agent-01,agent-02,server-01,server-02", check=0)
    assert run.changed == 2 * 4
    assert fleet.touched(before) == [] and not any(fleet.journal(board) for board in fleet.boards)
    shown = ["agent-01", "agent-02", "server-01", "server-02"]
    assert all("wave %d of 4: %s" % row in run.text for row in enumerate(shown, 1))


def test_a_wrong_gate_is_named_before_anything_is_changed(fleet):
    before = fleet.look()
    run = fleet.play("-e", '{"riscv_k3s_gates": [{"name": "mine", "query": "lenght(pods)"}]}', check=2)
    assert "gate 'mine' is not a JMESPath expression" in run.text and "riscv_k3s_gates, number 1" in run.text
    assert fleet.touched(before) == [] and not fleet.journal("server-01")


def test_a_bad_canary_is_the_only_board_that_is_touched(fleet):
    before = fleet.look()
    fleet.set("agent-01", breaks=True)
    run = fleet.play(check=2)
    assert fleet.touched(before) == ["agent-01"] == run.failed
    assert sorted(run.untouched) == sorted(set(fleet.boards) - {"agent-01"}) and len(run.untouched) == 19
    assert "wave 1 of 7 failed:" in run.text and "gate 'the node is Ready'" in run.text
    assert fleet.journal("server-01")["lease"]["held"] is None, "the lease is released"


def test_a_canary_that_vanishes_ends_the_run(fleet):
    """The images of the first are there, so the second is the canary now."""
    fleet.set("agent-01", breaks=False)
    before = fleet.look()
    fleet.vanish("agent-02", after=1)
    run = fleet.play(check=4)
    assert fleet.touched(before) == [] and run.failed == ["agent-02"]
    assert "wave 2 of 7: agent-03" in run.text
    fleet.vanish("agent-02", None)
    # Nobody was left to release the lease: the next run finds its process gone.
    assert fleet.journal("server-01")["lease"]["held"]


def test_a_bad_board_in_wave_3_ends_the_run_there(fleet):
    fleet.set("agent-06", pull="unexpected status: 503 Service Unavailable")
    before = fleet.look()
    run = fleet.play(check=2)
    touched = fleet.touched(before)
    # Of its own wave the others are done; those of later waves are as they were.
    assert [board for board in touched if board != "agent-06"] == [
        "agent-02",
        "agent-03",
        "agent-04",
        "agent-05",
        "agent-07",
    ]
    assert run.failed == ["agent-06"] and "wave 3 of 7 failed:" in run.text
    assert run.untouched == fleet.agents[7:] + fleet.servers
    assert "PLAY [Change the cluster]" not in run.text


def test_a_board_that_vanishes_from_its_wave_ends_the_run(fleet):
    """What is left: 06 is the canary, 08 the second wave, and then come 2."""
    fleet.set("agent-06", pull="")
    fleet.vanish("agent-09", after=1)
    before = fleet.look()
    run = fleet.play(check=2)
    assert fleet.touched(before) == ["agent-06", "agent-08", "agent-10"]
    assert "agent-09: it became unreachable" in run.text and "agent-09" in run.failed
    assert run.untouched == fleet.agents[10:] + fleet.servers
    fleet.vanish("agent-09", None)
    assert fleet.journal("server-01")["lease"]["held"] is None


def test_a_repaired_fleet_is_finished_by_the_next_run(fleet):
    before = fleet.look()
    run = fleet.play(check=0)
    assert sorted(fleet.touched(before)) == sorted(["agent-09"] + fleet.agents[10:] + fleet.servers)
    assert "All healthy." in run.text


def test_then_there_is_nothing_to_do(fleet):
    before = fleet.look()
    fleet.commands()
    run = fleet.play(check=0)
    assert run.changed == 0 and fleet.touched(before) == []
    assert fleet.commands() == dict.fromkeys(fleet.boards, 1)
    # Each play that has nothing to do says so in one line.
    assert run.text.count("skipping: no hosts matched") == 3 and "WARNING" not in run.text
