# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which archives could not be fetched, and why."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._build.builds import unfetched_archives
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: unfetched_archives
short_description: 'INTERNAL: says which archives are missing'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Compares archives in the cache with their checksums, and returns a sentence for each that is missing or another one.
positional: _input, fetched
options:
  _input:
    description: Results of M(ansible.builtin.stat), one for each archive.
    type: list
    elements: dict
    required: true
  fetched:
    description: Results of M(ansible.builtin.get_url) for them, which say why one is missing.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: See what is missing
  ansible.builtin.debug:
    msg: "{{ there.results | riscv.k3s.unfetched_archives(fetched.results) }}"
"""

RETURN = r"""
_value:
  description: A sentence for each archive that is missing.
  type: list
  elements: str
"""


class FilterModule:
    def filters(self):
        return {"unfetched_archives": door(unfetched_archives)}
