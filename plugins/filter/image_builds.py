# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images a catalogue says how to build."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._build.builds import image_builds
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: image_builds
short_description: 'INTERNAL: lists the images of catalogues'' build sections'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Takes the entries with a C(build) section out of one or more catalogues,
    and returns for each image, each once, what it is made from and options of M(riscv.k3s.oci_image_build).
positional: _input, archives_dir
options:
  _input:
    description: A list of catalogues, as in C(riscv_k3s_catalogue).
    type: list
    elements: list
    required: true
  archives_dir:
    description: Folder to which relative paths in C(build) are relative.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: See what would be built
  ansible.builtin.debug:
    msg: "{{ [riscv_k3s_catalogue] | riscv.k3s.image_builds('/srv/archives') | map(attribute='image') }}"
"""

RETURN = r"""
_value:
  description: One dictionary for each image. The filter P(riscv.k3s.made_builds#filter) completes it.
  type: list
  elements: dict
"""


class FilterModule:
    def filters(self):
        return {"image_builds": door(image_builds)}
