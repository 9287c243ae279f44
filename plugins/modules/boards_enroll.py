#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: boards_enroll
short_description: gives a key to boards that are known by their address and a password
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Logs in to all boards at once by ssh (paramiko), with the key or else with a password, and installs a public key for
    the user who logs in. Then it sees that the key logs in, before it does anything else.
  - It may lock the password, and set the host name.
  - It makes the text of an inventory with the groups of k3s-ansible, C(k3s_cluster) with C(server) and C(agent). The
    role C(enroll) writes it.
  - A board that fails is named with its reason, and the others go on. The task fails then at its end.
  - Passwords go to boards by ssh alone, and into no command line, file or result. Tasks that name them should have
    C(no_log).
requirements:
  - paramiko 3.4 or newer, in the Python that runs Ansible
options:
  boards:
    description:
      - The boards, each an address, a range or a host name as in the inventory plugin P(riscv.k3s.boards#inventory), or
        a dictionary with such an C(address) and, where they differ, C(name), C(port), C(user) and C(password).
      - C(hostname) is the host name that the board gets, for a range a range of names (C(board-[1:9])). C(host_key) is
        the fingerprint that its host key must have (C(SHA256:…)).
      - A board on which k3s runs keeps its host name, since k3s calls its node by it.
    type: list
    elements: raw
    required: true
  user:
    description: The user to log in as, who gets the key.
    type: str
    default: root
  password:
    description: The password of boards that have none of their own in O(boards). Not needed where the key logs in.
    type: raw
  public_key:
    description:
      - The file of the public key. Its private key lies beside it, without C(.pub), or is in the ssh agent.
      - When unset, the first of C(id_ed25519.pub), C(id_ecdsa.pub) and C(id_rsa.pub) in C(~/.ssh).
    type: path
  accept_new:
    description:
      - Whether a board whose host key is not known yet, and has no C(host_key) in O(boards), is trusted. Its key is
        recorded. One that differs from the key that is known is refused in any case.
    type: bool
    default: false
  known_hosts:
    description:
      - Files in which host keys are known, as OpenSSH has them. New ones are recorded in the first.
      - When empty, C(~/.ssh/known_hosts) and C(/etc/ssh/ssh_known_hosts).
    type: list
    elements: path
    default: []
  become:
    description: By which program a user who is not root becomes root, for the host name and O(lock_password).
    type: str
    choices: [sudo, doas]
    default: sudo
  lock_password:
    description:
      - Whether to lock the user's password, after the key was seen to log in. Where the key does not log in any more
        then, it is unlocked again, and the board fails.
    type: bool
    default: false
  servers:
    description:
      - The boards that are servers of k3s, by their name in the inventory.
      - When empty, those on which k3s is one; where there is none, the first of O(boards).
    type: list
    elements: str
    default: []
  inventory:
    description: The file of the inventory. It is read, and the boards in it are kept.
    type: path
    default: inventory.yml
  timeout:
    description: Seconds that each login on a board has. There are three at most.
    type: float
    default: 60
  parallel:
    description: How many boards are enrolled at a time.
    type: int
    default: 50
extends_documentation_fragment:
  - riscv.k3s.attributes
attributes:
  diff_mode:
    support: none
notes:
  - Implemented by an action plugin, on the controller.
seealso:
  - plugin: riscv.k3s.boards
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Enrol two boards
  riscv.k3s.boards_enroll:
    boards:
      - address: 192.168.173.11-12
        hostname: board-[1:2]
    password: "{{ vault_board_password }}"
    accept_new: true
  delegate_to: localhost
  run_once: true
  no_log: true
"""

RETURN = r"""
msg:
  description: RV(lines), or RV(failure) as one text.
  returned: always
  type: raw
lines:
  description: The host key of each board, and what was done or is to be done there, as lines of text.
  returned: always
  type: list
  elements: str
problems:
  description: Why boards are not enrolled, a text each. They are among RV(lines), too.
  returned: always
  type: list
  elements: str
failure:
  description: How many boards are not enrolled, or why none could be; empty where all are.
  returned: always
  type: list
  elements: str
inventory:
  description: C(path), C(text) and C(mode) of the inventory; null where nothing is to be written.
  returned: always
  type: dict
boards:
  description:
    - By the name of each board C(done) (sentences), C(host_key), C(is_new) (whether that key was recorded), C(role)
      (C(server), C(agent), or null) and C(problem).
  returned: always
  type: dict
"""
