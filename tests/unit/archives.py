# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives that no program writes by itself: bombs, lies, loops; each made by a function of its folder."""

import bz2
import gzip
import io
import lzma
import os
import socket
import struct
import tarfile
import zipfile
import zlib

from programs import elf, member, zip_

PACK = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress, "": bytes}
PROGRAM = elf()
END = bytes(1024)
MIB = 1 << 20


def put(folder, name, data):
    """Write a file; returns its path."""
    path = os.path.join(str(folder), name)
    with open(path, "wb") as handle:
        handle.write(data)
    return path


def header(name="file", size=0, kind=tarfile.REGTYPE, link=""):
    """One tar header, with no look at whether it makes sense."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return info.tobuf(tarfile.GNU_FORMAT)


def padded(data):
    return data + bytes(-len(data) % 512)


def record(key, value):
    """One record of a pax header."""
    body = b" " + key.encode() + b"=" + value + b"\n"
    length = len(body)
    while len(b"%d" % length + body) != length:
        length = len(b"%d" % length + body)
    return b"%d" % length + body


def pax(*records, kind=tarfile.XHDTYPE):
    data = b"".join(record(key, value) for key, value in records)
    return header("pax", len(data), kind) + padded(data)


def tar_of(*blocks, kind="gz"):
    """A maker of a tar of these bytes, compressed."""
    return lambda folder: put(folder, "a.tar", PACK[kind](b"".join(blocks) + END))


def tar_with(*members):
    """A maker of a tar of these members (see programs.member)."""

    def make(folder):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:") as archive:
            for info, data in members:
                archive.addfile(info, io.BytesIO(data))
        return put(folder, "a.tar", out.getvalue())

    return make


def links(**targets):
    return tar_with(*[member(name, link=target) for name, target in targets.items()])


def chain(number):
    """So many links, each to the next, and a program at the end."""
    return links(**{"l%d" % place: "l%d" % (place + 1) for place in range(number)})


def hard(name, target):
    info, data = member(name, kind=tarfile.LNKTYPE)
    info.linkname = target
    return info, data


def zip_with(files, target=None):
    """A maker of a zip of {name: content}, and a link to ``target``."""
    return lambda folder: zip_(os.path.join(str(folder), "a.zip"), files, {} if target is None else {"link": target})


def zip_changed(change, files=None, method=zipfile.ZIP_DEFLATED, mode=0o100755, system=3):
    """A maker of a zip whose finished bytes ``change`` edits."""

    def make(folder):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            for name, data in (files or {"program": PROGRAM}).items():
                info = zipfile.ZipInfo(name)
                info.external_attr, info.create_system, info.compress_type = mode << 16, system, method
                archive.writestr(info, data)
        return put(folder, "a.zip", bytes(change(bytearray(out.getvalue()))))

    return make


def field(central, local, layout, value):
    """A change of one field in every header of a zip: its place in the directory, and before the member."""

    def change(data):
        for magic, place in ((b"PK\x01\x02", central), (b"PK\x03\x04", local)):
            at = data.find(magic)
            while at >= 0 and place is not None:
                struct.pack_into(layout, data, at + place, value)
                at = data.find(magic, at + 4)
        return data

    return change


def method(number):
    return zip_changed(field(10, 8, "<H", number))


def flags_in(data, bits):
    return field(8, 6, "<H", bits)(data)


def flags(bits):
    return zip_changed(lambda data: flags_in(data, bits))


def overlapping(number, size):
    """A zip whose members all have the same compressed bytes as their content."""

    def make(folder):
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = packer.compress(bytes(size)) + packer.flush()
        fields = (20, 0, 8, 0, 33, zlib.crc32(bytes(size)), len(data), size, 4, 0)
        body = b"PK\x03\x04" + struct.pack("<5H3I2H", *fields) + b"file" + data
        one = b"PK\x01\x02" + struct.pack("<6H3I5H2I", 20, *fields, 0, 0, 0, 0, 0) + b"file"
        end = b"PK\x05\x06" + struct.pack(
            "<4H2IH", 0, 0, min(number, 65535), min(number, 65535), len(one) * number, len(body), 0
        )
        return put(folder, "a.zip", body + one * number + end)

    return make


def compressed(data, kind="gz", name="program.gz"):
    return lambda folder: put(folder, name, PACK[kind](data))


def zeros(size, kind, start=b""):
    """Compressed zeros, made without having all of them in memory."""

    def make(folder):
        packer = {
            "gz": zlib.compressobj(9, zlib.DEFLATED, 31),
            "xz": lzma.LZMACompressor(),
            "bz2": bz2.BZ2Compressor(),
        }[kind]
        data = (
            packer.compress(start)
            + b"".join(packer.compress(bytes(MIB)) for _part in range(size // MIB))
            + packer.flush()
        )
        return put(folder, "a.tar", data)

    return make


def large_dictionary(folder):
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(header() + END, filters=filters))
    # The block header follows the stream header of 12 bytes: size, flags, filter, size of its properties, dictionary.
    data[16] = 40  # 4 GiB
    struct.pack_into("<I", data, 20, zlib.crc32(bytes(data[12:20])))
    return put(folder, "a.txz", data)


def pipe(folder):
    os.mkfifo(os.path.join(str(folder), "program"))
    return os.path.join(str(folder), "program")


def listening(folder):
    path = os.path.join(str(folder), "s")
    server, here = socket.socket(socket.AF_UNIX), os.getcwd()
    os.chdir(str(folder))  # the path of a socket is short
    try:
        server.bind("s")
    finally:
        os.chdir(here)
        server.close()
    return path


def link_to(target):
    def make(folder):
        path = os.path.join(str(folder), "program")
        os.symlink(target, path)
        return path

    return make


def sparse(start, size, name="program"):
    def make(folder):
        path = put(folder, name, start)
        os.truncate(path, size)
        return path

    return make


def folder_of(*makers):
    """A maker of a folder in which the given makers worked."""

    def make(folder):
        path = os.path.join(str(folder), "root")
        os.mkdir(path)
        for maker in makers:
            maker(path)
        return path

    return make


def many_files(number):
    def make(folder):
        for place in range(number):
            put(folder, "f%d" % place, b"")

    return make


def deep(number):
    def make(folder):
        os.makedirs(os.path.join(str(folder), *["d"] * number))

    return make


def same(data):
    return data
