# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release archives as people have them: one packed program, made on Windows, a name twice, objects for BPF."""

import gzip
import io
import os
import struct
import tarfile
import zipfile

import archives as make
import pytest
from archives import END, PACK, PROGRAM, header, padded, pax, tar_of, tar_with, zip_changed, zip_with
from programs import elf, member, tar, zip_

from ansible_collections.riscv.k3s.plugins.module_utils._archive import limits
from ansible_collections.riscv.k3s.plugins.module_utils._archive.source import find, read_source
from ansible_collections.riscv.k3s.plugins.module_utils._oci.image import Spec, build
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

OTHER = elf(body=b"the later one")
FILE, FOLDER = tarfile.REGTYPE, tarfile.DIRTYPE


def typed(kind, machine=243, order="<"):
    """An ELF file of another type or machine."""
    data = bytearray(elf())
    struct.pack_into(order + "HH", data, 16, kind, machine)
    return bytes(data)


BPF = typed(1, 247)
LINKED_BPF = typed(2, 247)
FOREIGN_OBJECT = typed(1, 62)


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return str(folder)


def listed(src, work):
    """{path: content, target of a link, or mode of a folder} of a source."""
    found = {}
    for entry in read_source(src, work)[1]:
        assert entry.path not in found
        found[entry.path] = entry.link or oct(entry.mode)
        if entry.content:
            with open(entry.content, "rb") as handle:
                found[entry.path] = handle.read()
    return found


def layer(src, work, **spec):
    """{path: content or link} of the image that is built."""
    image = build(Spec(src=src, **spec), work)
    with (
        open(image.layer.path, "rb") as handle,
        tarfile.open(fileobj=io.BytesIO(gzip.decompress(handle.read()))) as files,
    ):
        return {info.name: files.extractfile(info).read() if info.isfile() else info.linkname for info in files}


@pytest.mark.parametrize(
    "name, kind, inside",
    [
        ("program.gz", "gz", "program"),
        ("program.xz", "xz", "program"),
        ("program.bz2", "bz2", "program"),
        ("coredns-linux-riscv64.GZ", "gz", "coredns-linux-riscv64"),
        ("program.tgz", "gz", "program"),
        ("program.tar.gz", "gz", "program"),
        ("program", "gz", "program"),
        (".gz", "gz", "program"),
    ],
)
def test_one_packed_program(tmp_path, work, name, kind, inside):
    src = make.put(tmp_path, name, PACK[kind](PROGRAM))
    assert read_source(src, work)[0] == "program"
    assert layer(src, work) == {inside: PROGRAM}


def test_one_packed_script(tmp_path, work):
    assert listed(make.put(tmp_path, "run.gz", PACK["gz"](b"#!/bin/sh\n")), work) == {"/run": b"#!/bin/sh\n"}


def test_gzip_of_several_streams_and_zeros(tmp_path, work):
    """As bgzip writes it, and as a tape has it; the first stream is shorter than a tar header."""
    packed = b"".join(PACK["gz"](part) for part in (PROGRAM[:10], PROGRAM[10:], b"")) + bytes(9000)
    assert listed(make.put(tmp_path, "program.gz", packed), work) == {"/program": PROGRAM}


@pytest.mark.parametrize("system", [0, 3, 10])
def test_zip_made_on_windows(tmp_path, work, system):
    files = {"release\\": b"", "release\\bin\\coredns": PROGRAM, "release\\README": b"text", "LICENSE": b"GPL"}
    found = listed(zip_changed(make.same, files, system=system)(tmp_path), work)
    assert found == {
        "/release": "0o755",
        "/release/bin/coredns": PROGRAM,
        "/release/README": b"text",
        "/LICENSE": b"GPL",
    }


@pytest.mark.parametrize(
    "files",
    [
        # golang/go#30627: a program in Go on Windows, which states Unix and ends folders as it should.
        {"dist\\/": b"", "dist\\bin\\/": b"", "dist\\bin\\coredns": PROGRAM},
        {"dist/": b"", "dist\\bin/": b"", "dist\\bin\\coredns": PROGRAM},
        # jhoonb/archivex#22: from the second folder on.
        {"dist/": b"", "dist/bin/": b"", "dist/bin\\coredns": PROGRAM, "dist/LICENSE": b"GPL"},
    ],
)
def test_zip_of_windows_with_some_slashes(tmp_path, work, files):
    found = listed(zip_changed(make.same, files, system=3)(tmp_path), work)
    assert found["/dist/bin/coredns"] == PROGRAM and not any("\\" in name for name in found)


def test_windows_archive_gives_its_program(tmp_path, work):
    src = zip_changed(make.same, {"release\\bin\\coredns": PROGRAM}, mode=0, system=0)(tmp_path)
    assert layer(src, work) == {"coredns": PROGRAM}


def test_backslash_in_a_unix_name_is_a_letter(tmp_path, work):
    assert listed(zip_with({"bin/a": PROGRAM, "b\\c": b"x"})(tmp_path), work) == {"/bin/a": PROGRAM, "/b\\c": b"x"}
    unit = "lib/system-systemd\\x2dcryptsetup.slice"
    assert "/" + unit in listed(zip_with({"lib/": b"", unit: b"x", "lib/a": PROGRAM})(tmp_path), work)


def test_zip_without_modes_and_dates(tmp_path, work):
    src = zip_changed(lambda data: make.field(12, 10, "<I", 0)(make.field(38, None, "<I", 0)(data)))(tmp_path)
    assert [entry.mode for entry in read_source(src, work)[1]] == [0o644]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_of_zip(tmp_path, work, method):
    assert listed(zip_changed(make.same, {"f": PROGRAM * 900}, method)(tmp_path), work) == {"/f": PROGRAM * 900}


@pytest.mark.parametrize("kind", ["gz", ""])
def test_what_gnu_tar_adds(tmp_path, work, kind):
    """A name for the volume (--label) and lists of what is in a folder (--incremental)."""
    dump = b"Yprogram\0\0"
    blocks = [header("Release 1", 0, b"V"), header("bin/", len(dump), b"D"), padded(dump)]
    src = tar_of(*blocks, header("bin/program", len(PROGRAM)), padded(PROGRAM), kind=kind)(tmp_path)
    assert listed(src, work) == {"/bin": "0o644", "/bin/program": PROGRAM}


@pytest.mark.parametrize("kind", [b"V", b"D"])
def test_a_list_of_gnu_tar_that_is_too_large(tmp_path, work, kind):
    with pytest.raises(Problem, match="a list of a folder's files of more than"):
        read_source(tar_of(header("x/", 1 << 30, kind), bytes(make.MIB))(tmp_path), work)


def twice_in_tar(path):
    return tar(path, member("bin/program", PROGRAM), member("README", b"1"), member("./bin/program", OTHER))


def twice_in_zip(path):
    with zipfile.ZipFile(str(path), "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        for data in (PROGRAM, OTHER):
            info = zipfile.ZipInfo("bin/program")
            info.external_attr = 0o100755 << 16
            archive.writestr(info, data)
    return str(path)


@pytest.mark.parametrize("write", [twice_in_tar, twice_in_zip])
@pytest.mark.parametrize(
    "spec",
    [{}, {"program": "bin/program"}, {"content": "all", "entrypoint": ["/bin/program"]}],
    ids=["found", "named", "all"],
)
def test_the_later_of_two_members_counts(tmp_path, work, write, spec):
    found = layer(write(tmp_path / "a"), work, **spec)
    assert [data for name, data in found.items() if name.endswith("program")] == [OTHER]


def test_file_replaces_link_and_link_replaces_file(tmp_path, work):
    members = member("a", link="b"), member("b", PROGRAM), member("a", OTHER), member("c", b"x"), member("c", link="b")
    assert listed(tar(tmp_path / "a.tgz", *members), work) == {"/a": OTHER, "/b": PROGRAM, "/c": "b"}


def test_hard_link_is_to_what_was_there_then(tmp_path, work):
    src = tar(
        tmp_path / "a.tgz",
        member("a", PROGRAM),
        make.hard("b", "./a"),
        member("a", OTHER),
        member("l", link="a"),
        make.hard("m", "l"),
    )
    assert listed(src, work) == {"/a": OTHER, "/b": PROGRAM, "/l": "a", "/m": "a"}


FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


@pytest.mark.parametrize("form", FORMATS)
def test_long_names_of_every_format(tmp_path, work, form):
    name, target = "d" * 90 + "/" + "f\u00e9" * 30, "t" * (100 if form == tarfile.USTAR_FORMAT else 250)
    with tarfile.open(str(tmp_path / "a.tar"), "w:", format=form) as archive:
        for info, data in (member(name, PROGRAM), member("l", link=target), member("e" * 99, kind=FOLDER)):
            archive.addfile(info, io.BytesIO(data))
    assert listed(str(tmp_path / "a.tar"), work) == {"/" + name: PROGRAM, "/l": target, "/" + "e" * 99: "0o755"}


def test_names_that_are_no_utf8(tmp_path, work):
    src = tar_of(header("caf\udce9") + header("b", 1) + padded(b"x"))(tmp_path)
    assert listed(src, work) == {"/caf\udce9": b"", "/b": b"x"}


def test_tar_before_there_was_ustar(tmp_path, work):
    data = bytearray(header("program", len(PROGRAM)))
    data[257:265] = bytes(8)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data)
    assert listed(make.put(tmp_path, "a.tar", bytes(data) + padded(PROGRAM) + END), work) == {"/program": PROGRAM}


def test_header_for_all_members_as_git_writes_it(tmp_path, work):
    src = tar_of(
        pax(("comment", b"0" * 40), kind=tarfile.XGLTYPE), header("a/", 0, FOLDER), header("a/b", 1), padded(b"x")
    )(tmp_path)
    assert listed(src, work) == {"/a": "0o644", "/a/b": b"x"}


def test_extended_attributes_do_no_harm(tmp_path, work):
    src = tar_of(pax(("SCHILY.xattr.user.x", b"\0\n=" * 9000), ("mtime", b"1.5")), header("a", 1), padded(b"x"))(
        tmp_path
    )
    assert listed(src, work) == {"/a": b"x"}


def test_zip_at_the_end_of_a_tar(tmp_path, work):
    inner = zip_(tmp_path / "inner.zip", {"x": b"x"})
    with open(inner, "rb") as handle:
        assert list(listed(tar(tmp_path / "a.tar", member("inner.zip", handle.read()), kind=""), work)) == [
            "/inner.zip"
        ]


def test_links_that_are_no_loop(tmp_path, work):
    found = listed(
        make.links(X11=".", lib="usr/lib", a="X11/X11/b", b="gone", c="/d", d="/proc/self/exe")(tmp_path), work
    )
    assert sorted(found) == ["/X11", "/a", "/b", "/c", "/d", "/lib"]


def test_forty_links_in_a_row(tmp_path, work):
    assert len(listed(make.chain(40)(tmp_path), work)) == 40


def test_a_file_with_a_few_holes(tmp_path, work):
    (tmp_path / "program").write_bytes(PROGRAM + os.urandom(3 << 20))
    os.truncate(str(tmp_path / "program"), 5 << 20)
    assert read_source(str(tmp_path / "program"), work)[0] == "program"


@pytest.mark.parametrize("kind", [BPF, LINKED_BPF, FOREIGN_OBJECT], ids=["BPF", "linked BPF", "object"])
def test_objects_beside_a_program(tmp_path, work, kind):
    src = tar(tmp_path / "a.tgz", member("bin/agent", PROGRAM), member("lib/probe.o", kind, 0o644))
    assert sorted(layer(src, work, content="all", entrypoint=["/bin/agent"])) == [
        "bin",
        "bin/agent",
        "lib",
        "lib/probe.o",
    ]


def test_an_object_is_no_second_program(tmp_path, work):
    src = tar(tmp_path / "a.tgz", member("agent", PROGRAM), member("a.o", BPF), member("b.o", FOREIGN_OBJECT))
    assert layer(src, work) == {"agent": PROGRAM}


REFUSED = {
    "BPF as a program": ([member("agent", BPF)], {}, "holds no program"),
    "BPF by name": (
        [member("probe.o", BPF)],
        {"program": "probe.o"},
        "/probe.o is not a program. Found: an object for the kernel's BPF",
    ),
    "BPF as entrypoint": (
        [member("p", BPF)],
        {"content": "all", "entrypoint": ["/p"]},
        "/p is not a program. Found: an object for the kernel's BPF",
    ),
    "object as entrypoint": (
        [member("p", typed(1))],
        {"content": "all", "entrypoint": ["/p"]},
        "/p is not a program. Found: an object for the linker",
    ),
    "program of another architecture": (
        [member("p", elf()), member("q", elf("amd64"))],
        {"content": "all", "entrypoint": ["/p"]},
        "q is amd64",
    ),
    "damaged ELF": ([member("p", elf()[:40])], {}, "the ELF header of /p cannot be read"),
    "loop at the entrypoint": (
        [],
        {"entrypoint": ["/a"], "links": {"/a": "b", "/b": "a"}},
        "/a is not in the image. Found: /a, which is in a loop of links",
    ),
    "loop in PATH": ([], {"entrypoint": ["a"], "links": {"/bin": "sbin", "/sbin": "bin"}}, "in a loop of links"),
    "loader in a loop": (
        [member("p", elf(interpreter="/lib/ld.so"))],
        {"links": {"/lib": "lib"}},
        "/lib/ld.so is not in the image. Found: /lib, which is in a loop",
    ),
    "file below a link": (
        [member("a", link="b"), member("a/c", b"x")],
        {"content": "all"},
        "/a is wanted as a folder and as a file",
    ),
}


@pytest.mark.parametrize("members, spec, message", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_start_is_refused(tmp_path, work, members, spec, message):
    with pytest.raises(Problem) as caught:
        build(Spec(src=tar(tmp_path / "a.tgz", *(members or [member("p", PROGRAM)])), **spec), work)
    assert message in str(caught.value)


@pytest.mark.parametrize("field", ["files", "ca_certificates"])
@pytest.mark.parametrize(
    "maker", [make.pipe, make.link_to("/dev/zero"), make.link_to("program")], ids=["pipe", "device", "loop"]
)
def test_other_files_are_plain_files(tmp_path, work, field, maker):
    path = maker(tmp_path)
    spec = {"files": [{"src": path, "dest": "/x"}]} if field == "files" else {"ca_certificates": path}
    with pytest.raises(Problem, match="was not found on the controller"):
        build(Spec(src=tar(tmp_path / "a.tgz", member("p", PROGRAM)), **spec), work)


def test_folders_of_the_image_count(tmp_path, work, monkeypatch):
    """A few short members can ask for many folders."""
    monkeypatch.setattr(limits, "MAX_MEMBERS", 1000)
    src = tar_with(*[member("%d/" % n + "d/" * 200 + "f") for n in range(9)])(tmp_path)
    with pytest.raises(Problem, match="the image is refused. Found: more than 1000 files and folders"):
        build(Spec(src=src, content="all", entrypoint=["/0"]), work)


def test_split_or_unreadable_folder_of_a_pattern(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Problem, match="was not found on the controller. Found: Not a directory"):
        find(str(tmp_path / "file" / "a*.tgz"))
