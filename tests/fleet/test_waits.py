# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A slow start that moves is waited for beyond the time; one that does not move fails with what was seen last."""

from __future__ import annotations

import json
import time

import pytest

ALL = "Remedy: run the playbook riscv.k3s.diagnose, it shows both views of every pod"


@pytest.fixture(name="fleet")
def _fleet(make_fleet):
    return make_fleet(servers=1, agents=1)


def play(fleet, check, **variables):
    began = time.monotonic()
    run = fleet.play("-e", json.dumps(dict({"fleet_delay": 1}, **variables)), check=check)
    return run, time.monotonic() - began


def test_a_slow_board_that_moves_is_waited_for_at_its_gate(fleet):
    fleet.set("agent-01", slow=10, moves=True)
    run, took = play(fleet, 0, riscv_k3s_gate_timeout=4)
    assert took > 10 and "All healthy." in run.text and run.failed == []


def test_one_that_does_not_move_fails_at_its_gate_with_what_was_seen_last(fleet):
    fleet.set("agent-01", slow=999)
    run = play(fleet, 2, riscv_k3s_gate_timeout=4)[0]
    assert run.failed == ["agent-01"] and run.untouched == ["server-01"]
    assert "gate 'the node is Ready': " in run.text
    assert "Tried until nothing moved for " in run.text
    assert "WHY: Node agent-01 is not Ready [node-not-ready, certain]; evidence: node agent-01: Ready is " in run.text
    assert "mended by: a person; on agent-01: service k3s-agent restart" in run.text


@pytest.mark.slow
def test_a_slow_cluster_that_moves_is_waited_for_in_the_end(fleet):
    fleet.set("server-01", slow=10, moves=True)
    run, took = play(fleet, 0, riscv_k3s_gates=[], riscv_k3s_wait_timeout=4)
    assert took > 10 and "All healthy." in run.text


def test_one_that_does_not_move_fails_in_the_end_with_what_was_seen_last(fleet):
    fleet.set("server-01", slow=999)
    run = play(fleet, 2, riscv_k3s_gates=[], riscv_k3s_wait_timeout=4)[0]
    assert run.failed == ["server-01"] and "All healthy." not in run.text
    assert "the cluster is not healthy: nothing moved for " in run.text
    assert "Found: node server-01 is not Ready." in run.text
    last = run.text.rpartition("TASK [riscv.k3s.health : Tell what is wrong, and why]")[2]
    assert last.splitlines()[1].endswith("WRONG: node server-01 is not Ready. %s" % ALL)
    assert "\nWHY: Node server-01 is not Ready  [node-not-ready, certain]\n   evidence: node server-01: " in last
    assert "\n   mended by: a person\n   on server-01: service k3s restart\n" in last


@pytest.mark.slow
def test_what_moves_and_never_ends_ends_at_the_outer_limit(fleet):
    fleet.set("agent-01", slow=999, moves=True)
    run, took = play(fleet, 2, riscv_k3s_gate_timeout=2)
    assert took > 20 and "it still moves after " in run.text and "the outer limit (10 times 2)" in run.text
