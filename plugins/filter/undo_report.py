# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an undo does, for people."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.undo import undo_report
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: undo_report
short_description: Says what an undo does
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - A line for each thing that is taken back, and for each that stays.
positional: _input
options:
  _input:
    description: Results of P(riscv.k3s.undo_plan#filter).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Say it
  ansible.builtin.debug:
    msg: "{{ [undo_plan] | riscv.k3s.undo_report }}"
"""

RETURN = r"""
_value:
  description: Lines of text.
  type: list
  elements: str
"""


class FilterModule:
    def filters(self):
        return {"undo_report": door(undo_report)}
