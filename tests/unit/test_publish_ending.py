# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last lines of publish say what to do now, and only what is true then."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.ending import ending

PLAN = "Next: ansible-playbook -i inventory.yml riscv.k3s.plan"


def published(missing=(), left=()):
    later = ["%s: nobody answers. Found: lookup. Next: mend it." % name for name in left]
    return {"missing": list(missing), "later": later, "left": list(left)}


@pytest.mark.parametrize(
    "after, asked, last",
    [
        (published(), {"pending": 6}, PLAN),
        (published(), {}, PLAN),
        (published(), {"is_check": True}, PLAN),
        (published(), {"pending": 6, "blank": ["b2"]}, PLAN.replace("riscv.k3s.plan", "riscv.k3s.install")),
        (
            published(),
            {"pending": 6, "is_check": True},
            "Next: the same command without --check, which publishes 6 of them",
        ),
        (
            published(),
            {"pending": 6, "version": "v1.36.3+k3s1"},
            "Next: upgrade k3s to v1.36.3+k3s1; boards with this registry need no run for its images",
        ),
    ],
)
def test_what_to_do_now(after, asked, last):
    assert ending(after, ["inventory.yml"], **asked) == [last]


def test_what_fails_says_itself_what_to_do():
    assert ending(published(["x:1: nothing serves it. Next: build it."]), ["inventory.yml"], pending=6) == []


def test_what_was_left_out_is_named_with_one_reason():
    first, last = ending(published(left=["a:1", "b:1"]), ["inventory.yml"])
    assert first == (
        "The registry lacks a:1 and b:1, which nothing runs yet: boards leave that to k3s. a:1: nobody answers."
    )
    assert last == PLAN


def test_a_path_with_a_blank_is_one_word():
    assert ending(published(), ["my boards.yml", "more.yml"])[-1] == (
        "Next: ansible-playbook -i 'my boards.yml' -i more.yml riscv.k3s.plan"
    )
