# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook that installs k3s gives its lease back wherever it ends by itself."""

from __future__ import annotations

from pathlib import Path

import yaml

PLAYBOOK = Path(__file__).parents[2] / "playbooks" / "install.yml"


def test_a_run_that_ends_for_another_one_s_changes_leaves_no_lease():
    """Else the next run takes it over, which counts as a change by another run: it would end there for ever."""
    play = next(play for play in yaml.safe_load(PLAYBOOK.read_text(encoding="utf-8")) if play["name"] == "Begin")
    tasks = play["tasks"]
    ends = next(number for number, task in enumerate(tasks) if "ansible.builtin.assert" in task)
    before = tasks[ends - 1]
    assert before["ansible.builtin.include_role"]["tasks_from"] == "release"
    # Releasing forgets the lease, so what is asked was remembered.
    assert before["when"] == "install_outdated" and "install_outdated" in tasks[ends]["ansible.builtin.assert"]["that"]
    assert "install_outdated" in tasks[ends - 2]["ansible.builtin.set_fact"]
