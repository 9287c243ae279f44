# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Version skew: what is refused, naming boards, versions and what to go to next; and what is not."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._rollout.skew import Node, refusals


def nodes(text):
    """s1:v1.35.7+k3s1 is a server that is upgraded, a1- an agent that is not; -? after it: of unknown role."""
    rows = []
    for word in text.split():
        name, dummy, version = word.partition(":")
        is_server = None if "?" in name else name.startswith("s")
        rows.append(Node(name.strip("-?"), is_server, "" if version == "none" else version, "-" not in name))
    return rows


@pytest.mark.parametrize(
    "target, text",
    [
        ("v1.36.3+k3s1", "s1:v1.35.8+k3s1 a1:v1.35.8+k3s1"),
        ("v1.36.3+k3s1", "s1:v1.36.3+k3s1 s2:v1.35.8+k3s1 a1:v1.35.8+k3s1"),
        ("v1.36.3+k3s2", "s1:v1.36.3+k3s1"),
        ("v1.36.3+k3s1", "s1:v1.36.3+k3s1 a1:v1.36.3+k3s1"),
        ("v1.36.3+k3s1", "s1:v1.35.8+k3s1 a1:v1.33.13+k3s1"),
        ("v1.28.15+k3s1", "s1:v1.27.4+k3s1 a1:v1.25.15+k3s1"),
        ("v1.27.4+k3s1", "s1:v1.26.3+k3s1 a1:v1.25.15+k3s1"),
        ("v1.36.3+k3s1", "s1-:v1.36.3+k3s1 a1:v1.35.8+k3s1"),
        ("v1.36.4+k3s1", "s1-:v1.36.3+k3s1 a1:v1.35.8+k3s1"),
        ("v1.36.3+k3s-54c12b8f", "s1:v1.36.3+k3s1"),
        ("v1.36.3+k3s-", "s1:v1.36.3+k3s-"),
        ("v1.36.3+k3s1", "s1:v1.36.3-rc2+k3s1"),
        ("v1.36.3-rc10+k3s1", "s1:v1.36.3-rc9+k3s1"),
        ("v1.36.3+k3s1", "s1:v1.36.3+k3s-54c12b8f a1:v1.36.3+k3s-54c12b8f"),
        ("v1.35.8+k3s1", "s1-:v1.35.8+k3s1 s2-:v1.36.3+k3s1 a1:v1.34.9+k3s1"),
    ],
)
def test_may_be(target, text):
    assert refusals(target, nodes(text)) == []


@pytest.mark.parametrize(
    "target, text, who, what, next_step",
    [
        ("v1.36.3+k3s1", "s1:v1.34.9+k3s1", ["s1"], "one minor version at a time, and v1.36 is further", "v1.35 first"),
        ("v1.36.3+k3s1", "s1:v1.24.2+k3s2 s2:v1.34.9+k3s1", ["s1", "s2"], "one minor version", "v1.25 first"),
        ("v2.0.0+k3s1", "s1:v1.36.3+k3s1", ["s1"], "one minor version at a time", "v1.37 first"),
        ("v1.35.8+k3s1", "s1:v1.36.3+k3s1", ["s1"], "not taken back to v1.35.8+k3s1", "or a later one"),
        ("v1.36.2+k3s1", "s1:v1.36.3+k3s1", ["s1"], "not taken back", "or a later one"),
        ("v1.36.3+k3s1", "s1:v1.36.3+k3s2", ["s1"], "not taken back", "or a later one"),
        ("v1.36.3-rc2+k3s1", "s1:v1.36.3+k3s1", ["s1"], "not taken back", "or a later one"),
        ("v1.36.3-rc9+k3s1", "s1:v1.36.3-rc10+k3s1", ["s1"], "not taken back", "or a later one"),
        ("v1.35.8+k3s1", "s1-:v1.36.3+k3s1 a1:v1.36.3+k3s1", ["a1"], "not taken back", "or a later one"),
        ("v1.36.3+k3s1", "s1-:v1.35.8+k3s1 a1:v1.35.8+k3s1", ["s1"], "before the servers", "servers first"),
        (
            "v1.35.8+k3s1",
            "s1:v1.34.9+k3s1 a1-:v1.36.3+k3s1",
            ["a1"],
            "must not be newer than its server",
            "newest agent",
        ),
        ("v1.36.3+k3s1", "s1:v1.35.8+k3s1 a1:v1.32.13+k3s1", ["a1"], "3 minor versions older", "these agents"),
        ("v1.36.3+k3s1", "s1:v1.35.8+k3s1 a1-:v1.32.13+k3s1", ["a1"], "3 minor versions older", "these agents"),
        ("v1.27.4+k3s1", "s1:v1.26.3+k3s1 a1:v1.24.2+k3s2", ["a1"], "2 minor versions older", "these agents"),
        ("v1.36.3+k3s1", "s1:v1.35.8+k3s1 a1:none", ["a1"], "which version of k3s runs is not known", "run again"),
        ("v1.36.3+k3s1", "s1:v1.35.8+k3s1 a1:v1.35.8+rke2r1", ["a1"], "not known", "run again"),
    ],
)
def test_refused(target, text, who, what, next_step):
    found = refusals(target, nodes(text))
    [row] = [row for row in found if what in row["what"]]
    assert row["nodes"] == who and next_step in row["next_step"]
    assert all(name in row["found"] for name in who) and " runs " in row["found"]


def test_no_version():
    with pytest.raises(Problem, match="is not a k3s version"):
        refusals("latest", [])
    # The tag of an image of k3s, which no k3s says of itself.
    with pytest.raises(Problem, match="is not a k3s version"):
        refusals("v1.36.3-k3s1", [])
