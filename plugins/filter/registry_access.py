# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the controller talks to registries."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.access import registry_access
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: registry_access
short_description: Tells modules on the controller how to talk to registries
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Makes the option C(registries) of M(riscv.k3s.registry_image_info) and the other modules that ask registries from an
    inventory's variables,
    the content of registries.yaml among them.
  - The result may hold a password; use it as a module's option only, never show it.
options:
  _input:
    description:
      - Variables by their names, of which C(riscv_k3s_registries), C(riscv_k3s_registry) and those that begin with
        C(riscv_k3s_registry_)
        are looked at.
      - Keys of C(configs) may be the host of an endpoint, as k3s takes them. An endpoint at another host than the
        registry's own, and V(*), are for the boards only.
      - Files that C(riscv_k3s_registries) names are paths on the boards. They are used where this machine has them,
        too.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Ask the private registry with what the inventory says about it
  riscv.k3s.registry_image_info:
    images: [192.168.173.76:6000/riscv64/coredns:1.14.7]
    registries: "{{ hostvars[inventory_hostname] | riscv.k3s.registry_access }}"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: A dictionary for each registry that there is something to say about.
  type: list
  elements: dict
"""


class FilterModule:
    def filters(self):
        return {"registry_access": door(registry_access)}
