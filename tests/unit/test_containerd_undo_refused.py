# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""crictl_image_tag with state: restored, where ctr refuses a name or the run is killed: no entry of the journal is lost
for a thing that is still there, and the next run ends it.
"""

from __future__ import annotations

import itertools

import pytest
from tagged_board import OURS, SECOND, SOURCE, STOCK, TARGET, THIRD, Board

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import crictl_image_pull

NAMES = [SOURCE, TARGET, SECOND, THIRD]


@pytest.fixture(name="board", params=["1.6.20", "2.4.2"])
def _board(request, tmp_path):
    return Board(request.param, tmp_path)


def nothing(board, name):
    """It is removed."""


def other_content(board, name):
    board.fake.put(name, STOCK)


def pinned_by_k3s(board, name):
    board.fake.put(name, STOCK, pinned=True)
    board.fake.store[name][1]["io.cattle.k3s.pinned"] = "pinned"


def only_labelled(board, name):
    """Labels alone come back last, where content and pin are as before already."""
    board.fake.put(name, STOCK)
    board.fake.store[name][1]["a"] = "b"


def the_right_content(board, name):
    """It is only unpinned."""
    board.fake.put(name, OURS)


BEFORE = pytest.mark.parametrize("prepare", [nothing, other_content, pinned_by_k3s, only_labelled, the_right_content])


def heal(board, prepare):
    """Returns the store before."""
    for name in NAMES[1:]:
        prepare(board, name)
    before = board.store()
    board.pull(SOURCE)
    board.tag(SOURCE, *NAMES[1:])
    return before


@BEFORE
@pytest.mark.parametrize("refused", [TARGET, SECOND, THIRD])
def test_one_name_that_ctr_refuses_stops_no_other_one(board, prepare, refused):
    """The rest is as before, the journal keeps that name alone, and the next run ends it."""
    before = heal(board, prepare)
    healed = board.store()
    board.fake.refused = {refused}
    for run in range(2):
        predicted = board.tag(None, *NAMES, check=True, state="restored")
        assert [row["name"] for row in predicted["images"]] == (NAMES if run == 0 else [refused])
        with pytest.raises(Problem) as caught:
            board.tag(None, *NAMES, state="restored")
        told = str(caught.value)
        assert "1 of %d names could not be brought back" % len(predicted["images"]) in told
        assert "ctr: " in told and "Where: %s." % refused in told
        assert set(board.journal()) == {refused}
        assert {name: board.store().get(name) for name in NAMES if name != refused} == {
            name: before.get(name) for name in NAMES if name != refused
        }
        assert board.store()[refused] == healed[refused]
    board.fake.refused = set()
    assert board.undo(*NAMES)["changed"]
    assert board.store() == before and board.journal() is None


def test_a_name_that_containerd_made_and_ctr_refuses_to_remove(board):
    """Its entry stays with it, though the name itself is gone."""
    before = board.store()
    board.heal()
    made = "10.99.0.1:5000/riscv64/coredns@" + OURS.digest
    board.fake.refused = {made}
    for _run in range(2):
        with pytest.raises(Problem, match="unable to delete " + made):
            board.tag(None, SOURCE, TARGET, SECOND, state="restored")
        assert set(board.journal()) == {SOURCE} and made in board.store()
    board.fake.refused = set()
    board.undo()
    assert board.store() == before and board.journal() is None


def test_content_that_a_refused_name_is_to_get_stays(board):
    """The last name that holds it goes after that name has it again."""
    board.fake.put(TARGET, STOCK)
    before = board.store()
    board.tag(TARGET, THIRD)
    board.heal()
    for name in (STOCK.id, "docker.io/rancher/mirrored-coredns-coredns@" + STOCK.digest):
        del board.fake.store[name]
        del before[name]
    board.fake.refused = {TARGET}
    with pytest.raises(Problem, match="2 of 4 names"):
        board.tag(None, *NAMES, state="restored")
    assert set(board.journal()) == {TARGET, THIRD} and board.store()[THIRD][0] == STOCK.digest
    board.fake.refused = set()
    board.undo(*NAMES)
    assert board.store() == before and board.journal() is None


def test_what_was_done_beside_a_refused_name_is_told(board):
    """The next run would not know of it: its entry is gone."""
    board.fake.put(TARGET, STOCK)
    board.heal()
    for name, row in board.store().items():
        if row[0] == STOCK.digest:
            del board.fake.store[name]
    board.fake.refused = {TARGET}
    with pytest.raises(Problem) as caught:
        board.tag(None, TARGET, state="restored")
    assert caught.value.warnings == [] and TARGET in board.store()
    board.fake.refused = {SECOND}
    with pytest.raises(Problem) as caught:
        board.tag(None, SOURCE, TARGET, SECOND, state="restored")
    assert [TARGET in warning and "is gone from the store" in warning for warning in caught.value.warnings] == [True]
    assert set(board.journal()) == {SECOND}


@BEFORE
@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize("version", ["1.6.20", "2.4.2"])
def test_an_undo_that_was_killed(version, prepare, noted, tmp_path, monkeypatch):
    """Before each single change of the store; where the pull was cut short, too, what it brought was not ``noted``."""
    if not noted:
        monkeypatch.setattr(crictl_image_pull.Pulls, "_note_brought", lambda *args: None)
    for changes in itertools.count():
        folder = tmp_path / str(changes)
        folder.mkdir()
        board = Board(version, folder)
        before = heal(board, prepare)
        board.fake.changes_left = changes
        try:
            board.tag(None, *NAMES, state="restored")
        except KeyboardInterrupt:
            board.fake.changes_left = None
            board.undo(*NAMES)
            assert board.store() == before and board.journal() is None
        else:
            break
    assert changes > 3
