# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The boards that the inventory calls servers."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.groups import DEFAULT_SERVERS
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.groups import declared_servers as _declared_servers
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: declared_servers
short_description: 'INTERNAL: the boards that the inventory calls servers'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the playbooks and roles of this collection only. It may change with any release.
positional: _input, group
options:
  _input:
    description: The groups of the inventory.
    type: dict
    required: true
  group:
    description: What C(riscv_k3s_server_group) says. V(server) also stands for the names that other inventories use.
    type: str
    default: server
"""

EXAMPLES = r"""
- name: Name the servers
  ansible.builtin.debug:
    msg: "{{ groups | riscv.k3s.declared_servers }}"
"""

RETURN = r"""
_value:
  description: Names of hosts.
  type: list
  elements: str
"""


def declared_servers(groups, group=None):
    return _declared_servers(groups, group or DEFAULT_SERVERS)


class FilterModule:
    def filters(self):
        return {"declared_servers": door(declared_servers)}
