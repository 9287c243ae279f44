# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a board did not become well."""

from __future__ import annotations

import time

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.first import why_or_not_known
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: first_findings
short_description: 'INTERNAL: the first findings of a diagnosis of a few boards, as text'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - The first finding of each of the first causes that P(riscv.k3s.diagnosis#filter) finds.
positional: _input, inventory
options:
  _input:
    description: As for P(riscv.k3s.diagnosis#filter).
    type: dict
    required: true
  inventory:
    description: As for P(riscv.k3s.diagnosis#filter).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Say why
  ansible.builtin.debug:
    msg: "{{ {'board-2': observed} | riscv.k3s.first_findings }}"
"""

RETURN = r"""
_value:
  description: Lines. Where no cause was found, or it is not known, they say so.
  type: list
  elements: str
"""


def first_findings(boards, inventory=()):
    return [" ".join(line.split()) for line in why_or_not_known(boards, round(time.time()), inventory)]


class FilterModule:
    """The filter of this file."""

    def filters(self):
        """Name to function."""
        return {"first_findings": door(first_findings)}
