# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""crictl_image_tag with state: restored, after pulls, tags and pins of ours, against a containerd in memory."""

from __future__ import annotations

import copy
import os

import pytest
from tagged_board import OTHER, OURS, SECOND, SOURCE, STOCK, TARGET, Board

from ansible_collections.riscv.k3s.plugins.module_utils._containerd import tags as _containerd_tags
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import crictl_image_pull


@pytest.fixture(name="board", params=["1.6.20", "2.4.2"])
def _board(request, tmp_path):
    return Board(request.param, tmp_path)


def before_with_target(board):
    board.fake.put(TARGET, STOCK)


def before_with_pins_of_k3s(board):
    board.fake.put(TARGET, STOCK, pinned=True)
    board.fake.store[TARGET][1]["io.cattle.k3s.pinned"] = "pinned"


def before_with_source(board):
    board.fake.put(SOURCE, OURS)


def before_with_the_same_content(board):
    board.fake.put("docker.io/somebody/coredns:7", OURS)


def before_with_the_right_name(board):
    board.fake.put(TARGET, OURS)


def before_with_a_bare_digest(board):
    board.fake.put(SOURCE, OURS)
    del board.fake.store[SOURCE]
    del board.fake.store["10.99.0.1:5000/riscv64/coredns@" + OURS.digest]


@pytest.mark.parametrize(
    "prepare",
    [
        lambda board: None,
        before_with_target,
        before_with_pins_of_k3s,
        before_with_source,
        before_with_the_same_content,
        before_with_the_right_name,
        before_with_a_bare_digest,
    ],
)
@pytest.mark.parametrize("runs", [1, 3])
def test_as_before(board, prepare, runs):
    """All names, digests and labels, those that containerd makes by itself among them."""
    prepare(board)
    before = board.store()
    for _run in range(runs):
        board.heal()
    assert board.store() != before
    assert board.undo()["changed"]
    assert board.store() == before
    assert board.journal() is None and os.listdir(board.data_dir) == [] and board.warnings == []


def test_source_that_moved(board):
    """Its tag was published again, and the next run pulled that."""
    before = board.store()
    board.heal()
    board.fake.registry[SOURCE] = OTHER
    board.pull(SOURCE, policy="always")
    board.tag(SOURCE, TARGET, SECOND)
    board.undo()
    assert board.store() == before


def test_some_names_only(board):
    board.heal()
    after = board.store()
    board.undo(SECOND)
    assert board.store() == {name: row for name, row in after.items() if name != SECOND}
    assert set(board.journal()) == {SOURCE, TARGET}


def test_what_is_not_in_the_journal_is_left(board):
    board.fake.put(TARGET, STOCK)
    assert not board.undo(TARGET)["changed"] and TARGET in board.store()


def test_what_somebody_moved_since_is_left(board):
    board.heal()
    board.fake.put(TARGET, OTHER, pinned=True)
    done = board.undo()
    assert board.store()[TARGET][0] == OTHER.digest and SOURCE not in board.store()
    assert len(board.warnings) == 1 and TARGET in board.warnings[0]
    assert {row["name"]: row["changed"] for row in done["images"]} == {SOURCE: True, TARGET: False, SECOND: True}
    assert set(board.journal()) == {TARGET}


def test_what_the_kubelet_collected_meanwhile(board):
    before = board.store()
    board.heal()
    for name in list(board.store()):
        if "coredns" in name or name == OURS.id:
            del board.fake.store[name]
    assert board.undo()["changed"], "the journal"
    assert board.store() == before and board.journal() is None


def test_old_content_that_is_gone(board):
    board.fake.put(TARGET, STOCK)
    board.heal()
    for name, row in board.store().items():
        if row[0] == STOCK.digest:
            del board.fake.store[name]
    board.undo()
    assert TARGET not in board.store() and "is gone from the store" in board.warnings[0]
    assert board.journal() is None


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("prepare", [lambda board: None, before_with_target])
def test_names_that_were_removed_or_unpinned_come_back(board, prepare, state):
    prepare(board)
    before = board.store()
    board.heal()
    board.tag(SOURCE if state == "present" else None, TARGET, pinned=False, state=state)
    board.undo()
    assert board.store() == before


def test_a_pin_that_was_taken_away_comes_back(board):
    board.fake.put(TARGET, STOCK, pinned=True)
    before = board.store()
    board.tag(TARGET, TARGET, pinned=False)
    assert board.store() != before
    board.undo()
    assert board.store() == before


@pytest.mark.parametrize("step", ["tag", "pin"])
@pytest.mark.parametrize("earlier", [True, False])
def test_a_run_that_was_killed(board, step, earlier, monkeypatch):
    """At the write that the journal tells of already; an earlier run had given the name other content."""
    board.fake.put(TARGET, STOCK)
    before = board.store()
    if earlier:
        board.heal()
        board.fake.registry[SOURCE] = OTHER
    board.pull(SOURCE, policy="always")

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(_containerd_tags.Tags, "_read_back", killed)
        patched.setattr(
            "ansible_collections.riscv.k3s.plugins.module_utils._containerd.store.Containerd." + step, killed
        )
        with pytest.raises(KeyboardInterrupt):
            board.tag(SOURCE, TARGET, SECOND)
    board.undo()
    assert board.store() == before


def test_a_pull_that_was_killed(board, monkeypatch):
    before = board.store()
    real = crictl_image_pull.Pulls._settle

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(crictl_image_pull.Pulls, "_settle", killed)
    with pytest.raises(KeyboardInterrupt):
        board.pull(SOURCE)
    monkeypatch.setattr(crictl_image_pull.Pulls, "_settle", real)
    assert SOURCE in board.store()
    board.undo()
    assert board.store() == before


def test_a_pull_that_failed_leaves_no_entry(board):
    before = board.store()
    with pytest.raises(Problem):
        board.pull("10.99.0.1:5000/riscv64/nothing:1")
    assert board.journal() is None and board.store() == before


def test_a_pin_that_containerd_sets_by_itself(board):
    board.fake.put(TARGET, OURS)
    board.tag(TARGET, TARGET)
    config = os.path.join(board.data_dir, "agent/etc/containerd/config.toml")
    os.makedirs(os.path.dirname(config))
    with open(config, "w", encoding="utf-8") as file:
        file.write('sandbox_image = "%s"\n' % TARGET)
    board.fake.deaf.add("label")
    done = board.tag(None, TARGET, state="restored")
    assert "containerd pins the pause image by itself" in board.warnings[0] and board.journal() is None
    assert (done["images"][0]["pinned"], done["images"][0]["changed"], done["changed"]) == (True, False, True)


def test_a_pin_that_stays_though_ctr_takes_it_away(board):
    """It is still ours, and why it stays is not known."""
    board.fake.put(TARGET, OURS)
    board.tag(TARGET, TARGET)
    journal = copy.deepcopy(board.journal())
    board.fake.deaf.add("label")
    for _run in range(2):
        done = board.tag(None, TARGET, state="restored")
        assert not done["changed"] and "What pins it is not known" in board.warnings[0]
        assert TARGET in board.warnings[1] and "stays in the journal" in board.warnings[1]
        assert board.journal() == journal
    board.fake.deaf.clear()
    board.undo(TARGET)
    assert board.journal() is None and not board.fake.names()[TARGET][1]


def test_a_program_that_does_nothing_and_exits_0(board):
    board.heal()
    journal = copy.deepcopy(board.journal())
    board.fake.deaf.add("rm")
    with pytest.raises(Problem, match="is not as it was before"):
        board.tag(None, TARGET, state="restored")
    assert board.journal() == journal
