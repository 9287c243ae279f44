# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_image_archive: what it notes before an archive is placed, and that all of it can be taken back."""

from __future__ import annotations

import os

import pytest
from fake_containerd import Content, FakeContainerd

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import Programs
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import ANY, read
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import crictl_image_tag, k3s_image_archive

NAME, OTHER = "riscv-k3s-0123456789ab.tar", "riscv-k3s-ba9876543210.tar"
PAUSE, COREDNS = "docker.io/rancher/mirrored-pause:3.6", "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
OURS, STOCK = Content("pause"), Content("stock", "amd64")


class Board:
    def __init__(self, home):
        self.fake = FakeContainerd("2.4.2")
        self.data_dir = str(home)
        self.folder = home / "agent" / "images"
        (home / "agent").mkdir()

    @property
    def programs(self):
        return Programs({"k3s": "k3s", "data_dir": self.data_dir}, self.fake, is_root=True)

    def run(self, state="announced", archives=(NAME,), **images):
        """The module, after a run in check mode that must predict it; images by name."""
        params = {"archives": list(archives), "images": images.get("images", {}), "state": state}
        params["renewed"] = images.get("renewed", False)
        before = self.journal()
        had_folder = self.folder.exists()
        predicted = k3s_image_archive.run(params, True, self.programs)
        assert self.journal() == before and self.folder.exists() == had_folder
        done = k3s_image_archive.run(params, False, self.programs)
        assert predicted == done
        return done

    def place(self, name, *images):
        """As the role copies it and k3s imports it, with both of its labels."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / name).write_bytes(b"tar")
        for image in images:
            self.fake.put(image, OURS, pinned=True)
            self.fake.store[image][1]["io.cattle.k3s.pinned"] = "pinned"

    def journal(self):
        return read(self.data_dir)


@pytest.fixture(name="board")
def _board(tmp_path):
    return Board(tmp_path)


def test_one_that_is_there_gets_a_new_time_and_no_note(board):
    board.place(NAME)
    os.utime(board.folder / NAME, (1, 1))
    assert board.run(renewed=True)["changed"]
    assert (board.folder / NAME).stat().st_mtime > 1 and not board.journal()["files"]
    with pytest.raises(Problem, match="is not there"):
        board.run(archives=[OTHER], renewed=True)


def test_announce(board):
    board.fake.put(PAUSE, STOCK)
    done = board.run(images={"rancher/mirrored-pause:3.6": OURS.digest, COREDNS: None})
    path = os.path.join(board.data_dir, "agent/images", NAME)
    assert done == {"changed": True, "archives": [{"path": path, "changed": True}]}
    assert board.folder.stat().st_mode & 0o777 == 0o755 and os.listdir(board.folder) == []
    entry, images = board.journal()["files"][path], board.journal()["images"]
    assert (entry["kind"], entry["before"], entry["folder"]) == ("archive", None, True)
    assert {name: (row["digest"], row["pinned"], row["source"]) for name, row in images.items()} == {
        PAUSE: (OURS.digest, True, NAME),
        COREDNS: (ANY, True, NAME),
    }
    assert images[PAUSE]["before"]["digest"] == STOCK.digest and images[COREDNS]["before"] is None
    assert not board.run(images={PAUSE: OURS.digest, COREDNS: None})["changed"]


def test_remove(board):
    board.run(archives=[NAME])
    board.place(NAME)
    board.run(archives=[OTHER])
    board.place(OTHER)
    assert board.run("absent")["changed"] and os.listdir(board.folder) == [OTHER]
    assert not board.run("absent")["changed"]
    assert [row["changed"] for row in board.run("absent", [NAME, OTHER])["archives"]] == [False, True]
    assert board.journal()["files"] == {} and os.listdir(board.folder) == [], (
        "the folder was there when the second one came"
    )


def test_the_folder_goes_with_the_only_archive(board):
    board.run()
    board.place(NAME)
    board.run("absent")
    assert not board.folder.exists() and os.listdir(board.data_dir) == ["agent"]


def test_the_folder_goes_although_the_archive_never_came(board):
    board.run()
    assert board.run("absent")["changed"] and not board.folder.exists()


def test_an_archive_without_an_entry_goes_too(board):
    """Its name says that it is ours."""
    board.place(NAME)
    assert board.run("absent")["changed"] and os.listdir(board.folder) == []


def test_what_it_brought_can_be_taken_back(board):
    board.fake.put(PAUSE, STOCK)
    before = {name: (content.digest, dict(labels)) for name, (content, labels) in board.fake.store.items()}
    board.run(images={PAUSE: OURS.digest, COREDNS: OURS.digest})
    board.place(NAME, PAUSE, COREDNS)
    board.run("absent")
    images = [{"source": None, "targets": [PAUSE, COREDNS]}]
    crictl_image_tag.run({"images": images, "state": "restored"}, False, board.programs)
    assert {name: (content.digest, labels) for name, (content, labels) in board.fake.store.items()} == before
    assert os.listdir(board.data_dir) == ["agent"]


@pytest.mark.parametrize(
    "name", ["k3s-airgap-images.tar", "../riscv-k3s-0123.tar", "riscv-k3s-0123.tar.gz", "", "riscv-k3s-0123.tar\n"]
)
@pytest.mark.parametrize("state", ["announced", "absent"])
def test_other_names_are_refused(board, name, state):
    with pytest.raises(Problem, match="is not an archive of riscv.k3s"):
        board.run(state, [name])


def test_a_digest_that_is_none(board):
    with pytest.raises(Problem, match="the digest of .* is not valid"):
        board.run(images={PAUSE: "sha256:0"})
