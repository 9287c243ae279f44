# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be published for a version of k3s."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.publication import publication
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: upgrade_publication
short_description: 'INTERNAL: tells what is to be published so that a mirror serves a version of k3s'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Joins the tables of all architectures of a fleet. What a name holds for another architecture is never written over.
options:
  _input:
    description: Results of P(riscv.k3s.upgrade_table#filter) by architecture.
    type: dict
    required: true
  planned:
    description: Whether what is to be copied or built counts as done.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: See what would be published
  ansible.builtin.debug:
    msg: "{{ ({'riscv64': table} | riscv.k3s.upgrade_publication(planned=true)).copies }}"
"""

RETURN = r"""
_value:
  description:
    - C(copies), pairs of source and target for M(riscv.k3s.registry_image_copy). C(builds), entries of a catalogue that
      say how to build. C(missing), sentences about what neither mends, and C(later), those about images that nothing
      runs yet. C(left), the names of the latter. C(lines), a table for people.
  type: dict
"""


class FilterModule:
    def filters(self):
        return {"upgrade_publication": door(publication)}
