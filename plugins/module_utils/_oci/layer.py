# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of an image as one value, and the layer (a tar) made of them: the same files give the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import os
import posixpath
import shutil
import tarfile
from typing import Dict, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._archive import limits
from ansible_collections.riscv.k3s.plugins.module_utils._archive.links import Links, TooManyLinks
from ansible_collections.riscv.k3s.plugins.module_utils._archive.member import Entry
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_CHUNK = 1 << 20


class Tree:
    """The files of an image by path. Folders above a file are made with mode 0755 unless they are stated."""

    def __init__(self):
        self._entries: Dict[str, Entry] = {}
        self._links: Optional[Links] = None

    def add(self, entry: Entry) -> None:
        """Add one file; a later one replaces an earlier one of the same path.

        Raises Problem where a folder and a file collide, and for more entries than an image may have.
        """
        if entry.path == "/":
            return
        self._add_folders(entry.path)
        old = self._entries.get(entry.path)
        is_folder = not (entry.content or entry.link)
        if old and is_folder != (not (old.content or old.link)):
            raise _collision(entry.path, entry.path)
        self._put(entry)

    def _add_folders(self, path):
        # Up to the first that is there: what is above it was added with it, so each folder costs once.
        parent = posixpath.dirname(path)
        while parent not in self._entries and parent != "/":
            self._put(Entry(parent, 0o755))
            parent = posixpath.dirname(parent)
        above = self._entries.get(parent)
        if above and (above.content or above.link):
            raise _collision(path, parent)

    def _put(self, entry):
        self._entries[entry.path] = entry
        self._links = None
        if len(self._entries) > limits.MAX_MEMBERS:
            raise limits.too_much("the image", "more than %d files and folders" % limits.MAX_MEMBERS)

    def entries(self):
        """Every entry, sorted by path."""
        return [self._entries[path] for path in sorted(self._entries)]

    def resolve(self, path: str) -> Optional[Entry]:
        """The Entry that ``path`` leads to inside the image, through symbolic links, or None. Raises Problem for a loop
        of links.
        """
        self._links = self._links or Links(self._entries)
        try:
            where = self._links.follow(path)
        except TooManyLinks as error:
            raise Problem(
                "%s is not in the image" % path,
                found="%s, which is in %s" % (error.path, error.why),
                next_step="correct links",
            ) from error
        return self._entries.get(where)


def _collision(path, other):
    return Problem(
        "%s cannot be put into the image" % path,
        found="%s is wanted as a folder and as a file" % other,
        next_step="correct dest, files or links",
    )


def write_tar(tree: Tree, path: str) -> str:
    """Write the layer of ``tree`` uncompressed to ``path``; returns its digest (the diff_id).

    Owner root, no times: what is in the image depends on the files alone, not on who packed them when.
    """
    with open(path, "wb") as raw, tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in tree.entries():
            member = tarfile.TarInfo(entry.path.lstrip("/"))
            member.mode = entry.mode
            if entry.content:
                member.size = os.path.getsize(entry.content)
                with open(entry.content, "rb") as content:
                    tar.addfile(member, content)
            else:
                member.type = tarfile.SYMTYPE if entry.link else tarfile.DIRTYPE
                member.linkname = entry.link or ""
                tar.addfile(member)
    return file_digest(path)


def compress(source: str, target: str) -> str:
    """Write ``source`` gzipped to ``target``, without name and time; returns its digest."""
    with open(source, "rb") as content, open(target, "wb") as raw:
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed:
            shutil.copyfileobj(content, packed, _CHUNK)
    return file_digest(target)


def file_digest(path: str) -> str:
    """``sha256:`` and the hash of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        for chunk in iter(lambda: handle.read(_CHUNK), b""):
            digest.update(chunk)
    return "sha256:" + digest.hexdigest()


def bytes_digest(data: bytes) -> str:
    """``sha256:`` and the hash of ``data``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
