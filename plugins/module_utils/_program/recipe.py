# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A recipe: the folder whose go.mod and go.sum pin a Go program, perhaps with files of its own."""

from __future__ import annotations

import hashlib
import os
from typing import Dict, List

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_LARGEST = 64 << 20  # bytes of one file: go.sum of the largest programs has a few hundred KiB
_MOST = 5000  # files
_NEXT = "name the folder that holds go.mod, and go.sum if the program needs other modules"


class Recipe:
    """The files of the folder ``path``, read once. Raises Problem."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(os.path.expanduser(path))
        self._files = self._read()
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

    def _read(self) -> Dict[str, bytes]:
        if not os.path.isdir(self.path):
            found = "a file" if os.path.exists(self.path) else "no such folder"
            raise Problem("there is no recipe %s" % self.path, found=found, next_step=_NEXT)
        files = {}
        try:
            for path in self._paths():
                with open(os.path.join(self.path, path), "rb") as file:
                    files[path] = file.read(_LARGEST + 1)
                if len(files[path]) > _LARGEST or len(files) > _MOST:
                    raise Problem("%s is too large for a recipe" % self.path, found=path, next_step=_NEXT)
        except OSError as error:
            raise Problem(
                "the recipe %s cannot be read" % self.path, found=error.strerror, where=error.filename
            ) from error
        return files

    def _paths(self) -> List[str]:
        """All but hidden files, which Go does not read either, and tests."""
        found = []
        for parent, names, files in os.walk(self.path):
            names[:] = sorted(name for name in names if name[0] not in "._")
            found += [
                os.path.relpath(os.path.join(parent, name), self.path)
                for name in sorted(files)
                if name[0] not in "._" and not name.endswith("_test.go") and self._is_file(parent, name)
            ]
        return found

    @staticmethod
    def _is_file(parent: str, name: str) -> bool:
        return os.path.isfile(os.path.join(parent, name))
