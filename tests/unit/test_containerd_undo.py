# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""crictl_image_tag with state: restored, after pulls, tags and pins of ours, against a containerd in memory."""

from __future__ import annotations

import copy
import json
import os

import pytest
from fake_containerd import Content, FakeContainerd

from ansible_collections.riscv.k3s.plugins.module_utils._containerd import tags as _containerd_tags
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import Programs
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import crictl_image_pull, crictl_image_tag

SOURCE = "10.99.0.1:5000/riscv64/coredns:1.0"
TARGET = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
SECOND = "docker.io/rancher/mirrored-coredns-coredns:1.10.1"
OURS, STOCK, OTHER = Content("coredns"), Content("stock", "amd64"), Content("other")


class Board:
    def __init__(self, version, data_dir):
        self.fake = FakeContainerd(version, registry={SOURCE: OURS})
        self.data_dir = str(data_dir)
        self.warnings = []
        # What stands in every store and is nobody's business.
        self.fake.put("docker.io/library/busybox:1", Content("busybox"), pinned=True)

    @property
    def programs(self):
        return Programs({"k3s": "k3s", "data_dir": self.data_dir}, self.fake, is_root=True)

    def pull(self, *names, **options):
        params = {"policy": "missing", "architecture": "any", "deep": False, "retries": 0, "digests": {}, "timeout": 9}
        return crictl_image_pull.run(dict(params, images=list(names), **options), False, self.programs)

    def tag(self, source, *targets, check=False, **options):
        params = {"existing": "overwrite", "pinned": True, "architecture": "any", "expected": [], "state": "present"}
        done, self.warnings = crictl_image_tag.run(
            dict(params, images=[{"source": source, "targets": list(targets)}], **options), check, self.programs
        )
        return done

    def heal(self):
        """As the role images does."""
        self.pull(SOURCE)
        self.tag(SOURCE, TARGET, SECOND)

    def undo(self, *names):
        """Restore names: check, run, check, run. The prediction is the result, and then there is nothing left to do."""
        names = names or (SOURCE, TARGET, SECOND)
        before, journal = self.store(), self.journal()
        predicted = self.tag(None, *names, check=True, state="restored")
        assert (self.store(), self.journal()) == (before, journal)
        done = self.tag(None, *names, state="restored")
        assert predicted == done
        told = list(self.warnings)
        for check in (True, False):
            assert not self.tag(None, *names, check=check, state="restored")["changed"]
        self.warnings = told
        return done

    def store(self):
        return {name: (content.digest, dict(labels)) for name, (content, labels) in self.fake.store.items()}

    def journal(self):
        path = os.path.join(self.data_dir, "riscv-k3s", "journal.json")
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            return json.load(file)["images"]


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


def test_a_pin_that_containerd_sets_by_itself(board, monkeypatch):
    board.fake.put(TARGET, OURS)
    board.tag(TARGET, TARGET)
    monkeypatch.setattr(board.fake, "_images_label", lambda rest: (0, "", ""))
    board.tag(None, TARGET, state="restored")
    assert "is still pinned" in board.warnings[0] and board.journal() is None


def test_a_program_that_does_nothing_and_exits_0(board):
    board.heal()
    journal = copy.deepcopy(board.journal())
    board.fake.deaf.add("rm")
    with pytest.raises(Problem, match="is not as it was before"):
        board.tag(None, TARGET, state="restored")
    assert board.journal() == journal
