#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_backup
short_description: Save the data of a k3s server before what cannot be undone
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Embedded etcd is saved by C(k3s etcd-snapshot save), while k3s runs.
  - sqlite is copied, together with the token, to C(DATA_DIR/riscv-k3s/backups), for root only, while k3s is stopped.
    RV(stop) says that k3s must be stopped for it, and then the module run again with O(stopped=true).
  - Of any other datastore nothing is saved, and RV(told) says so.
options:
  label:
    description:
      - Before what it is saved, a part of its name.
    type: str
    required: true
  stopped:
    description:
      - Whether k3s is stopped now.
    type: bool
    default: false
  resumed:
    description:
      - Whether the work before which it is saved had begun already. Then one that was saved for it counts.
    type: bool
    default: false
  keep:
    description:
      - How many are kept.
    type: int
    default: 3
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
attributes:
  diff_mode:
    support: none
    details:
      - There is no text to compare.
  idempotent:
    support: partial
    details:
      - Each run saves anew, unless O(resumed=true).
seealso:
  - module: riscv.k3s.k3s_binary
"""

EXAMPLES = r"""
- name: Save what embedded etcd holds
  riscv.k3s.k3s_backup:
    label: v1.35.8+k3s1-to-v1.36.3+k3s1
  become: true
"""

RETURN = r"""
kind:
  description: Where k3s keeps its data, V(etcd), V(sqlite) or V(external).
  returned: success
  type: str
  sample: sqlite
path:
  description: What was saved, null for nothing.
  returned: success
  type: str
  sample: /var/lib/rancher/k3s/riscv-k3s/backups/0001-v1.35.8-k3s1-to-v1.36.3-k3s1
stop:
  description: Whether k3s must be stopped to save it.
  returned: success
  type: bool
  sample: true
told:
  description: Where it is and how it is restored, or that nobody saved it; a sentence, empty while there is nothing.
  returned: success
  type: str
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._backup.datastore import Datastore
from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Runner
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem, fail_on_problem


def run(params, check_mode, runner=None):
    """The module's result for its ``params``."""
    if params["keep"] < 1:
        raise Problem("keep must be at least 1", found=params["keep"])
    datastore = Datastore(params["data_dir"], params["label"], params["keep"], params["resumed"])
    if params["stopped"]:
        return datastore.save_stopped(check_mode)
    return datastore.save_running(runner or Runner(), params["k3s"] or "k3s", check_mode)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            PROGRAM_OPTIONS,
            label={"type": "str", "required": True},
            stopped={"type": "bool", "default": False},
            resumed={"type": "bool", "default": False},
            keep={"type": "int", "default": 3},
        ),
        supports_check_mode=True,
    )
    with fail_on_problem(module):
        if os.geteuid() != 0:
            raise Problem("this needs root on the board", next_step="set become: true for the play, or connect as root")
        module.exit_json(**run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
