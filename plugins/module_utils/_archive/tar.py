# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members of a tar stream.

The headers are decoded by tarfile, one by one; what follows from them is done here. tarfile itself reads headers of
any size into memory, follows chains of them by recursion, and fills up sparse files.
"""

from __future__ import annotations

import os
import tarfile

from ansible_collections.riscv.k3s.plugins.module_utils._archive import limits
from ansible_collections.riscv.k3s.plugins.module_utils._archive.member import SPECIAL

_BLOCK = 512
_CHUNK = 1 << 20
# Of GNU tar: the volume's name, which is no member, and a folder with a list of its files (--incremental).
_LABEL, _DUMP_FOLDER = b"V", b"D"
_LONG = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
_PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE)
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_SPARSE = "a sparse file, larger unpacked than what is stored of it"


def is_tar(start: bytes) -> bool:
    """Whether the first bytes of a file are a tar header with its checksum, or the end mark of an empty tar."""
    try:
        return _header(start[:_BLOCK]) is not None
    except (tarfile.TarError, ValueError):
        return start[:_BLOCK] == bytes(_BLOCK)


def read_tar(stream, members):
    """Read the tar in the file object ``stream`` to its end into ``members``.

    Raises Problem, EOFError, tarfile.TarError or ValueError.
    """
    shared: dict[str, str] = {}
    own: dict[str, str] = {}
    for info in _headers(stream, members):
        if info.type in _PAX:
            (shared if info.type == tarfile.XGLTYPE else own).update(_pax(stream, info, members))
        elif info.type == _LABEL:
            _content(stream, _small(info.size, members))
        elif info.type in _LONG:
            own[_LONG[info.type]] = _long_name(stream, info, members)
        else:
            _member(stream, info, {**shared, **own}, members)
            own = {}
    while stream.read(_CHUNK):  # to the last byte: only there a compressed file's checksum is compared
        pass


def _headers(stream, members):
    while True:
        block = stream.read(_BLOCK)
        if len(block) < _BLOCK:  # a tar ends with blocks of zeros; one cut between two members does not
            raise EOFError("no mark of its end")
        if block == bytes(_BLOCK):
            return
        members.count()
        yield _header(block)


def _header(block):
    info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    if info.size < 0:
        raise tarfile.ReadError("a member of negative size")
    return info


def _member(stream, info, extra, members):
    name, target, size = (
        extra.get("path", info.name),
        extra.get("linkpath", info.linkname),
        extra.get("size", info.size),
    )
    mode = info.mode & 0o7777
    if info.type == tarfile.GNUTYPE_SPARSE or "sparse" in extra:
        raise members.refused(name, _SPARSE)
    if info.type == _DUMP_FOLDER:
        members.folder(name, mode)
        _content(stream, _small(size, members))
    elif info.isdir() or (info.type == tarfile.AREGTYPE and name.endswith("/")):
        members.folder(name, mode)
    elif info.issym():
        members.link(name, target)
    elif info.islnk():
        _hard_link(name, mode, target, members)
    elif info.type in _FILES:
        members.safe(name)
        members.announce(size)
        members.file(name, mode, members.keep(stream.read, size))
        _skip_padding(stream, size)
    else:
        raise members.refused(name, SPECIAL)


def _small(size, members):
    """The size of a list of names, in bytes."""
    if size > limits.MAX_PAX:
        raise limits.too_much(members.src, "a list of a folder's files of more than %d bytes" % limits.MAX_PAX)
    return size


def _hard_link(name, mode, target, members):
    entry = members.get(members.safe(target))
    if entry is None or not (entry.content or entry.link):
        raise tarfile.ReadError("%r is a hard link to nothing" % name)
    if entry.link:
        members.link(name, entry.link)
    else:
        # In the image it is a copy, so it counts as one.
        members.announce(os.path.getsize(entry.content))
        members.file(name, mode, entry.content)


def _long_name(stream, info, members):
    if info.size > limits.MAX_PATH + 1:  # with the zero at its end
        raise members.refused("a name", "longer than %d bytes" % limits.MAX_PATH)
    return _text(_content(stream, info.size).split(b"\0")[0])


def _pax(stream, info, members):
    if info.size > limits.MAX_PAX:
        raise limits.too_much(members.src, "a pax header of more than %d bytes" % limits.MAX_PAX)
    found = {}
    for number, (key, value) in enumerate(_records(_content(stream, info.size))):
        if number >= limits.MAX_PAX_RECORDS:
            raise limits.too_much(members.src, "a pax header of more than %d records" % limits.MAX_PAX_RECORDS)
        if key.startswith(b"GNU.sparse."):
            found["sparse"] = True
        elif key in (b"path", b"linkpath"):
            found[_text(key)] = _text(value)
        elif key == b"size":
            found["size"] = _number(value)
    return found


def _records(data):
    # "LENGTH KEY=VALUE\n", where LENGTH counts itself.
    at = 0
    while at < len(data) and data[at] != 0:
        space = data.index(b" ", at, at + 20)
        end = at + _number(data[at:space])
        if not space < end - 1 < len(data) or data[end - 1 : end] != b"\n":
            raise tarfile.ReadError("a pax header that contradicts itself")
        key, _equals, value = data[space + 1 : end - 1].partition(b"=")
        yield key, value
        at = end


def _number(digits):
    if not digits.isdigit() or len(digits) > 20:
        raise tarfile.ReadError("an invalid number in a pax header")
    return int(digits)


def _content(stream, size):
    data = stream.read(size)
    if len(data) < size:
        raise EOFError("%d of %d bytes of a header" % (len(data), size))
    _skip_padding(stream, size)
    return data


def _skip_padding(stream, size):
    if len(stream.read(-size % _BLOCK)) < -size % _BLOCK:
        raise EOFError("no mark of its end")


def _text(data):
    return data.decode("utf-8", "surrogateescape")
