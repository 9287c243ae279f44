# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Journals that a crash has emptied or cut off, and entries that this version cannot read, on a small fleet; and clocks
that are years off in both directions.
"""

from __future__ import annotations

import json
import os

import pytest

UNDO = "riscv.k3s.undo"
REGISTRIES = {"mirrors": {"registry.example:5000": {"endpoint": ["http://registry.example:5000"]}}}
STOPS = "nothing can be changed or taken back on this board"
PAUSE = "docker.io/rancher/mirrored-pause:3.6"
YEARS = 20 * 365 * 86400


@pytest.fixture(name="fleet")
def _fleet(make_fleet):
    fleet = make_fleet(servers=1, agents=2, riscv_k3s_serial="100%", riscv_k3s_registries=REGISTRIES)
    fleet.play(check=0)
    return fleet


def data(fleet, board):
    return fleet.folder / "boards" / board / "var-lib/rancher/k3s"


def journal(fleet, board):
    return data(fleet, board) / "riscv-k3s/journal.json"


def spoil(fleet, board, length):
    """Cut the board's journal off, and give all boards something to do."""
    path = journal(fleet, board)
    path.write_bytes(path.read_bytes()[:length])
    for name in fleet.boards:
        fleet.set(name, store={})


def test_boards_whose_journal_is_lost_are_left_alone_and_the_others_go_on(fleet):
    spoil(fleet, "agent-01", 0)
    spoil(fleet, "agent-02", 100)
    before = fleet.look()
    run = fleet.play(check=2)
    # The server has nothing wrong: it tells that the run must not end well.
    assert set(run.failed) == {*fleet.agents, "server-01"} and STOPS in run.text
    assert "it is empty (0 bytes)" in run.text and "it breaks off" in run.text
    assert fleet.touched(before) == ["server-01"]
    before = fleet.look()
    run = fleet.play("--limit", "agent-01", playbook=UNDO, check=2)
    assert run.failed == ["agent-01"] and "it is empty (0 bytes)" in run.text and STOPS in run.text
    assert "nothing to take back" not in run.text and fleet.touched(before) == []


def test_where_the_journal_of_the_first_server_is_lost_nothing_is_changed(fleet):
    """The lease stands in it."""
    spoil(fleet, "server-01", 0)
    before = fleet.look()
    run = fleet.play(check=None)
    assert run.rc and "server-01" in run.failed and "it is empty (0 bytes)" in run.text and STOPS in run.text
    assert fleet.touched(before) == []


@pytest.mark.slow
def test_one_entry_that_cannot_be_read_is_left_and_the_others_go_on(fleet):
    path = journal(fleet, "agent-01")
    told = json.loads(path.read_text())
    odd = dict(told["images"][PAUSE], colour="blue")
    told["images"][PAUSE] = odd
    path.write_text(json.dumps(told))
    run = fleet.play()
    assert not run.changed and "does not know: colour" in run.text
    run = fleet.play(playbook=UNDO)
    assert "does not know: colour" in run.text
    assert fleet.journal("agent-01")["images"] == {PAUSE: odd} and not fleet.journal("agent-01")["files"]
    assert not fleet.journal("agent-02") and PAUSE in fleet.state("agent-01")["store"]
    run = fleet.play(playbook=UNDO)
    assert "agent-01: nothing is taken back" in run.text and "agent-02: nothing to take back" in run.text


def set_clock(fleet, board, seconds):
    """What k3s rendered has the time of its start, which the board's clock got wrong by so much."""
    rendered = data(fleet, board) / "agent/etc/containerd/config.toml"
    time = rendered.stat().st_mtime + seconds
    os.utime(rendered, (time, time))


def restarts(fleet):
    return [fleet.state(board)["restarts"] for board in fleet.agents]


@pytest.mark.slow
def test_a_wrong_clock_restarts_k3s_at_most_once(fleet):
    """One agent's clock was behind when k3s started, so that all files look newer; the other one's was ahead.

    Our own files are known by their notes. When the journal is lost they are anybody's, so their time counts, once.
    """
    for board, seconds in zip(fleet.agents, (-YEARS, YEARS)):
        set_clock(fleet, board, seconds)
    before = restarts(fleet)
    assert not fleet.play(check=0).changed and restarts(fleet) == before
    for board in fleet.agents:
        journal(fleet, board).unlink()
    assert fleet.play(check=0).changed and restarts(fleet) == [before[0] + 1, before[1]]
    assert not fleet.play(check=0).changed and restarts(fleet) == [before[0] + 1, before[1]]
