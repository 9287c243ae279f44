# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be taken back from one board."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.undo import undo_plan
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: undo_plan
short_description: Decides what is to be taken back from one board
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Reads what M(riscv.k3s.k3s_info) observed, the journal among it, and returns what this collection did that is still
    there.
  - Pure, it asks no board and changes nothing.
positional: _input, servers
options:
  _input:
    description: The result of M(riscv.k3s.k3s_info) for the board.
    type: dict
    required: true
  servers:
    description: The results of M(riscv.k3s.k3s_info) for the servers of the cluster.
    type: list
    elements: dict
    required: true
  board:
    description: The name of the board, for messages.
    type: str
    required: true
  components:
    description: Only these components, each the name of a manifest or of an image; none for everything.
    type: raw
    default: []
"""

EXAMPLES = r"""
- name: See what would be taken back
  ansible.builtin.debug:
    msg: "{{ (observed | riscv.k3s.undo_plan([observed], board=inventory_hostname)).lines }}"
"""

RETURN = r"""
_value:
  description: The plan with the keys board, node, k3s_version, manifests, patches, files, restart, archives, images,
    names, left, lines and changes.
  type: dict
"""


class FilterModule:
    def filters(self):
        return {"undo_plan": door(undo_plan)}
