# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which gates are shut for a board."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.gates import DEFAULT_GATES, judge, read, view
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: shut_gates
short_description: 'INTERNAL: lists the health gates that are shut for a board'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Evaluates JMESPath expressions over the joined view of a board, which has the keys board, k3s, node, api, images,
    pods, lacking and newly_broken.
positional: _input, plan
options:
  _input:
    description: The result of M(riscv.k3s.k3s_info) for the board, with k3s, config, images and sandboxes.
    type: dict
    required: true
  plan:
    description: The board's plan, of RV(riscv.k3s.k3s_plan#module:boards).
    type: dict
    required: true
  board:
    description: The name of the board.
    type: str
    required: true
  api:
    description: RV(riscv.k3s.k3s_info#module:api) of a server, of now.
    type: dict
  before:
    description: The same from before the run; pods that were broken then do not count.
    type: dict
  gates:
    description: The gates; none takes the default ones.
    type: list
    elements: dict
"""

EXAMPLES = r"""
- name: Require a healthy board
  ansible.builtin.assert:
    that: observed | riscv.k3s.shut_gates(plan, board=inventory_hostname, api=observed.api) | length == 0
"""

RETURN = r"""
_value:
  description: A sentence for each gate that is shut.
  type: list
  elements: str
"""


def shut_gates(seen, plan, board, api=None, before=None, gates=None):
    return judge(read(DEFAULT_GATES if gates is None else gates), view(board, plan, seen, api, before))


class FilterModule:
    def filters(self):
        return {"shut_gates": door(shut_gates)}
