# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small programs and release archives to build images of."""

import io
import struct
import tarfile
import zipfile

# name: (e_machine, bits, byte order), as in the ELF specification
MACHINES = {
    "386": (3, 32, "<"),
    "amd64": (62, 64, "<"),
    "arm": (40, 32, "<"),
    "arm64": (183, 64, "<"),
    "riscv64": (243, 64, "<"),
    "s390x": (22, 64, ">"),
    "sparc64": (43, 64, ">"),
}


def elf(architecture="riscv64", interpreter=None, body=b"code"):
    """Bytes of an ELF file with a header, and a PT_INTERP when it is dynamically linked."""
    machine, bits, order = MACHINES[architecture]
    header_size, entry_size = (64, 56) if bits == 64 else (52, 32)
    ident = b"\x7fELF" + bytes([bits // 32, 1 if order == "<" else 2, 1]) + bytes(9)
    fields = (
        2,
        machine,
        1,
        0,
        header_size if interpreter else 0,
        0,
        0,
        header_size,
        entry_size,
        1 if interpreter else 0,
        0,
        0,
        0,
    )
    header = ident + struct.pack(order + ("HHIQQQIHHHHHH" if bits == 64 else "HHIIIIIHHHHHH"), *fields)
    if not interpreter:
        return header + body
    text, offset = interpreter.encode() + b"\0", header_size + entry_size
    entry = (
        struct.pack(order + "IIQQQQQQ", 3, 4, offset, 0, 0, len(text), 0, 1)
        if bits == 64
        else struct.pack(order + "IIIIIIII", 3, offset, 0, 0, len(text), 0, 4, 1)
    )
    return header + entry + text + body


def needing(*libraries, interpreter=None, damaged=False):
    """Bytes of an ELF file for riscv64 that asks its loader for ``libraries``."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name in libraries)
    loader = (interpreter or "").encode() + b"\0"
    entries, base, address = 3 if interpreter else 2, 64, 0x10000
    dynamic_at = base + 56 * entries
    offsets = [1 + sum(len(name) + 1 for name in libraries[:number]) for number in range(len(libraries))]
    names_at = dynamic_at + 16 * (len(libraries) + 2)
    rows = [(1, offset) for offset in offsets] + [(5, address * (9 if damaged else 1) + names_at), (0, 0)]
    dynamic = b"".join(struct.pack("<QQ", *row) for row in rows)
    loader_at = names_at + len(names)
    size = loader_at + len(loader)
    segments = [(1, 5, 0, address, address, size, size, 1), (2, 4, dynamic_at, 0, 0, len(dynamic), 0, 1)]
    if interpreter:
        segments.append((3, 4, loader_at, 0, 0, len(loader), 0, 1))
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 3, 243, 1, 0, base, 0, 0, 64, 56, entries, 0, 0, 0)
    return header + b"".join(struct.pack("<IIQQQQQQ", *segment) for segment in segments) + dynamic + names + loader


def member(name, data=b"", mode=0o755, link=None, kind=None):
    """A tar member and its content."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    info.type = kind or (tarfile.SYMTYPE if link else tarfile.REGTYPE)
    info.linkname = link or ""
    return info, data


def tar(path, *members, kind="gz"):
    """Write a tar archive; returns its path as text."""
    with tarfile.open(str(path), "w:" + kind) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return str(path)


def zip_(path, files, links=None):
    """Write a zip archive with Unix modes; returns its path as text."""
    with zipfile.ZipFile(str(path), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o100755 << 16
            archive.writestr(info, data)
        for name, target in (links or {}).items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o120777 << 16
            archive.writestr(info, target)
    return str(path)
