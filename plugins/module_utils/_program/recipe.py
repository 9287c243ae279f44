# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A recipe: the folder whose go.mod and go.sum pin a Go program, perhaps with files of its own."""

from __future__ import annotations

import hashlib
import os
from typing import Dict, Iterator, Set

from ansible_collections.riscv.k3s.plugins.module_utils._program import go_mod
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_LARGEST = 64 << 20  # bytes of one file: go.sum of the largest programs has a few hundred KiB
_LARGEST_TOGETHER = 512 << 20
_MOST = 5000  # files
# Go embeds all but these, where a program asks for it.
_NEVER = (".bzr", ".git", ".hg", ".svn")
_NEXT = "name the folder that holds go.mod, and go.sum if the program needs other modules"


class Recipe:
    """The files of the folder ``path``, read once. Raises Problem."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(os.path.expanduser(path))
        self._files = self._read(self._paths(hidden=False))
        if self._needs_hidden():
            self._files = self._read(self._paths(hidden=True))
        if "go.mod" not in self._files:
            raise Problem(
                "%s is no recipe of a Go program" % path,
                found="a folder without go.mod" if self._files else "an empty folder",
                where=self.path,
                next_step=_NEXT,
            )

    def text(self, name: str) -> str:
        """A file's text, "" where there is none."""
        return self._files.get(name, b"").decode("utf-8", "replace")

    @property
    def sha256(self) -> str:
        """Of all files, by name and content: the folder's own place does not matter."""
        digest = hashlib.sha256()
        for name in sorted(self._files):
            digest.update(b"%s\0%d\0" % (name.encode("utf-8", "surrogateescape"), len(self._files[name])))
            digest.update(self._files[name])
        return digest.hexdigest()

    def _needs_hidden(self) -> bool:
        """Whether what Go does not read by itself may be asked for: by a program that embeds files, or as a module."""
        inside = go_mod.folders(self.text("go.mod"))
        for folder in inside:
            self._require_inside(folder)
        return bool(inside) or any(b"//go:embed" in data for name, data in self._files.items() if name.endswith(".go"))

    def _require_inside(self, folder: str) -> None:
        """Refuse a module elsewhere: go.sum says nothing of it, and nobody would see that it changed."""
        root, path = os.path.realpath(self.path), os.path.realpath(os.path.join(self.path, folder))
        if path != root and not path.startswith(root + "/"):
            raise Problem(
                "the recipe takes a module from outside of its folder",
                found="replace … => %s" % folder,
                where=os.path.join(self.path, "go.mod"),
                next_step="put that module below the recipe's folder, or require a published version of it",
            )

    def _read(self, paths: Iterator[str]) -> Dict[str, bytes]:
        if not os.path.isdir(self.path):
            found = "a file" if os.path.exists(self.path) else "no such folder"
            raise Problem("there is no recipe %s" % self.path, found=found, next_step=_NEXT)
        files: Dict[str, bytes] = {}
        size = 0
        try:
            for path in paths:
                with open(os.path.join(self.path, path), "rb") as file:
                    files[path] = file.read(_LARGEST + 1)
                size += len(files[path])
                if len(files[path]) > _LARGEST or size > _LARGEST_TOGETHER or len(files) > _MOST:
                    raise Problem("%s is too large for a recipe" % self.path, found=path, next_step=_NEXT)
        except OSError as error:
            raise Problem(
                "the recipe %s cannot be read" % self.path, found=error.strerror, where=error.filename
            ) from error
        return files

    def _paths(self, hidden: bool) -> Iterator[str]:
        """All files but hidden ones, which Go does not read by itself, and tests; with ``hidden`` these, too.

        Also of folders that a link leads to, which Go follows where a program imports from them.
        """
        above: Dict[str, Set[str]] = {self.path: {os.path.realpath(self.path)}}
        for parent, names, files in os.walk(self.path, followlinks=True):
            known = above.pop(parent)
            real = {name: os.path.realpath(os.path.join(parent, name)) for name in sorted(names)}
            names[:] = [name for name in real if self._counts(name, hidden) and real[name] not in known]
            if not hidden and parent == self.path and "vendor" in names:
                names.remove("vendor")  # a clone's: Go goes by go.sum here (-mod=readonly)
            # Bazel leaves links to all that it ever built.
            names[:] = [name for name in names if not name.startswith("bazel-")]
            above.update((os.path.join(parent, name), known | {real[name]}) for name in names)
            for name in sorted(files):
                if self._counts(name, hidden) and os.path.isfile(os.path.join(parent, name)):
                    yield os.path.relpath(os.path.join(parent, name), self.path)

    @staticmethod
    def _counts(name: str, hidden: bool) -> bool:
        if hidden:
            return name not in _NEVER
        return name[0] not in "._" and not name.endswith("_test.go")
