# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a board lacks of its archive of images."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.preload import lacking
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: preload_lacking
short_description: 'INTERNAL: what a board lacks of its archive of images'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Compares the images in a board's store with those that the archive in C(agent/images) should have brought when k3s
    started.
positional: _input, plan
options:
  _input:
    description: RV(riscv.k3s.k3s_info#module:images) of the board.
    type: list
    elements: dict
    required: true
  plan:
    description: The board's plan, of RV(riscv.k3s.k3s_plan#module:boards).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Require what the archive should have brought
  ansible.builtin.assert:
    that: observed.images | riscv.k3s.preload_lacking(k3s_run.boards[inventory_hostname]) | length == 0
"""

RETURN = r"""
_value:
  description: A sentence for each image that is missing or of another architecture.
  type: list
  elements: str
"""


class FilterModule:
    def filters(self):
        return {"preload_lacking": door(lacking)}
