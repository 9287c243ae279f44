# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one writer of archives: the same content gives the same bytes, and what goes wrong leaves nothing behind."""

import io
import json
import os
import tarfile

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._oci import layout
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

PAUSE, OTHER = "docker.io/rancher/mirrored-pause:3.6", "reg:5000/other:1"
ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
DESCRIPTOR = {"mediaType": "x", "digest": ONE, "size": 3, "platform": {"os": "linux", "architecture": "riscv64"}}


def written(texts, blobs):
    raw = io.BytesIO()
    layout.write(
        raw, texts, {digest: (len(data), lambda data=data: io.BytesIO(data)) for digest, data in blobs.items()}
    )
    return raw.getvalue()


def test_an_index_names_each_image_as_containerd_reads_it():
    entries = json.loads(layout.index({PAUSE: DESCRIPTOR, OTHER: DESCRIPTOR, "reg:5000/a@" + ONE: DESCRIPTOR}))[
        "manifests"
    ]
    assert [entry["annotations"][layout.NAME] for entry in entries] == [PAUSE, "reg:5000/a@" + ONE, OTHER]
    assert [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in entries] == ["3.6", "latest", "1"]
    assert all({key: entry[key] for key in DESCRIPTOR} == DESCRIPTOR for entry in entries)


def test_the_same_content_gives_the_same_bytes():
    turned = dict(reversed(list(DESCRIPTOR.items())))
    assert layout.index({PAUSE: DESCRIPTOR, OTHER: turned}) == layout.index({OTHER: DESCRIPTOR, PAUSE: turned})
    texts = {"index.json": b"{}", "manifest.json": b"[]"}
    assert written(texts, {ONE: b"one", TWO: b"two"}) == written(
        dict(reversed(list(texts.items()))), {TWO: b"two", ONE: b"one"}
    )
    assert written(texts, {ONE: b"one"}) != written(texts, {ONE: b"eno"})


def test_names_and_order():
    with tarfile.open(fileobj=io.BytesIO(written({"index.json": b"{}"}, {TWO: b"two", ONE: b"one"}))) as tar:
        members = tar.getmembers()
        assert [member.name for member in members] == [
            "index.json",
            "oci-layout",
            "blobs/sha256/" + "1" * 64,
            "blobs/sha256/" + "2" * 64,
        ]
        assert {(member.mode, member.uid, member.gid, member.uname, member.mtime) for member in members} == {
            (0o644, 0, 0, "", 0)
        }
        assert json.loads(tar.extractfile("oci-layout").read()) == {"imageLayoutVersion": "1.0.0"}
        assert tar.extractfile(layout.blob_path(TWO)).read() == b"two"


def test_a_blob_that_is_shorter_than_announced_is_no_archive():
    with pytest.raises(OSError):
        layout.write(io.BytesIO(), {}, {ONE: (5, lambda: io.BytesIO(b"one"))})


def replace(path, data, **options):
    with layout.replacing(str(path), **options) as (raw, dummy):
        raw.write(data)


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_takes_its_place_in_one_step(tmp_path):
    path = tmp_path / "out.tar"
    path.write_bytes(b"old")
    with layout.replacing(str(path)) as (raw, fresh):
        raw.write(b"new")
        assert path.read_bytes() == b"old" and os.path.dirname(fresh) == str(tmp_path)
    assert (path.read_bytes(), path.stat().st_mode & 0o777, names(tmp_path)) == (b"new", 0o644, ["out.tar"])


def test_a_file_that_is_as_it_should_be_is_left_alone(tmp_path):
    path = tmp_path / "out.tar"
    replace(path, b"same")
    before = path.stat()
    replace(path, b"same")
    assert (path.stat().st_ino, path.stat().st_mtime_ns, names(tmp_path)) == (
        before.st_ino,
        before.st_mtime_ns,
        ["out.tar"],
    )
    replace(path, b"eams")
    assert path.read_bytes() == b"eams"


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), Problem("x")])
@pytest.mark.parametrize("old", [b"old", None])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, error, old):
    path = tmp_path / "out.tar"
    if old:
        path.write_bytes(old)
    with pytest.raises(type(error)) as caught, layout.replacing(str(path)) as (raw, dummy):
        raw.write(b"half")
        raise error
    assert caught.value is error
    assert names(tmp_path) == (["out.tar"] if old else []) and (old is None or path.read_bytes() == old)


def test_an_error_of_the_disk_is_a_problem_that_leaves_nothing(tmp_path):
    path = tmp_path / "out.tar"
    with (
        pytest.raises(
            Problem, match="the archive .*out.tar cannot be written. Found: No space left on device.*make room"
        ),
        layout.replacing(str(path)),
    ):
        raise OSError(28, "No space left on device")
    assert names(tmp_path) == []
    with pytest.raises(Problem, match="cannot be written. Found: No such file or directory"):
        replace(tmp_path / "no folder" / "out.tar", b"x")


def test_what_a_killed_run_left_makes_room_first(tmp_path):
    left = tmp_path / ".riscv-k3s-left"
    left.write_bytes(b"half of an archive")
    os.utime(left, (1, 1))
    with layout.replacing(str(tmp_path / "out.tar")) as (raw, dummy):
        raw.write(b"new")
        assert not left.exists()


def test_a_file_that_is_only_predicted_touches_nothing(tmp_path):
    path = tmp_path / "no folder" / "out.tar"
    with layout.replacing(str(path), keep_old=True) as (raw, fresh):
        raw.write(b"new")
        raw.flush()
        with open(fresh, "rb") as file:
            assert file.read() == b"new"
    assert names(tmp_path) == [] and not os.path.exists(fresh)
    path = tmp_path / "out.tar"
    path.write_bytes(b"old")
    replace(path, b"new", keep_old=True)
    assert path.read_bytes() == b"old"
