# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts are the boards, for the keyword hosts of the playbooks."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_hosts
short_description: 'INTERNAL: which hosts of the inventory are the boards'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the playbooks and roles of this collection only. It may change with any release.
  - Takes the hosts that are named; else the group C(k3s_cluster); else, of these, the groups that have hosts,
    C(server) and C(agent), C(master) and C(node), C(k3s_master) and C(k3s_node), C(kube_control_plane), C(kube_node)
    and C(k8s_cluster).
  - It is an error, before anything runs, when ansible-core is older than the collection needs, when no board is left,
    also by C(--limit), and when it is not clear which groups are meant.
options:
  _terms:
    description: What C(riscv_k3s_hosts) says, a pattern or a list of them; nothing, or none, where it is not set.
    type: list
    elements: raw
  required:
    description: Whether an inventory without any host is an error, too.
    type: bool
    default: true
  controller:
    description:
      - Returns V(localhost) instead, where the work is done that needs no board. It is an error when C(--limit) leaves
        it out, since the play would then be skipped without a word.
    type: bool
    default: false
notes:
  - Keywords of a play know no variables of the inventory, so C(riscv_k3s_hosts) is read from C(-e) alone.
  - With C(--syntax-check) nothing is an error.
"""

EXAMPLES = r"""
- name: Observe all boards
  hosts: "{{ query('riscv.k3s.fleet_hosts', riscv_k3s_hosts | default(none)) }}"
  tasks:
    - name: Look at the board
      riscv.k3s.k3s_info:
"""

RETURN = r"""
_raw:
  description: Host patterns, which together name the boards.
  type: list
  elements: str
"""

from ansible import context
from ansible.errors import AnsibleLookupError
from ansible.inventory.manager import InventoryManager
from ansible.plugins.lookup import LookupBase
from ansible.release import __version__ as core

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings import groups as _groups
from ansible_collections.riscv.k3s.plugins.plugin_utils.core_version import required


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        # Nothing of a playbook is evaluated before the hosts of its first play.
        try:
            required(core)
        except Problem as problem:
            raise AnsibleLookupError(str(problem)) from problem
        self.set_options(var_options=variables, direct=kwargs)
        wanted = _flat(terms)
        groups = {str(name): [str(host) for host in hosts] for name, hosts in variables["groups"].items()}
        if not groups.get("all") and not self.get_option("required") and not self.get_option("controller"):
            return []
        inventory = self._inventory(groups)
        try:
            if self.get_option("controller"):
                inventory.subset(variables.get("ansible_limit"))
                _groups.controller_within_limit(
                    variables.get("ansible_limit"), _matched(inventory, [_groups.CONTROLLER])
                )
                return [_groups.CONTROLLER]
            patterns = _groups.fleet_hosts(groups, wanted, _matched(inventory, wanted) if wanted else ())
            limit = variables.get("ansible_limit")
            boards = _matched(inventory, patterns)
            inventory.subset(limit)
            _groups.within_limit(boards, limit, _matched(inventory, ["all"]))
        except Problem as problem:
            if context.CLIARGS.get("syntax"):
                return [_groups.CONTROLLER if self.get_option("controller") else _groups.CLUSTER]
            raise AnsibleLookupError(str(problem)) from problem
        return patterns

    def _inventory(self, groups):
        """The inventory's hosts and groups, to match patterns as Ansible does. Its variables are not needed."""
        inventory = InventoryManager(self._loader, parse=False)
        for name, hosts in groups.items():
            inventory.add_group(name)
            for host in hosts:
                inventory.add_host(host, group=name)
        return inventory


def _flat(terms):
    flat: list = []
    for term in terms or ():
        flat += _flat(term) if isinstance(term, (list, tuple)) else [term] if term else []
    return flat


def _matched(inventory, patterns):
    return [str(host) for host in inventory.get_hosts(pattern=patterns)]
