# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of images.lock.yml."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: lock
short_description: 'INTERNAL: makes the text of images.lock.yml'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Equal content gives equal text. A row keeps its time unless it changes.
positional: _input, answers
options:
  _input:
    description: The result of P(riscv.k3s.lock_candidates#filter).
    type: list
    elements: dict
    required: true
  answers:
    description: RV(riscv.k3s.registry_image_info#module:images) for all sources, by architecture.
    type: dict
    required: true
  previous:
    description: The text of the file before, or none.
    type: str
  lock_file:
    description: Where that text is from, for messages.
    type: path
  now:
    description: The time that new rows get.
    type: str
    required: true
  keep_others:
    description: Keep rows for images that nothing in the input names.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: See the lock of what the boards are asked for
  ansible.builtin.debug:
    msg: "{{ candidates | riscv.k3s.lock({'riscv64': supply.images}, now='2026-11-24T21:00:00Z') }}"
"""

RETURN = r"""
_value:
  description: C(text) of the file, C(count) of its rows, and C(left_out), a sentence for each image that could not be
    locked and that boards are not given.
  type: dict
"""


def lock(candidates, answers, now, previous=None, lock_file=None, keep_others=False):
    before = _lock.read(previous, lock_file) if previous else {}
    rows, left_out = _lock.make(candidates, answers, before, now, keep_others)
    return {"text": _lock.render(rows), "count": len(rows), "left_out": left_out}


class FilterModule:
    def filters(self):
        return {"lock": door(lock)}
