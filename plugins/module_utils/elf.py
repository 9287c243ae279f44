# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an ELF file says about itself: the architecture it is for, the loader it needs, and whether it is a program at
all.

Layout: the System V ABI, "Object Files"; machine numbers as in ``elf.h`` of the GNU C library.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO, Callable, List, NamedTuple, Optional, TypeVar

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

MAGIC = b"\x7fELF"
_BITS = {1: 32, 2: 64}
_ORDER = {1: "little", 2: "big"}
_SIGN = {"little": "<", "big": ">"}
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB = 1, 5
_ET_REL = 1
_EM_BPF = 247
_LARGEST_TABLE = 1 << 16  # bytes
_LONGEST = 4096  # bytes of a path

# (e_machine, bits, byte order) -> OCI architecture
ARCHITECTURES = {
    (3, 32, "little"): "386",
    (62, 64, "little"): "amd64",
    (40, 32, "little"): "arm",
    (183, 64, "little"): "arm64",
    (258, 64, "little"): "loong64",
    (21, 64, "little"): "ppc64le",
    (243, 64, "little"): "riscv64",
    (22, 64, "big"): "s390x",
}


_T = TypeVar("_T")


class Elf(NamedTuple):
    """``architecture`` is OCI's name, or a description when OCI has none; ``interpreter`` the loader's path, None for a
    static program.
    """

    architecture: str
    interpreter: Optional[str]


class _Segment(NamedTuple):
    """``offset`` in the file, ``address`` in memory, ``size`` in the file."""

    kind: int
    offset: int
    address: int
    size: int


class _Header(NamedTuple):
    """What of an ELF header is used here. The last three describe the table of segments."""

    bits: int
    order: str
    kind: int
    machine: int
    offset: int
    entry_size: int
    entries: int


def read_elf(path: str) -> Optional[Elf]:
    """What the ELF file at ``path`` says, or None when it is no ELF file.

    Raises Problem for an ELF file whose header is cut off or makes no sense.
    """
    return _read(path, lambda handle, header: Elf(_architecture(header), _interpreter(handle, header)))


def architecture_of(header: bytes) -> Optional[str]:
    """OCI's name of the architecture by the first 20 bytes of an ELF file; None where they are none of a known one."""
    order = _ORDER.get(header[5]) if len(header) >= 20 and header[:4] == MAGIC else None
    if not order:
        return None
    (machine,) = struct.unpack(_SIGN[order] + "H", header[18:20])
    return ARCHITECTURES.get((machine, _BITS.get(header[4], 0), order))


def object_kind(path: str) -> Optional[str]:
    """What the ELF file at ``path`` is when no board can run it, whatever its architecture; None for a program, a
    library, or no ELF file.

    Programs that watch the kernel bring objects for its BPF along, and some packages bring objects for the linker.
    Raises Problem like read_elf.
    """
    return _read(path, lambda handle, header: _object_kind(header))


def needed(path: str) -> List[str]:
    """The names of the libraries that the ELF file at ``path`` asks its loader for; [] for a static program or no ELF
    file. Raises Problem like read_elf.
    """
    return _read(path, _needed) or []


def _object_kind(header: _Header) -> Optional[str]:
    if header.machine == _EM_BPF:
        return "an object for the kernel's BPF"
    return "an object for the linker" if header.kind == _ET_REL else None


def _read(path: str, asked: Callable[[BinaryIO, _Header], _T]) -> Optional[_T]:
    with open(path, "rb") as handle:
        if handle.read(4) != MAGIC:
            return None
        handle.seek(0)
        try:
            return asked(handle, _header(handle))
        except (struct.error, KeyError, IndexError, OverflowError) as error:
            raise Problem(
                "the ELF header of %s cannot be read" % path,
                found="a damaged or incomplete file (%s)" % error,
                next_step="build or download the program again",
            ) from error


def _header(handle: BinaryIO) -> _Header:
    ident = handle.read(16)
    bits, order = _BITS[ident[4]], _ORDER[ident[5]]
    # e_type, e_machine, e_version, e_entry, e_phoff, e_shoff, e_flags, e_ehsize, e_phentsize, e_phnum
    layout = struct.Struct(_SIGN[order] + ("HHIIIIIHHH" if bits == 32 else "HHIQQQIHHH"))
    fields = layout.unpack(handle.read(layout.size))
    return _Header(bits, order, fields[0], fields[1], fields[4], fields[8], fields[9])


def _architecture(header: _Header) -> str:
    known = ARCHITECTURES.get((header.machine, header.bits, header.order))
    return known or "ELF machine %d, %d bit, %s endian" % (header.machine, header.bits, header.order)


def _interpreter(handle: BinaryIO, header: _Header) -> Optional[str]:
    for segment in _segments(handle, header):
        if segment.kind == _PT_INTERP:
            return _text(handle, segment.offset, segment.size)
    return None


def _needed(handle: BinaryIO, header: _Header) -> List[str]:
    segments = _segments(handle, header)
    entries = struct.Struct(_SIGN[header.order] + ("II" if header.bits == 32 else "QQ"))
    for segment in segments:
        if segment.kind == _PT_DYNAMIC:
            _seek(handle, segment.offset)
            table = handle.read(min(segment.size, _LARGEST_TABLE))
            rows = list(entries.iter_unpack(table[: len(table) - len(table) % entries.size]))
            start = _place(segments, dict(rows).get(_DT_STRTAB, 0))
            return [_text(handle, start + value) for tag, value in rows if tag == _DT_NEEDED]
    return []


def _place(segments: List[_Segment], address: int) -> int:
    """Where in the file that lies which is at ``address`` in memory."""
    for segment in segments:
        if segment.kind == _PT_LOAD and segment.address <= address < segment.address + segment.size:
            return address - segment.address + segment.offset
    raise struct.error("an address outside of its segments")


def _text(handle: BinaryIO, offset: int, size: int = _LONGEST) -> str:
    _seek(handle, offset)
    # A damaged size must not read the whole file.
    return handle.read(min(size, _LONGEST)).partition(b"\0")[0].decode("utf-8", "replace")


def _segments(handle: BinaryIO, header: _Header) -> List[_Segment]:
    # 32 bit: p_type, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_flags, p_align; 64 bit: p_type, p_flags,
    # p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align
    narrow = header.bits == 32
    layout = struct.Struct(_SIGN[header.order] + ("IIIIIIII" if narrow else "IIQQQQQQ"))
    return [
        _Segment(row[0], row[1 if narrow else 2], row[2 if narrow else 3], row[4 if narrow else 5])
        for row in layout.iter_unpack(_table(handle, header, layout.size))
    ]


def _table(handle: BinaryIO, header: _Header, size: int) -> bytes:
    # The kernel too takes no other size of an entry, and no table larger than 64 KiB.
    if header.entries and (header.entry_size != size or header.entries * size > _LARGEST_TABLE):
        raise struct.error("%d segments of %d bytes" % (header.entries, header.entry_size))
    _seek(handle, header.offset)
    table = handle.read(header.entries * size)
    if len(table) < header.entries * size:
        raise struct.error("%d of %d bytes of its segments" % (len(table), header.entries * size))
    return table


def _seek(handle: BinaryIO, offset: int) -> None:
    if offset > os.fstat(handle.fileno()).st_size:
        raise struct.error("a place behind its end")
    handle.seek(offset)
