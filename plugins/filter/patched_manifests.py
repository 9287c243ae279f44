# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which manifests a catalogue patches."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.catalogue import manifests_to_patch
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: patched_manifests
short_description: 'INTERNAL: lists the manifests that a catalogue has patches for'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Only of these the whole text leaves a board.
positional: _input
options:
  _input:
    description: The inventory's catalogue, C(riscv_k3s_catalogue), or none.
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Look at a board, and at all of what is patched there
  riscv.k3s.k3s_info:
    whole_manifests: "{{ riscv_k3s_catalogue | default(none) | riscv.k3s.patched_manifests }}"
"""

RETURN = r"""
_value:
  description: Paths in the folder of manifests.
  type: list
  elements: str
"""


class FilterModule:
    def filters(self):
        return {"patched_manifests": door(manifests_to_patch)}
