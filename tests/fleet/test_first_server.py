# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first server keeps the lease and is asked for the API: when it vanishes, a run ends and says why."""

from __future__ import annotations

import re

import pytest

# What the first server is asked before the first wave: it is observed, and keeps the lease.
BEGIN = 2


@pytest.fixture(name="fleet")
def _fleet(make_fleet):
    return make_fleet(servers=1, agents=3)


def recap(run, board):
    return re.search(r"^%s +: +ok=(.*)$" % board, run.text, re.MULTILINE).group(1)


def test_a_gate_that_cannot_ask_the_api_fails_its_board_in_the_recap(fleet):
    before = fleet.look()
    fleet.vanish("server-01", after=BEGIN)
    run = fleet.play(check=2)
    assert fleet.touched(before) == ["agent-01"] == run.failed, recap(run, "agent-01")
    assert "gate 'the node is Ready'" in run.text and "server-01 does not answer" in run.text
    assert sorted(run.untouched) == ["agent-02", "agent-03", "server-01"]
    assert "the lease of the fleet cannot be given back" in " ".join(run.text.split())


@pytest.mark.slow
def test_a_failed_canary_ends_the_run_although_the_lease_cannot_be_given_back(fleet):
    fleet.set("agent-01", pull="unexpected status: 503 Service Unavailable")
    before = fleet.look()
    fleet.vanish("server-01", after=BEGIN)
    run = fleet.play(check=2)
    assert "wave 1 of 4 failed:" in run.text and run.failed == ["agent-01"]
    assert set(fleet.touched(before)) <= {"agent-01"} and "wave 2 of 4" not in run.text.partition("failed:")[2]
    assert not fleet.state("agent-02")["store"]
    # The next run finds its process gone, and ends the work.
    fleet.vanish("server-01", None)
    fleet.set("agent-01", pull="")
    assert "All healthy." in fleet.play(check=0).text


def test_a_lease_that_cannot_be_renewed_ends_the_run_before_anything_else_is_changed(fleet):
    before = fleet.look()
    fleet.vanish("server-01", after=BEGIN)
    run = fleet.play("-e", "riscv_k3s_lease_seconds=0", check=2)
    assert fleet.touched(before) == [] and not any(fleet.state(board)["store"] for board in fleet.boards)
    assert "agent-01" in run.failed and "agent-02" not in run.failed
    assert "the lease" in run.text and "server-01 does not answer" in run.text


def test_a_limited_run_without_any_server_is_an_error_that_is_counted(fleet):
    fleet.vanish("server-01")
    run = fleet.play("--limit", "agent-01")
    assert run.rc == 2 and run.failed == ["agent-01"] and "All healthy." not in run.text, run.text


def test_a_limited_run_asks_another_server(make_fleet):
    fleet = make_fleet(servers=2, agents=2)
    fleet.vanish("server-01")
    run = fleet.play("--limit", "agent-01", check=0)
    assert fleet.state("agent-01")["store"] and run.failed == [] and fleet.journal("server-02")
