# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closer looks, which are loops over boards: what each board's row tells, and what a failed one means."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import fleet as _fleet


def looks(board, kind, **result):
    return {"k3s_closer_" + kind: {"results": [{"item": "other"}, dict(result, item=board)]}}


def test_a_closer_look_is_the_row_of_its_board():
    variables = {**looks("b1", "registries", others=[]), **looks("b1", "contents", contents={"names": {}})}
    seen = _fleet.looked_closer({"doubts": ["x"]}, variables, "b1")
    assert sorted(seen["closer"]) == ["contents", "registries"] and seen["doubts"] == ["x"]
    assert _fleet.looked_closer({}, variables, "b2") == {"closer": {}}
    assert _fleet.looked_closer({}, {}, "b1") == {"closer": {}}


def test_a_closer_look_that_failed_leaves_its_board_alone():
    failed = looks("b1", "registries", msg="line 3 cannot be read")
    seen = _fleet.looked_closer({"doubts": ["x"]}, failed, "b1")
    assert seen["closer"] == {} and seen["doubts"] == ["x", "registries.yaml: line 3 cannot be read"]
    assert "doubts" not in _fleet.looked_closer({}, looks("b1", "contents", msg="refused"), "b1"), "as before the look"
