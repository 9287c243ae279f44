# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks of roles and playbooks make Ansible print: text for people, and no data of boards."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml")])


def tasks(node):
    """Every mapping in a file of tasks or plays."""
    if isinstance(node, list):
        for one in node:
            yield from tasks(one)
    elif isinstance(node, dict):
        yield node
        for key in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks"):
            yield from tasks(node.get(key) or [])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_text_for_people_and_no_data_of_boards(path):
    for task in tasks(yaml.safe_load(path.read_text(encoding="utf-8"))):
        name = task.get("name")
        # Where one of a loop does not answer, Ansible prints the results of all as JSON: 90 KB for two boards.
        if "loop" in task and "logs" in (task.get("riscv.k3s.k3s_info") or {}).get("gather", []):
            assert task.get("no_log") is True, name
        # A message that is a list is shown as JSON. k3s_show shows lines.
        assert "ansible.builtin.debug" not in task, name
        assert "success_msg" not in (task.get("ansible.builtin.assert") or {}), name

        # ansible-runner gives a job a terminal at which nobody is: a question would be waited for forever.
        if "ansible.builtin.pause" in task:
            assert "lookup('ansible.builtin.env', 'AWX_ISOLATED_DATA_DIR') == ''" in task["when"], name
