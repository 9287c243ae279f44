# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a fleet with a lock, by a table of cases."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.filter.mirror_names import mirror_names
from ansible_collections.riscv.k3s.plugins.filter.plan import plan
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


def decide(*images, **settings):
    board = observed(*images)
    return plan(board, [board], CATALOGUE, board="board-1", lock=LOCK, lock_file="images.lock.yml", **settings)


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
    assert mirror_names([good, drifted], PREFIX, lock=LOCK, lock_file="x") == [answers[0]["image"]]
    assert mirror_names([good], PREFIX, lock=LOCK, lock_file="x") == mirror_names([drifted], PREFIX) == []
    result = decide(held(PAUSE, OTHER), mirror=PREFIX, mirror_answers=answers)
    assert (result["images"][0]["fix"], result["pulls"], result["digests"]) == ("mirror", [PAUSE], {PAUSE: GOOD})
    assert BOTH in result["images"][0]["reason"]


def test_what_the_lock_does_not_hold_is_told():
    board = observed()
    board["demand"].append({"image": PAUSE + ".1", "where": ["x"], "required": True})
    result = plan(board, [board], CATALOGUE, board="board-1", lock=LOCK, lock_file="images.lock.yml")
    assert [
        text
        for text in result["warnings"]
        if "not in the lock" in text and PAUSE + ".1" in text and PAUSE + "," not in text
    ]
    assert not plan(board, [board], CATALOGUE, board="board-1")["warnings"]
