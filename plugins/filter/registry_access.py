# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the controller talks to registries."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._door import door
from ansible_collections.riscv.k3s.plugins.plugin_utils._registry_access import registry_access

DOCUMENTATION = r"""
name: registry_access
short_description: Tells modules on the controller how to talk to registries
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Makes the option C(registries) of M(riscv.k3s.registry_image_info) and M(riscv.k3s.registry_image_copy) from the content of
    registries.yaml, and what an inventory says besides.
  - The result may hold a password; use it as a module's option only, never show it.
positional: _input, registry
options:
  _input:
    description: The content of registries.yaml, C(riscv_k3s_registries), or none. A C(ca_file) there is a path on the boards and is not used.
    type: dict
    required: true
  registry:
    description: The registry that the other options are for.
    type: str
  username:
    description: User there.
    type: str
  password:
    description: Password there.
    type: str
  ca_file:
    description: PEM file of an authority to trust, on the controller.
    type: path
  tls_verify:
    description: Check its certificate.
    type: bool
  plain_http:
    description: It speaks http.
    type: bool
"""

EXAMPLES = r"""
- name: Ask the private registry with what the boards know about it
  riscv.k3s.registry_image_info:
    images: [192.168.173.76:6000/riscv64/coredns:1.14.7]
    registries: "{{ riscv_k3s_registries | riscv.k3s.registry_access }}"
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
