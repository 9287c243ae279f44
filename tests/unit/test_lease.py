# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lease as a value: who gets it, and when one is abandoned."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._host.moment import Moment
from ansible_collections.riscv.k3s.plugins.module_utils._journal import lease as _lease
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

DATE = 1_795_000_000
YEARS = 20 * 365 * 86400
NOW = Moment("boot-1", 5000, DATE)
ANNA = {"id": "desk-1", "user": "anna", "host": "desk", "boot": "b", "namespace": "n", "pid": 71, "started": "5"}
BERT = dict(ANNA, id="shed-2", user="bert", host="shed", pid=72)


def held(holder=None, ago=60, seconds=120, boot="boot-1", last=None, since=DATE - 60):
    """A lease that was taken or renewed so many seconds before NOW."""
    kept = {"since": since, "server_boot": boot, "uptime": NOW.uptime - ago, "seconds": seconds}
    return {"held": dict(holder or ANNA, **kept), "last": last}


@pytest.mark.parametrize(
    "before, take_over, since, reason",
    [
        pytest.param(None, None, DATE, None, id="nobody held it"),
        pytest.param({"held": None, "last": "desk-1"}, None, DATE, None, id="released"),
        pytest.param(held(BERT), None, DATE - 60, None, id="ours already"),
        pytest.param(
            held(ago=120),
            None,
            DATE,
            "the lease of anna on desk, process 71 was not renewed for 120 s",
            id="expired",
        ),
        pytest.param(held(), "desk-1", DATE, "anna on desk, process 71 no longer runs", id="told that it is dead"),
    ],
)
def test_taken(before, take_over, since, reason):
    lease, why = _lease.take(before, BERT, NOW, 600, take_over)
    assert lease["held"] == dict(BERT, since=since, server_boot="boot-1", uptime=5000, seconds=600)
    assert lease["last"] == (before or {}).get("last")
    assert (why is None) if reason is None else reason in why


@pytest.mark.parametrize(
    "before, take_over",
    [
        pytest.param(held(), None, id="held"),
        pytest.param(held(), "desk-0", id="another one than was named"),
        pytest.param(held(ago=119), None, id="its last second"),
    ],
)
def test_held_by_another(before, take_over):
    with pytest.raises(_lease.Held) as failed:
        _lease.take(before, BERT, NOW, 600, take_over, "/data/journal.json")
    text = str(failed.value)
    assert failed.value.held == before["held"]
    for part in (
        "another run works on this fleet",
        "anna on desk, process 71, since 2026-11-18 11:05:40 UTC by that server's clock",
        "its lease lasts %d s more" % _lease.remaining(before["held"], NOW),
        "/data/journal.json",
        "riscv_k3s_lease_take_over=desk-1",
    ):
        assert part in text


@pytest.mark.parametrize("date", [0, DATE - YEARS, DATE - 3600, DATE, DATE + 3600, DATE + YEARS])
@pytest.mark.parametrize("since", [0, DATE - YEARS, DATE, DATE + YEARS])
@pytest.mark.parametrize(
    "boot, noted, uptime, seconds, remaining",
    [
        pytest.param("boot-1", 4940, 5000, 120, 60, id="half of it is over"),
        pytest.param("boot-1", 4881, 5000, 120, 1, id="its last second"),
        pytest.param("boot-1", 4880, 5000, 120, 0, id="over"),
        pytest.param("boot-0", 90000, 0, 120, 120, id="started anew just now: how long it was off is not known"),
        pytest.param("boot-0", 3, 119, 120, 1, id="started anew, and not running for longer than the lease"),
        pytest.param("boot-0", 90000, 120, 120, 0, id="started anew, and running for longer than the lease"),
        pytest.param("boot-1", 90000, 119, 120, 1, id="a container started anew, whose uptime ran back"),
        pytest.param("boot-1", 90000, 120, 120, 0, id="a container that runs for longer than the lease"),
    ],
)
def test_how_the_clock_is_set_changes_nothing(date, since, boot, noted, uptime, seconds, remaining):
    """Clocks that are years off in both directions, and jump between the run that took it and the one that asks."""
    lease = {"held": dict(ANNA, since=since, server_boot=boot, uptime=noted, seconds=seconds), "last": None}
    now = Moment("boot-1", uptime, date)
    assert _lease.remaining(lease["held"], now) == remaining
    if remaining:
        with pytest.raises(_lease.Held, match="lasts %d s more" % remaining):
            _lease.take(lease, BERT, now, 600)
    else:
        assert _lease.take(lease, BERT, now, 600)[0]["held"]["id"] == BERT["id"]


def test_a_server_that_was_started_anew_is_told():
    with pytest.raises(_lease.Held, match="the server was started anew since, and it is not known how long it was off"):
        _lease.take(held(boot="boot-0"), BERT, NOW._replace(uptime=30), 600)
    assert "started anew" not in str(_lease.Held(held()["held"], NOW, None))


def test_a_date_that_no_calendar_has():
    assert "an unknown date" in str(_lease.Held(held(since=10**30)["held"], NOW, None))


def test_one_that_cannot_be_read_is_only_taken_over_by_word():
    _lease.require_readable(None)
    _lease.require_readable("it lacks id", _lease.UNREADABLE)
    for take_over in (None, "desk-1"):
        with pytest.raises(Problem, match="Found: it lacks id.*riscv_k3s_lease_take_over=unreadable"):
            _lease.require_readable("it lacks id", take_over)


def test_renewed_only_while_ours():
    renewed = _lease.renew(held(BERT, boot="boot-0"), BERT, NOW, 600)["held"]
    assert renewed == dict(BERT, since=DATE - 60, server_boot="boot-1", uptime=5000, seconds=600)
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
