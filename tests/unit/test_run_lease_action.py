# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action before k3s_run_lease: whose process still runs, and how long it waits."""

from __future__ import annotations

import os
import subprocess
from unittest import mock

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.riscv.k3s.plugins.action import k3s_run_lease

HELD = {"id": "x", "host": "elsewhere", "boot": "b", "namespace": "n", "pid": 1, "started": "1"}


@pytest.fixture(name="run")
def _run(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(k3s_run_lease.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(k3s_run_lease.time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))

    def run(answers, **args):
        task = mock.Mock(args=args, async_val=0, check_mode=False, diff=False)
        action = k3s_run_lease.ActionModule(task, mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock())
        calls = []

        def execute(module_name, module_args, task_vars):
            calls.append(dict(module_args))
            if callable(answers):
                return answers()
            return answers[min(len(calls), len(answers)) - 1]

        action._execute_module = execute
        return action.run(task_vars={}), calls

    return run


def refused(**changes):
    return {"failed": True, "msg": "another run works on this fleet", "held_by": dict(HELD, **changes)}


TAKEN = {"changed": True}


def ours(pid, started=None):
    return {
        "host": k3s_run_lease.socket.gethostname(),
        "boot": k3s_run_lease._boot(),
        "namespace": k3s_run_lease._namespace(),
        "pid": pid,
        "started": k3s_run_lease._started(pid) if started is None else started,
    }


@pytest.mark.parametrize("state, what", [("taken", "taken"), ("renewed", "renewed"), ("released", "given back")])
def test_a_server_that_cannot_be_reached_is_a_failure_of_the_task_and_not_of_its_board(run, state, what):
    answer = mock.Mock(side_effect=AnsibleConnectionFailure("no route to host"))
    result, dummy = run(answer, state=state)
    told = " ".join([result.get("msg", "")] + result.get("warnings", []))
    assert "the lease of the fleet cannot be %s. Found: no route to host" % what in told and "Next: " in told
    assert "unreachable" not in result and bool(result.get("failed")) == (state != "released")


def test_the_holder_is_the_process_above():
    one, two = k3s_run_lease.holder(), k3s_run_lease.holder()
    assert (
        one == two
        and one["pid"] == os.getppid()
        and one["started"]
        and one["id"].endswith("-%d-%s" % (os.getppid(), one["started"]))
    )


def test_refused_at_once(run):
    result, calls = run([refused()])
    assert result["failed"] and len(calls) == 1 and "take_over" not in calls[0]


def test_waits(run):
    result, calls = run([refused(), refused(), TAKEN], wait=60)
    assert result["changed"] and result["at"] > 0 and len(calls) == 3


def test_waits_no_longer_than_told(run):
    result, calls = run([refused()], wait=12)
    assert result["failed"] and len(calls) == 4


def test_takes_over_from_a_process_that_is_gone(run):
    with subprocess.Popen(["sleep", "60"]) as process:
        running = ours(process.pid)
        assert not k3s_run_lease.is_gone(dict(HELD, **running))
        process.kill()
        process.wait()
    result, calls = run([refused(**running), TAKEN])
    assert result["changed"] and result["at"] > 0 and calls[1]["take_over"] == "x"


def test_a_number_that_another_process_has_now_is_gone():
    assert k3s_run_lease.is_gone(dict(HELD, **ours(os.getpid(), started="1")))


@pytest.mark.parametrize("changes", [{"host": "other"}, {"boot": "other"}, {"namespace": "other"}, {"boot": ""}])
def test_nothing_is_known_of_processes_elsewhere(changes):
    assert not k3s_run_lease.is_gone(dict(HELD, **dict(ours(os.getpid(), started="1"), **changes)))


def test_another_failure_is_told_as_it_is(run):
    result, calls = run([{"failed": True, "msg": "the journal cannot be read"}], wait=60)
    assert result["failed"] and len(calls) == 1


@pytest.mark.parametrize("age, is_asked", [(10, False), (24, False), (25, True), (1000, True)])
def test_a_lease_is_renewed_when_a_quarter_of_its_time_is_over(run, monkeypatch, age, is_asked):
    monkeypatch.setattr(k3s_run_lease, "_uptime", lambda: 5000.0)
    result, calls = run([{"lease": {}, "changed": False}], state="renewed", seconds=100, at=5000.0 - age)
    assert bool(calls) == is_asked and result["at"] == (5000.0 if is_asked else 5000.0 - age)


def test_a_lease_of_which_it_is_not_known_when_it_was_taken_is_renewed(run, monkeypatch):
    monkeypatch.setattr(k3s_run_lease, "_uptime", lambda: 5.0)
    assert run([TAKEN], state="renewed", seconds=3600)[1]


def test_the_controllers_clock_is_not_asked(run, monkeypatch):
    """It jumps by years between two tasks, and the lease is renewed when it must be."""
    ages = []
    for date in (0.0, 4e9):
        monkeypatch.setattr(k3s_run_lease.time, "time", lambda date=date: date)
        ages.append(run([TAKEN], wait=0)[0]["at"])
    assert 0 <= ages[1] - ages[0] < 60
