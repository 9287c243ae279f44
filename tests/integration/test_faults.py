# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards that fail under a run of site: full disks, restarts, a cut of power, a network that goes. A run again heals,
and then nothing is left to do.

Each fault has a line in docs/faults.md. Those of a registry are in test_supply_faults.py, kills in test_kills.py, two
controllers in test_lease.py.
"""

from __future__ import annotations

import contextlib

import modules
import pytest
from runs import play
from steps import run_with

pytestmark = pytest.mark.slow

FIXES = ["tag"]
LAB = str(modules.ROOT / "tests/lab/lab")
MANIFESTS = "/var/lib/rancher/k3s/server/manifests"
# A memory disk over a folder, with what that holds and not a block more. It is gone with `umount`, and so is what was
# written meanwhile.
FULL = """
set -e
mkdir -p /run/full "$1"
mount -t tmpfs -o size=4m full /run/full
cp -a "$1/." /run/full/
dd if=/dev/zero of=/run/full/.filler bs=4k 2>/dev/null || true
mount --bind /run/full "$1"
"""


@pytest.fixture(name="broken")
def _broken(lab):
    """The lab as it comes up, with the images of the catalogue in its registry."""
    lab.lab("reset")
    play(lab, "riscv.k3s.build_images")
    yield
    lab.lab("reset")


def site(lab, folder, *args, **options):
    return run_with(lab, folder, "site", *args, riscv_k3s_fixes=FIXES, **options)


def assert_heals(lab, folder):
    """A run again ends healthy, and the run after that changes nothing."""
    healed = site(lab, folder)
    assert healed.run.rc == 0 and "All healthy." in healed.run.text, healed.run.text
    again = site(lab, folder)
    assert again.run.changed == {"board-1": 0, "board-2": 0}, again.run.text


@contextlib.contextmanager
def full(lab, board, folder):
    lab.exec(board, ["sh", "-c", FULL, "sh", folder])
    try:
        yield
    finally:
        lab.exec(board, 'umount "%s" && umount /run/full && rmdir /run/full' % folder)


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param("/etc/rancher/k3s", id="registries.yaml"),
        pytest.param("/var/lib/rancher/k3s/riscv-k3s", id="journal"),
        pytest.param(MANIFESTS, id="manifests"),
    ],
)
def test_a_disk_that_is_full_when_a_file_is_written(lab, broken, tmp_path, folder):
    lab.exec(lab.server, "rm -f %s" % modules.REGISTRIES)
    with full(lab, lab.server, folder):
        before = modules.state(lab, lab.server)
        refused = site(lab, tmp_path)
        after = modules.state(lab, lab.server)
    assert refused.run.rc != 0
    # What failed under no_log is told by how the wave ended. The verdict's message is a list of lines.
    said = " ".join(str(row["result"].get("msg", "")) for row in refused.run.rows if row["status"] == "failed")
    assert folder in said and "No space left" in said and "Traceback" not in refused.run.text
    if folder == MANIFESTS:  # images come before manifests, and stay
        before, after = ([line for line in text.splitlines() if MANIFESTS in line] for text in (before, after))
    assert after == before
    assert_heals(lab, tmp_path)


@pytest.mark.parametrize(
    "step, words",
    [
        pytest.param("images : Pull the sources", "restart board-2", id="restart-agent-pull"),
        pytest.param(
            "images : Tag them with the stock names, and pin those",
            "restart board-1",
            id="restart-server-tag",
        ),
        pytest.param("manifests : Patch packaged manifests", "restart board-1", id="restart-server-patch"),
        pytest.param("images : Pull the sources", "reboot board-2", id="reboot-agent-pull"),
        pytest.param("manifests : Patch packaged manifests", "reboot board-1", id="reboot-server-patch"),
    ],
)
def test_a_board_that_starts_again_under_a_run(lab, broken, tmp_path, step, words):
    seen = site(lab, tmp_path, step="riscv.k3s." + step, command=[LAB, *words.split()])
    assert seen.done and "Traceback" not in seen.run.text, seen.run.text
    assert_heals(lab, tmp_path)


def test_a_board_that_goes_and_comes_back(lab, broken, tmp_path):
    """Its cable is pulled in the middle of a run: the run names it, and the next one finishes when it is back."""
    cable = ["ip", "link", "set", "dev", lab.agent]
    seen = site(
        lab,
        tmp_path,
        "-e",
        "ansible_ssh_timeout=5",
        step="riscv.k3s.images : Pull the sources",
        command=[*cable, "down"],
    )
    lab.ctl([*cable, "up"])
    assert seen.done and seen.run.rc != 0
    assert [row["host"] for row in seen.run.rows if row["status"] == "unreachable"] == [lab.agent], seen.run.text
    lab.wait(
        "%s answers" % lab.agent,
        lambda: lab.ctl(["bash", "-c", "</dev/tcp/10.99.0.3/22"], check=False).returncode == 0,
        30,
    )
    assert_heals(lab, tmp_path)
