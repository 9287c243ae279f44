# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lock asks registries for."""

from __future__ import annotations

import functools

from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.mirror import in_mirror
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: lock_candidates
short_description: 'INTERNAL: lists what a lock asks registries for'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - The stock images that plans name, each for each architecture once, with the references that boards would take it
    from.
positional: _input, mirror
options:
  _input:
    description: Plans, the values of RV(riscv.k3s.k3s_plan#module:boards).
    type: list
    elements: dict
    required: true
  mirror:
    description: Registry and path that hold content under stock names, or none. It takes precedence over the sources of
      the
      catalogue.
    type: str
"""

EXAMPLES = r"""
- name: See what would be locked
  ansible.builtin.debug:
    msg: "{{ k3s_run.boards.values() | riscv.k3s.lock_candidates }}"
"""

RETURN = r"""
_value:
  description: Dictionaries with C(image), C(architecture), C(sources) and C(required), sorted.
  type: list
  elements: dict
"""


def lock_candidates(plans, mirror=None):
    return _lock.candidates(plans, functools.partial(in_mirror, mirror))


class FilterModule:
    def filters(self):
        return {"lock_candidates": door(lock_candidates)}
