# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives, folders and files that were made to do harm: each is one clear refusal, soon, and leaves nothing."""

import io
import os
import random
import re
import stat
import sys
import tarfile
import time
import zipfile

import archives as make
import pytest
from archives import END, MIB, PROGRAM, header, padded, pax, tar_of, tar_with, zip_changed, zip_with
from hostile import COUNTS, outcome
from programs import member

from ansible_collections.riscv.k3s.plugins.module_utils._archive import limits
from ansible_collections.riscv.k3s.plugins.module_utils._archive.source import read_source
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

SOON = 5  # seconds; each takes far less than one, and a machine that tests may be slow
# Small enough that an attack of some MiB shows what one of GiB would do.
LOW = {"MAX_UNPACKED": 8 * MIB, "RATIO_FREE": MIB, "MAX_MEMBERS": 400, "MAX_DIRECTORY": 1 << 16, "MAX_STREAMS": 100}
SPARSE_10 = pax(("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"99999999999"))

TAR = {
    "absolute": (tar_with(member("/etc/evil")), "leaves the archive"),
    "parent": (tar_with(member("../evil", PROGRAM)), "leaves the archive"),
    "parent by pax": (tar_of(pax(("path", b"../evil")), header()), "leaves the archive"),
    "parent by a long name": (
        tar_of(header("l", 8, tarfile.GNUTYPE_LONGNAME), padded(b"../evil\0"), header()),
        "leaves the archive",
    ),
    "parent by all of pax": (tar_of(pax(("path", b"../evil"), kind=tarfile.XGLTYPE), header()), "leaves the archive"),
    "link out": (tar_with(member("a/link", link="../../etc/shadow")), "leaves the archive"),
    "link out by pax": (tar_of(pax(("linkpath", b"../x")), header("l", 0, tarfile.SYMTYPE, "x")), "leaves the archive"),
    "link to nothing": (tar_of(header("l", 0, tarfile.SYMTYPE, "")), "a link to nothing"),
    "hard link out": (tar_with(make.hard("a", "../../etc/shadow")), "leaves the archive"),
    "hard link to nothing": (tar_with(make.hard("a", "b")), "hard link to nothing"),
    "hard link to itself": (tar_with(make.hard("a", "a")), "hard link to nothing"),
    "hard links to much": (
        tar_with(member("a", os.urandom(2 * MIB)), *[make.hard("b%d" % n, "a") for n in range(9)]),
        "more than 8388608 bytes",
    ),
    "device": (tar_with(member("a", kind=tarfile.BLKTYPE)), "a device"),
    "pipe": (tar_with(member("a", kind=tarfile.FIFOTYPE)), "a pipe"),
    "unknown type": (tar_of(header("a", 0, b"Z")), "special file"),
    "loop of links": (make.links(a="b", b="c", c="a"), "a loop of links"),
    "link to itself": (make.links(a="a"), "a loop of links"),
    "loop over folders": (make.links(a="b/x", b="a/y"), "a loop of links"),
    "loop of absolute links": (make.links(a="/b", b="/./a"), "a loop of links"),
    "links in a row": (make.chain(60), "more than 40 in a row"),
    "links multiplied": (
        make.links(**dict({"l0": "."}, **{"l%d" % n: "/".join(["l%d" % (n - 1)] * 2) for n in range(1, 30)})),
        "more than 40 in a row",
    ),
    "members": (tar_with(*[member("f%d" % n) for n in range(401)]), "more than 400 members"),
    "headers without members": (tar_of(pax(("comment", b"x")) * 401, header()), "more than 400 members"),
    "chain of long names": (
        tar_of((header("l", 2, tarfile.GNUTYPE_LONGNAME) + padded(b"x\0")) * 2000, header()),
        "more than 400 members",
    ),
    "stated size": (tar_of(header("f", 1 << 40)), "more than 8388608 bytes"),
    "stated size by pax": (tar_of(pax(("size", b"9" * 20)), header()), "more than 8388608 bytes"),
    "size without end": (tar_of(pax(("size", b"9" * 100000)), header()), "number in a pax header"),
    "negative size by pax": (tar_of(pax(("size", b"-512")), header()), "number in a pax header"),
    "size of other digits": (tar_of(pax(("size", "\u0663".encode())), header()), "number in a pax header"),
    "negative size": (tar_of(header(), header("f", -512)), "negative size"),
    "real size": (
        tar_of(*[header("f%d" % n, MIB) + os.urandom(MIB) for n in range(9)], kind=""),
        "more than 8388608 bytes",
    ),
    "pax header of 1 GiB": (
        tar_of(header("p", 1 << 30, tarfile.XHDTYPE), bytes(MIB)),
        "pax header of more than 1048576 bytes",
    ),
    "pax records": (tar_of(pax(*[("k%d" % n, b"") for n in range(1001)]), header()), "more than 1000 records"),
    "pax without a space": (
        tar_of(header("p", MIB, tarfile.XHDTYPE), os.urandom(MIB // 2).hex().encode(), header()),
        "damaged",
    ),
    "pax record of length 0": (
        tar_of(header("p", 8, tarfile.XHDTYPE), padded(b"0 a=b\n  "), header()),
        "contradicts itself",
    ),
    "pax record beyond its end": (
        tar_of(header("p", 8, tarfile.XHDTYPE), padded(b"99 a=b\n "), header()),
        "contradicts itself",
    ),
    "long name of 1 GiB": (
        tar_of(header("l", 1 << 30, tarfile.GNUTYPE_LONGNAME), bytes(MIB)),
        "longer than 4096 bytes",
    ),
    "long target of 1 GiB": (
        tar_of(header("l", 1 << 30, tarfile.GNUTYPE_LONGLINK), bytes(MIB)),
        "longer than 4096 bytes",
    ),
    "long path": (tar_of(pax(("path", b"a/" * 120 + b"b" * 4000)), header()), "longer than 4096 bytes"),
    "long name": (tar_of(pax(("path", b"b" * 256)), header()), "a name longer than 255 bytes"),
    "long target": (
        tar_of(pax(("linkpath", b"a/b" * 1400)), header("l", 0, tarfile.SYMTYPE)),
        "longer than 4096 bytes",
    ),
    "deep": (tar_of(pax(("path", b"d/" * 256 + b"f")), header()), "more than 255 folders deep"),
    "zero byte in a name": (tar_of(pax(("path", b"a\0b")), header()), "zero byte"),
    "no name": (tar_of(header("")), "without a name"),
    "name that is the root": (tar_of(header("./.")), "without a name"),
    "file and folder": (
        tar_with(member("a", b"x"), member("a", kind=tarfile.DIRTYPE)),
        "wanted as a folder and as a file",
    ),
    "sparse": (tar_of(header("s", 0, tarfile.GNUTYPE_SPARSE)), "a sparse file"),
    "sparse by pax 0": (tar_of(pax(("GNU.sparse.size", b"99999999999")), header()), "a sparse file"),
    "sparse by pax 1": (tar_of(SPARSE_10, header("s", 512), b"1" * 512), "a sparse file"),
    "gzip bomb": (make.zeros(100 * MIB, "gz", header("f", 4 * MIB)), "more than 200 times its packed size"),
    "xz bomb": (make.zeros(100 * MIB, "xz", header("f", 4 * MIB)), "more than 200 times its packed size"),
    "bzip2 bomb": (make.zeros(100 * MIB, "bz2", header("f", 4 * MIB)), "more than 200 times its packed size"),
    "bomb behind the end": (make.zeros(100 * MIB, "gz", header() + END), "more than 200 times its packed size"),
    "bomb in place of a program": (make.zeros(100 * MIB, "gz", PROGRAM), "more than 200 times its packed size"),
    "xz that wants 4 GiB": (make.large_dictionary, "268435456 bytes of memory"),
    "compressed streams": (
        lambda folder: make.put(folder, "a.gz", make.PACK["gz"](header()) + make.PACK["gz"](b"") * 5000),
        "100 compressed streams",
    ),
    "checksum of a later header": (tar_of(header(), b"x" * 512), "damaged"),
    "garbage behind gzip": (
        lambda folder: make.put(folder, "a.gz", make.PACK["gz"](header() + END) + b"garbage"),
        "damaged",
    ),
    "gzip in gzip": (make.compressed(make.PACK["gz"](PROGRAM)), "gzip data, and in it gzip data"),
    "gzip of nothing": (make.compressed(b""), "gzip data, and in it an empty file"),
    "gzip of a page": (make.compressed(b"<html>"), "gzip data, and in it a file that begins with '<html>'"),
    "gzip of a zip": (make.compressed(b"PK\3\4"), "gzip data, and in it a zip archive"),
    "half a gzipped program": (lambda folder: make.put(folder, "p.gz", make.PACK["gz"](PROGRAM)[:-9]), "damaged"),
    "gzip with a name without end": (
        lambda folder: make.put(folder, "p.gz", b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 9 * MIB),
        "damaged",
    ),
}

ZIP = {
    "absolute": (zip_with({"/evil": b""}), "leaves the archive"),
    "parent": (zip_with({"a/../../evil": b""}), "leaves the archive"),
    "parent by backslashes": (zip_with({"..\\..\\evil": b""}), "leaves the archive"),
    "backslashes beside slashes": (zip_with({"bin/a": b"", "b\\..\\..\\evil": b""}), "leaves the archive"),
    "drive": (zip_changed(make.same, {"C:\\evil": b""}, system=0), "leaves the archive"),
    "drive without folder": (zip_changed(make.same, {"C:evil": b""}, system=0), "leaves the archive"),
    "drive by Unix": (zip_with({"C:\\evil": b""}), "leaves the archive"),
    "server": (zip_with({"\\\\server\\share\\evil": b""}), "leaves the archive"),
    "link out": (zip_with({}, "../evil"), "leaves the archive"),
    "link to nothing": (zip_with({}, ""), "a link to nothing"),
    "link of 100 MB": (zip_changed(make.same, {"link": bytes(100 * 10**6)}, mode=0o120777), "longer than 4096 bytes"),
    "link of 5 kB": (zip_with({}, "a/b" * 1700), "a link to a path longer than 4096 bytes"),
    "loop of links": (zip_with({}, "link"), "a loop of links"),
    "members": (zip_with({"f%d" % n: b"" for n in range(401)}), "more than 400 members"),
    "directory": (zip_with({("f%d" % n).ljust(300): b"" for n in range(199)}), "a directory of more than 65536 bytes"),
    "stated size": (zip_changed(make.field(24, 22, "<I", 0xFFFFFFF0)), "more than 8388608 bytes"),
    "real size": (zip_with({"f%d" % n: bytes(MIB) for n in range(9)}), "more than 8388608 bytes"),
    "ratio": (zip_changed(make.same, {"f": bytes(4 * MIB)}), "more than 200 times its packed size"),
    "overlapping members": (make.overlapping(150, 4 * MIB), "more than 8388608 bytes"),
    "many overlapping members": (make.overlapping(900, 0), "more than 400 members"),
    "less than stated": (zip_changed(make.field(24, 22, "<I", 500)), "damaged"),
    "more than stated": (zip_changed(make.field(24, 22, "<I", 1), {"f": bytes(90 * MIB)}), "damaged"),
    "more than stated, bzip2": (
        zip_changed(make.field(24, 22, "<I", 1), {"f": bytes(90 * MIB)}, zipfile.ZIP_BZIP2),
        "damaged",
    ),
    "more than stated, lzma": (
        zip_changed(make.field(24, 22, "<I", 1), {"f": bytes(90 * MIB)}, zipfile.ZIP_LZMA),
        "damaged",
    ),
    "Deflate64": (make.method(9), "is compressed by Deflate64.*Deflate"),
    "Zstandard": (make.method(93), "is compressed by Zstandard"),
    "method 77": (make.method(77), "is compressed by method 77"),
    "encrypted": (make.flags(1), "encrypted"),
    "encrypted by AES": (
        zip_changed(lambda data: make.field(8, 6, "<H", 1)(make.field(10, 8, "<H", 99)(data))),
        "encrypted",
    ),
    "encrypted strongly": (make.flags(0x40), "damaged.*encryption"),
    "patches": (make.flags(0x20), "is compressed by patches"),
    "future version": (zip_changed(make.field(6, 4, "<H", 99)), "damaged.*version 9.9"),
    "part of a split archive": (zip_changed(make.field(34, None, "<H", 1)), "one part of an archive that was split"),
    "place behind the end": (zip_changed(make.field(42, None, "<I", 0x7FFFFFFF)), "damaged"),
    "name that is no UTF-8": (
        zip_changed(lambda data: make.flags_in(data, 0x800).replace(b"program", b"progr\xff\xfe")),
        "damaged",
    ),
    "pipe": (zip_changed(make.same, mode=stat.S_IFIFO | 0o644), "a pipe"),
    "device": (zip_changed(make.same, mode=stat.S_IFCHR | 0o644), "a device"),
    "deep": (zip_with({"d/" * 256 + "f": b""}), "more than 255 folders deep"),
    "file and folder": (zip_with({"a": b"", "a/": b""}), "wanted as a folder and as a file"),
    "no directory": (lambda folder: make.put(folder, "a.zip", b"PK\3\4" + bytes(100)), "without its directory"),
}

FILES = {
    "pipe": (make.pipe, "a pipe"),
    "device": (lambda folder: "/dev/zero", "a device"),
    "link to a device": (make.link_to("/dev/zero"), "a device"),
    "socket": (make.listening, "special file"),
    "link to itself": (make.link_to("program"), "a loop of links"),
    "link to nothing": (make.link_to("gone"), "a link to a missing file"),
    "sparse program": (make.sparse(PROGRAM, 4 * MIB), "sparse file"),
    "sparse program of 1 TiB": (make.sparse(PROGRAM, 1 << 40), "sparse file"),
    "sparse archive": (make.sparse(header() + END, 1 << 30), "sparse file"),
    "sparse file without a beginning": (make.sparse(b"", 1 << 30), "sparse file"),
    "sparse file in a folder": (make.folder_of(make.sparse(PROGRAM, 4 * MIB)), "sparse file"),
    "pipe in a folder": (make.folder_of(make.pipe), "a pipe"),
    "socket in a folder": (make.folder_of(make.listening), "special file"),
    "loop in a folder": (make.folder_of(make.link_to("program")), "a loop of links"),
    "loop over the folder": (make.folder_of(make.link_to("program/x")), "a loop of links"),
    "link out of a folder": (make.folder_of(make.link_to("../x")), "leaves the archive"),
    "files in a folder": (make.folder_of(make.many_files(401)), "more than 400 members"),
    "size of a folder": (
        make.folder_of(lambda path: make.put(path, "f", os.urandom(9 * MIB))),
        "more than 8388608 bytes",
    ),
    "depth of a folder": (make.folder_of(make.deep(300)), "more than 255 folders deep"),
    "program of 9 MiB": (
        lambda folder: make.put(folder, "p", PROGRAM + os.urandom(9 * MIB)),
        "more than 8388608 bytes",
    ),
}
ATTACKS = [
    pytest.param(*attack, id="%s: %s" % (kind, name))
    for kind, table in (("tar", TAR), ("zip", ZIP), ("file", FILES))
    for name, attack in table.items()
]


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return str(folder)


@pytest.fixture
def low(monkeypatch):
    for name, value in LOW.items():
        monkeypatch.setattr(limits, name, value)


def listed(folder, work):
    """Every file below a folder but those of the work folder."""
    below = [(where, folders + files) for where, folders, files in os.walk(str(folder)) if where != work]
    return sorted(os.path.join(where, name) for where, names in below for name in names)


def kept(work):
    return sum(entry.stat().st_size for entry in os.scandir(work))


@pytest.mark.parametrize("attack, why", ATTACKS)
def test_attack_is_refused(tmp_path, work, low, attack, why):
    (tmp_path / "in").mkdir()
    src = attack(tmp_path / "in")
    before, start = listed(tmp_path, work), time.monotonic()
    result = outcome(read_source, src, work)
    assert time.monotonic() - start < SOON
    assert isinstance(result, Problem) and re.search(why, str(result)), result
    assert listed(tmp_path, work) == before
    assert kept(work) <= LOW["MAX_UNPACKED"]
    COUNTS["attacks by archives"] += 1


def sample(kind):
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bin/program", PROGRAM * 20)
            archive.writestr("README", b"text")
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w:" + kind, format=tarfile.PAX_FORMAT) as archive:
        for info, data in (
            member("b" * 120, PROGRAM * 20),
            member("link", link="b" * 120),
            make.hard("hard", "b" * 120),
        ):
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.mark.parametrize("kind", ["", "gz", "xz", "bz2", "zip"])
def test_damaged_bytes_are_never_a_traceback(tmp_path, work, low, kind):
    draw, whole = random.Random(kind), sample(kind)
    for _case in range(300):
        data = bytearray(whole)
        for _change in range(draw.choice([1, 1, 2, 8])):
            data[draw.randrange(len(data))] = draw.choice([0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)])
        if draw.random() < 0.2:
            del data[draw.randrange(len(data)) :]
        outcome(read_source, make.put(tmp_path, "a", data), work)
        COUNTS["damaged archives"] += 1


def test_a_checksum_that_fits_again(tmp_path, work, low):
    """Any byte of a tar header, where the sum is made to fit, so that what comes after the sum is tried."""
    draw, whole = random.Random(1), sample("")
    starts = [at for at in range(0, len(whole), 512) if whole[at + 257 : at + 262] == b"ustar"]
    for _case in range(500):
        data, at = bytearray(whole), draw.choice(starts)
        data[at + draw.choice([*range(100, 148), *range(156, 345)])] = draw.randrange(256)
        data[at + 148 : at + 156] = b" " * 8
        data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])
        outcome(read_source, make.put(tmp_path, "a", data), work)
        COUNTS["damaged archives"] += 1


def steps(function, *args):
    """What a call does, counted: calls of functions, and names that folders were asked for."""
    number = [0]

    def count(frame, event, called):
        number[0] += event in ("call", "c_call")

    real = os.listdir
    os.listdir = lambda *path: number.__setitem__(0, number[0] + len(real(*path))) or real(*path)
    sys.setprofile(count)
    try:
        function(*args)
    finally:
        sys.setprofile(None)
        os.listdir = real
    return number[0]


@pytest.mark.parametrize("kind", ["tar", "zip", "folder"])
def test_work_grows_with_the_number_of_members(tmp_path, kind):
    needed = []
    for number in (200, 400):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "work").mkdir()
        names = ["d/f%d" % n for n in range(number)]
        makers = {
            "tar": tar_with(*[member(name, b"x") for name in names]),
            "zip": zip_with(dict.fromkeys(names, b"x")),
            "folder": make.folder_of(make.many_files(number)),
        }
        needed.append(steps(read_source, makers[kind](place), str(place / "work")))
    assert needed[1] < 2.1 * needed[0]


def test_links_are_followed_once_each(tmp_path, work):
    # Forty in a row for each of them, if every one were followed to its end.
    makers = [
        make.links(**{"l%d" % n: "l%d" % (n + 1) if n % 40 else "x" for n in range(number, 0, -1)})
        for number in (400, 800)
    ]
    first, second = [steps(read_source, maker(tmp_path), work) for maker in makers]
    assert second < 2.1 * first


def test_the_table_is_large():
    assert len(ATTACKS) >= 100
