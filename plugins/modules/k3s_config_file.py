#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_config_file
short_description: Write a file that k3s reads, in a way that can be undone
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Writes a file such as C(registries.yaml) in one step, so that a power cut cannot leave half of it.
  - What was there before the first run is kept next to the board's journal (C(DATA_DIR/riscv-k3s), for root only) and
    comes back with O(state=absent),
    whatever the number of runs between.
  - The folder of the file is created if it does not exist.
  - Does not restart k3s, which reads its files when it starts.
options:
  path:
    description:
      - The file, an absolute path. A symbolic link is refused. Required unless O(state=settled).
    type: path
  paths:
    description:
      - With O(state=settled), all files that k3s has read at its restart.
    type: list
    elements: path
    default: []
  content:
    description:
      - The whole text of the file. Required when O(state=present).
    type: str
  mode:
    description:
      - Mode of the file, in octal digits. It belongs to the user that runs this, who is root.
    type: str
    default: "0600"
  kind:
    description:
      - V(install) is for the files with which the role C(riscv.k3s.install) installs k3s. C(riscv.k3s.undo) leaves
        them alone, C(riscv.k3s.uninstall) takes them back.
    type: str
    choices: [file, install]
    default: file
  secret:
    description:
      - Whether the file holds secrets. Then no diff is shown.
      - Ansible itself logs the options of every task; set C(no_log=true) on the task, too.
    type: bool
    default: false
  state:
    description:
      - V(present) writes O(content).
      - V(absent) makes the file what it was before this collection first wrote it, with content, mode and owner, or
        removes it where there was none.
        A file that is not in the journal is left alone. One that somebody changed or removed since is left alone, too,
        with a warning,
        and stays in the journal.
      - V(settled) says that k3s was restarted and has read O(path) and O(paths). It takes out of the journal what
        O(state=absent) with O(pending=true) left there, and notes the checksums of the others as loaded. No file is
        touched.
    type: str
    choices: [present, absent, settled]
    default: present
  pending:
    description:
      - With O(state=absent), keep the entry in the journal until O(state=settled).
        So the next run knows that this one was interrupted before k3s was restarted.
    type: bool
    default: false
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
attributes:
  diff_mode:
    details:
      - Not with O(secret=true).
seealso:
  - module: riscv.k3s.k3s_info
"""

EXAMPLES = r"""
- name: Write registries.yaml
  riscv.k3s.k3s_config_file:
    path: /etc/rancher/k3s/registries.yaml
    content: "{{ riscv_k3s_registries | riscv.k3s.registries_yaml }}"
    secret: true
  no_log: true
  become: true

- name: Have registries.yaml as it was before
  riscv.k3s.k3s_config_file:
    path: /etc/rancher/k3s/registries.yaml
    secret: true
    state: absent
  become: true
"""

RETURN = r"""
path:
  description: The file, null where O(paths) names them.
  returned: success
  type: str
  sample: /etc/rancher/k3s/registries.yaml
present:
  description: Whether there is such a file now.
  returned: unless O(state=settled)
  type: bool
  sample: true
sha256:
  description: Checksum of the file, or None when there is none.
  returned: unless O(state=settled)
  type: str
  sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
"""

import os
import re

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils._journal import owned_files as _own_files
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import opened
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem, fail_on_problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable, printable_lines


def run(params, check_mode):
    """(result, warnings) of the module for its ``params``."""
    path, state = params["path"], params["state"]
    if state == "settled":
        return _settled(params, check_mode), []
    _require_absolute(path)
    with opened(params["data_dir"], check_mode) as journal:
        if state == "absent":
            outcome = _own_files.absent(journal, path, params["pending"], check_mode)
        else:
            outcome = _own_files.present(
                journal, path, params["content"].encode(), _mode(params["mode"]), check_mode, params["kind"]
            )
    result = {
        "changed": outcome.changed,
        "path": path,
        "present": outcome.after is not None,
        "sha256": None if outcome.after is None else sha256(outcome.after),
    }
    # A file that is not touched needs no diff, and what it holds is nobody's business.
    if not params["secret"]:
        result["diff"] = _diff(path, outcome)
    return result, [outcome.warning] if outcome.warning else []


def _settled(params, check_mode):
    paths = [path for path in [params["path"], *params["paths"]] if path]
    for path in paths:
        _require_absolute(path)
    with opened(params["data_dir"], check_mode) as journal:
        changes = [path for path in paths if _own_files.settle(journal, path, check_mode)]
    return {"changed": bool(changes), "path": params["path"]}


def _require_absolute(path):
    if not os.path.isabs(path):
        raise Problem(
            "path must be absolute",
            found=path,
            next_step="write the whole path, for example /etc/rancher/k3s/registries.yaml",
        )


def _mode(text):
    if not re.match(r"0?[0-7]{3}\Z", text):
        raise Problem("mode must be octal digits", found=repr(text), next_step='write it in quotes, for example "0600"')
    return int(text, 8)


def _diff(path, outcome):
    def text(data, mode, other):
        shown = "" if data is None else printable_lines(data.decode("utf-8", "replace"))
        return (
            "# mode %s\n" % mode if data is not None and None not in (mode, other) and mode != other else ""
        ) + shown

    return {
        "before_header": path,
        "after_header": path,
        "before": text(outcome.before, outcome.mode_before, outcome.mode),
        "after": text(outcome.after, outcome.mode, outcome.mode_before),
    }


def main():
    module = AnsibleModule(
        argument_spec=dict(
            PROGRAM_OPTIONS,
            path={"type": "path"},
            paths={"type": "list", "elements": "path", "default": []},
            content={"type": "str"},
            mode={"type": "str", "default": "0600"},
            kind={"type": "str", "choices": ["file", "install"], "default": "file"},
            secret={"type": "bool", "default": False, "no_log": False},
            state={"type": "str", "choices": ["present", "absent", "settled"], "default": "present"},
            pending={"type": "bool", "default": False},
        ),
        required_if=[
            ("state", "present", ["path", "content"]),
            ("state", "absent", ["path"]),
            ("state", "settled", ["path", "paths"], True),
        ],
        supports_check_mode=True,
    )
    with fail_on_problem(module):
        result, warnings = run(module.params, module.check_mode)
        for warning in warnings:
            module.warn(printable(warning))
        module.exit_json(**result)


if __name__ == "__main__":
    main()
