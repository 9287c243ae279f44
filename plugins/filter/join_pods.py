# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What containerd has on all boards, joined with the API's pods."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.joined_pods import join_boards
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: join_pods
short_description: Joins the sandboxes of boards with the API's pods
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - An agent has no admin kubeconfig and knows only containerd's side.
  - This joins what all boards returned with one server's view of the API, by the pods' UIDs.
positional: _input, api
options:
  _input:
    description: A dictionary from a board's name to what M(riscv.k3s.cri_sandbox_info) or M(riscv.k3s.k3s_info)
      returned for it.
    type: dict
    required: true
  api:
    description: RV(riscv.k3s.k3s_info#module:api) of one server. Without it the relations are null.
    type: dict
"""

EXAMPLES = r"""
- name: Pods that are not as they should be
  ansible.builtin.debug:
    msg: "{{ boards | riscv.k3s.join_pods(hostvars['board-1'].sandboxes.api) | selectattr('cause') }}"
  vars:
    boards: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'sandboxes'))) }}"
"""

RETURN = r"""
_value:
  description: The pods as M(riscv.k3s.cri_sandbox_info) returns them, each with C(board) added. C(board) is null for
    a pod that no node was found for.
  type: list
  elements: dict
"""


def join_pods(boards, api=None):
    """See DOCUMENTATION."""
    return join_boards(boards, api)


class FilterModule:
    """The filter of this file."""

    def filters(self):
        """Name to function."""
        return {"join_pods": door(join_pods)}
