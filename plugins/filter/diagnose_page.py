# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What diagnose found, as a page."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.page import page
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: diagnose_page
short_description: Renders what diagnose found as one HTML page
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - The page is one file that needs no network, with the findings, the boards, pods, images and events, and a search
    over all of them.
  - It holds the documented keys of the data and nothing else.
options:
  _input:
    description: The data of the playbook C(riscv.k3s.diagnose), with C(schema) 1.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Make a page of what was found earlier
  ansible.builtin.copy:
    content: "{{ lookup('ansible.builtin.file', 'diagnose.json') | from_json | riscv.k3s.diagnose_page }}"
    dest: diagnose.html
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The text of the page.
  type: str
"""


class FilterModule:
    def filters(self):
        return {"diagnose_page": door(page)}
