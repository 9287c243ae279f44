# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many tasks a run of site takes, printed: what nobody needs to read, and no board has to wait for."""

from __future__ import annotations

import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from steps import steps  # noqa: E402  (beside the tests that kill at each of them)

# Of site without undo, of a run that has nothing to do, and of a board that lacks one image.
MOST_TASKS, MOST_CONVERGED, MOST_JOURNEY = 53, 6, 13
OF_UNDO = (
    "Undo",
    "Take back what was done to its boards",
    "Restart k3s, which reads its files then",
    "Restart pods whose",
)


@pytest.fixture(name="fleet", scope="module")
def _fleet(make_fleet):
    fleet = make_fleet(servers=1, agents=3)
    fleet.play(check=0)
    return fleet


def told(run, board):
    """(task, status) of every line that names a board."""
    found, task = [], None
    for line in run.text.splitlines():
        begin = re.match(r"TASK \[(.*)\] \**$", line)
        result = re.match(r"(ok|changed|skipping|included|failed|fatal): .*\b%s\b" % board, line)
        task = begin.group(1) if begin else task
        if result:
            found.append((task, result.group(1)))
    return found


def test_all_tasks_of_site(capsys):
    rows = [step for step in steps("site") if not step.rescue and "undo : " not in step.name]
    names = [step.name for step in rows if not step.name.startswith(OF_UNDO)]
    with capsys.disabled():
        print("\nsite without undo: %d tasks" % len(names))
    assert len(names) <= MOST_TASKS


def test_a_converged_run(fleet, capsys):
    run = fleet.play(check=0)
    lines = re.findall(r"^TASK \[(.*)\]", run.text, re.MULTILINE)
    with capsys.disabled():
        print("\na converged run: %d task lines, %d of an agent" % (len(lines), len(told(run, "agent-02"))))
    assert run.changed == 0 and len(lines) <= MOST_CONVERGED
    assert len(told(run, "agent-02")) == 1


def test_a_board_that_lacks_one_image(fleet, capsys):
    store = fleet.state("agent-02")["store"]
    stock = next(name for name in store if "coredns-coredns" in name)
    fleet.set("agent-02", store={name: row for name, row in store.items() if name != stock})
    run = fleet.play(check=0)
    journey = told(run, "agent-02")
    with capsys.disabled():
        print("\na board that lacks one image: %d tasks, %d for another" % (len(journey), len(told(run, "agent-03"))))
        print("\n".join("  %-9s %s" % (status, task) for task, status in journey))
    assert run.changed == 1 and len(journey) <= MOST_JOURNEY
    assert len(told(run, "agent-03")) == 1, "others are looked at, and skip nothing for it"
