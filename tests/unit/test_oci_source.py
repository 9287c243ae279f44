# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken out of archives, folders and programs, and what is refused."""

import os
import tarfile

import pytest
from programs import elf, member, tar, zip_

from ansible_collections.riscv.k3s.plugins.module_utils._archive.source import find, read_source
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

PROGRAM = elf()


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return str(folder)


def listed(entries):
    """{path: mode and content or link} of entries."""
    result = {}
    for entry in entries:
        if entry.content:
            with open(entry.content, "rb") as handle:
                result[entry.path] = (oct(entry.mode), handle.read())
        else:
            result[entry.path] = entry.link or oct(entry.mode)
    return result


@pytest.mark.parametrize(
    "kind, name",
    [
        ("gz", "a.tgz"),
        ("gz", "a.tar.gz"),
        ("xz", "a.txz"),
        ("xz", "a.tar.xz"),
        ("bz2", "a.tar.bz2"),
        ("", "a.tar"),
        ("gz", "no-ending"),
    ],
)
def test_tar_archives(tmp_path, work, kind, name):
    archive = tar(
        tmp_path / name,
        member("./", kind=tarfile.DIRTYPE),
        member("app/program", PROGRAM),
        member("app/link", link="program"),
        member("LICENSE", b"GPL", 0o644),
        kind=kind,
    )
    sort, entries = read_source(archive, work)
    assert sort == "archive"
    assert listed(entries) == {
        "/": "0o755",
        "/app/program": ("0o755", PROGRAM),
        "/app/link": "program",
        "/LICENSE": ("0o644", b"GPL"),
    }


def test_hard_link_is_a_copy(tmp_path, work):
    hard = member("copy", kind=tarfile.LNKTYPE)
    hard[0].linkname = "program"
    _sort, entries = read_source(tar(tmp_path / "a.tgz", member("program", PROGRAM), hard), work)
    assert listed(entries)["/copy"] == ("0o755", PROGRAM)


def test_zip_archive(tmp_path, work):
    _sort, entries = read_source(zip_(tmp_path / "a.zip", {"program": PROGRAM}, {"link": "program"}), work)
    assert listed(entries) == {"/program": ("0o755", PROGRAM), "/link": "program"}


def test_folder(tmp_path, work):
    folder = tmp_path / "root"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "program").write_bytes(PROGRAM)
    (folder / "bin" / "program").chmod(0o700)
    (folder / "bin" / "sh").symlink_to("/bin/program")
    (folder / "bin").chmod(0o755)
    sort, entries = read_source(str(folder), work)
    assert (sort, listed(entries)) == (
        "folder",
        {"/bin": "0o755", "/bin/program": ("0o700", PROGRAM), "/bin/sh": "/bin/program"},
    )


@pytest.mark.parametrize("data", [PROGRAM, b"#!/bin/sh\n"])
def test_one_program(tmp_path, work, data):
    (tmp_path / "program").write_bytes(data)
    sort, entries = read_source(str(tmp_path / "program"), work)
    assert (sort, listed(entries)) == ("program", {"/program": ("0o755", data)})


HOSTILE = {
    "parent": [member("../evil", PROGRAM)],
    "parent inside": [member("app/../../evil", PROGRAM)],
    "absolute": [member("/etc/evil", PROGRAM)],
    "link outside": [member("app/link", link="../../etc/shadow")],
    "hard link outside": [member("link", kind=tarfile.LNKTYPE)],
    "device": [member("null", kind=tarfile.CHRTYPE)],
    "pipe": [member("pipe", kind=tarfile.FIFOTYPE)],
}
HOSTILE["hard link outside"][0][0].linkname = "../etc/shadow"


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_tar_is_refused(tmp_path, work, members):
    archive = tar(tmp_path / "a.tgz", member("program", PROGRAM), *members)
    with pytest.raises(Problem, match="a.tgz is refused"):
        read_source(archive, work)
    assert sorted(os.listdir(str(tmp_path))) == ["a.tgz", "work"]


@pytest.mark.parametrize("files, links", [({"../evil": b""}, {}), ({"/evil": b""}, {}), ({}, {"link": "../evil"})])
def test_hostile_zip_is_refused(tmp_path, work, files, links):
    with pytest.raises(Problem, match="a.zip is refused"):
        read_source(zip_(tmp_path / "a.zip", files, links), work)


def test_a_member_written_through_a_link_reaches_nothing(tmp_path, work):
    archive = tar(tmp_path / "a.tgz", member("app", link="/etc"), member("app/passwd", b"evil"))
    _sort, entries = read_source(archive, work)
    assert all(entry.content is None or entry.content.startswith(work) for entry in entries)


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2", ""])
@pytest.mark.parametrize("kept", [0.97, 0.5, 0.02])
def test_truncated_tar(tmp_path, work, kind, kept):
    archive = tar(tmp_path / "a.tar", member("program", PROGRAM + os.urandom(300000)), kind=kind)
    os.truncate(archive, int(os.path.getsize(archive) * kept))
    with pytest.raises(Problem, match="damaged or incomplete archive"):
        read_source(archive, work)


def test_tar_cut_between_two_members(tmp_path, work):
    archive = tar(tmp_path / "a.tar", member("program", PROGRAM), member("library", PROGRAM), kind="")
    os.truncate(archive, 1024)
    with pytest.raises(Problem, match="damaged or incomplete archive .no mark of its end"):
        read_source(archive, work)


def test_gzip_without_its_last_bytes(tmp_path, work):
    archive = tar(tmp_path / "a.tgz", member("program", PROGRAM))
    os.truncate(archive, os.path.getsize(archive) - 4)
    with pytest.raises(Problem, match="damaged or incomplete archive"):
        read_source(archive, work)


def test_truncated_zip(tmp_path, work):
    archive = zip_(tmp_path / "a.zip", {"program": PROGRAM})
    os.truncate(archive, os.path.getsize(archive) - 30)
    with pytest.raises(Problem, match="damaged or incomplete archive"):
        read_source(archive, work)


@pytest.mark.parametrize("data, found", [(b"", "an empty file"), (b"<!DOCTYPE html><title>404", "<!DOCTYPE html>")])
def test_no_archive_at_all(tmp_path, work, data, found):
    (tmp_path / "a.tgz").write_bytes(data)
    with pytest.raises(Problem, match="neither a release archive nor a program.*" + found):
        read_source(str(tmp_path / "a.tgz"), work)


def test_find(tmp_path):
    for name in ("coredns_1_riscv64.tgz", "coredns_2_riscv64.tgz", "pause_1_riscv64.tgz"):
        (tmp_path / name).touch()
    assert find(str(tmp_path / "pause_*")) == str(tmp_path / "pause_1_riscv64.tgz")
    assert find(str(tmp_path / "pause_1_riscv64.tgz")) == str(tmp_path / "pause_1_riscv64.tgz")
    with pytest.raises(Problem, match="more than one file.*coredns_1.*coredns_2"):
        find(str(tmp_path / "coredns_*"))
    with pytest.raises(Problem, match="traefik_. was not found on the controller. Found: coredns_1.*pause_1"):
        find(str(tmp_path / "traefik_*"))
    with pytest.raises(Problem, match="Found: no such folder"):
        find(str(tmp_path / "missing" / "a.tgz"))
