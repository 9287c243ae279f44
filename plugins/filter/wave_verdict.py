# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a wave went."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.waves import verdict
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: wave_verdict
short_description: 'INTERNAL: tells how a wave went, and which boards were not touched'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Whether the run may go on after the wave of a board, and what to tell when it may not.
positional: _input, board, failures, active
options:
  _input:
    description: The result of M(riscv.k3s.k3s_plan).
    type: dict
    required: true
  board:
    description: A board of the wave.
    type: str
    required: true
  failures:
    description: Why boards of it failed, by board.
    type: dict
    required: true
  active:
    description: The boards of it that can still be reached.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show how the wave went
  ansible.builtin.debug:
    msg: "{{ (k3s_run | riscv.k3s.wave_verdict(inventory_hostname, failed, ansible_play_batch)).lines }}"
  vars:
    failed: {board-2: the node is not Ready}
"""

RETURN = r"""
_value:
  description: A dictionary with the keys number, failed, stop, untouched and lines.
  type: dict
"""


class FilterModule:
    def filters(self):
        return {"wave_verdict": door(verdict)}
