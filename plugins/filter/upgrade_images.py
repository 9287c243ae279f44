# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stock images a k3s version wants."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.wanted import upgrade_images
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: upgrade_images
short_description: 'INTERNAL: tells which stock images a k3s version wants and where content may be'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - For a version of k3s that is not installed yet. Reads its manifests where they are given, and a table of releases
    for the rest.
positional: _input, catalogue
options:
  _input:
    description: The version, as C(k3s --version) shows it.
    type: str
    required: true
  catalogue:
    description: Where content for stock images comes from.
    type: list
    elements: dict
    required: true
  manifests:
    description: The manifests of that version, from P(riscv.k3s.manifests#lookup).
    type: list
    elements: dict
  images:
    description: The references in that release's list of images, C(k3s-images.txt).
    type: list
    elements: str
  disable:
    description: Components that k3s runs without.
    type: list
    elements: str
    default: []
  architecture:
    description: OCI name of the architecture to look for.
    type: str
    default: riscv64
  asked:
    description:
      - What boards ask for, each with C(image), C(required) and C(below), the registry that k3s puts before the names
        of its images. With it no version counts.
    type: list
    elements: dict
  mirror_prefix:
    description: Registry and path that hold content under stock names and tags.
    type: str
"""

EXAMPLES = r"""
- name: See what the version wants
  ansible.builtin.debug:
    msg: "{{ ('v1.36.3+k3s1' | riscv.k3s.upgrade_images([] | riscv.k3s.catalogue)).rows | map(attribute='image') }}"
"""

RETURN = r"""
_value:
  description:
    - C(rows), each with image, name, where it is named, how sure that is, and the names of a source and in the mirror.
    - C(references), what is to be asked of registries. C(problems), what could not be understood.
  type: dict
"""


class FilterModule:
    def filters(self):
        return {"upgrade_images": door(upgrade_images)}
