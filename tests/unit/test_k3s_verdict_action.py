# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action k3s_verdict: a run ends well only when all that it must know was seen."""

from __future__ import annotations

from unittest import mock

import pytest
from ansible import constants
from planning import COREDNS, PAUSE, fleet_of, held, observed, settings_of

from ansible_collections.riscv.k3s.plugins.action import k3s_verdict
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import run as _run

GOOD = [held(PAUSE), held(COREDNS)]


def api(*ready):
    nodes = [{"name": "b%d" % number, "uid": str(number), "ready": one} for number, one in enumerate(ready, 1)]
    return {"reachable": True, "error": None, "nodes": nodes, "pods": []}


def judged(boards, check_mode=False, view=None, lost=None, closer=None, restarts=None, **now):
    """The action's result after a run over ``boards``; ``now`` are variables of the first one. ``closer`` is what the
    closer look registered; with it the action is asked for why.
    """
    settings = settings_of()
    fleet = fleet_of({name: (seen, settings) for name, seen in boards.items()}, lost=lost or {})
    variables = {name: {"k3s_seen": dict(seen, hostname=name)} for name, seen in boards.items()}
    variables["b1"].update(now)
    hostvars = mock.Mock()
    hostvars.raw_get = variables.get
    run = _run.present(fleet, {})
    run["restarts"] = restarts or run["restarts"]
    task_vars = {"k3s_run": run, "hostvars": hostvars, "ansible_play_hosts_all": list(boards)}
    if closer is not None:
        task_vars["health_closer"] = closer
    task = mock.Mock(args={} if closer is None else {"why": True}, async_val=0, check_mode=check_mode, diff=False)
    action = k3s_verdict.ActionModule(task, mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock())
    action._display = judged.display = mock.Mock()
    return action.run(task_vars=task_vars)


def shown():
    """The lines that the last run showed."""
    return [line for call in judged.display.display.call_args_list for line in call.args[0].splitlines()]


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
    result = judged({"b1": server([]), "b2": observed(GOOD)}, closer={})
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
    boards, lost = {"b1": server(), "b2": observed(GOOD)}, {"b9": {"msg": "refused"}}
    first = judged(boards, lost=lost)
    assert shown()[0].startswith("BOARD ") and shown()[-1].startswith("NOT KNOWN: b9: ")
    assert first["report"] == [], "what was shown as a table does not stand there once more, as JSON"
    assert first["msg"] == "Not healthy: what is wrong, and why, is told after a closer look at b1, b9"
    last = judged(boards, lost=lost, closer={})
    assert last["failed"] and last["msg"].startswith("NOT KNOWN: b9: it could not be looked at: refused")
    assert "BOARD " not in last["msg"] and shown() == []


def test_a_callback_that_writes_json_gets_the_table_in_the_result(monkeypatch):
    monkeypatch.setattr(constants.config, "get_config_value", lambda name: "json")
    result = judged({"b1": server(), "b2": observed(GOOD)}, lost={"b9": {"msg": "refused"}})
    assert shown() == [] and result["report"][0].startswith("BOARD ")


@pytest.mark.parametrize(
    "now, done",
    [
        ({"fleet_seen": observed(GOOD, hostname="b1"), "health_state": {"api": api(True, True)}}, True),
        ({"fleet_seen": observed(GOOD, hostname="b1"), "fleet_failure": "Pull: no"}, False),
        ({"health_state": {"api": api(True, True)}}, False),
        ({}, False),
    ],
)
def test_only_what_is_known_to_be_done_is_called_so(now, done):
    judged({"b1": server([]), "b2": observed(GOOD)}, **now)
    lines = [line for line in shown() if line.startswith("b1: ")]
    assert lines and all(line.startswith("b1: not known to be done: ") for line in lines) == (not done)
    assert any(line.startswith("b1: tagged ") for line in lines) == done


def test_a_board_that_failed_in_its_wave_or_was_not_looked_at_since_is_not_healthy():
    """As one that may fail (riscv_k3s_max_fail_percentage), whatever it was like before."""
    boards, state = {"b1": server([]), "b2": observed(GOOD)}, {"api": api(True, True)}
    after = observed(GOOD, hostname="b1")
    for now in ({"fleet_failure": "Restart k3s: no", "fleet_seen": after}, {}):
        result = judged(boards, health_state=state, closer={}, **now)
        assert result["failed"] and "b1: it could not be looked at: its change did not end well" in str(result["msg"])


def test_only_pods_that_were_restarted_are_called_so():
    """One without a workload is left alone, with a warning."""
    boards, state = {"b1": server([]), "b2": observed(GOOD)}, {"api": api(True, True)}
    pods = [{"namespace": "default", "name": "a", "owner": None}]
    for made, told in ((pods, ["restarted the pods default/a"]), ([], [])):
        result = judged(
            boards,
            health_state=state,
            fleet_seen=observed(GOOD, hostname="b1"),
            restarts=["default/a", "default/b"],
            health_restarted={"restarted": made},
        )
        assert [line for line in result["msg"] if "restarted" in line] == told


def test_what_ansible_hides_of_a_board_is_told_from_before():
    boards, lost = {"b1": server(), "b2": observed(GOOD)}, {"b9": {"msg": "no route"}}
    row = looked("b9", unreachable=True, msg="Failed to connect: <error censored due to no log>")
    assert (
        "   evidence: it could not be looked at: no route"
        in judged(boards, lost=lost, closer={"results": [row]})["why"]
    )


ILL = {"b1": server(None, True, False), "b2": observed(GOOD)}


def looked(board, **seen):
    """A row of what the closer look registered."""
    return dict({"item": board}, **seen)


def test_the_boards_to_look_at_are_the_server_and_what_is_not_well():
    assert judged(ILL)["closer"] == ["b1", "b2"], "its node is not Ready"
    assert judged({"b1": server(), "b2": observed(GOOD, doubts=["x"])})["closer"] == ["b1", "b2"]
    assert judged({"b1": server(None, True), "b2": observed(GOOD)})["closer"] == ["b1", "b2"], "it is no node"
    many = {"b%d" % number: observed(GOOD, doubts=["x"]) for number in range(2, 30)}
    assert judged(dict({"b1": server()}, **many))["closer"] == ["b1", "b2", "b3", "b4", "b5", "b6"]
    assert "closer" not in judged({"b1": server(), "b2": observed(GOOD)}), "nobody is looked at where all is well"


def test_the_message_ends_with_the_first_finding_of_a_diagnosis():
    seen = server(None, True, False)
    nodes = [dict(node, internal_ip="10.0.0.1") for node in seen["api"]["nodes"]]
    seen = dict(seen, hostname="b1", api=dict(seen["api"], nodes=nodes))
    rows = [dict(seen, item="b1"), looked("b2", unreachable=True, msg="ssh: no route to host")]
    result = judged(ILL, closer={"results": rows})
    assert result["msg"].splitlines()[0].startswith("WRONG: node b2 is not Ready")
    assert result["msg"].splitlines()[1:] == result["why"]
    assert result["why"][:2] == [
        "WHY: b2 could not be observed  [board-unreachable, certain]",
        "   evidence: ssh: no route to host",
    ]
    assert "   mended by: a person" in result["why"]


@pytest.mark.parametrize(
    "closer", [{}, {"results": []}, {"results": [{"item": "b1", "hostname": "b1", "api": {"reachable": True}}]}]
)
def test_a_closer_look_that_fails_is_not_known_and_the_verdict_is_told_all_the_same(closer):
    result = judged(ILL, closer=closer)
    assert result["failed"] and result["msg"].startswith("WRONG: node b2 is not Ready")
    assert result["why"][0].startswith("WHY: not known: the closer look ") and "riscv.k3s.diagnose" in result["why"][0]
