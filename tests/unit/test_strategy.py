# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards are kept in step, whatever strategy ansible.cfg names for plays that name none."""

from __future__ import annotations

import pytest
from test_project import PLAYBOOKS, ROOT, read_yaml

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils.strategy import required


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_playbook_names_its_own(name):
    plays = [play for play in read_yaml(ROOT / "playbooks" / (name + ".yml")) if "hosts" in play]
    said = [(play.get("strategy"), play.get("any_errors_fatal")) for play in plays]
    # What ansible.cfg says of errors would end the boards that are well, and with them what gives the lease back.
    assert plays and said == [("ansible.builtin.linear", False)] * len(plays)


@pytest.mark.parametrize(
    "strategy", ["free", "host_pinned", "ansible.builtin.free", "mitogen_free", "mitogen.mitogen.mitogen_host_pinned"]
)
def test_one_that_lets_each_board_go_on_by_itself_is_refused(strategy):
    with pytest.raises(Problem, match=r"Found: the strategy %s, .* Next: write `strategy: linear`" % strategy):
        required(strategy)


@pytest.mark.parametrize("strategy", ["linear", "ansible.builtin.linear", "mitogen_linear", "debug", "freely", ""])
def test_others_are_let_through(strategy):
    required(strategy)
