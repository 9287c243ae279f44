# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A diagnosis for people."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.table import text
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: diagnosis_text
short_description: Shows a diagnosis as text
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - A table of the pods, then the findings with evidence, remedy and command, then what to collect.
options:
  _input:
    description: What P(riscv.k3s.diagnosis#filter) returned.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the diagnosis
  ansible.builtin.debug:
    msg: "{{ boards | riscv.k3s.diagnosis | riscv.k3s.diagnosis_text }}"
"""

RETURN = r"""
_value:
  description: Lines.
  type: list
  elements: str
"""


class FilterModule:
    """The filter of this file."""

    def filters(self):
        """Name to function."""
        return {"diagnosis_text": door(text)}
