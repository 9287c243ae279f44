# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is not healthy in the API's view."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.restarts import unready
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: unready
short_description: 'INTERNAL: lists nodes and pods that are not Ready'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - A sentence for each node that is not Ready and for each pod that is neither Ready nor done.
positional: _input, namespaces
options:
  _input:
    description: RV(riscv.k3s.k3s_info#module:api) of a server.
    type: dict
    required: true
  namespaces:
    description: Namespaces whose pods count.
    type: list
    elements: str
    default: [kube-system]
"""

EXAMPLES = r"""
- name: Stop when something is not Ready
  ansible.builtin.assert:
    that: observed.api | riscv.k3s.unready | length == 0
"""

RETURN = r"""
_value:
  description: Sentences; an empty list means healthy.
  type: list
  elements: str
"""


class FilterModule:
    def filters(self):
        return {"unready": door(unready)}
