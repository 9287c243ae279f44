# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a board, with defaults."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.controller import inventory_settings
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: inventory_settings
short_description: 'INTERNAL: reads the settings that an inventory has for a board'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For roles that run on the controller alone; any release may change it.
  - A setting that is not known, or of a wrong type, is an error in words of the inventory.
  - What may be a password is left out.
options:
  _input:
    description: The variables of a host by their names, for example C(hostvars[inventory_hostname]).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show which k3s version comes next
  ansible.builtin.debug:
    msg: "{{ (hostvars[inventory_hostname] | riscv.k3s.inventory_settings).target_version }}"
"""

RETURN = r"""
_value:
  description: The value of each setting by its name without C(riscv_k3s_), the default where the inventory has none.
  type: dict
"""


class FilterModule:
    def filters(self):
        return {"inventory_settings": door(inventory_settings)}
