# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether this collection runs on an ansible-core. Pure."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# As meta/runtime.yml says, which Ansible only warns of.
OLDEST = "2.19"


def required(version: str) -> None:
    """Raises Problem for a version that is older. One that is no version is taken for a newer one."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers and [int(number) for number in numbers.groups()] < [int(number) for number in OLDEST.split(".")]:
        raise Problem(
            "riscv.k3s needs ansible-core %s or newer" % OLDEST,
            found="ansible-core %s" % version,
            next_step="install a newer one (it needs Python 3.11 or newer), for example with pip install "
            "'ansible-core>=%s' in a virtual environment" % OLDEST,
        )
