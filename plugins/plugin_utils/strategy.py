# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a play keeps its boards in step: one plan for all of them, and servers that restart one by one. Pure."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# Those of Ansible, and others that are made of them (mitogen_free). They pass over run_once.
_OUT_OF_STEP = re.compile(r"(?:\A|[._])(?:free|host_pinned)\Z")


def required(strategy: object) -> None:
    """Raises Problem for a strategy under which each board goes through the tasks at its own pace."""
    name = str(strategy)
    if _OUT_OF_STEP.search(name):
        raise Problem(
            "roles of riscv.k3s need boards that are kept in step: a plan is made once for all of them, and servers "
            "restart one after the other",
            found="the strategy %s, under which each board goes on by itself" % name,
            where="the play, ANSIBLE_STRATEGY, or ansible.cfg",
            next_step="write `strategy: linear` into the play. The playbooks of riscv.k3s have it",
        )
