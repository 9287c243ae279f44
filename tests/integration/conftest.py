# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab as a pytest fixture: up once a session, down at its end."""

from __future__ import annotations

import os
import subprocess

import modules
import pytest
from labs import LAB, Lab
from prerequisites import missing
from runs import all_ready, play

# Each worker of pytest-xdist has a lab of its own; most of a test's time is waiting for k3s's passes.
if os.environ.get("PYTEST_XDIST_WORKER"):
    os.environ["RISCV_K3S_LAB_NAME"] = "k3s-" + os.environ["PYTEST_XDIST_WORKER"]


def _is_up():
    return subprocess.run([str(LAB), "exec", "board-1", "--", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="session", name="lab")
def _lab():
    """A lab that starts broken. With RISCV_K3S_LAB_KEEP=1 one that is up already is used as it is, and stays up."""
    keep = os.environ.get("RISCV_K3S_LAB_KEEP") == "1"
    if os.geteuid() != 0:
        missing("the lab must be run as root")
    if not (keep and _is_up()):
        # The first build of Kubernetes takes minutes: let its progress be seen.
        done = subprocess.run([str(LAB), "up"], check=False)
        if done.returncode != 0:
            subprocess.run([str(LAB), "down"], check=False)
            pytest.fail("`lab up` ended with %d" % done.returncode)
    yield Lab()
    if not keep:
        assert subprocess.run([str(LAB), "down", "--check"], check=False).returncode == 0


@pytest.fixture(scope="module", name="connected")
def _connected(lab, tmp_path_factory):
    """Both boards can reach the private registry (other test files may have taken that away). It need not hold
    anything.
    """
    modules.connect_boards(lab, tmp_path_factory.mktemp("connect"))


@pytest.fixture(scope="module", name="healthy")
def _healthy(lab):
    """A lab that site made healthy, with images that were built for it."""
    play(lab, "riscv.k3s.build_images")
    play(lab, "riscv.k3s.site")
    # Later runs of site find nothing to wait for only when everything is Ready.
    lab.wait("a healthy lab", lambda: all_ready(lab), 90)
    return lab
