#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_show
short_description: 'INTERNAL: shows a table as plain text'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - M(ansible.builtin.debug) shows a list as JSON, each line in quotes. This shows the lines as they are, except under a
    stdout callback that writes JSON.
options:
  lines:
    description: The lines.
    type: list
    elements: str
    required: true
  problems:
    description: Why the run must not go on, if anything. Then the task fails with these, below the lines.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - riscv.k3s.attributes.info
  - riscv.k3s.attributes
notes:
  - Implemented by an action plugin, on the controller.
"""

EXAMPLES = r"""
- name: Show the plan
  riscv.k3s.k3s_show:
    lines: "{{ k3s_run.table }}"
  run_once: true
"""

RETURN = r"""
msg:
  description: The lines, or where there are O(problems) these as one text.
  returned: always
  type: raw
"""
