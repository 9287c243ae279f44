# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of registries.yaml."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.embedded import with_hosts
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.mirror import with_mirror
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.registries import chosen, text
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: registries_yaml
short_description: Renders registries.yaml, after checking it
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - k3s silently ignores keys that it does not know; here they are an error.
  - Equal settings give equal text, so that its checksum tells whether a board's file is as wanted.
  - k3s-ansible writes the same file. Where its variable is given, the text is what that says, byte for byte, and it is
    an error when it says something else.
positional: _input, mirror, shared
options:
  _input:
    description: A dictionary with C(mirrors) and C(configs), as the documentation of k3s describes them.
    type: dict
    required: true
  k3s_ansible:
    description: The variable C(registries_config_yaml) of k3s-ansible; its content is taken where there is no other.
    type: raw
  mirror:
    description: Registry and path that docker.io is sent to, before any other endpoint.
    type: str
  shared:
    description: Registries that the embedded registry of k3s shares the images of; each gets an entry.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Write registries.yaml
  ansible.builtin.copy:
    content: "{{ riscv_k3s_registries | riscv.k3s.registries_yaml }}"
    dest: /etc/rancher/k3s/registries.yaml
    mode: "0600"
  no_log: true
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""


def registries_yaml(config, mirror=None, shared=(), k3s_ansible=None):
    content = chosen(config, k3s_ansible)
    content = with_mirror(content, mirror) if mirror else content
    return text(with_hosts({} if content is None else content, shared), k3s_ansible)


class FilterModule:
    def filters(self):
        return {"registries_yaml": door(registries_yaml)}
