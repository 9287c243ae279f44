# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lease as a value: who gets it, and when one is abandoned."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._journal import lease as _lease
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

NOW = 1_795_000_000
ANNA = {"id": "desk-1", "user": "anna", "host": "desk", "boot": "b", "namespace": "n", "pid": 71, "started": "5"}
BERT = dict(ANNA, id="shed-2", user="bert", host="shed", pid=72)


def held(holder=None, since=NOW - 60, expires=NOW + 60, last=None):
    return {"held": dict(holder or ANNA, since=since, expires=expires), "last": last}


@pytest.mark.parametrize(
    "before, take_over, since, reason",
    [
        pytest.param(None, None, NOW, None, id="nobody held it"),
        pytest.param({"held": None, "last": "desk-1"}, None, NOW, None, id="released"),
        pytest.param(held(BERT), None, NOW - 60, None, id="ours already"),
        pytest.param(
            held(expires=NOW),
            None,
            NOW,
            "the lease of anna on desk, process 71 ended at 2026-11-18 11:06:40 UTC",
            id="expired",
        ),
        pytest.param(
            held(since=NOW + 301, expires=NOW + 4000),
            None,
            NOW,
            "which the board's clock has yet to reach",
            id="from the future",
        ),
        pytest.param(held(), "desk-1", NOW, "anna on desk, process 71 no longer runs", id="told that it is dead"),
    ],
)
def test_taken(before, take_over, since, reason):
    lease, why = _lease.take(before, BERT, NOW, 600, take_over)
    assert lease["held"] == dict(BERT, since=since, expires=NOW + 600)
    assert lease["last"] == (before or {}).get("last")
    assert (why is None) if reason is None else reason in why


@pytest.mark.parametrize(
    "before, take_over",
    [
        pytest.param(held(), None, id="held"),
        pytest.param(held(), "desk-0", id="another one than was named"),
        pytest.param(held(since=NOW + 299), None, id="a clock set right by a little"),
        pytest.param(held(expires=NOW + 1), None, id="its last second"),
    ],
)
def test_held_by_another(before, take_over):
    with pytest.raises(_lease.Held) as failed:
        _lease.take(before, BERT, NOW, 600, take_over, "/data/journal.json")
    text = str(failed.value)
    assert failed.value.held == before["held"]
    for part in (
        "another run works on this fleet",
        "anna on desk, process 71, since 2026-11-18 ",
        "/data/journal.json",
        "riscv_k3s_lease_take_over=desk-1",
    ):
        assert part in text


def test_renewed_only_while_ours():
    assert _lease.renew(held(BERT), BERT, NOW, 600)["held"] == dict(BERT, since=NOW - 60, expires=NOW + 600)
    with pytest.raises(Problem, match="Found: it is held by anna on desk, process 71"):
        _lease.renew(held(), BERT, NOW, 600)
    for lost in (None, {"held": None, "last": "x"}):
        with pytest.raises(Problem, match="lease of this run is lost.*nobody holds it"):
            _lease.renew(lost, BERT, NOW, 600)


def test_released_only_when_ours():
    assert _lease.release(held(BERT, last="x"), BERT) == {"held": None, "last": "shed-2"}
    assert _lease.release(held(BERT), BERT, forget=True) is None
    for other in (None, held(), {"held": None, "last": "x"}):
        assert _lease.release(other, BERT) == other


def test_what_a_lease_stands_for():
    taken, dummy = _lease.take({"held": None, "last": "x"}, BERT, NOW, 600)
    states = [_lease.seen(lease) for lease in (None, {"held": None, "last": "x"}, taken, _lease.release(taken, BERT))]
    assert states[0] == "" and len(set(states)) == 4
