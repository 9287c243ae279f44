# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a fleet with a lock, by a table of cases."""

from __future__ import annotations

import pytest
from planning import fleet_of, settings_of

from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import run as _run
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock

PAUSE, SOURCE, PREFIX = "docker.io/rancher/mirrored-pause:3.6", "reg:5000/riscv64/pause:3.10", "reg:5000/stock"
GOOD, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
CATALOGUE = [{"stock": "docker.io/rancher/mirrored-pause", "source": SOURCE}]
LOCK = _lock.render(
    {(PAUSE, "riscv64"): _lock.Locked(PAUSE, "riscv64", SOURCE, "reg:5000", GOOD, 7, "2026-11-24T00:00:00Z")}
)
BOTH = "the store has %s, the lock %s" % (OTHER, GOOD)


def held(name, digest=GOOD, platform="linux/riscv64", pinned=True):
    return {"name": name, "digest": digest, "platforms": [platform], "pinned": pinned, "size": 1}


def observed(*images):
    return {
        "architecture": "riscv64",
        "pause_image": PAUSE,
        "images": list(images),
        "manifests": [],
        "demand": [{"image": PAUSE, "where": ["pause"], "required": True}],
    }


def plan(board, answers=None, lock=LOCK, **settings):
    read = _lock.read(lock, "images.lock.yml") if lock else None
    fleet = fleet_of({"board-1": (board, settings_of(catalogue=CATALOGUE, **settings))}, lock=read)
    return _run.present(fleet, answers or {})["boards"]["board-1"]


def decide(*images, **settings):
    return plan(observed(*images), **settings)


def asked(*boards, lock=LOCK):
    rows = {
        "board-%d" % number: (seen, settings_of(catalogue=CATALOGUE, mirror_prefix=PREFIX))
        for number, seen in enumerate(boards)
    }
    found = _run.questions(fleet_of(rows, lock=_lock.read(lock, "x") if lock else None))
    return [image for question in found for image in question.images]


@pytest.mark.parametrize(
    "images, settings, fix, reason, pulls, digests",
    [
        pytest.param([], {}, "tag", "not in the store", [SOURCE], {SOURCE: GOOD}, id="missing"),
        pytest.param([held(SOURCE)], {}, "tag", "not in the store", [], {}, id="the locked source is there"),
        pytest.param(
            [held(SOURCE, OTHER)], {}, "tag", "not in the store", [SOURCE], {SOURCE: GOOD}, id="another source is there"
        ),
        pytest.param([held(PAUSE)], {}, "present", "pinned", [], {}, id="present"),
        pytest.param(
            [held(PAUSE), held(SOURCE, OTHER)], {}, "present", "pinned", [], {}, id="present, and a source that moved"
        ),
        pytest.param([held(PAUSE, pinned=False)], {}, "tag", "not pinned", [], {}, id="pin only"),
        pytest.param([held(PAUSE, OTHER)], {}, "tag", BOTH, [SOURCE], {SOURCE: GOOD}, id="drifted"),
        pytest.param(
            [held(PAUSE, OTHER), held(SOURCE, OTHER)],
            {},
            "tag",
            BOTH,
            [SOURCE],
            {SOURCE: GOOD},
            id="drifted with its source",
        ),
        pytest.param(
            [held(PAUSE, OTHER), held(SOURCE)], {}, "tag", BOTH, [], {}, id="drifted, the locked source is there"
        ),
        pytest.param([held(PAUSE, OTHER)], {"existing": "keep"}, "present", "pinned", [], {}, id="drifted and kept"),
        pytest.param(
            [held(PAUSE, OTHER, pinned=False)],
            {"existing": "keep"},
            "tag",
            "not pinned",
            [],
            {},
            id="drifted, kept and pinned",
        ),
        pytest.param([held(PAUSE)], {"pull_policy": "always"}, "tag", "always", [SOURCE], {SOURCE: GOOD}, id="always"),
        pytest.param(
            [held(PAUSE, platform="linux/amd64")],
            {},
            "tag",
            "is amd64",
            [SOURCE],
            {SOURCE: GOOD},
            id="wrong architecture",
        ),
    ],
)
def test_one_image(images, settings, fix, reason, pulls, digests):
    result = decide(*images, **settings)
    (row,) = result["images"]
    assert (row["fix"], result["pulls"], result["digests"]) == (fix, pulls, digests)
    assert reason in row["reason"] and row["locked"] == GOOD
    assert any(BOTH in text for text in result["warnings"]) == (settings.get("existing") == "keep" and fix == "present")


def test_the_mirror_is_asked_and_used_for_what_drifted():
    answers = [{"image": PREFIX + "/rancher/mirrored-pause:3.6", "has_architecture": True, "cause": None}]
    drifted, good = observed(held(PAUSE, OTHER)), observed(held(PAUSE))
    assert asked(good, drifted) == [answers[0]["image"]]
    assert asked(good) == asked(drifted, lock=None) == []
    result = decide(held(PAUSE, OTHER), mirror_prefix=PREFIX, answers={("riscv64", PREFIX, None): answers})
    assert (result["images"][0]["fix"], result["pulls"], result["digests"]) == ("mirror", [PAUSE], {PAUSE: GOOD})
    assert BOTH in result["images"][0]["reason"]


def test_what_the_lock_does_not_hold_is_told():
    board = observed()
    board["demand"].append({"image": PAUSE + ".1", "where": ["x"], "required": True})
    result = plan(board)
    assert [
        text
        for text in result["warnings"]
        if "not in the lock" in text and PAUSE + ".1" in text and PAUSE + "," not in text
    ]
    assert not plan(board, lock=None)["warnings"]
