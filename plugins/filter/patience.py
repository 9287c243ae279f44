# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether to go on waiting before a gate."""

from __future__ import annotations

import math
import time

from ansible_collections.riscv.k3s.plugins.module_utils._waiting.patience import Patience
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.marks import kills, marks
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door

DOCUMENTATION = r"""
name: patience
short_description: 'INTERNAL: whether to go on waiting, by what moved since the last look'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Takes note of what was seen, and when something moved last.
positional: _input, seen, quiet, pause
options:
  _input:
    description: What this filter returned at the last look; an empty dictionary at the first.
    type: dict
    required: true
  seen:
    description: Results of M(riscv.k3s.k3s_info), of the board and of a server.
    type: list
    elements: dict
    required: true
  quiet:
    description: For how many seconds nothing may move.
    type: int
    required: true
  pause:
    description: The seconds between two looks, at least.
    type: int
    default: 5
"""

EXAMPLES = r"""
- name: Remember what moves
  ansible.builtin.set_fact:
    patience: "{{ patience | default({}) | riscv.k3s.patience([observed], 300) }}"
"""

RETURN = r"""
_value:
  description:
    - C(over) says why the wait is over, and is empty while it is not. C(pause) are the seconds until the next look.
      C(killed) names containers that their kubelet kills by a probe. The rest is for the next look.
  type: dict
"""


# Of the time that it was waited for: a task that includes itself cannot do so a thousand times.
_SHARE = 10


def patience(state, seen, quiet, pause=5, now=None):
    # The process of a filter ends, this clock goes on; and nobody sets it.
    now = time.monotonic() if now is None else now
    patient, found = Patience(quiet, state), {}
    for result in seen:
        found.update(marks(result))
    patient.look(now, found)
    left = patient.left(now)
    return dict(
        patient.state,
        over=patient.why(now) if left <= 0 else "",
        pause=math.ceil(max(0, min(left, max(pause, (now - patient.state["began"]) / _SHARE)))),
        killed=[text for result in seen for text in kills(result)],
    )


class FilterModule:
    def filters(self):
        return {"patience": door(patience)}
