#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_remains
short_description: Remove what a k3s that was stopped leaves on a board
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Ends the containers of k3s's containerd, unmounts what lies below its folders, removes the network links and rules
    of its pods, and then its data. B(All data of the cluster that lies on this board is lost), and so are its volumes.
  - Only what is k3s's is touched, as its socket and its folders tell. Nothing is removed while something is mounted
    below them. What somebody mounted in the folder of volumes, or below it, stays with what is on it, and a warning
    names it.
  - A data folder that cannot be k3s's alone, such as C(/var), is refused.
  - Stop the service of k3s first. The folder of this collection's journal stays until O(leave).
options:
  leave:
    description:
      - Only remove the folders that are empty by now, that of the journal among them.
    type: bool
    default: false
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
attributes:
  diff_mode:
    support: none
seealso:
  - module: riscv.k3s.k3s_config_file
"""

EXAMPLES = r"""
- name: Remove what k3s left
  riscv.k3s.k3s_remains:
    data_dir: /var/lib/rancher/k3s
  become: true
"""

RETURN = r"""
remains:
  description: What there was, lists of texts by their kind (processes, mounts, links, files).
  returned: unless O(leave=true)
  type: dict
  sample: {processes: [], mounts: [], links: [cni0], files: [/var/lib/kubelet]}
stays:
  description: What is mounted in the folder of volumes, which stays.
  returned: unless O(leave=true)
  type: list
  elements: str
  sample: [/var/lib/rancher/k3s/storage/disk]
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import opened
from ansible_collections.riscv.k3s.plugins.module_utils._remains.remains import Remains
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem, fail_on_problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable


def run(params, check_mode, remains=None):
    """The result of the module for its ``params``."""
    data_dir = params["data_dir"]
    remains = remains or Remains(data_dir)
    if params["leave"]:
        if not check_mode:
            remains.leave()
        return {"changed": False}
    found = remains.found()
    if not check_mode:
        remains.end()
        _forget(data_dir)
    return {"changed": any(found.values()), "remains": found, "stays": remains.stays()}


def _forget(data_dir):
    """What lay in the data folder is gone, and nobody can take it back. Files elsewhere stay noted."""
    with opened(data_dir) as journal:
        journal.data["images"] = {}
        journal.data["loaded"] = {}
        for path in [path for path, entry in journal.files.items() if entry["kind"] == "archive"]:
            del journal.files[path]
        journal.data["lease"] = None
        journal.save()


def main():
    module = AnsibleModule(
        argument_spec=dict(PROGRAM_OPTIONS, leave={"type": "bool", "default": False}),
        supports_check_mode=True,
    )
    with fail_on_problem(module):
        if os.geteuid() != 0:
            raise Problem("this needs root on the board", next_step="set become: true for the play, or connect as root")
        result = run(module.params, module.check_mode)
        for path in result.get("stays", ()):
            module.warn(printable("%s is mounted among the volumes of k3s, and stays with what is on it" % path))
        module.exit_json(**result)


if __name__ == "__main__":
    main()
