# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action k3s_show: a table as plain text, and nothing of it where the output is a document for programs."""

from __future__ import annotations

from unittest import mock

import pytest
from ansible import constants

from ansible_collections.riscv.k3s.plugins.action import k3s_show
from ansible_collections.riscv.k3s.plugins.plugin_utils._report import shown

LINES = ["BOARD    ARCH", 'board-1  "quoted"']


@pytest.mark.parametrize(
    "callback, lines, displayed",
    [
        ("default", LINES, ["\n".join(LINES)]),
        ("awx_display", LINES, ["\n".join(LINES)]),
        ("json", LINES, []),
        ("ansible.posix.jsonl", LINES, []),
        ("default", [], []),
    ],
)
def test_lines(monkeypatch, callback, lines, displayed):
    display = mock.Mock()
    monkeypatch.setattr(constants.config, "get_config_value", lambda name: callback)
    action = k3s_show.ActionModule(
        mock.Mock(args={"lines": lines}, async_val=0, check_mode=True, diff=False), *(mock.Mock() for dummy in range(5))
    )
    action._display = display
    assert action.run(task_vars={}) == {"changed": False, "msg": lines}
    assert [call.args[0] for call in display.display.call_args_list] == displayed


def test_problems_end_the_run_below_the_lines():
    args = {"lines": LINES, "problems": ["b1: x\x1b[2J", "b2: y"]}
    action = k3s_show.ActionModule(
        mock.Mock(args=args, async_val=0, check_mode=False, diff=False), *(mock.Mock() for dummy in range(5))
    )
    action._display = mock.Mock()
    assert action.run(task_vars={}) == {"failed": True, "changed": False, "msg": "b1: x\\x1b[2J; b2: y"}
    action._display.display.assert_called_once_with("\n".join(LINES))


def test_the_real_setting_is_asked():
    display = mock.Mock()
    shown.show(display, LINES)
    display.display.assert_called_once_with("\n".join(LINES))


def test_nothing_in_a_line_acts_on_the_terminal():
    display = mock.Mock()
    shown.show(display, ["a\x1b[2J", "b\u202e\rok: [b1]"])
    display.display.assert_called_once_with("a\\x1b[2J\nb\\u202e\\x0dok: [b1]")
