# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last lines of publish."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.ending import ending
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: publish_ending
short_description: 'INTERNAL: tells what to do after images were published'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
options:
  _input:
    description: Result of P(riscv.k3s.upgrade_publication#filter).
    type: dict
    required: true
  inventory:
    description: What -i named, C(ansible_inventory_sources).
    type: list
    elements: str
    default: []
  pending:
    description: How many images were to be published.
    type: int
    default: 0
  is_check:
    description: Whether nothing was published, since the run is in check mode.
    type: bool
    default: false
  version:
    description: The k3s that the images are for, where no board was asked.
    type: str
    default: ""
  blank:
    description: The boards on which k3s has not run.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Tell what to do now
  riscv.k3s.k3s_show:
    lines: "{{ published | riscv.k3s.publish_ending(ansible_inventory_sources) }}"
"""

RETURN = r"""
_value:
  description: Lines for people.
  type: list
  elements: str
"""


class FilterModule:
    """The filter of this file."""

    def filters(self):
        """Name to function."""
        return {"publish_ending": door(ending)}
