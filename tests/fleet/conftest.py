# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fleets of simulated boards as fixtures."""

from __future__ import annotations

import os
import pathlib

import pytest
from boards import Fleet
from prerequisites import missing


@pytest.fixture(name="make_fleet", scope="module")
def _make_fleet(tmp_path_factory):
    """Makes a fleet, by default of 20 boards; nothing of it stays mounted or running."""
    if os.geteuid() != 0:
        missing("simulated boards need mount namespaces: run this as root")
    made = []

    def make(**options):
        made.append(tmp_path_factory.mktemp("fleet"))
        return Fleet(made[-1], **options)

    yield make
    mounted = pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    assert not any(str(folder) in mounted for folder in made)
