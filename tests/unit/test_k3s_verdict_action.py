# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action k3s_verdict: a run ends well only when all that it must know was seen."""

from __future__ import annotations

from unittest import mock

import pytest
from planning import COREDNS, PAUSE, fleet_of, held, observed, settings_of

from ansible_collections.riscv.k3s.plugins.action import k3s_verdict
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import run as _run

GOOD = [held(PAUSE), held(COREDNS)]


def api(*ready):
    nodes = [{"name": "b%d" % number, "uid": str(number), "ready": one} for number, one in enumerate(ready, 1)]
    return {"reachable": True, "error": None, "nodes": nodes, "pods": []}


def judged(boards, check_mode=False, view=None, lost=None, **now):
    """The action's result after a run over ``boards``; ``now`` are variables of the first one."""
    settings = settings_of()
    fleet = fleet_of({name: (seen, settings) for name, seen in boards.items()}, lost=lost or {})
    variables = {name: {"k3s_seen": dict(seen, hostname=name)} for name, seen in boards.items()}
    variables["b1"].update(now)
    hostvars = mock.Mock()
    hostvars.raw_get = variables.get
    run = _run.present(fleet, {})
    task_vars = {"k3s_run": run, "hostvars": hostvars, "ansible_play_hosts_all": list(boards)}
    task = mock.Mock(args={}, async_val=0, check_mode=check_mode, diff=False)
    action = k3s_verdict.ActionModule(task, mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock())
    return action.run(task_vars=task_vars)


def server(images=None, *ready):
    return observed(GOOD if images is None else images, api=api(*(ready or (True, True))))


def test_a_converged_run():
    result = judged({"b1": server(), "b2": observed(GOOD)})
    assert not result["failed"] and result["msg"][-1] == "All healthy."


def test_check_mode_with_something_to_do_ends_well_and_calls_nothing_healthy():
    result = judged({"b1": server([]), "b2": observed(GOOD)}, check_mode=True)
    assert not result["failed"] and result["msg"][-1].startswith("TO DO: ") and "All healthy." not in result["msg"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    "boards, lost",
    [
        ({"b1": server(), "b2": observed(GOOD, doubts=["two folders"])}, None),
        ({"b1": server(), "b2": observed(GOOD)}, {"b9": {"msg": "refused"}}),
        ({"b1": server(None, True, False), "b2": observed(GOOD)}, None),
        ({"b1": server(None, True), "b2": observed(GOOD)}, None),
        ({"b1": observed(GOOD), "b2": observed(GOOD)}, None),
    ],
)
def test_what_is_wrong_or_not_known_fails_the_run(boards, lost, check_mode):
    result = judged(boards, check_mode, lost=lost)
    assert result["failed"] and "All healthy." not in result["msg"]


def test_a_run_that_ended_before_its_end_is_not_known():
    result = judged({"b1": server([]), "b2": observed(GOOD)})
    assert result["failed"] and "ended before the cluster was verified" in result["msg"]


def test_after_changes_what_was_seen_last_counts():
    boards = {"b1": server([]), "b2": observed(GOOD)}
    state = {"api": api(True, True)}
    after = observed(GOOD, hostname="b1")
    assert not judged(boards, health_state=state, fleet_seen=after)["failed"]
    assert judged(boards, health_state=state, fleet_seen={"msg": "gone"})["failed"]
    more = judged({"b1": server([], True, True, True), "b2": observed(GOOD)}, health_state=state, fleet_seen=after)
    assert not more["failed"] and more["msg"][-1].endswith("no board of this run: b3")
    assert judged(boards, health_state=state, fleet_seen=dict(after, images=[]))["failed"]
    assert judged(boards, health_state={"api": api(True, False)}, fleet_seen=after)["failed"]


def test_the_message_of_a_failure_is_a_text_and_holds_no_table():
    """Ansible shows a list as Python writes one."""
    result = judged({"b1": server(), "b2": observed(GOOD)}, lost={"b9": {"msg": "refused"}})
    assert result["msg"].startswith("NOT KNOWN: b9: it could not be looked at: refused")
    assert result["report"][0].startswith("BOARD ") and result["report"][-1] == result["msg"].splitlines()[-1]


def test_a_board_that_failed_in_its_wave_or_was_not_looked_at_since_is_not_healthy():
    """As one that may fail (riscv_k3s_max_fail_percentage), whatever it was like before."""
    boards, state = {"b1": server([]), "b2": observed(GOOD)}, {"api": api(True, True)}
    after = observed(GOOD, hostname="b1")
    for now in ({"fleet_failure": "Restart k3s: no", "fleet_seen": after}, {}):
        result = judged(boards, health_state=state, **now)
        assert result["failed"] and "b1: it could not be looked at: its change did not end well" in str(result["msg"])
