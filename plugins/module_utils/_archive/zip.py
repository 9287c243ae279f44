# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members of a zip archive.

zipfile never gives more of a member than the directory states, so the directory is judged before a byte is unpacked.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile

from ansible_collections.riscv.k3s.plugins.module_utils._archive import limits
from ansible_collections.riscv.k3s.plugins.module_utils._archive.member import SPECIAL
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_ENTRY = b"PK\x01\x02"
# Numbers and names as in PKWARE's APPNOTE, 4.4.5.
_METHODS = {
    1: "Shrink",
    6: "Implode",
    9: "Deflate64",
    93: "Zstandard",
    95: "XZ",
    96: "JPEG",
    97: "WavPack",
    98: "PPMd",
    99: "AES encryption",
}
_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
# Systems that an archive says it was made on, APPNOTE 4.4.2: FAT, OS/2, NTFS, VFAT.
_WINDOWS = (0, 6, 10, 14)
_ENCRYPTED = 0x1
_PATCHED = 0x20


def read_zip(raw, members):
    """Read the zip in the open file ``raw`` (an io.FileIO) into ``members``. Raises Problem and what zipfile raises."""
    directory = _Directory(raw, members)
    with zipfile.ZipFile(directory) as archive:
        directory.is_read = True
        found = archive.infolist()
        members.count(len(found))
        windows = _made_on_windows(found)
        judged = [(info, _judged(info, windows, members)) for info in found]
        members.announce(sum(info.file_size for info in found))
        limits.check_ratio(members.src, sum(info.file_size for info in found), raw.seek(0, io.SEEK_END))
        for info, name in judged:
            _member(archive, info, name, members)


class _Directory(io.BufferedReader):
    """A file that zipfile opens.

    zipfile reads the directory at once and makes an object of each entry, so the directory is judged before.
    """

    def __init__(self, raw, members):
        super().__init__(raw)
        self._members = members
        self.is_read = False

    def read(self, size=-1):
        if not self.is_read and size is not None and size > limits.MAX_DIRECTORY:
            raise limits.too_much(self._members.src, "a directory of more than %d bytes" % limits.MAX_DIRECTORY)
        data = super().read(size)
        if not self.is_read and data.count(_ENTRY) > limits.MAX_MEMBERS:
            raise limits.too_much(self._members.src, "more than %d members" % limits.MAX_MEMBERS)
        return data


def _made_on_windows(found):
    # Some programs on Windows state Unix, but write the names as they are there: then none has a slash, except at its
    # end, or what stands before a name's last backslash is a folder of the archive.
    names = [info.filename for info in found if "\\" in info.filename]
    if not any("/" in info.filename.rstrip("/") for info in found):
        return bool(names)
    folders = {_with_slashes(info.filename) for info in found if info.filename.endswith(("/", "\\"))}
    return bool(names) and all(_with_slashes(name).rpartition("/")[0] in folders | {""} for name in names)


def _with_slashes(name):
    return name.replace("\\", "/").rstrip("/")


def _judged(info, windows, members):
    """The name of a member that can be read, by its entry in the directory alone."""
    name = _name(info, windows, members)
    members.safe(name)
    _readable(info, name, members)
    if stat.S_ISLNK(info.external_attr >> 16) and info.file_size > limits.MAX_PATH:
        raise members.refused(name, "a link to a path longer than %d bytes" % limits.MAX_PATH)
    return name


def _name(info, windows, members):
    # In a name from Unix a backslash is a letter. One that would leave the archive elsewhere is refused anyhow.
    name = info.filename.replace("\\", "/")
    windows = windows or info.create_system in _WINDOWS
    if name != info.filename or windows:
        members.safe(name)
        if re.match("[A-Za-z]:", name):
            raise members.refused(info.filename, "a path that leaves the archive")
    return name if windows else info.filename


def _member(archive, info, name, members):
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    if name.endswith("/") or kind == stat.S_IFDIR:
        members.folder(name, (mode & 0o7777) or 0o755)
    elif kind == stat.S_IFLNK:
        members.link(name, _target(archive, info))
    elif kind in (0, stat.S_IFREG):
        # An archive made on Windows has no modes.
        members.file(name, (mode & 0o7777) or 0o644, _keep(archive, info, members))
    else:
        raise members.refused(name, SPECIAL)


def _readable(info, name, members):
    if info.flag_bits & _ENCRYPTED:
        raise members.refused(name, "encrypted")
    if info.volume:
        raise Problem(
            "%s cannot be unpacked" % members.src,
            found="one part of an archive that was split",
            next_step="join its parts, or pack it again",
        )
    if info.compress_type not in _READ or info.flag_bits & _PATCHED:
        method = (
            "patches"
            if info.flag_bits & _PATCHED
            else _METHODS.get(info.compress_type, "method %d" % info.compress_type)
        )
        raise Problem(
            "%s cannot be unpacked" % members.src,
            found="%r is compressed by %s" % (name[: limits.MAX_NAME], method),
            next_step="pack it again with the method Deflate, for example by zip, or by 7-Zip with -mm=Deflate",
        )


def _target(archive, info):
    with archive.open(info) as content:
        return content.read(limits.MAX_PATH).decode("utf-8", "replace")


def _keep(archive, info, members):
    # zipfile unpacks bzip2 and lzma without an end: all that so many packed bytes give.
    # Few packed bytes keep that small.
    chunk = 1 << 20 if info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else 1 << 12
    with archive.open(info) as content:
        return members.keep(content.read, info.file_size, chunk)
