# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What unit tests share: the measured manifests of three k3s versions."""

import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def k3s_manifests():
    """The folder with one sub-folder a k3s version; lies beside the checkout, it is no part of the project."""
    folder = ROOT.parent / "shared" / "k3s-manifests"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{folder} is missing, and CI must not skip what it is for")
        pytest.skip(f"{folder} is not there: manifests of real k3s versions to test against")
    return folder
