#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_wait
short_description: 'INTERNAL: waits on a board as long as anything moves there'
version_added: "1.0.0"
author:
  - The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Looks at a board as M(riscv.k3s.k3s_info) does until a condition holds. It fails when nothing has moved for
    O(timeout), and in any case after ten times that. The failure says what is still missing, and names a container that
    its kubelet kills by its liveness probe.
  - What moves is states, reasons, restarts and content of containers, pods that come and go, their events, nodes
    that become Ready, what the deploy controller applies, images in the store, the service of k3s, and whether k3s and
    the API answer. One and the same thing counts four times, so that what only goes round in circles comes to an end.
  - Between two looks are at least three seconds, and at least as long as the last look took.
options:
  condition:
    description:
      - V(answers) is that k3s runs and, where the API is asked, that it answers; with O(plan) also that the images of
        its archive are there.
      - V(healthy) is that the cluster is healthy, as the API of this server says it.
    type: str
    choices: [answers, healthy]
    required: true
  timeout:
    description:
      - For how many seconds nothing may move.
    type: int
    default: 300
  api:
    description:
      - As in M(riscv.k3s.k3s_info).
    type: str
    choices: [auto, always, never]
    default: auto
  plan:
    description:
      - The board's plan, whose archive of images must be in the store.
    type: dict
  document:
    description:
      - Name of the variable with the document of the run, for V(healthy).
    type: str
    default: k3s_run
  program_timeout:
    description:
      - How long each program on the board may take, in seconds. One that takes longer has said nothing.
    type: int
    default: 30
extends_documentation_fragment:
  - riscv.k3s.board
  - riscv.k3s.attributes.info
  - riscv.k3s.attributes
  - riscv.k3s.attributes.action_group
notes:
  - Implemented by an action plugin. Nothing of Python runs on the board.
seealso:
  - module: riscv.k3s.k3s_info
"""

EXAMPLES = r"""
- name: Wait until k3s answers again
  riscv.k3s.k3s_wait:
    condition: answers
    timeout: 600
"""

RETURN = r"""
missing:
  description: What is still missing, sentences. Empty when the condition holds.
  returned: always
  type: list
  elements: str
looks:
  description: How often the board was looked at.
  returned: always
  type: int
seconds:
  description: How long it took.
  returned: always
  type: float
api:
  description: As RV(riscv.k3s.k3s_info#module:api), of the last look. All other parts that were looked at are there,
    too.
  returned: when the API was asked
  type: dict
"""
