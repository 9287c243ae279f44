# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The members of one source: their names judged, their number and size counted, their content kept in a work folder.

Nothing is ever written under a name that an archive chose: a member's content goes to a numbered file in a work
folder, so an archive cannot reach outside, whatever it holds. Names that try are still refused, since such an archive
is not what was meant.
"""

from __future__ import annotations

import os
import posixpath
from typing import Dict, List, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._archive import limits
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_CHUNK = 1 << 20
SPECIAL = "a device, a pipe or another special file"


class Entry(NamedTuple):
    """One file of an image. Exactly one of ``content`` and ``link`` is set, for a folder none."""

    path: str  # in the image, absolute and normal
    mode: int
    content: Optional[str] = None  # path of a file on this machine
    link: Optional[str] = None  # target of a symbolic link


class Members:
    """What was read of ``src`` so far. Every method that takes a name raises Problem for what is refused."""

    def __init__(self, src: str, work: str) -> None:
        self.src = src
        self._work = work
        self._entries: Dict[str, Entry] = {}
        self._headers = 0
        self._bytes = 0
        self._kept = 0

    def entries(self) -> List[Entry]:
        """All of them, one of each path."""
        return list(self._entries.values())

    def get(self, path: str) -> Optional[Entry]:
        """The Entry of a path in the image, or None."""
        return self._entries.get(path)

    def count(self, number: int = 1) -> None:
        """Count so many members, before anything is done for them."""
        self._headers += number
        if self._headers > limits.MAX_MEMBERS:
            raise limits.too_much(self.src, "more than %d members" % limits.MAX_MEMBERS)

    def announce(self, size: int) -> None:
        """Count the bytes of a file as its header states them, before they are read."""
        self._bytes += size
        limits.check_unpacked(self.src, self._bytes)

    def folder(self, name: str, mode: int) -> None:
        """Add a folder; ``mode`` is its permissions."""
        self._add(Entry(self.safe(name), mode))

    def link(self, name: str, target: str) -> None:
        """Add a symbolic link."""
        path = self.safe(name)
        self._add(Entry(path, 0o777, link=self._safe_link(path, target)))

    def file(self, name, mode, content):
        """Add a file whose content is in the file ``content`` of this machine."""
        self._add(Entry(self.safe(name), mode, content=content))

    def keep(self, read, size=None, chunk=_CHUNK):
        """Write what ``read`` (a number of bytes in, bytes out) gives to a file of the work folder; returns its path.

        ``size`` is what must come, in bytes; None takes all there is. Raises EOFError when less comes.
        """
        path = os.path.join(self._work, "%06d" % self._kept)
        self._kept += 1
        with open(path, "wb") as target:
            while size is None or target.tell() < size:
                data = read(chunk if size is None else min(chunk, size - target.tell()))
                if not data:
                    break
                target.write(data)
            if size is not None and target.tell() != size:
                raise EOFError("%d of %d bytes" % (target.tell(), size))
        return path

    def safe(self, name):
        """The path in the image of a member's name."""
        parts = name.split("/")
        if name.startswith("/") or ".." in parts:
            raise self.refused(name, "a path that leaves the archive")
        self._check_length(name, name)
        return posixpath.normpath("/" + name)

    def refused(self, name: str, why: str) -> Problem:
        """The Problem of one member."""
        next_step = "check where this file came from, and pack it again without that member"
        return Problem(
            "%s is refused" % self.src, found="%r is %s" % (name[: limits.MAX_NAME], why), next_step=next_step
        )

    def _add(self, entry):
        # Of two members of one name the later counts, as for every program that unpacks.
        if entry.path == "/" and not _is_folder(entry):
            raise self.refused("", "a file without a name")
        old = self._entries.get(entry.path)
        if old and _is_folder(old) != _is_folder(entry):
            raise self.refused(entry.path, "wanted as a folder and as a file")
        self._entries[entry.path] = entry

    def _safe_link(self, path, target):
        if not target:
            raise self.refused(path, "a link to nothing")
        self._check_length(path, target)
        # An absolute target stays inside: a container's root is the image's.
        # A relative one may climb out of what src holds.
        depth = 0
        for part in [] if target.startswith("/") else (posixpath.dirname(path) + "/" + target).split("/"):
            depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
            if depth < 0:
                raise self.refused(path, "a link to %s, which leaves the archive" % target)
        return target

    def _check_length(self, name, text):
        parts = text.split("/")
        if _length(text) > limits.MAX_PATH:
            raise self.refused(name, "longer than %d bytes, or a link to what is" % limits.MAX_PATH)
        if len(parts) - 1 > limits.MAX_DEPTH:
            raise self.refused(name, "more than %d folders deep, or a link to what is" % limits.MAX_DEPTH)
        if max(map(_length, parts)) > limits.MAX_NAME:
            raise self.refused(name, "a name longer than %d bytes, or a link to one" % limits.MAX_NAME)
        if "\0" in text:
            raise self.refused(name, "a name with a zero byte, or a link to one")


def _length(text):
    return len(text.encode("utf-8", "surrogateescape"))


def _is_folder(entry):
    return not (entry.content or entry.link)


def damaged(src: str, why: object) -> Problem:
    """The Problem of an archive that breaks off or contradicts itself; ``why`` is what the reader of it said."""
    return Problem(
        "%s cannot be read to its end" % src,
        found="a damaged or incomplete archive (%s)" % why,
        next_step="download or build it again and compare its checksum",
    )
