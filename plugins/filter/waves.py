# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which steps a fleet is changed."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.waves import fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: waves
short_description: Divides the boards that have something to do into waves
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Agents by O(serial), then each server by itself. Boards that have nothing to do are in no wave.
positional: _input, servers
options:
  _input:
    description: Results of P(riscv.k3s.plan#filter) by board, in the order of the inventory.
    type: dict
    required: true
  servers:
    description: The boards that are servers.
    type: list
    elements: str
    required: true
  serial:
    description: How many agents a wave has, a number, a percentage, or a list of these whose last one is repeated.
    type: raw
    default: [1, "10%", "25%", "100%"]
  max_fail_percentage:
    description: How much of a wave may fail without ending the run.
    type: float
    default: 0
  lost:
    description: What M(riscv.k3s.k3s_info) said of boards that were to be in the run, and cannot be reached or have
      no plan, by board; empty for nothing.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the waves
  ansible.builtin.debug:
    msg: "{{ (plans | riscv.k3s.waves(groups.server)).lines }}"
"""

RETURN = r"""
_value:
  description: A dictionary with the keys boards, servers, lost, unplanned, waves, lines, changes and
    max_fail_percentage.
  type: dict
"""


class FilterModule:
    def filters(self):
        return {"waves": door(fleet)}
