# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A catalogue source that changed is a change: planned, carried out by the modules and planned again, in memory."""

from __future__ import annotations

import pytest
from fake_containerd import Content, FakeContainerd
from planning import PAUSE, asked, decide, observed

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import Programs
from ansible_collections.riscv.k3s.plugins.module_utils._journal import journal as _journal
from ansible_collections.riscv.k3s.plugins.modules import crictl_image_pull, crictl_image_tag
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.images import Notes
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock

OLD, NEW, SAME = ("reg:5000/own/pause:%s" % tag for tag in ("1.0.0", "1.0.1", "stable"))
FIRST, SECOND = Content("first", "riscv64"), Content("second", "riscv64")


class Board:
    """A board whose stock pause image is healed from a catalogue with one entry."""

    def __init__(self, version, data_dir):
        self.fake = FakeContainerd(version, registry={OLD: FIRST, NEW: SECOND, SAME: FIRST})
        self.data_dir = str(data_dir)
        self.programs = Programs({"k3s": "k3s", "data_dir": self.data_dir}, self.fake, is_root=True)

    def plan(self, source, **wanted):
        entries = [] if source is None else [{"stock": PAUSE.rpartition(":")[0], "source": source}]
        rows = [
            {
                "name": name,
                "digest": content.digest,
                "platforms": ["linux/riscv64"],
                "pinned": bool(labels.get("io.cri-containerd.pinned")),
                "size": 1,
            }
            for name, (content, labels) in self.fake.store.items()
        ]
        data = dict(_journal.read(self.data_dir), path="journal.json", error=None)
        seen = observed(rows, demand=[asked(PAUSE)], journal=data)
        return decide(seen, catalogue=_catalogue.read(entries), **wanted)

    def site(self, source, **wanted):
        """What the role images does by the plan; the next plan has nothing left to do."""
        plan = self.plan(source, **wanted)
        for check in (True, False):
            self.carry_out(plan, check)
        again = self.plan(source, **wanted)
        assert again["changes"] == 0, again["images"]
        return plan

    def carry_out(self, plan, check):
        common = {"architecture": "riscv64", "images": plan["pulls"]}
        pulls = {"policy": "missing", "deep": False, "retries": 0, "digests": plan["digests"], "timeout": 9}
        crictl_image_pull.run(dict(common, **pulls), check, self.programs)
        tags = {"existing": "overwrite", "pinned": True, "expected": plan["pulls"], "state": "present"}
        crictl_image_tag.run(dict(common, **dict(tags, images=plan["tags"])), check, self.programs)

    @property
    def stock(self):
        return self.fake.store[PAUSE][0]

    @property
    def source(self):
        return _journal.read(self.data_dir)["images"][PAUSE]["source"]


@pytest.fixture(name="board", params=["1.6.20", "2.4.2"])
def _board(request, tmp_path):
    board = Board(request.param, tmp_path)
    board.site(OLD)
    assert board.stock is FIRST
    return board


def test_another_source_with_other_content(board):
    plan = board.site(NEW)
    assert (plan["pulls"], plan["tags"]) == ([NEW], [{"source": NEW, "targets": [PAUSE]}])
    assert "it was tagged from %s" % OLD in plan["images"][0]["reason"]
    assert (board.stock, board.source) == (SECOND, NEW)


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_source_that_was_changed_back(board, is_kept):
    board.site(NEW)
    if not is_kept:
        del board.fake.store[OLD]
    plan = board.site(OLD)
    assert (plan["pulls"], bool(plan["tags"])) == ([] if is_kept else [OLD], True)
    assert (board.stock, board.source) == (FIRST, OLD)


def test_another_source_with_the_same_content(board):
    """It has to be pulled to know that; then it is the source, also when its name goes."""
    assert board.site(SAME)["pulls"] == [SAME]
    assert (board.stock, board.source) == (FIRST, SAME)
    del board.fake.store[SAME]
    assert board.plan(SAME)["changes"] == 0


def test_both_names_have_the_same_digest_already(board):
    board.fake.put(SAME, FIRST)
    assert board.plan(SAME)["changes"] == 0


@pytest.mark.parametrize(
    "source, wanted",
    [
        pytest.param(OLD, {}, id="the same source"),
        pytest.param(NEW, {"existing": "keep"}, id="what is there is kept"),
        pytest.param(NEW, {"fixes": ["mirror"]}, id="no tags are wanted"),
        pytest.param(PAUSE, {}, id="left to k3s"),
        pytest.param(None, {}, id="no source any more"),
    ],
)
def test_no_change(board, source, wanted):
    plan = board.plan(source, **wanted)
    assert (plan["pulls"], plan["tags"]) == ([], [])


@pytest.mark.parametrize("content, pulls", [(FIRST, []), (SECOND, [NEW])])
def test_a_lock_says_by_digest_whether_it_is_a_change(board, content, pulls):
    row = _lock.Locked(PAUSE, "riscv64", NEW, "reg:5000", content.digest, 1, "2026-01-01T00:00:00Z")
    assert board.site(NEW, lock={(PAUSE, "riscv64"): row})["pulls"] == pulls
    assert board.stock is content


def test_a_run_that_was_cut_off_before_the_tag_is_made_up(board):
    plan = board.plan(NEW)
    board.carry_out(dict(plan, tags=[]), False)
    with _journal.opened(board.data_dir) as journal:
        journal.will_set(PAUSE, SECOND.digest, True, {"digest": FIRST.digest, "pinned": True, "labels": {}}, NEW)
        journal.save()
    assert board.site(NEW)["tags"] and board.stock is SECOND


def test_undo_takes_back_the_new_source_too(board):
    board.site(NEW)
    params = {"images": [{"targets": [PAUSE, OLD, NEW]}], "state": "restored", "architecture": "any", "pinned": True}
    crictl_image_tag.run(dict(params, existing="overwrite", expected=[]), False, board.programs)
    assert board.fake.store == {}


def test_sources_are_told_by_tags_not_by_archives():
    entries = {PAUSE: {"source": "riscv-k3s-0123456789ab.tar"}, "a": {"source": None}, "b": {"source": OLD}}
    assert Notes.of({"images": entries}).sources == {"b": OLD}
    assert Notes.of(None) == Notes({}, {})


def test_nothing_is_changed_whose_entry_cannot_be_read(board):
    """It is named, and the plan's other images go on."""
    with _journal.opened(board.data_dir) as journal:
        entry = journal.images.pop(PAUSE)
        journal.data["unread"].append({"kind": "images", "name": PAUSE, "why": "it is odd", "entry": entry})
        journal.save()
        data = dict(journal.data, path="journal.json", error=None)
    store = [{"name": OLD, "digest": "sha256:1", "platforms": ["linux/riscv64"], "pinned": False, "size": 1}]
    plan = decide(observed(store, journal=data))
    rows = {row["image"]: row for row in plan["images"]}
    assert rows[PAUSE]["fix"] == "impossible" and "cannot be read (it is odd)" in rows[PAUSE]["reason"]
    assert plan["problems"] == [rows[PAUSE]]
    assert [row["fix"] for name, row in rows.items() if name != PAUSE] == ["tag"]
    assert any("neither changed nor taken back" in text and PAUSE in text for text in plan["warnings"])
