#!/usr/bin/python
# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k3s_verdict
short_description: 'INTERNAL: tells how a run went and how the cluster is'
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - For the roles of this collection only. It may change with any release.
  - Shows the table of a run, and answers whether the cluster is healthy, wrong, or not known. Healthy is only what was
    seen. Each board is a Ready node of the cluster, every part of it was read, and each container runs the content that
    its image name stands for.
  - Fails where something is wrong or not known. Where changes are planned and not made yet, as in check mode, it fails
    only for what is not known.
  - Where it fails, it names the boards that may tell why (RV(closer)). After a closer look at them, O(why=true) ends
    the message with the first findings of a diagnosis.
  - It reads the results that the roles registered (C(k3s_run), C(k3s_seen), C(fleet_seen), C(health_state),
    C(health_closer)).
options:
  why:
    description: Whether the boards of RV(closer) have been looked at, and the message ends with why it is so.
    type: bool
    default: false
extends_documentation_fragment:
  - riscv.k3s.attributes.info
  - riscv.k3s.attributes
notes:
  - Implemented by an action plugin, on the controller.
seealso:
  - module: riscv.k3s.k3s_plan
"""

EXAMPLES = r"""
- name: Report
  riscv.k3s.k3s_verdict:
  delegate_to: localhost
  become: false
  run_once: true
"""

RETURN = r"""
verdict:
  description:
    - C(answer) is C(healthy), C(wrong) or C(not known). C(boards) has the answer for each board, and C(wrong) and
      C(unknown) are sentences. C(left) names
      nodes of the cluster that no board of this run is; they were not looked at. C(silent) has a sentence for each
      server outside this run that was asked and does not answer.
  returned: without O(why=true)
  type: dict
msg:
  description:
    - The table of the run, and the verdict, as lines of text. Of a failure it is one text. With O(why=true) that is the
      verdict and why it is so.
  returned: always
  type: raw
report:
  description: The table of the run, and the verdict, as lines of text; empty where they were shown as such.
  returned: failure, without O(why=true)
  type: list
  elements: str
closer:
  description: The boards to look at as the playbook riscv.k3s.diagnose does, the server that is asked first.
  returned: failure, without O(why=true)
  type: list
  elements: str
why:
  description: The first findings, or that none was made, as lines of text.
  returned: failure, with O(why=true)
  type: list
  elements: str
"""
