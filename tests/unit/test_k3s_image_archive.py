# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_image_archive: what it notes before an archive is placed, and that all of it can be taken back."""

from __future__ import annotations

import errno
import io
import json
import os
import tarfile

import pytest
from fake_containerd import Content, FakeContainerd

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import Programs
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import ANY, read
from ansible_collections.riscv.k3s.plugins.module_utils._oci import layout
from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import OCI_MANIFEST
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import crictl_image_tag, k3s_image_archive

NAME, OTHER = "riscv-k3s-0123456789ab.tar", "riscv-k3s-ba9876543210.tar"
PAUSE, COREDNS = "docker.io/rancher/mirrored-pause:3.6", "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
OURS, STOCK = Content("pause"), Content("stock", "amd64")
BLOB = b"as good as any"


def described(blob):
    return {"digest": "sha256:" + sha256(blob), "size": len(blob)}


def archive(*blobs, index=None):
    """The bytes of an archive of ``blobs``; the first one has the name of an image."""
    raw, index = io.BytesIO(), index or layout.index({PAUSE: described(blobs[0])})
    layout.write(raw, {"index.json": index}, {described(blob)["digest"]: (len(blob), opener(blob)) for blob in blobs})
    return raw.getvalue()


def opener(blob):
    return lambda: io.BytesIO(blob)


MANIFEST = json.dumps(
    {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described(b"{}"), "layers": [described(BLOB)]}
).encode()
WHOLE, IMAGE = archive(BLOB), archive(MANIFEST, b"{}", BLOB)
# To tarfile a damaged header is the end: what comes after it is missed, and nothing else is wrong.
LACKING = archive(MANIFEST, b"{}")
DEEP = archive(BLOB, index=b"[" * 100000)


class Board:
    def __init__(self, home):
        self.fake = FakeContainerd("2.4.2")
        self.data_dir = str(home)
        self.folder = home / "agent" / "images"
        (home / "agent").mkdir()

    @property
    def programs(self):
        return Programs({"k3s": "k3s", "data_dir": self.data_dir}, self.fake, is_root=True)

    @staticmethod
    def params(state="announced", archives=(NAME,), images=None, renewed=False):
        return {"archives": list(archives), "images": images or {}, "state": state, "renewed": renewed}

    def run(self, state="announced", archives=(NAME,), **images):
        """The module, after a run in check mode that must predict it; images by name."""
        params = self.params(state, archives, **images)
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
        (self.folder / name).write_bytes(WHOLE)
        for image in images:
            self.fake.put(image, OURS, pinned=True)
            self.fake.store[image][1]["io.cattle.k3s.pinned"] = "pinned"

    def journal(self):
        return read(self.data_dir)


@pytest.fixture(name="board")
def _board(tmp_path):
    return Board(tmp_path)


@pytest.mark.parametrize("data", [WHOLE, IMAGE])
def test_one_that_is_there_gets_a_new_time_and_no_note(board, data):
    board.place(NAME)
    (board.folder / NAME).write_bytes(data)
    os.utime(board.folder / NAME, (1, 1))
    assert board.run(renewed=True)["changed"]
    assert (board.folder / NAME).stat().st_mtime > 1 and not board.journal()["files"]
    with pytest.raises(Problem, match="is not there"):
        board.run(archives=[OTHER], renewed=True)


@pytest.mark.parametrize("renewed", [True, False])
@pytest.mark.parametrize("linked", [True, False])
def test_k3s_forgets_that_it_imported_one_that_it_is_to_import(board, renewed, linked, tmp_path):
    """A new time alone says nothing to k3s of 2025 (k3s-io/k3s#14284), and the board's clock may be behind."""
    noted = {"/elsewhere/agent/images/" + name: {"size": 3} for name in (NAME, "a.txt")}
    board.place(NAME)
    cache = tmp_path / "kept" if linked else board.folder / ".cache.json"
    cache.write_text(json.dumps(noted))
    cache.chmod(0o640)
    if linked:
        (board.folder / ".cache.json").symlink_to(cache)
    board.run(renewed=renewed)
    assert json.loads(cache.read_text()) == {"/elsewhere/agent/images/a.txt": noted["/elsewhere/agent/images/a.txt"]}
    assert cache.stat().st_mode & 0o777 == 0o640 and (board.folder / ".cache.json").is_symlink() == linked
    before = cache.stat()
    board.run(renewed=renewed)
    assert cache.stat() == before, "it is not written in vain"


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", "{}", "[" * 5000])
def test_a_cache_in_which_nothing_is_to_be_forgotten_is_left_alone(board, text):
    board.place(NAME)
    (board.folder / ".cache.json").write_text(text)
    board.run(renewed=True)
    assert (board.folder / ".cache.json").read_text() == text


@pytest.mark.parametrize(
    "data", [b"", WHOLE[:700], WHOLE[:2565], WHOLE.replace(b"good", b"evil"), b"\0" * 4096, b"{}", LACKING, DEEP]
)
def test_one_that_is_damaged_is_removed_and_told(board, data):
    """As a power cut may leave it. k3s would be restarted for it in vain, run after run."""
    board.run()
    board.place(NAME)
    (board.folder / NAME).write_bytes(data)
    with pytest.raises(Problem, match="is damaged") as problem:
        k3s_image_archive.run(board.params(renewed=True), True, board.programs)
    assert (board.folder / NAME).read_bytes() == data and "removed" not in str(problem.value)
    with pytest.raises(Problem, match="is damaged.* Next: run again, which brings it anew: it is removed"):
        k3s_image_archive.run(board.params(renewed=True), False, board.programs)
    assert not (board.folder / NAME).exists() and not board.journal()["files"]


def test_one_that_cannot_be_read_may_be_whole_and_stays(board, monkeypatch):
    board.run()
    board.place(NAME)

    def broken(*dummy, **options):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(tarfile, "open", broken)
    with pytest.raises(Problem, match="cannot be read. Found: Input/output error"):
        board.run(renewed=True)
    assert (board.folder / NAME).exists() and board.journal()["files"]


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
