# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes into an image: files out of a release archive, a folder or a single program.

What a source may hold at most is in _oci_limits, what a member may be called in _oci_member.
"""

from __future__ import annotations

import errno
import glob
import io
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from typing import List, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._archive import limits
from ansible_collections.riscv.k3s.plugins.module_utils._archive.links import Links, TooManyLinks
from ansible_collections.riscv.k3s.plugins.module_utils._archive.member import SPECIAL, Entry, Members, damaged
from ansible_collections.riscv.k3s.plugins.module_utils._archive.tar import is_tar, read_tar
from ansible_collections.riscv.k3s.plugins.module_utils._archive.unpack import compression, unpacked
from ansible_collections.riscv.k3s.plugins.module_utils._archive.zip import read_zip
from ansible_collections.riscv.k3s.plugins.module_utils.elf import MAGIC
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# All that the readers of archives of Python's library raise for bytes that make no sense.
_DAMAGED = (
    *(EOFError, tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, struct.error),
    *(ValueError, ArithmeticError, LookupError, RuntimeError, MemoryError),
)
__all__ = ["Entry", "find", "read_source"]
_START = 512
_STAT_BLOCK = 512  # bytes; what st_blocks counts, whatever the file system uses
_SUFFIXES = (".tar.gz", ".tar.xz", ".tar.bz2", ".tgz", ".txz", ".tbz2", ".gz", ".xz", ".bz2")
# How files begin that are often given by mistake.
_KNOWN = {
    b"PK": "a zip archive",
    b"(\xb5/\xfd": "Zstandard data",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"!<arch>": "a Debian package or a static library",
    b"\xed\xab\xee\xdb": "an RPM package",
    b"MZ": "a program for Windows",
}


def find(pattern: str) -> str:
    """The one path that ``pattern`` (a path, or a shell pattern) names. Raises Problem when it is not exactly one."""
    if os.path.lexists(pattern):
        return pattern
    found = sorted(glob.glob(pattern))
    if len(found) == 1:
        return found[0]
    if found:
        raise Problem(
            "%s names more than one file" % pattern,
            found=", ".join(found),
            next_step="make the pattern narrower, or remove the archives that are not meant",
        )
    folder = os.path.dirname(pattern) or "."
    raise Problem(
        "%s was not found on the controller" % pattern,
        found=_names_in(folder),
        where=os.path.abspath(folder),
        next_step="put the release archive there, or correct src",
    )


def _names_in(folder):
    try:
        return ", ".join(sorted(name for name in os.listdir(folder) if name[0] != ".")[:20]) or "an empty folder"
    except FileNotFoundError:
        return "no such folder"
    except OSError as error:
        return error.strerror


def read_source(src: str, work: str) -> Tuple[str, List[Entry]]:
    """All files of ``src``: a tar (plain, gz, xz, bz2) or zip archive, a folder, or one program (plain, gz, xz, bz2).

    Returns (kind, entries) with kind ``archive``, ``folder`` or ``program``; paths are as if unpacked at /, one entry
    of each. Contents of an archive are written to numbered files in the folder ``work``. Raises Problem.
    """
    members = Members(src, work)
    kind = _read(src, members)
    _refuse_loops(members)
    return kind, members.entries()


def _refuse_loops(members):
    # No link in a loop is of use to anybody, so not even one beside the program is meant.
    links = Links({entry.path: entry for entry in members.entries()}, strict=False)
    try:
        for entry in members.entries():
            if entry.link:
                links.follow(entry.path)
    except TooManyLinks as error:
        raise members.refused(error.path, "in " + error.why) from error


def _read(src, members):
    status = _status(src)
    if stat.S_ISDIR(status.st_mode):
        _folder(src, members)
        return "folder"
    if not stat.S_ISREG(status.st_mode):
        raise _no_source(src, SPECIAL)
    # A pipe that took the file's place since then must not hold up the opening.
    with _open(src) as handle:
        try:
            _refuse_sparse(handle, os.fstat(handle.fileno()), members)
            return _file(handle, members)
        except _DAMAGED as error:
            raise damaged(src, str(error) or type(error).__name__) from error
        except OSError as error:
            # The disk's fault, but for bz2, which states no number, and for a place to read at that an archive made up.
            if error.errno not in (None, errno.EINVAL):
                raise
            raise damaged(src, str(error)) from error


def _open(path):
    return io.FileIO(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))


def _refuse_sparse(handle, status, members):
    """Refuse an open file of which less than half is stored: its holes would come to the board as zeros."""
    if status.st_size <= limits.SPARSE_FREE or status.st_blocks * _STAT_BLOCK >= status.st_size // 2:
        return
    # The number of blocks alone does not tell: some file systems compress, others count what was written only later.
    if handle.seek(0, os.SEEK_HOLE) < status.st_size:
        raise limits.too_much(
            members.src, "%s is a sparse file: most of its %d bytes are not stored" % (handle.name, status.st_size)
        )
    handle.seek(0)


def _status(src):
    try:
        return os.stat(src)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _no_source(src, "a loop of links") from error
        if error.errno == errno.ENOENT:
            raise _no_source(src, "a link to a missing file") from error
        raise


def _no_source(src, found):
    return Problem("%s is refused" % src, found=found, next_step="give a release archive, a folder or a program")


def _file(handle, members):
    start = handle.read(_START)
    handle.seek(0)
    packed = compression(start)
    stream = unpacked(handle, packed, members.src)
    if packed:
        start = stream.peek(_START)[:_START]
    if is_tar(start):
        read_tar(stream, members)
        return "archive"
    if _is_program(start):
        _program(stream, packed, members)
        return "program"
    if not packed and zipfile.is_zipfile(handle):
        read_zip(handle, members)
        return "archive"
    raise _neither(members.src, packed, start)


def _is_program(start):
    return start[:4] == MAGIC or start[:2] == b"#!"


def _program(stream, packed, members):
    name = os.path.basename(members.src)
    if not packed:
        members.announce(os.stat(members.src).st_size)
        members.file(name, 0o755, members.src)
        return
    suffix = next((suffix for suffix in _SUFFIXES if name.lower().endswith(suffix)), "")
    members.file(name[: len(name) - len(suffix)] or "program", 0o755, members.keep(stream.read))


def _neither(src, packed, start):
    if start[:2] == b"PK" and not packed:
        return damaged(src, "a zip archive without its directory")
    return Problem(
        "%s is neither a release archive nor a program" % src,
        found=("%s data, and in it " % packed if packed else "") + _described(start),
        next_step="give a .tgz, .tar.gz, .txz, .tar.xz, .tar or .zip archive, a folder or an ELF program; "
        "a web page here means that the download failed",
    )


def _described(start):
    if not start:
        return "an empty file"
    known = (
        "%s data" % compression(start)
        if compression(start)
        else next((_KNOWN[magic] for magic in _KNOWN if start.startswith(magic)), "a file")
    )
    return known + " that begins with %r" % start[:24].decode("ascii", "replace")


def _folder(src, members):
    for folder, names, files in os.walk(src, onerror=_raise):
        for name in names + files:
            real = os.path.join(folder, name)
            members.count()
            _in_folder(real, os.path.relpath(real, src), members)


def _raise(error):
    raise error


def _in_folder(real, name, members):
    status = os.lstat(real)
    if stat.S_ISLNK(status.st_mode):
        members.link(name, os.readlink(real))
    elif stat.S_ISDIR(status.st_mode):
        members.folder(name, status.st_mode & 0o7777)
    elif stat.S_ISREG(status.st_mode):
        members.announce(status.st_size)
        with _open(real) as handle:
            _refuse_sparse(handle, status, members)
        members.file(name, status.st_mode & 0o7777, real)
    else:
        raise members.refused("/" + name, SPECIAL)
