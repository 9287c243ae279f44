#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_registries
short_description: Keep what somebody else wrote into registries.yaml
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Compares C(registries.yaml) on a board with what is wanted, or writes both into one file.
  - What the file holds stays on the board. Only names of keys are returned, and lines of a diff in which secrets, and
    everything below C(auth), are C(********).
  - A login, a list of endpoints, the rewrites of a mirror and the TLS settings of a registry are each kept or replaced
    as a whole. Rewrites go with the endpoints that they were written for. Comments are not kept.
  - Needs PyYAML on the board.
  - Does not restart k3s, which reads the file when it starts.
options:
  path:
    description:
      - The file, an absolute path.
    type: path
    default: /etc/rancher/k3s/registries.yaml
  content:
    description:
      - The whole text that the inventory wants, as P(riscv.k3s.registries_yaml#filter) renders it.
      - Set C(no_log=true) on the task.
    type: str
    required: true
  state:
    description:
      - V(compared) changes nothing.
      - V(merged) writes O(content) and what else is in the file. Where both say something about the same key,
        O(content) holds. What stood there before the first run is kept beside the board's journal, and comes back with
        M(riscv.k3s.k3s_config_file) and its O(riscv.k3s.k3s_config_file#module:state=absent).
    type: str
    choices: [compared, merged]
    default: compared
  behind:
    description:
      - Mirrors whose endpoints in the file are kept, behind those of O(content), which are asked first. For a mirror
        that the file does not have these are the endpoints of C(*). A mirror with rewrites is replaced with its
        endpoints.
    type: list
    elements: str
    default: []
  merge:
    description:
      - With O(state=compared), whether RV(shown) is the diff to what V(merged) would write, or to O(content) alone.
    type: bool
    default: false
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
attributes:
  diff_mode:
    support: none
    details:
      - RV(shown) has the lines.
seealso:
  - module: riscv.k3s.k3s_config_file
"""

EXAMPLES = r"""
- name: See what registries.yaml has that the inventory does not
  riscv.k3s.k3s_registries:
    content: "{{ riscv_k3s_registries | riscv.k3s.registries_yaml }}"
  no_log: true
  become: true
  register: registries

- name: Show the names
  ansible.builtin.debug:
    msg: "{{ registries.others }}"
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /etc/rancher/k3s/registries.yaml
others:
  description: Names of what the file has and O(content) does not; O(state=merged) keeps it.
  returned: success
  type: list
  elements: str
  sample: [configs.registry.example.auth]
replaced:
  description: Names of what both have, but differently; O(content) holds.
  returned: success
  type: list
  elements: str
  sample: [mirrors.docker.io.endpoint]
shown:
  description: Lines of a diff without secrets.
  returned: success
  type: list
  elements: str
sha256:
  description: Checksum of the file, or None when there is none.
  returned: success
  type: str
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import read_bytes, sha256
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils._journal import owned_files as _own_files
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import OWN_MARK, opened
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import registries as _registries
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem, fail_on_problem

MODE = 0o600


def run(params, check_mode):
    """The result of the module for its ``params``."""
    path, wanted = params["path"], params["content"].encode()
    if not os.path.isabs(path):
        raise Problem("path must be absolute", found=path, next_step="write the whole path")
    is_merged = params["state"] == "merged"
    with opened(params["data_dir"], check_mode or not is_merged) as journal:
        current = read_bytes(path)
        held = b"" if current is None else current
        is_ours = current is not None and _is_ours(journal.files.get(path), held)
        made = _registries.compare(held, wanted, path, is_ours, params["behind"])
        changed = False
        if is_merged:
            outcome = _own_files.present(journal, path, made.text.encode(), MODE, check_mode)
            changed, current = outcome.changed, outcome.after
    return {
        "changed": changed,
        "path": path,
        "others": made.others,
        "replaced": made.replaced,
        "shown": _registries.shown(made, is_merged or params["merge"]),
        "sha256": None if current is None else sha256(current),
    }


def _is_ours(entry, current):
    """Whether the file is as this collection wrote it; without an entry of a journal its first line says it."""
    if not entry:
        return current.startswith(OWN_MARK)
    before = entry["before"]["sha256"] if entry["before"] else None
    return sha256(current) in (entry["sha256"], entry["previous"]) and sha256(current) != before


def main():
    module = AnsibleModule(
        argument_spec=dict(
            PROGRAM_OPTIONS,
            path={"type": "path", "default": "/etc/rancher/k3s/registries.yaml"},
            content={"type": "str", "required": True, "no_log": True},
            state={"type": "str", "choices": ["compared", "merged"], "default": "compared"},
            merge={"type": "bool", "default": False},
            behind={"type": "list", "elements": "str", "default": []},
        ),
        supports_check_mode=True,
    )
    with fail_on_problem(module):
        module.exit_json(**run(module.params, module.check_mode))


if __name__ == "__main__":
    main()
