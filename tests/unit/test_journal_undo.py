# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one entry of the journal comes to, by what is there now."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._journal import undo
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import ANY

NAME, PATH = "docker.io/rancher/mirrored-pause:3.6", "/etc/rancher/k3s/registries.yaml"
OURS, EARLIER, BEFORE, OTHER = ("sha256:" + digit * 64 for digit in "1234")


def held(digest, pinned=False):
    return {"digest": digest, "pinned": pinned}


@pytest.mark.parametrize(
    ("digest", "before", "now", "has_content", "action"),
    [
        (OURS, None, held(OURS, True), False, undo.REMOVE),
        (OURS, None, held(OURS), False, undo.REMOVE),
        (OURS, None, held(EARLIER), False, undo.REMOVE),
        (ANY, None, held(OTHER), False, undo.REMOVE),
        (OURS, None, None, False, undo.FORGET),
        (OURS, None, held(OTHER), False, undo.LEAVE),
        (OURS, held(BEFORE), held(OURS, True), True, undo.RESTORE),
        (OURS, held(BEFORE), held(OURS, True), False, undo.DROP),
        (OURS, held(BEFORE), held(BEFORE), True, undo.FORGET),
        (OURS, held(BEFORE), held(BEFORE, True), True, undo.PIN),
        (BEFORE, held(BEFORE), held(BEFORE, True), True, undo.PIN),
        (OURS, held(BEFORE), held(OTHER), True, undo.LEAVE),
        (ANY, held(BEFORE), held(OTHER), True, undo.RESTORE),
        (OURS, held(BEFORE), None, True, undo.RESTORE),
        (OURS, held(BEFORE), None, False, undo.DROP),
        (None, held(BEFORE), None, True, undo.RESTORE),
        (None, held(BEFORE), held(OTHER), True, undo.LEAVE),
    ],
)
def test_image(digest, before, now, has_content, action):
    entry = {"digest": digest, "previous": EARLIER, "before": before, "pinned": True, "source": None, "beside": []}
    done = undo.undo_image(NAME, entry, now, has_content)
    assert done.action == action
    assert (done.warning is None) == (action not in (undo.LEAVE, undo.DROP))
    assert not done.warning or NAME in done.warning


@pytest.mark.parametrize(
    ("before", "pending", "current", "action"),
    [
        (None, False, "ours", undo.REMOVE),
        (None, False, "earlier", undo.REMOVE),
        (None, False, None, undo.FORGET),
        (None, True, None, undo.SETTLE),
        (None, False, "edited", undo.LEAVE),
        ("before", False, "ours", undo.RESTORE),
        ("before", False, "before", undo.FORGET),
        ("before", True, "before", undo.SETTLE),
        ("before", True, "ours", undo.RESTORE),
        ("before", False, "edited", undo.LEAVE),
        ("before", False, None, undo.LEAVE),
    ],
)
@pytest.mark.parametrize("previous", ["earlier", None])
def test_file(before, pending, current, action, previous):
    if current == "earlier" and not previous:
        action = undo.LEAVE
    entry = {
        "kind": "file",
        "sha256": "ours",
        "previous": previous,
        "pending": pending,
        "before": before and {"sha256": before},
    }
    done = undo.undo_file(PATH, entry, current)
    assert done.action == action
    assert (done.warning is None) == (action != undo.LEAVE)


@pytest.mark.parametrize(("current", "action"), [("any", undo.REMOVE), (None, undo.FORGET)])
def test_archive(current, action):
    assert undo.undo_file("/x/riscv-k3s-0.tar", {"kind": "archive", "before": None}, current).action == action
