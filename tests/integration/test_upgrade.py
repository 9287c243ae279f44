# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades of k3s by the playbook: with DNS asked all the time, with a k3s that is broken, and killed at each step."""

from __future__ import annotations

import json
import os
import re

import pytest
from runs import play
from steps import run_with, steps
from upgrading import NEW, OLD, SETTINGS, Asking, ThreeLab, UpgradeLab, installed, started, versions

pytestmark = pytest.mark.slow
# Of an upgrade. Those of site are killed in test_kills.py.
OWN = re.compile("rollout|binary : |fleet : (Take|Keep|Renew|Release)")
STEPS = [step for step in steps("upgrade") if OWN.search(step.name) and step.acts and not step.rescue]
FIRST = next(number for number, step in enumerate(STEPS) if step.name.endswith("rollout : Stop k3s"))
# Steps at which these boards have nothing to do, and why.
NOT_TAKEN = {
    "Make a folder for programs|Fetch programs": "a program from a URL",
    "See that all other servers answer": "several servers",
}


def upgrade(lab, folder, *args, name="B", check=True, **more):
    given = dict(SETTINGS, riscv_k3s_binary=lab.program(folder, name), **more)
    return play(lab, "riscv.k3s.upgrade", "-e", json.dumps(given), *args, check=check)


@pytest.fixture(name="files", scope="module")
def _files(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(name="old", scope="module")
def _old():
    """A healthy cluster of the older version: a server with sqlite, and an agent."""
    lab = UpgradeLab()
    lab.begin()
    yield lab
    if os.environ.get("RISCV_K3S_LAB_KEEP") != "1":
        lab.lab("down", "--check")


@pytest.fixture(name="ready")
def _ready(old):
    """It runs the older version again, whatever the test before did."""
    if set(versions(old).values()) != {OLD} or {installed(old, board) for board in old.roles} != {OLD}:
        old.put("C")
        old.heal()
    return old


def test_check_mode_tells_all_and_changes_nothing(ready, files):
    before = {board: (installed(ready, board), started(ready, board)) for board in ready.roles}
    done = upgrade(ready, files, "--check", "--diff")
    assert "board-1: server, %s -> %s" % (OLD, NEW) in done.text and "wave 2 of 2: board-2" in done.text
    assert {board: (installed(ready, board), started(ready, board)) for board in ready.roles} == before
    wanted = {("riscv.k3s.binary : Put the program in place", board) for board in ready.roles}
    assert wanted | {("riscv.k3s.rollout : Stop k3s", board) for board in ready.roles} <= set(done.changes)


def watched(lab, files, capsys):
    """An upgrade while an agent asks the cluster's DNS all the time; the run after it changes nothing."""
    agent = list(lab.roles)[-1]
    with Asking(lab, agent) as asking:
        done = upgrade(lab, files)
    with capsys.disabled():
        print(
            "\nupgrade of %s in %d s: %d of %d DNS queries failed, at %s s"
            % (
                ", ".join(lab.roles.values()),
                asking.seconds,
                len(asking.failed),
                asking.asked,
                [moment for moment, why in asking.failed],
            )
        )
    assert versions(lab) == dict.fromkeys(lab.roles, NEW) and "All healthy." in done.text, done.text
    # One wave explains one time without answers.
    assert asking.asked > 50 and len(asking.outages) <= 1
    again = upgrade(lab, files)
    assert set(again.changed.values()) == {0} and "runs %s" % NEW in again.text, again.text
    return done


def test_an_upgrade_with_dns_asked_all_the_time(ready, files, capsys):
    done = watched(ready, files, capsys)
    saved = re.search(r"board-1: the data from before is in (/\S+);", done.text).group(1)
    assert "state.db" in ready.exec("board-1", ["ls", saved + "/db"]).stdout
    assert ready.exec("board-1", ["stat", "-c", "%a", saved]).stdout.strip() == "700"


@pytest.mark.parametrize("fault", ["stuck", "broken"])
def test_a_k3s_that_does_not_come_up(ready, files, fault):
    before = installed(ready, "board-2"), started(ready, "board-2")
    done = upgrade(ready, files, name=fault, check=False, riscv_k3s_wait_timeout=20, riscv_k3s_gate_timeout=20)
    assert done.rc != 0 and "wave 1 of 2 failed:" in done.text, done.text
    assert "On board-1 k3s %s runs again" % OLD in done.text and "not touched (1): board-2" in done.text
    assert "the data from before is in " in done.text and "Next: see why above" in done.text
    assert versions(ready) == {"board-1": OLD, "board-2": OLD} and installed(ready, "board-1") == OLD
    assert (installed(ready, "board-2"), started(ready, "board-2")) == before
    healed = upgrade(ready, files)
    assert versions(ready) == {"board-1": NEW, "board-2": NEW} and "All healthy." in healed.text, healed.text


@pytest.mark.parametrize("chosen", [STEPS[FIRST:], STEPS[:FIRST]], ids=["from the stop on", "before"])
def test_killed_at_each_step_and_run_again(ready, files, tmp_path, capsys, chosen):
    """One run after the other, each on what the one before left."""
    killed, missed = [], []
    given = dict(SETTINGS, riscv_k3s_binary=ready.program(files, "B"))
    for step in chosen:
        if any(re.search(pattern, step.name) for pattern in NOT_TAKEN):
            continue
        seen = run_with(ready, tmp_path, "upgrade", step=step.name, **given)
        if not seen.done:
            assert seen.run.rc == 0, seen.run.text
            ready.put("C")
            seen = run_with(ready, tmp_path, "upgrade", step=step.name, **given)
        assert "Traceback" not in seen.run.text, seen.run.text
        (killed if seen.done else missed).append(step.name)
    healed = upgrade(ready, files)
    with capsys.disabled():
        print("\n%d upgrades killed, each at another step" % len(killed))
    assert missed == [] and "All healthy." in healed.text, healed.text
    assert versions(ready) == {"board-1": NEW, "board-2": NEW}
    again = upgrade(ready, files)
    assert set(again.changed.values()) == {0}, again.text


def test_two_servers_with_embedded_etcd(files, capsys):
    lab = ThreeLab()
    lab.begin()
    try:
        done = watched(lab, files, capsys)
        assert "wave 1 of 3: board-1" in done.text and "wave 2 of 3: board-2" in done.text
        saved = re.findall(r"(board-\d): the snapshot from before is (\S+);", done.text)
        assert [board for board, path in saved] == ["board-1", "board-2"]
        for board, path in saved:
            assert int(lab.exec(board, ["stat", "-c", "%s", path]).stdout) > 100000
        assert lab.members() == ["board-1", "board-2"]
    finally:
        lab.lab("down", "--check")
