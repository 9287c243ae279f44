# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes into an image: files out of a release archive, a folder or a single program.

Nothing is ever written under a name that an archive chose: a member's content goes to a numbered file in a work folder,
so an archive cannot reach outside, whatever it holds. Names that try are still refused, since such an archive is not what was meant.
"""

from __future__ import annotations

import glob
import lzma
import os
import posixpath
import shutil
import stat
import tarfile
import zipfile
import zlib
from typing import NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._elf import MAGIC
from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem

_DAMAGED = (EOFError, tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error)


class Entry(NamedTuple):
    """One file of an image. Exactly one of ``content`` and ``link`` is set, for a folder none."""

    path: str  # in the image, absolute and normal
    mode: int
    content: Optional[str] = None  # path of a file on this machine
    link: Optional[str] = None  # target of a symbolic link


def find(pattern):
    """The one path that ``pattern`` (a path, or a shell pattern) names. Raises Problem when there is none or more than one."""
    if os.path.lexists(pattern):
        return pattern
    found = sorted(glob.glob(pattern))
    if len(found) == 1:
        return found[0]
    if found:
        raise Problem(
            "%s names more than one file" % pattern, found=", ".join(found), next_step="make the pattern narrower, or remove the archives that are not meant"
        )
    folder = os.path.dirname(pattern) or "."
    there = ", ".join(sorted(name for name in os.listdir(folder) if name[0] != ".")[:20]) or "an empty folder" if os.path.isdir(folder) else "no such folder"
    raise Problem(
        "%s was not found on the controller" % pattern, found=there, where=os.path.abspath(folder), next_step="put the release archive there, or mend src"
    )


def read_source(src, work):
    """All files of ``src``: a tar (plain, gz, xz, bz2) or zip archive, a folder, or one program.

    Returns (kind, entries) with kind ``archive``, ``folder`` or ``program``; paths are as if unpacked at /.
    Contents of an archive are written to numbered files in the folder ``work``. Raises Problem.
    """
    if os.path.isdir(src):
        return "folder", _folder(src)
    with open(src, "rb") as handle:
        start = handle.read(512)
    if start[:4] == MAGIC or start[:2] == b"#!":
        return "program", [Entry("/" + os.path.basename(src), 0o755, content=src)]
    try:
        if zipfile.is_zipfile(src):
            return "archive", _zip(src, work)
        if _looks_like_tar(start):
            return "archive", _tar(src, work)
    except _DAMAGED as error:
        raise _damaged(src, str(error) or type(error).__name__) from error
    except OSError as error:
        if error.errno is not None:  # the disk's fault; gzip and bz2 raise OSError without a number for bad data
            raise
        raise _damaged(src, str(error)) from error
    if start[:2] == b"PK":  # a zip whose directory, at its end, is missing
        raise _damaged(src, "a zip archive without its directory")
    raise Problem(
        "%s is neither a release archive nor a program" % src,
        found="an empty file" if not start else "a file that begins with %r" % start[:24].decode("ascii", "replace"),
        next_step="give a .tgz, .tar.gz, .txz, .tar.xz, .tar or .zip archive, a folder or an ELF program; a web page here means that the download failed",
    )


def _looks_like_tar(start):
    return start[:2] == b"\x1f\x8b" or start[:6] == b"\xfd7zXZ\x00" or start[:3] == b"BZh" or start[257:262] == b"ustar"


def _damaged(src, why):
    return Problem(
        "%s cannot be read to its end" % src,
        found="a damaged or incomplete archive (%s)" % why,
        next_step="download or build it again and compare its checksum",
    )


def _tar(src, work):
    entries = []
    with tarfile.open(src, "r:*") as archive:
        for member in archive:
            path = _safe(member.name, src)
            if member.isdir():
                entries.append(Entry(path, member.mode & 0o7777))
            elif member.issym():
                entries.append(Entry(path, 0o777, link=_safe_link(path, member.linkname, src)))
            elif member.isfile() or member.islnk():
                if member.islnk():
                    _safe(member.linkname, src)
                entries.append(Entry(path, member.mode & 0o7777, content=_keep(archive.extractfile(member), work, member.size if member.isfile() else None)))
            else:
                raise _refused(src, member.name, "a device, a pipe or another special file")
        if archive.fileobj.tell() == archive.offset:  # a tar ends with blocks of zeros; one cut between two members does not
            raise tarfile.ReadError("no mark of its end")
        while archive.fileobj.read(1 << 20):  # to the last byte: only there a compressed file's checksum is compared
            pass
    return entries


def _zip(src, work):
    entries = []
    with zipfile.ZipFile(src) as archive:
        for member in archive.infolist():
            path = _safe(member.filename, src)
            mode = member.external_attr >> 16
            if member.flag_bits & 1:
                raise _refused(src, member.filename, "encrypted")
            if member.is_dir():
                entries.append(Entry(path, (mode & 0o7777) or 0o755))
            elif stat.S_ISLNK(mode):
                entries.append(Entry(path, 0o777, link=_safe_link(path, archive.read(member).decode("utf-8", "replace"), src)))
            else:
                # An archive made on Windows has no modes.
                with archive.open(member) as content:
                    entries.append(Entry(path, (mode & 0o7777) or 0o644, content=_keep(content, work, member.file_size)))
    return entries


def _folder(src):
    entries = []
    for folder, names, files in os.walk(src):
        for name in names + files:
            real = os.path.join(folder, name)
            path = "/" + os.path.relpath(real, src)
            mode = os.lstat(real).st_mode
            if stat.S_ISLNK(mode):
                entries.append(Entry(path, 0o777, link=_safe_link(path, os.readlink(real), src)))
            elif stat.S_ISDIR(mode):
                entries.append(Entry(path, mode & 0o7777))
            elif stat.S_ISREG(mode):
                entries.append(Entry(path, mode & 0o7777, content=real))
            else:
                raise _refused(src, path, "a device, a pipe or another special file")
    return entries


def _keep(content, work, size):
    if content is None:
        raise tarfile.ReadError("a hard link to nothing")
    path = os.path.join(work, "%06d" % len(os.listdir(work)))
    with content, open(path, "wb") as target:
        shutil.copyfileobj(content, target, 1 << 20)
        written = target.tell()
    if size is not None and written != size:
        raise tarfile.ReadError("%d of %d bytes" % (written, size))
    return path


def _safe(name, src):
    parts = name.split("/")
    if name.startswith("/") or ".." in parts:
        raise _refused(src, name, "a path that leaves the archive")
    return posixpath.normpath("/" + name)


def _safe_link(path, target, src):
    # An absolute target stays inside: a container's root is the image's. A relative one may climb out of what src holds.
    depth = 0
    for part in ([] if target.startswith("/") else (posixpath.dirname(path) + "/" + target).split("/")):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            raise _refused(src, path, "a link to %s, which leaves the archive" % target)
    return target


def _refused(src, name, why):
    return Problem("%s is refused" % src, found="%r is %s" % (name, why), next_step="look at where this file came from, and pack it anew without that member")
