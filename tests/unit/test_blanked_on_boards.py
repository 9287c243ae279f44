# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What blanked.sh leaves of secrets that have a form of their own, before a text leaves a board."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

import pytest
from fake_board import busybox_programs

import ansible_collections.riscv.k3s.plugins.plugin_utils._observe as room

pytestmark = pytest.mark.programs

SCRIPT = (pathlib.Path(list(room.__path__)[0]) / "blanked.sh").read_text()
TEXTS = [
    "Cluster CA K10abcdef0123456789::server:hunter2",
    "bearer eyJhbGciOiJSUzI1.hunter2.hunter2",
    "cloning with ghp_hunter2hunter2hunter2",
    "dial root:hunter2@tcp(192.0.2.1:3306)/db",
    "DB_PASS=hunter2",
]
# What only looks like one.
KEPT = ["pulled docker://alpine@sha256:0123", "K10 boards", "10.0.0.1:6443: connect tcp(4)", "BYPASS=1 compass = north"]


@pytest.mark.parametrize("text", TEXTS + KEPT)
@pytest.mark.parametrize("name", ["sed", "busybox"])
def test_blanked(name, text):
    folder = str(busybox_programs()) + ":" if name == "busybox" else ""
    said = subprocess.run(
        [shutil.which("dash") or "sh", "-c", SCRIPT + "\nblanked"],
        input=text,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        env={"PATH": folder + "/usr/bin:/bin", "LC_ALL": "C"},
    ).stdout.strip()
    assert said == text if text in KEPT else "hunter2" not in said and "***" in said


def test_a_line_of_a_tenant_is_cut_first():
    """busybox's sed takes the square of a line's length, and a pod may log megabytes without an end of line."""
    logs = (pathlib.Path(list(room.__path__)[0]) / "diagnosis_parts/logs.sh").read_text()
    assert "| cut -c 1-2000 | blanked_log" in logs
