# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much a source of files may hold. Release archives stay far below; what is above is a bomb or a mistake.

Each limit is read when it is needed, as an attribute of this module, so that tests can lower it.
"""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# Members of an archive, headers that only describe others included, or files and folders of an image.
# A whole Debian has about half of it.
MAX_MEMBERS = 100_000
# Bytes of all files together, and of all that a compressed stream gives.
# A board would need this twice: packed and unpacked.
MAX_UNPACKED = 4 << 30
# Unpacked to packed. Programs are packed to a third or a quarter, text to a tenth, a bomb to a thousandth.
MAX_RATIO = 200
# Bytes up to which the ratio does not count: a program with a large table of zeros
# may beat it, and so little does no harm.
RATIO_FREE = 64 << 20
# Bytes of a path and of a link's target (PATH_MAX), of one name in it (NAME_MAX), and folders above a file:
# a board could not unpack more than the first two, and each folder is one more entry to keep.
MAX_PATH = 4096
MAX_NAME = 255
MAX_DEPTH = 255
# Symbolic links on the way to a file, as the kernel counts them.
MAX_LINKS = 40
# Bytes and records of a pax header, which is read into memory: a name, a target,
# and extended attributes of at most 64 KiB each.
MAX_PAX = 1 << 20
MAX_PAX_RECORDS = 1000
# Bytes of a zip's directory, which is read into memory: 100,000 members with names of usual length.
MAX_DIRECTORY = 32 << 20
# Bytes of memory to unpack xz: four times what `xz -9` asks for.
MAX_XZ_MEMORY = 256 << 20
# Compressed streams one after the other in one file, as bgzip and pbzip2 write them (one for each 64 KiB or more).
MAX_STREAMS = 100_000
# A file is called sparse when it is larger than this and less than half of it is stored. A few holes are in many files.
SPARSE_FREE = 1 << 20


def too_much(src: str, what: str) -> Problem:
    """The Problem of a source that holds too much; ``what`` says of what, with the limit."""
    return Problem(
        "%s is refused" % src,
        found=what,
        next_step="give an archive or a folder that holds the program and what it needs, and nothing else",
    )


def check_ratio(src: str, unpacked: int, packed: int) -> None:
    """Refuse ``unpacked`` bytes that came out of ``packed`` bytes if no honest file packs so well. Raises Problem."""
    if unpacked > RATIO_FREE and unpacked > MAX_RATIO * packed:
        raise too_much(src, "more than %d times its packed size once it is unpacked" % MAX_RATIO)


def check_unpacked(src: str, unpacked: int) -> None:
    """Refuse more than MAX_UNPACKED bytes. Raises Problem."""
    if unpacked > MAX_UNPACKED:
        raise too_much(src, "more than %d bytes (%d GiB) once it is unpacked" % (MAX_UNPACKED, MAX_UNPACKED >> 30))
