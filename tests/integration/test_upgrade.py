# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades of k3s by the playbook: with DNS asked all the time, with a k3s that is broken, and killed at each step."""

from __future__ import annotations

import json
import re

import pytest
from runs import play
from steps import run_with, steps
from upgrading import NEW, OLD, Asking, installed, program, put, started, versions

pytestmark = pytest.mark.slow
BOARDS = ("board-1", "board-2")
COMMON = {"riscv_k3s_target_version": NEW, "riscv_k3s_target_disable": ["traefik", "servicelb"]}
# Of an upgrade. Those of site are killed in test_kills.py.
OWN = re.compile("rollout|binary : |localhost|Publish|fleet : (Take|Keep|Renew|Release)")
STEPS = [step for step in steps("upgrade") if OWN.search(step.name) and step.acts and not step.rescue]
# Steps that this lab has nothing to do at, and why.
NOT_TAKEN = {
    "Make a folder for programs|Fetch programs": "a program from a URL",
    "while k3s is stopped": "sqlite; the lab has etcd",
    "Stop the k3s that|Put the program of before|Note that it runs again": "a k3s that does not become well",
}


def variables(lab, folder, name="B", **more):
    return dict(COMMON, riscv_k3s_binary=str(program(lab, folder, name)), **more)


def upgrade(lab, folder, *args, name="B", check=True, **more):
    given = json.dumps(variables(lab, folder, name, **more))
    return play(lab, "riscv.k3s.upgrade", "-e", given, *args, check=check)


@pytest.fixture(name="files", scope="module")
def _files(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(name="old", scope="module")
def _old(lab, healthy, files):
    """A healthy cluster of the older version."""
    put(lab, files, "C", BOARDS)
    play(lab, "riscv.k3s.site", "-e", json.dumps(COMMON))
    yield lab
    lab.lab("reset")


@pytest.fixture(name="ready")
def _ready(old, files):
    """It runs the older version again, whatever the test before did."""
    if set(versions(old).values()) != {OLD} or {installed(old, board) for board in BOARDS} != {OLD}:
        put(old, files, "C", BOARDS)
        play(old, "riscv.k3s.site", "-e", json.dumps(COMMON))
    return old


def test_check_mode_tells_all_and_changes_nothing(ready, files):
    before = {board: (installed(ready, board), started(ready, board)) for board in BOARDS}
    done = upgrade(ready, files, "--check", "--diff")
    assert "board-1: server, %s -> %s" % (OLD, NEW) in done.text and "wave 2 of 2: board-2" in done.text
    assert {board: (installed(ready, board), started(ready, board)) for board in BOARDS} == before
    wanted = {("riscv.k3s.binary : Put the program in place", board) for board in BOARDS}
    assert wanted | {("riscv.k3s.rollout : Stop k3s", board) for board in BOARDS} <= set(done.changes)


def test_an_upgrade_with_dns_asked_all_the_time(ready, files, capsys):
    with Asking(ready, "board-2") as asking:
        done = upgrade(ready, files)
    with capsys.disabled():
        print(
            "\nupgrade of a server and an agent in %d s: %d of %d DNS queries failed, in %d outages: %s"
            % (asking.seconds, len(asking.failed), asking.asked, len(asking.outages), asking.outages)
        )
    assert set(versions(ready).values()) == {NEW} and "All healthy." in done.text, done.text
    assert "board-1: the snapshot from before is /var/lib/rancher/k3s/server/db/snapshots/riscv-k3s-" in done.text
    assert len(asking.outages) <= 1 and asking.asked > 50
    again = upgrade(ready, files)
    assert again.changed == {"board-1": 0, "board-2": 0, "localhost": 0} or set(again.changed.values()) == {0}, (
        again.text
    )
    assert "board-1, board-2: " in again.text or "runs %s" % NEW in again.text


@pytest.mark.parametrize("fault", ["stuck", "broken"])
def test_a_k3s_that_does_not_come_up(ready, files, fault):
    agent = started(ready, "board-2")
    done = upgrade(ready, files, name=fault, check=False, riscv_k3s_wait_timeout=20, riscv_k3s_gate_timeout=20)
    assert done.rc != 0 and "wave 1 of 2 failed:" in done.text, done.text
    assert "On board-1 k3s %s runs again" % OLD in done.text
    assert (
        "the snapshot from before is " in done.text
        and "Next: " in done.text
        and "not touched (1): board-2" in done.text
    )
    assert set(versions(ready).values()) == {OLD} and installed(ready, "board-1") == OLD
    assert (installed(ready, "board-2"), started(ready, "board-2")) == (OLD, agent)
    healed = upgrade(ready, files)
    assert set(versions(ready).values()) == {NEW} and "All healthy." in healed.text, healed.text


def test_killed_at_each_step_and_run_again(ready, files, tmp_path, capsys):
    """One run after the other, each on what the one before left."""
    killed, missed = [], []
    for step in STEPS:
        if any(re.search(pattern, step.name) for pattern in NOT_TAKEN):
            continue
        seen = run_with(ready, tmp_path, "upgrade", step=step.name, **variables(ready, files))
        if not seen.done:
            assert seen.run.rc == 0, seen.run.text
            put(ready, files, "C", BOARDS)
            seen = run_with(ready, tmp_path, "upgrade", step=step.name, **variables(ready, files))
        assert "Traceback" not in seen.run.text, seen.run.text
        (killed if seen.done else missed).append(step.name)
    healed = upgrade(ready, files)
    with capsys.disabled():
        print("\n%d upgrades killed, each at another step" % len(killed))
    assert missed == [] and "All healthy." in healed.text, healed.text
    assert set(versions(ready).values()) == {NEW}
    again = upgrade(ready, files)
    assert set(again.changed.values()) == {0}, again.text
