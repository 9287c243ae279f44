# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulated board as a pytest fixture: up once, down at the end."""

from __future__ import annotations

import os

import pytest
from riscv64 import ROOT, Emulated


@pytest.fixture(scope="session", name="board")
def _board():
    """A board whose k3s waits for images that nobody has for it."""
    board = Emulated(ROOT / "build/emulated")
    board.up()
    board.put_k3s()
    yield board
    if os.environ.get("RISCV_K3S_LAB_KEEP") != "1":
        board.lab("down", "--check")
