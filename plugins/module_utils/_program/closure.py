# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files of a folder of unpacked packages a program needs: its libraries, their libraries, and the loader."""

from __future__ import annotations

import fnmatch
import os
import posixpath
import shutil
from typing import Iterable, List, Optional, Set

from ansible_collections.riscv.k3s.plugins.module_utils.elf import needed, read_elf
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# A merged /usr, as every Debian has it since 12: programs name /lib/ld-linux-….
_MERGED = ("bin", "lib", "lib64", "sbin")


def copy(source: str, target: str, wanted: Iterable[str]) -> List[str]:
    """Copy what the patterns ``wanted`` (paths such as /usr/sbin/xtables-*) name out of the folder ``source``, and all
    that it needs, into the folder ``target``; returns the paths. Raises Problem.
    """
    _merge(source)
    found = sorted(_Closure(source).of(wanted))
    for path in found:
        _make_folders(target, posixpath.dirname(path))
        shutil.copy2(source + path, target + path, follow_symlinks=False)
    _merge(target)
    return found


def _make_folders(root: str, path: str) -> None:
    """The folder ``path`` and those above it, for all to read, whatever the user's umask is."""
    if not os.path.isdir(root + path):
        _make_folders(root, posixpath.dirname(path))
        os.mkdir(root + path)
        os.chmod(root + path, 0o755)


def _merge(root: str) -> None:
    for name in _MERGED:
        if os.path.isdir(os.path.join(root, "usr", name)) and not os.path.lexists(os.path.join(root, name)):
            os.symlink("usr/" + name, os.path.join(root, name))


class _Closure:
    def __init__(self, root: str) -> None:
        self._root = root
        self._found: Set[str] = set()
        self._names = list(_files(root))
        self._folders = sorted(
            {posixpath.dirname(name) for name in self._names if ".so" in name}, key=lambda path: (path.count("/"), path)
        )

    def of(self, wanted: Iterable[str]) -> Set[str]:
        for pattern in wanted:
            names = fnmatch.filter(self._names, pattern)
            if not names:
                raise Problem(
                    "the packages hold no %s" % pattern,
                    found=", ".join(name for name in self._names if "/bin/" in name or "/sbin/" in name)[:300],
                    next_step="correct files",
                )
            for name in names:
                self._add(name)
        return self._found

    def _add(self, path: str) -> None:
        path = self._real_folder(path)
        if path in self._found:
            return
        self._found.add(path)
        full = self._root + path
        if os.path.islink(full):
            self._add(posixpath.normpath(posixpath.join(posixpath.dirname(path), os.readlink(full))))
            return
        elf = read_elf(full)
        if elf is None:
            return
        if elf.interpreter:
            self._need(elf.interpreter, path)
        for library in needed(full):
            self._need(self._library(library) or library, path)

    def _need(self, path: str, user: str) -> None:
        if not os.path.exists(self._root + "/" + path.lstrip("/")):
            raise Problem(
                "%s needs %s" % (user, path),
                found="no such file in the package and those that it depends on",
                next_step="name a package that depends on its library",
            )
        self._add(path)

    def _library(self, name: str) -> Optional[str]:
        return next((path for path in (folder + "/" + name for folder in self._folders) if path in self._names), None)

    def _real_folder(self, path: str) -> str:
        """``path`` without links among its folders: /usr/lib/X for /lib/X."""
        parent = os.path.realpath(self._root + posixpath.dirname(path))
        inside = posixpath.normpath("/" + os.path.relpath(parent, os.path.realpath(self._root)))
        return posixpath.join(inside, posixpath.basename(path))


def _files(root: str) -> Iterable[str]:
    for parent, names, files in os.walk(root):
        for name in sorted(names + files):
            full = os.path.join(parent, name)
            if os.path.islink(full) or not os.path.isdir(full):
                yield "/" + os.path.relpath(full, root)
