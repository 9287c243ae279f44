# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock on the lab: made, held to, a source that moves, a board that lost its image, locked again. One story, many
questions.
"""

from __future__ import annotations

import json
import uuid
from typing import Any, NamedTuple

import modules
import pytest
import yaml

pytestmark = pytest.mark.slow

STOCK = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
SITE = "riscv.k3s.site"


class Story(NamedTuple):
    """What was seen, chapter by chapter."""

    lock: dict[str, dict[str, Any]]
    predicted: Any
    written: bool
    made: Any
    again: Any
    first: Any
    held: dict[str, str | None]
    republished: Any
    refused: Any
    names_before: set[str]
    names_after: set[str]
    moved: Any
    moved_lock: dict[str, dict[str, Any]]
    planned: Any
    healed: Any
    healed_to: dict[str, str | None]
    running: list[str]
    settled: Any


class Fleet:
    """The lab, with sources under a prefix of its own that no other test minds, and a lock file of its own."""

    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        self.file = folder / "images.lock.yml"
        self.prefix = "%s/lock-%s" % (lab.registry, uuid.uuid4().hex[:8])
        self.catalogue = yaml.safe_load(
            (modules.ROOT / "tests/lab/inventory/group_vars/k3s_cluster.yml").read_text(encoding="utf-8")
        )["riscv_k3s_catalogue"]
        copies = []
        for entry in self.catalogue:
            entry.pop("build")
            source, entry["source"] = [
                entry["source"].replace("{{ riscv_k3s_registry }}/riscv64", place)
                for place in (lab.registry + "/riscv64", self.prefix)
            ]
            copies.append({"source": source, "target": entry["source"]})
        access = [{"host": lab.registry, "plain_http": True}]
        assert "failed" not in modules.task(
            lab, folder, "localhost", "registry_image_copy", {"images": copies, "registries": access}
        )
        self.source = next(entry["source"] for entry in self.catalogue if entry["stock"] == STOCK.rpartition(":")[0])

    def play(self, playbook, *options):
        given = {"riscv_k3s_catalogue": self.catalogue}
        # Named only when it is there: site insists on a lock that it is told of.
        if playbook != SITE or self.file.exists():
            given["riscv_k3s_lock_file"] = str(self.file)
        return modules.play(self.lab, self.folder, playbook, "-e", json.dumps(given), *options)

    def lock(self):
        return {
            row["image"]: row
            for row in yaml.safe_load(self.file.read_text(encoding="utf-8"))["all"]["vars"]["riscv_k3s_lock"]
        }

    def digests(self):
        """{board: digest that the stock name has in its store}."""
        found = {}
        for board in (self.lab.server, self.lab.agent):
            lines = [line.split() for line in self.lab.exec(board, ["k3s", "ctr", "images", "ls"]).stdout.splitlines()]
            found[board] = next((line[2] for line in lines if line[0] == STOCK), None)
        return found

    def republish(self):
        """Other content under the source's tag."""
        changed = {
            "src": modules.program("coredns"),
            "image": self.source,
            "cmd": ["/coredns"],
            "env": {"EDITION": "second"},
        }
        modules.build(self.lab, self.folder, changed)

    def running(self):
        """Image IDs of the containers of CoreDNS."""
        pods = self.lab.get("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")["items"]
        return [
            status["imageID"]
            for pod in pods
            if not pod["metadata"].get("deletionTimestamp")
            for status in pod["status"]["containerStatuses"]
        ]


@pytest.fixture(scope="module", name="fleet")
def _fleet(lab, tmp_path_factory):
    lab.lab("reset")
    folder = tmp_path_factory.mktemp("lock")
    built = modules.play(lab, folder, "riscv.k3s.build_images")
    assert built.rc == 0, built.output
    return Fleet(lab, folder)


@pytest.fixture(scope="module", name="story")
def _story(lab, fleet):
    predicted = fleet.play("riscv.k3s.lock", "--check", "--diff")
    written = fleet.file.exists()
    made, again = fleet.play("riscv.k3s.lock", "--diff"), fleet.play("riscv.k3s.lock")
    lock = fleet.lock()
    first = fleet.play(SITE)
    held = fleet.digests()
    fleet.republish()
    republished = fleet.play(SITE)
    modules.remove_images(lab, lab.agent, STOCK, fleet.source)
    before = all_names(lab)
    refused = fleet.play(SITE)
    after = all_names(lab)
    moved = fleet.play("riscv.k3s.lock", "--diff")
    moved_lock = fleet.lock()
    planned = fleet.play("riscv.k3s.plan")
    healed = fleet.play(SITE)
    healed_to, running = fleet.digests(), fleet.running()
    settled = fleet.play(SITE)
    return Story(
        lock,
        predicted,
        written,
        made,
        again,
        first,
        held,
        republished,
        refused,
        before,
        after,
        moved,
        moved_lock,
        planned,
        healed,
        healed_to,
        running,
        settled,
    )


def all_names(lab):
    return set(lab.exec(lab.agent, ["k3s", "ctr", "images", "ls", "-q"]).stdout.split())


def changed(run):
    return [(row["task"], row["host"]) for row in run.rows if row["status"] == "ok" and row["result"].get("changed")]


def test_lock_check_run_check(story):
    assert (story.predicted.rc, story.made.rc, story.written) == (0, 0, False), story.made.output
    assert changed(story.predicted) == changed(story.made) == [("riscv.k3s.lock : Write the lock", "board-1")]
    assert changed(story.again) == [] and story.again.rc == 0


def test_it_holds_what_boards_are_given(story, fleet, lab):
    assert {row["source"] for row in story.lock.values()} == {entry["source"] for entry in fleet.catalogue}
    assert {row["registry"] for row in story.lock.values()} == {lab.registry}
    assert all(row["size"] > 1000 for row in story.lock.values())


def test_boards_get_what_is_locked(story):
    assert story.first.rc == 0, story.first.output
    assert set(story.held.values()) == {story.lock[STOCK]["digest"]}


def test_what_was_pulled_is_told(story):
    table = story.first.result("riscv.k3s.health : Report", "board-1")["msg"]
    told = {line.split()[0]: line.rpartition("  ")[2] for line in table[1:3]}
    for board in ("board-1", "board-2"):
        result = story.first.result("riscv.k3s.images : Pull the sources", board)
        assert result["downloaded"] == sum(image["size"] for image in result["images"] if image["changed"])
        assert told[board] == "%.1f MB" % (result["downloaded"] / 1e6)


def test_a_converged_fleet_does_not_mind_that_the_source_moved(story):
    assert (story.republished.rc, changed(story.republished)) == (0, []), story.republished.output


def test_a_board_without_the_image_gets_a_clear_error_and_nothing_is_tagged(story, fleet):
    (failure,) = [
        row
        for row in story.refused.rows
        if row["status"] == "failed" and row["action"] == "riscv.k3s.crictl_image_pull"
    ]
    assert failure["host"] == "board-2"
    message = failure["result"]["msg"]
    assert (
        fleet.source in message
        and story.lock[STOCK]["digest"] in message
        and story.moved_lock[STOCK]["digest"] in message
    )
    assert "riscv.k3s.lock" in failure["result"]["next_step"]
    assert story.refused.rc != 0 and "Traceback" not in story.refused.output
    assert story.names_before == story.names_after and STOCK not in story.names_after


def test_locking_again_shows_what_moved_and_nothing_else(story):
    assert changed(story.moved) == [("riscv.k3s.lock : Write the lock", "board-1")]
    old, new = story.lock[STOCK], story.moved_lock[STOCK]
    assert old["digest"] != new["digest"] and old["when"] < new["when"]
    assert dict(story.moved_lock, **{STOCK: old}) == story.lock
    (texts,) = story.moved.result("riscv.k3s.lock : Write the lock", "board-1")["diff"]
    assert old["digest"] in texts["before"] and new["digest"] in texts["after"]


def test_drift_is_listed_by_board(story):
    old, new = story.lock[STOCK]["digest"], story.moved_lock[STOCK]["digest"]
    lines = story.planned.result("Show the plan", "board-1")["msg"]
    (line,) = [line for line in lines if line.startswith("board-1: tag %s " % STOCK)]
    assert "the store has %s, the lock %s" % (old, new) in line
    assert [line for line in lines if line.startswith("board-2: tag %s " % STOCK) and "not in the store" in line]


def test_site_heals_to_the_new_lock(story):
    assert story.healed.rc == 0, story.healed.output
    new = story.moved_lock[STOCK]["digest"]
    assert set(story.healed_to.values()) == {new}
    assert story.running and all(image.endswith(new) for image in story.running)
    assert changed(story.settled) == []


def test_a_lock_that_is_named_must_be_there(lab, fleet):
    run = modules.play(lab, fleet.folder, SITE, "-e", "riscv_k3s_lock_file=/nowhere/images.lock.yml")
    assert run.rc != 0 and "/nowhere/images.lock.yml" in run.output and changed(run) == []


def test_a_lock_that_was_spoilt(lab, fleet, tmp_path):
    spoilt = tmp_path / "images.lock.yml"
    spoilt.write_text("images: []\n", encoding="utf-8")
    run = modules.play(lab, fleet.folder, SITE, "-e", "riscv_k3s_lock_file=%s" % spoilt)
    assert (
        run.rc != 0
        and "the lock file cannot be read" in run.output
        and changed(run) == []
        and "Traceback" not in run.output
    )
