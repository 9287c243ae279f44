# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The health gates of a board, checked."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.gates import read
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: gates
short_description: Checks health gates before anything is changed
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Returns the gates as they are, or fails and names the one whose expression is not JMESPath.
options:
  _input:
    description: The gates, each with O(ignore:name), O(ignore:query), and perhaps O(ignore:message) and
      O(ignore:found).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Check the gates
  ansible.builtin.assert:
    that: riscv_k3s_gates | riscv.k3s.gates is sequence
"""

RETURN = r"""
_value:
  description: The gates.
  type: list
  elements: dict
"""


class FilterModule:
    def filters(self):
        return {"gates": door(read)}
