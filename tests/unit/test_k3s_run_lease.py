# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module k3s_run_lease on a real folder: check mode, then the real thing."""

from __future__ import annotations

import json

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._host.moment import BOOT_ID, Moment, moment
from ansible_collections.riscv.k3s.plugins.module_utils._journal import journal as _journal
from ansible_collections.riscv.k3s.plugins.module_utils._journal.lease import Held
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import k3s_run_lease

NOW = 5000
ANNA = {"id": "desk-1", "user": "anna", "host": "desk", "boot": "b", "namespace": "n", "pid": 71, "started": "5"}
BERT = dict(ANNA, id="shed-2", user="bert", host="shed", pid=72)


@pytest.fixture(name="run")
def _run(tmp_path):
    def run(state, holder, now=NOW, **options):
        params = dict(
            {"seconds": 600, "observed": None, "take_over": None, "forget": False},
            data_dir=str(tmp_path),
            state=state,
            holder=holder,
            **options,
        )
        # The clock of the board is set to and fro between all runs, by 20 years.
        when = Moment("boot", now, 1_795_000_000 + (-1) ** now * 600_000_000)
        before = _journal.read(str(tmp_path))
        predicted = k3s_run_lease.run(params, True, when)
        assert _journal.read(str(tmp_path)) == before
        real = k3s_run_lease.run(params, False, when)
        assert real == predicted
        assert _journal.read(str(tmp_path))["lease"] == real["lease"]
        return real

    return run


def test_one_at_a_time(run):
    assert run("taken", ANNA)["changed"]
    with pytest.raises(Held):
        run("taken", BERT, NOW + 599)
    assert run("renewed", ANNA, NOW + 500)["lease"]["held"]["uptime"] == NOW + 500
    with pytest.raises(Held):
        run("taken", BERT, NOW + 1099)
    assert run("released", ANNA)["lease"] == {"held": None, "last": "desk-1"}
    assert not run("released", ANNA)["changed"]
    assert run("taken", BERT)["taken_over"] is None


def test_an_abandoned_one_is_taken_over(run):
    run("taken", ANNA)
    assert "is taken over" in run("taken", BERT, NOW + 600)["taken_over"]
    with pytest.raises(Problem, match="held by bert"):
        run("renewed", ANNA, NOW + 601)
    assert not run("released", ANNA)["changed"]


def test_what_was_observed_before_another_run_is_stale(run):
    assert run("taken", ANNA, observed={})["stale"] is False
    assert run("taken", ANNA, observed={})["stale"] is False, "its own lease"
    run("released", ANNA)
    assert run("taken", BERT, observed={})["stale"] is True
    assert run("released", BERT)["stale"] is None
    assert run("taken", BERT, observed={"held": BERT, "last": None})["stale"] is True, "observed while that run worked"
    run("released", BERT)
    assert run("taken", ANNA, observed={"held": None, "last": "shed-2"})["stale"] is False
    assert run("taken", BERT, observed={"held": ANNA, "last": None}, take_over="desk-1")["stale"] is True, (
        "what it did before it died is not known"
    )


def test_nothing_is_left_of_a_lease_that_is_forgotten(run, tmp_path):
    run("taken", ANNA)
    run("released", ANNA, forget=True)
    assert list(tmp_path.iterdir()) == []


def test_a_holder_is_needed(run):
    with pytest.raises(Problem, match="the lease has no holder"):
        run("taken", None)


UNREADABLE = {"held": {"id": "desk-1", "until": "tomorrow"}, "last": None}


def test_one_that_cannot_be_read_is_kept_until_somebody_takes_it_over(run, tmp_path):
    run("taken", ANNA)
    path = tmp_path / "riscv-k3s" / "journal.json"
    path.write_text(json.dumps(dict(json.loads(path.read_text()), lease=UNREADABLE)))
    with pytest.raises(Problem, match="the lease of the fleet cannot be read.*Found: it has no valid held"):
        run("taken", BERT)
    assert run("released", BERT)["changed"] is False
    assert json.loads(path.read_text())["lease"] == UNREADABLE
    done = run("taken", BERT, take_over="unreadable", observed={})
    assert done["stale"] is True and "could not be read" in done["taken_over"]
    assert json.loads(path.read_text())["lease"]["held"]["id"] == BERT["id"]


def test_a_moment_of_this_machine():
    now = moment()
    with open(BOOT_ID, encoding="ascii") as file:
        assert now.boot == file.read().strip()
    assert 0 < now.uptime <= moment().uptime
