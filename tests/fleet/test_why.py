# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""site ends with why something is not healthy, after a closer look at those boards, and only then."""

from __future__ import annotations

import json

import pytest
import yaml

VARIABLES = json.dumps({"riscv_k3s_gates": [], "riscv_k3s_wait_timeout": 2})
TELLS = "TASK [riscv.k3s.health : Tell what is wrong, and why]"


@pytest.fixture(name="fleet", scope="module")
def _fleet(make_fleet):
    """Three servers, so that what is done once for all of them is seen to be."""
    fleet = make_fleet(servers=3, agents=3)
    fleet.play(check=0)
    return fleet


def ended(run):
    """What the run says last, and only once."""
    assert run.text.count(TELLS) == 1
    return run.text.rpartition(TELLS)[2]


def test_a_converged_run_asks_no_board_once_more(fleet):
    fleet.commands()
    run = fleet.play(check=0)
    counts = fleet.commands()
    assert counts == dict.fromkeys(fleet.boards, 1) and TELLS not in run.text


@pytest.mark.parametrize("check", [False, True])
def test_what_is_not_well_is_looked_at_closer_and_nothing_else(fleet, check):
    fleet.set("agent-02", breaks=True)
    fleet.commands()
    run = fleet.play("-e", VARIABLES, *["--check"] * check, check=2)
    counts = fleet.commands()
    fleet.set("agent-02", breaks=False)
    text = ended(run)
    assert "WHY: Node agent-02 is not Ready  [node-not-ready, certain]" in text and "mended by: a person" in text
    # The server waits for the cluster's health, too.
    assert counts["server-01"] > 1 and counts["agent-02"] == 2
    assert [counts[name] for name in ("server-02", "server-03", "agent-01", "agent-03")] == [1] * 4


def test_a_board_that_cannot_be_reached_is_what_it_ends_with(fleet):
    fleet.vanish("agent-03")
    try:
        text = ended(fleet.play("-e", VARIABLES))
    finally:
        fleet.vanish("agent-03", None)
    assert "WHY: agent-03 could not be observed  [board-unreachable, certain]" in text


def test_where_every_board_of_the_closer_look_is_gone_the_verdict_is_told_all_the_same(fleet):
    """The server answers the run's own looks, and not the closer one."""
    fleet.set("agent-02", breaks=True)
    fleet.vanish("server-01", after=1)
    try:
        text = ended(fleet.play("-e", VARIABLES, "--check"))
    finally:
        fleet.vanish("server-01", None)
        fleet.set("agent-02", breaks=False)
    assert "WRONG: node agent-02 is not Ready" in text
    assert "WHY: server-01 could not be observed  [board-unreachable, certain]" in text


def test_a_board_without_a_python_of_its_own_is_told_as_that(make_fleet, tmp_path):
    """As pyenv's stand-in for each program says it, where it has no version."""
    shim = tmp_path / "python3"
    shim.write_text("#!/bin/sh\necho 'pyenv: python3: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    fleet = make_fleet(servers=1, agents=1)
    path = fleet.folder / "hosts.yml"
    inventory = yaml.safe_load(path.read_text())
    inventory["k3s_cluster"]["children"]["agent"]["hosts"]["agent-01"] = {"ansible_python_interpreter": str(shim)}
    path.write_text(yaml.safe_dump(inventory))
    run = fleet.play(check=2)
    assert "On the board: pyenv: python3: command not found. Next: install python3 there" in run.text
