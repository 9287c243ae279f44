#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_board_settings
short_description: Set what k3s needs of a board's system, in a way that can be undone
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Loads modules of the kernel, gives settings of the kernel (sysctl) their values, and writes the files that keep
    both over a boot. Opens ufw and firewalld for pods, services and nodes, starts a service that keeps the time, and
    more. One call does a whole list.
  - What was there before the first run is noted in the board's journal (C(DATA_DIR/riscv-k3s)) and comes back with
    O(state=absent), whatever the number of runs between. A module that was loaded stays loaded until the next boot,
    and a clock that was set stays set.
  - Each value is read back after it was set.
  - Restarts neither k3s nor the board.
options:
  settings:
    description:
      - What is to be, in this order. Required when O(state=present).
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description:
          - V(file) writes a file, V(module) loads a module of the kernel, V(sysctl) gives a setting of the kernel a
            value.
          - V(alternative) chooses what a name of C(update-alternatives) stands for, V(ufw) and V(firewalld) add a rule
            to that firewall, V(service) has a service run, V(clock) sets the time, V(swap) uses a device as swap or no
            longer.
          - V(fstab) makes the lines of swap in that file comments, V(kernel_options) puts options into the kernel's
            command line in a boot loader's file. Every other byte of these files stays.
        type: str
        required: true
        choices: [file, module, sysctl, alternative, ufw, firewalld, service, clock, swap, fstab, kernel_options]
      name:
        description:
          - The path of a file, or the name of a module, a setting, a service or a device.
          - Of V(ufw) the rule as C(ufw show added) writes it; of V(firewalld) C(runtime) or C(permanent), the zone,
            C(source) or C(rich-rule), and its text; of V(clock) C(SECONDS at uptime N), the time in seconds since 1970
            when the board had been up for N seconds.
        type: str
        required: true
      value:
        description:
          - What it is to be. V(loaded) for a module, V(present) for a rule, V(enabled active) for a service, V(set) for
            the clock, V(on) or V(off) for swap, a path or V(auto) for an alternative, V(off) for C(fstab), and the
            options for V(kernel_options).
        type: str
      content:
        description:
          - The whole text of a file.
        type: str
      mode:
        description:
          - Mode of a file, in octal digits.
        type: str
        default: "0644"
  state:
    description:
      - V(present) sets O(settings).
      - V(absent) takes back all that the journal tells of the board's system. What somebody changed since is left
        alone, with a warning, and stays in the journal.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
seealso:
  - module: riscv.k3s.k3s_config_file
  - module: riscv.k3s.k3s_info
"""

EXAMPLES = r"""
- name: Let traffic of pods pass, now and after a boot
  riscv.k3s.k3s_board_settings:
    settings:
      - {kind: module, name: br_netfilter, value: loaded}
      - {kind: sysctl, name: net.ipv4.ip_forward, value: "1"}
      - kind: file
        name: /etc/sysctl.d/99-zz-riscv-k3s.conf
        content: |
          # Written by riscv.k3s
          net.ipv4.ip_forward = 1
  become: true

- name: Have the board's system as it was before
  riscv.k3s.k3s_board_settings:
    state: absent
  become: true
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    kind: {description: The kind of setting., type: str, sample: sysctl}
    name: {description: Its name., type: str, sample: net.ipv4.ip_forward}
    before: {description: "What it was; null for a file, and where there was no such thing.", type: str, sample: "0"}
    after: {description: What it is now; null for a file., type: str, sample: "1"}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import opened
from ansible_collections.riscv.k3s.plugins.module_utils._system import settings as _settings
from ansible_collections.riscv.k3s.plugins.module_utils._system.host import Host
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem, fail_on_problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

SUBOPTIONS = {
    "kind": {"type": "str", "required": True, "choices": ["file", *_settings.KINDS, *_settings.EDITS]},
    "name": {"type": "str", "required": True},
    "value": {"type": "str"},
    "content": {"type": "str"},
    "mode": {"type": "str", "default": "0644"},
}


def run(params, check_mode, host=None):
    """(result, warnings) of the module for its ``params``."""
    host = host or Host()
    with opened(params["data_dir"], check_mode) as journal:
        if params["state"] == "absent":
            done = _settings.absent(journal, host, check_mode)
        else:
            _check(params["settings"])
            done = _settings.present(journal, host, params["settings"], check_mode)
    return {"changed": bool(done.changes), "changes": done.changes, "diff": done.diffs}, done.warnings


def _check(settings):
    for setting in settings:
        wanted = "content" if setting["kind"] == _settings.FILE else "value"
        if setting.get(wanted) is None:
            raise Problem("%s %s lacks its %s" % (setting["kind"], setting["name"], wanted))


def main():
    module = AnsibleModule(
        argument_spec=dict(
            PROGRAM_OPTIONS,
            settings={"type": "list", "elements": "dict", "default": [], "options": SUBOPTIONS},
            state={"type": "str", "choices": ["present", "absent"], "default": "present"},
        ),
        required_if=[("state", "present", ["settings"])],
        supports_check_mode=True,
    )
    with fail_on_problem(module):
        result, warnings = run(module.params, module.check_mode)
        for warning in warnings:
            module.warn(printable(warning))
        module.exit_json(**result)


if __name__ == "__main__":
    main()
