# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why pods do not run."""

from __future__ import annotations

import time

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.diagnosis import diagnose
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: diagnosis
short_description: Names what keeps pods from running, with evidence and remedy
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Joins what was observed of the boards and of the API, and finds the causes of what is wrong.
  - The page C(docs/diagnose.md) of the collection describes the result, C(docs/causes.md) the causes.
positional: _input, inventory
options:
  _input:
    description:
      - A dictionary from a board's name to what M(riscv.k3s.k3s_info) returned for it, with
        O(riscv.k3s.k3s_info#module:gather=all),
        V(events), V(logs), V(preflight) and V(dns); or to its failure.
    type: dict
    required: true
  inventory:
    description: Paths that the commands of the findings name after C(-i).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Stop when something is certainly wrong
  ansible.builtin.assert:
    that: (boards | riscv.k3s.diagnosis).findings | selectattr('confidence', 'eq', 'certain') | length == 0
  vars:
    boards: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'observed'))) }}"
"""

RETURN = r"""
_value:
  description: Boards, pods, images, events, findings, and what to collect where evidence is missing.
  type: dict
"""


def _diagnosis(boards, inventory=()):
    return diagnose(boards, round(time.time()), inventory)


class FilterModule:
    """The filter of this file."""

    def filters(self):
        """Name to function."""
        return {"diagnosis": door(_diagnosis)}
