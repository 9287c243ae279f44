# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to ask a mirror for."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.mirror import lacking
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: mirror_names
short_description: Names that a mirror by prefix should hold for boards
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - The names below the prefix of those images of docker.io that a board asks for and some board does not have.
  - Content that differs from the lock is as good as none.
positional: _input, prefix
options:
  _input:
    description: Results of M(riscv.k3s.k3s_info), one a board.
    type: list
    elements: dict
    required: true
  prefix:
    description: Registry and path of the mirror.
    type: str
    required: true
  lock:
    description: The text of C(images.lock.yml), or none where there is no lock.
    type: str
  lock_file:
    description: Where that text is from, for messages.
    type: path
"""

EXAMPLES = r"""
- name: Ask the mirror for what the board lacks
  riscv.k3s.registry_image_info:
    images: "{{ [observed] | riscv.k3s.mirror_names('192.168.173.76:6000/riscv64') }}"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: References, sorted; empty when every board has everything.
  type: list
  elements: str
"""


def mirror_names(boards, prefix, lock=None, lock_file=None):
    return lacking(boards, prefix, None if lock is None else _lock.read(lock, lock_file))


class FilterModule:
    def filters(self):
        return {"mirror_names": door(mirror_names)}
