# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table at the end of a run."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._report.table import report
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: report
short_description: Renders the table that ends a run
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - A row a board, then what is planned. RV(riscv.k3s.k3s_plan#module:verdict) says how the cluster is.
positional: _input, api
options:
  _input:
    description: Plans, the values of RV(riscv.k3s.k3s_plan#module:boards).
    type: list
    elements: dict
    required: true
  api:
    description: RV(riscv.k3s.k3s_info#module:api) of a server, or none.
    type: dict
  done:
    description: Whether the plans were carried out, or only made.
    type: bool
    default: false
  pulled:
    description: RV(riscv.k3s.crictl_image_pull#module:downloaded) by board; a board that is not named pulled nothing.
    type: dict
"""

EXAMPLES = r"""
- name: Show the table
  ansible.builtin.debug:
    msg: "{{ k3s_run.boards.values() | riscv.k3s.report(k3s_run.api) }}"
"""

RETURN = r"""
_value:
  description: Lines of text.
  type: list
  elements: str
"""


class FilterModule:
    def filters(self):
        return {"report": door(report)}
