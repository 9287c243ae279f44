# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pods a change of images affects."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.restarts import restarts
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: restarts
short_description: Names the pods that must be restarted after images were tagged
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Pods that wait in image back-off for an image which a plan tags, or that run content which a plan replaces.
positional: _input, plans
options:
  _input:
    description: RV(riscv.k3s.k3s_info#module:api) of a server.
    type: dict
    required: true
  plans:
    description: Results of P(riscv.k3s.plan#filter) for the boards of the cluster.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: See which pods would be restarted
  ansible.builtin.debug:
    msg: "{{ observed.api | riscv.k3s.restarts([plan]) }}"
"""

RETURN = r"""
_value:
  description: Pods as C(namespace/name), sorted.
  type: list
  elements: str
"""


class FilterModule:
    def filters(self):
        return {"restarts": door(restarts)}
