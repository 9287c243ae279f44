# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an upgrade of k3s is safe."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.table import upgrade_table
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: upgrade_table
short_description: 'INTERNAL: tells whether an upgrade of k3s is safe'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Joins what a k3s version wants with what registries answered.
positional: _input, answers
options:
  _input:
    description: The result of P(riscv.k3s.upgrade_images#filter).
    type: dict
    required: true
  answers:
    description: RV(riscv.k3s.registry_image_info#module:images) for its references.
    type: list
    elements: dict
    required: true
  architecture:
    description: OCI name of the architecture to look for.
    type: str
    default: riscv64
  fixes:
    description: The fixes that may be used, as C(riscv_k3s_fixes) has them.
    type: list
    elements: str
    default: [mirror, tag]
"""

EXAMPLES = r"""
- name: See whether the upgrade is safe
  ansible.builtin.debug:
    msg: "{{ (wanted | riscv.k3s.upgrade_table(answers.images)).lines }}"
"""

RETURN = r"""
_value:
  description:
    - C(rows), with who serves each image, the fix and what is missing. C(safe), whether nothing is missing. C(missing),
      sentences about that.
    - C(lines), a table for people.
  type: dict
"""


class FilterModule:
    def filters(self):
        return {"upgrade_table": door(upgrade_table)}
