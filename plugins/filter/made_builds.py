# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is put into images, once it was made."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._build.builds import made_builds
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: made_builds
short_description: 'INTERNAL: options for images, by what was made for them'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Takes what P(riscv.k3s.image_builds#filter) returns, and what was built and fetched for it, and returns the options
    of M(riscv.k3s.oci_image_build) for each image, with annotations that say where it comes from.
positional: _input, programs, packages, archives
options:
  _input:
    description: What P(riscv.k3s.image_builds#filter) returns.
    type: list
    elements: dict
    required: true
  programs:
    description: Results of M(riscv.k3s.go_program_build), one for each different C(go).
    type: list
    elements: dict
    required: true
  packages:
    description: Results of M(riscv.k3s.debian_files_fetch), one for each different C(debian).
    type: list
    elements: dict
    required: true
  archives:
    description: Results of M(ansible.builtin.stat) for each different archive.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: See what an image is made of
  ansible.builtin.debug:
    msg: "{{ builds | riscv.k3s.made_builds(programs.results, packages.results, archives.results) }}"
"""

RETURN = r"""
_value:
  description:
    - Options of M(riscv.k3s.oci_image_build), one dictionary for each image. C(made) says whether all that goes into it
      is there.
  type: list
  elements: dict
"""


class FilterModule:
    def filters(self):
        return {"made_builds": door(made_builds)}
