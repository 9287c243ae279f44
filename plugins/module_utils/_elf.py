# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an ELF file says about itself: the architecture it is for and the loader it needs.

Layout: the System V ABI, "Object Files"; machine numbers as in ``elf.h`` of the GNU C library.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem

MAGIC = b"\x7fELF"
_BITS = {1: 32, 2: 64}
_ORDER = {1: "little", 2: "big"}
_PT_INTERP = 3

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


class Elf(NamedTuple):
    """``architecture`` is OCI's name, or a description when OCI has none; ``interpreter`` the loader's path, None for a static program."""

    architecture: str
    interpreter: Optional[str]


def read_elf(path):
    """What the ELF file at ``path`` says, or None when it is no ELF file.

    Raises Problem for an ELF file whose header is cut off or makes no sense.
    """
    with open(path, "rb") as handle:
        if handle.read(4) != MAGIC:
            return None
        handle.seek(0)
        try:
            return _parse(handle)
        except (struct.error, KeyError, IndexError) as error:
            raise Problem(
                "the ELF header of %s cannot be read" % path, found="a damaged or incomplete file (%s)" % error, next_step="build or download the program again"
            ) from error


def _parse(handle):
    ident = handle.read(16)
    bits, order = _BITS[ident[4]], _ORDER[ident[5]]
    sign = "<" if order == "little" else ">"
    # e_type, e_machine, e_version, e_entry, e_phoff, e_shoff, e_flags, e_ehsize, e_phentsize, e_phnum
    layout = struct.Struct(sign + ("HHIIIIIHHH" if bits == 32 else "HHIQQQIHHH"))
    fields = layout.unpack(handle.read(layout.size))
    machine, offset, entry_size, entries = fields[1], fields[4], fields[8], fields[9]
    architecture = ARCHITECTURES.get((machine, bits, order)) or "ELF machine %d, %d bit, %s endian" % (machine, bits, order)
    return Elf(architecture, _interpreter(handle, sign, bits, offset, entry_size, entries))


def _interpreter(handle, sign, bits, offset, entry_size, entries):
    # 32 bit: p_type, p_offset, p_vaddr, p_paddr, p_filesz; 64 bit: p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz
    layout = struct.Struct(sign + ("IIIII" if bits == 32 else "IIQQQQ"))
    for index in range(entries):
        handle.seek(offset + index * entry_size)
        fields = layout.unpack(handle.read(layout.size))
        if fields[0] == _PT_INTERP:
            handle.seek(fields[1] if bits == 32 else fields[2])
            # A path is at most 4096 bytes long; a damaged size must not read the whole file.
            return handle.read(min(fields[-1], 4096)).rstrip(b"\0").decode("utf-8", "replace")
    return None
