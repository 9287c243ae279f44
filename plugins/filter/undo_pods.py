# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods whose image name is taken away."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.undo import undo_pods
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: undo_pods
short_description: 'INTERNAL: chooses the pods whose image name is taken away'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Only pods on the boards of the plans. They would go on with content that nothing names any more.
positional: _input, plans
options:
  _input:
    description: RV(riscv.k3s.k3s_info#module:api) of a server.
    type: dict
    required: true
  plans:
    description: Plans, the values of RV(riscv.k3s.k3s_plan#module:boards).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: See which pods are restarted
  ansible.builtin.debug:
    msg: "{{ observed.api | riscv.k3s.undo_pods([undo_plan]) }}"
"""

RETURN = r"""
_value:
  description: Pods as C(namespace/name), sorted.
  type: list
  elements: str
"""


class FilterModule:
    def filters(self):
        return {"undo_pods": door(undo_pods)}
