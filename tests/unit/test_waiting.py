# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a wait goes on: tables of what is seen when, with a clock that is passed in, and nobody sleeps."""

from __future__ import annotations

import json

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._waiting import moves, patience
from ansible_collections.riscv.k3s.plugins.module_utils._waiting.patience import MOST_CHANGES, OUTER, Patience

QUIET = 10
# What is seen at which second, and when the wait is over.
TABLE = {
    "nothing moves": ({0: {"a": "1"}}, 10),
    "one move": ({0: {"a": "1"}, 8: {"a": "2"}}, 18),
    "something new": ({0: {}, 8: {"b": "1"}}, 18),
    "something gone": ({0: {"a": "1"}, 8: {}}, 18),
    "gone and back is no second move": ({0: {"a": "1"}, 8: {}, 16: {"a": "1"}}, 18),
    "two states that take turns": ({at: {"a": str(at // 4 % 2)} for at in range(0, 99, 4)}, 14),
    "one thing again and again": ({at: {"a": str(at)} for at in range(0, 99, 4)}, 4 * MOST_CHANGES + 10),
    "always something else": ({at: {str(at): "1"} for at in range(0, 400, 4)}, QUIET * OUTER),
    "too late": ({0: {"a": "1"}, 11: {"a": "2"}}, 10),
}


@pytest.mark.parametrize("seen, over", TABLE.values(), ids=TABLE)
def test_when_it_is_over(seen, over):
    state, marks = None, {}
    for now in range(OUTER * QUIET * 2):
        patient, marks = Patience(QUIET, state), seen.get(now, marks)
        patient.look(now, marks)
        # It may go on in another process.
        state = json.loads(json.dumps(patient.state))
        if patient.left(now) <= 0:
            break
    assert now == over
    limit = "the outer limit (%d times %d)" % (OUTER, QUIET) if over == QUIET * OUTER else "nothing moved for 10 sec"
    assert limit in patient.why(now)


class Clock:
    """Looks take ``took`` seconds each."""

    def __init__(self, took=0):
        self.now, self.took, self.slept = 0, took, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def waited(took, done_at, quiet=QUIET, intervals=(3,)):
    clock = Clock()

    def look():
        clock.now += took
        return clock.now >= done_at, {"a": "1"}

    return patience.wait(look, quiet, clock, clock.sleep, intervals), clock.slept


@pytest.mark.parametrize(
    "took, done_at, quiet, slept, done",
    [
        (0, 0, 10, [], True),
        (0, 7, 10, [3, 3, 3], True),
        (0, 99, 10, [3, 3, 3, 1], False),
        (5, 24, 99, [5, 5], True),  # at least as long as the last look took
        (60, 200, 10, [10], False),  # a look that takes longer than the time is still made twice
    ],
)
def test_between_two_looks(took, done_at, quiet, slept, done):
    over, pauses = waited(took, done_at, quiet)
    assert pauses == slept and (over is None) is done


def test_soon_at_first_then_seldom():
    assert waited(0, 99, 25, patience.INTERVALS)[1] == [1, 2, 3, 5, 5, 5, 4]


def pod(name="coredns-1", uid="u1", phase="Pending", owner="coredns-7c9", **container):
    row = dict({"name": "coredns", "state": "waiting", "reason": "", "ready": False}, restarts=0, image_id="")
    return {
        "namespace": "kube-system",
        "name": name,
        "uid": uid,
        "node": "b1",
        "labels": {"pod-template-hash": "7c9"},
        "owner": {"kind": "ReplicaSet", "name": owner},
        "phase": phase,
        "ready": False,
        "deleting": False,
        "containers": [dict(row, **container)],
    }


def event(reason, kind="Pod", uid="u1", count=1, **more):
    row = {"kind": kind, "name": "x", "uid": uid, "type": "Normal", "reason": reason, "message": "", "count": count}
    return dict(row, time="2026-11-24T10:00:00Z", **more) if "type" not in more else dict(row, time="", **more)


def test_pods_are_known_by_their_workload():
    before, after = moves.pod_marks([pod()]), moves.pod_marks([pod("coredns-2", "u2")])
    assert before.keys() == after.keys()
    assert [key for key in before if before[key] != after[key]] == ["pod kube-system/Deployment/coredns on b1"]


@pytest.mark.parametrize(
    "change, key",
    [
        ({"phase": "Running"}, "state of PLACE"),
        ({"reason": "ErrImagePull"}, "state of PLACE, container coredns"),
        ({"state": "running", "ready": True}, "state of PLACE, container coredns"),
        ({"restarts": 1}, "restarts of PLACE, container coredns"),
        ({"image_id": "sha256:1"}, "image of PLACE, container coredns"),
    ],
)
def test_what_moves_of_a_pod(change, key):
    before, after = moves.pod_marks([pod()]), moves.pod_marks([pod(**change)])
    place = "kube-system/Deployment/coredns on b1"
    assert [key for key in before if before[key] != after[key]] == [key.replace("PLACE", place)]


EVENTS = [
    ("a pull begins", [], [event("Pulling")], True),
    ("it is pulled once more", [event("Pulling")], [event("Pulling", count=2)], True),
    ("a warning", [], [event("Failed", type="Warning")], True),
    ("the same warning again", [event("BackOff", type="Warning")], [event("BackOff", type="Warning", count=9)], False),
    ("another pod's", [], [event("Pulling", uid="other")], False),
    ("a pass of the deploy controller", [], [event("ApplyingManifest", "Addon", "a")], True),
    ("the next pass", [event("ApplyingManifest", "Addon")], [event("ApplyingManifest", "Addon", count=2)], True),
]


@pytest.mark.parametrize("before, after, moved", [row[1:] for row in EVENTS], ids=[row[0] for row in EVENTS])
def test_events(before, after, moved):
    assert (moves.event_marks(before, [pod()]) != moves.event_marks(after, [pod()])) is moved


def test_kills_by_a_probe():
    said = event("Unhealthy", type="Warning", message="Startup probe failed: HTTP probe failed with statuscode: 503")
    kill = event("Killing", message="Container coredns failed startup probe, will be restarted", count=2)
    assert moves.killed([kill, said], [pod()]) == [
        "the kubelet killed container coredns of pod kube-system/coredns-1 by its startup probe 2 times: "
        "Startup probe failed: HTTP probe failed with statuscode: 503"
    ]
    assert moves.killed([event("Killing", message="Stopping container coredns"), said], [pod()]) == []
    assert moves.killed([kill], []) == []
