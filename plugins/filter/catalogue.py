# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory's catalogue before the default one."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.defaults import merge
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: catalogue
short_description: Combines an inventory's catalogue with the default one
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - The default catalogue knows a public riscv64 source for each of the eight stock images of k3s 1.24 to 1.37. It is
    the file
    C(playbooks/vars/catalogue.yml) of the collection.
  - For each stock image the first matching entry is used, so the inventory's entries win.
positional: _input
options:
  _input:
    description: The inventory's catalogue, C(riscv_k3s_catalogue).
    type: list
    elements: dict
    required: true
  defaults:
    description: Whether the default catalogue is appended.
    type: bool
    default: true
  prefix:
    description:
      - Registry, or registry and path, that holds copies of the public sources. C(docker.io/coredns/coredns:1.11.3) is
        then taken from
        C(PREFIX/coredns/coredns:1.11.3).
    type: str
"""

EXAMPLES = r"""
- name: Which sources there are for the pause image
  ansible.builtin.debug:
    msg: "{{ [] | riscv.k3s.catalogue | selectattr('stock', 'search', 'pause') | map(attribute='source') }}"
"""

RETURN = r"""
_value:
  description: The catalogue, as an inventory would hold it.
  type: list
  elements: dict
"""


class FilterModule:
    def filters(self):
        return {"catalogue": door(merge)}
