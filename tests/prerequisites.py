# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test cannot do without."""

from __future__ import annotations

import os

import pytest


def missing(message):
    """Skip the test that lacks something, and say what; on CI it fails, for there nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(message + " (CI must not skip what needs it)")
    pytest.skip(message)
