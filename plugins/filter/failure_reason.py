# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a task failed."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils.failing import reason
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: failure_reason
short_description: 'INTERNAL: says why a task failed'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Of a task with a loop, it is the reason of the first item that failed. Of a module that wrote no result, as where a
    board has no Python or an old one, it is what was written instead.
options:
  _input:
    description: The task's result, C(ansible_failed_result).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Remember why it failed
  ansible.builtin.set_fact:
    failure: "{{ ansible_failed_result | riscv.k3s.failure_reason }}"
"""

RETURN = r"""
_value:
  description: The reason, without the name of the task.
  type: str
"""


class FilterModule:
    def filters(self):
        return {"failure_reason": door(reason)}
