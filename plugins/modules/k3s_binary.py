#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_binary
short_description: Put the k3s program on a board, and bring the one before it back
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Places a k3s program in one step, so that a power cut cannot leave half of it. The program that it replaces is kept
    in C(DATA_DIR/riscv-k3s/programs), noted in the board's journal before anything changes, and comes back with
    O(state=previous), until O(state=settled) says that k3s runs well.
  - A program for another architecture, of another version, or with another checksum is refused before anything
    changes. So is a place whose program a package brought.
  - Does not restart k3s. A running k3s goes on with the program that it was started from.
options:
  path:
    description:
      - Where the program lies on the board. A symbolic link is followed.
    type: path
    default: /usr/local/bin/k3s
  src:
    description:
      - The program, a file on the machine where the module runs. With O(state=present) it is not needed where O(path)
        has O(sha256), and in check mode. The one in RV(upload) is removed at the end.
    type: path
  sha256:
    description:
      - Its checksum, 64 hex digits, or these behind C(sha256:). Required with O(state=announced) and O(state=present).
    type: str
  version:
    description:
      - What C(src --version) must say, with or without the C(v).
    type: str
  architecture:
    description:
      - What O(src) must be made for, as C(uname -m) or OCI name it. By default that of the machine where the module
        runs.
    type: str
  size:
    description:
      - Its size in bytes, to see whether there is room, with O(state=announced).
    type: int
  replace:
    description:
      - Whether a program that this collection did not put there is replaced. It is kept in any case.
    type: bool
    default: false
  links:
    description:
      - Whether C(kubectl), C(crictl) and C(ctr) are made beside it, as links, where the board has no such command.
    type: bool
    default: false
  state:
    description:
      - V(present) places O(src).
      - V(announced) tells whether O(src) must be uploaded, and where to. It fails where V(present) would.
      - V(previous) brings the program back that V(present) replaced, where that is not settled.
      - V(settled) says that k3s runs well with the program that is there. What it replaced is not kept any longer,
        unless it stood there before this collection.
      - V(absent) brings back what stood there before this collection, or removes ours where there was none. A program
        that is not in the journal is left alone, as is one that somebody replaced since, with a warning.
      - V(examined) looks at O(src) alone, which may be on the controller. It needs no k3s and no root.
    type: str
    choices: [present, announced, previous, settled, absent, examined]
    default: present
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
seealso:
  - module: riscv.k3s.k3s_info
"""

EXAMPLES = r"""
- name: Put a k3s there that lies on the board already
  riscv.k3s.k3s_binary:
    src: /root/k3s-riscv64
    sha256: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
    version: v1.36.3+k3s1
    links: true
  become: true

- name: Have the one before it back
  riscv.k3s.k3s_binary:
    state: previous
  become: true

- name: See on the controller whether a file is a k3s for these boards
  riscv.k3s.k3s_binary:
    state: examined
    src: files/k3s-riscv64
    architecture: riscv64
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: Where the program lies, symbolic links followed.
  returned: unless O(state=examined)
  type: str
  sample: /usr/local/bin/k3s
before:
  description: The program that stood there before, null for none.
  returned: unless O(state=examined)
  type: dict
  contains:
    sha256: {description: Its checksum., type: str, sample: 2c26b46b68ffc68ff99b453c1d304134}
    version: {description: "Its version, null where it does not say one.", type: str, sample: v1.35.7+k3s1}
after:
  description: The program that stands there now, or would without check mode.
  returned: unless O(state=examined)
  type: dict
  contains:
    sha256: {description: Its checksum., type: str, sample: 2c26b46b68ffc68ff99b453c1d304134}
    version: {description: "Its version, null where it does not say one.", type: str, sample: v1.35.7+k3s1}
previous:
  description: The program that O(state=previous) would bring back now, null for none.
  returned: unless O(state=examined)
  type: dict
  contains:
    sha256: {description: Its checksum., type: str, sample: 2c26b46b68ffc68ff99b453c1d304134}
    version: {description: "Its version, null where it does not say one.", type: str, sample: v1.35.7+k3s1}
ours:
  description: Whether the journal tells of what stands there now.
  returned: unless O(state=examined)
  type: bool
  sample: true
needed:
  description: Whether O(src) must be uploaded.
  returned: O(state=announced)
  type: bool
  sample: true
upload:
  description: Where to.
  returned: O(state=announced)
  type: str
  sample: /var/lib/rancher/k3s/riscv-k3s/upload-k3s
sha256:
  description: The checksum of O(src).
  returned: O(state=examined)
  type: str
  sample: 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
size:
  description: Its size in bytes.
  returned: O(state=examined)
  type: int
  sample: 85000000
architecture:
  description: What it is made for, by OCI's name.
  returned: O(state=examined)
  type: str
  sample: riscv64
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._binary.placed import Asked, Outcome, Place
from ansible_collections.riscv.k3s.plugins.module_utils._binary.program import bare, examine
from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Runner
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import opened
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem, fail_on_problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable


def run(params, check_mode, runner=None, machine=None, find=None):
    """(result, warnings) of the module for its ``params``; ``machine`` is what uname says."""
    runner, machine = runner or Runner(), params["architecture"] or machine or os.uname().machine
    if params["state"] == "examined":
        return dict(examine(params["src"], bare(params["sha256"]), machine), changed=False), []
    asked = Asked(
        bare(params["sha256"]) or "", params["version"], machine, params["replace"], params["links"], params["size"]
    )
    with opened(params["data_dir"], check_mode) as journal:
        place = Place(journal, params["path"], params["data_dir"], runner, **({"find": find} if find else {}))
        extra = {}
        if params["state"] == "announced":
            extra = {"needed": place.announced(asked, check_mode), "upload": place.upload}
            outcome = Outcome(False, place.described(), place.described())
        elif params["state"] == "present":
            outcome = place.present(asked, params["src"], check_mode)
        elif params["state"] == "previous":
            outcome = place.previous(check_mode)
        elif params["state"] == "settled":
            outcome = place.settled(check_mode)
        else:
            outcome = place.absent(check_mode)
        return _result(place, outcome, extra), [outcome.warning] if outcome.warning else []


def _result(place, outcome, extra):
    entry = place.entry
    back = entry["previous"] if entry else None
    return dict(
        extra,
        changed=outcome.changed,
        path=place.path,
        before=outcome.before,
        after=outcome.after,
        previous={"sha256": back["sha256"], "version": back["version"]} if back else None,
        ours=place.is_ours(),
        diff={
            "before_header": place.path,
            "after_header": place.path,
            "before": _line(outcome.before),
            "after": _line(outcome.after),
        },
    )


def _line(program):
    if not program:
        return ""
    return "k3s %s, sha256 %s\n" % (printable(program["version"] or "of an unknown version"), program["sha256"])


def main():
    module = AnsibleModule(
        argument_spec=dict(
            PROGRAM_OPTIONS,
            path={"type": "path", "default": "/usr/local/bin/k3s"},
            src={"type": "path"},
            sha256={"type": "str"},
            version={"type": "str"},
            architecture={"type": "str"},
            size={"type": "int"},
            replace={"type": "bool", "default": False},
            links={"type": "bool", "default": False},
            state={
                "type": "str",
                "choices": ["present", "announced", "previous", "settled", "absent", "examined"],
                "default": "present",
            },
        ),
        required_if=[
            ("state", "present", ["sha256"]),
            ("state", "announced", ["sha256"]),
            ("state", "examined", ["src"]),
        ],
        supports_check_mode=True,
    )
    with fail_on_problem(module):
        if module.params["state"] != "examined" and os.geteuid() != 0:
            raise Problem("this needs root on the board", next_step="set become: true for the play, or connect as root")
        result, warnings = run(module.params, module.check_mode)
        for warning in warnings:
            module.warn(printable(warning))
        module.exit_json(**result)


if __name__ == "__main__":
    main()
