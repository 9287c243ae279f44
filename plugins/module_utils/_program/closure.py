# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files of unpacked packages a program needs: its libraries, their libraries, and the loader.

Each package lies in a folder of its own, and no link in it is ever followed on this machine: one that leads out of the
packages would bring a file of the controller into an image, or a later package's file to a place of the controller.
Where links lead is seen among the packages' own names, as they would lie below /.
"""

from __future__ import annotations

import fnmatch
import os
import posixpath
import shutil
from typing import Dict, Iterable, List, Optional, Sequence, Set, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._archive.links import Links, TooManyLinks
from ansible_collections.riscv.k3s.plugins.module_utils._archive.member import Entry
from ansible_collections.riscv.k3s.plugins.module_utils._archive.source import read_source
from ansible_collections.riscv.k3s.plugins.module_utils.elf import needed, read_elf
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# A merged /usr, as every Debian has it since 12: programs name /lib/ld-linux-….
_MERGED = ("bin", "lib", "lib64", "sbin")
_OTHER = "name other files, or another package"


def copy(sources: Sequence[Tuple[str, str]], target: str, wanted: Iterable[str]) -> List[str]:
    """Copy what the patterns ``wanted`` (paths such as /usr/sbin/xtables-*) name out of ``sources``, pairs of a
    package and the folder where it is unpacked, and all that it needs, into the folder ``target``; returns the paths.
    Raises Problem.
    """
    entries = _together([entry for package, folder in sources for entry in _read(package, folder, target)])
    found = _Closure(entries).of(wanted)
    for path in found:
        _make_folders(target, posixpath.dirname(path))
        entry = entries[path]
        if entry.link:
            os.symlink(entry.link, target + path)
        elif entry.content:
            shutil.copyfile(entry.content, target + path)
            os.chmod(target + path, entry.mode)
    for name in _MERGED:
        if os.path.isdir(os.path.join(target, "usr", name)) and not os.path.lexists(os.path.join(target, name)):
            os.symlink("usr/" + name, os.path.join(target, name))
    return found


def _read(package: str, folder: str, work: str) -> List[Entry]:
    try:
        return read_source(folder, work)[1]
    except Problem as problem:  # it names the work folder
        raise Problem("the package %s is refused" % package, problem.found, next_step=_OTHER) from problem


def _make_folders(root: str, path: str) -> None:
    """The folder ``path`` and those above it, for all to read, whatever the user's umask is."""
    if not os.path.isdir(root + path):
        _make_folders(root, posixpath.dirname(path))
        os.mkdir(root + path)
        os.chmod(root + path, 0o755)


def _together(entries: List[Entry]) -> Dict[str, Entry]:
    """What all packages hold, by the path without links among its folders: /usr/lib/X for /lib/X."""
    links = {entry.path: entry for entry in entries if entry.link}
    names = {"/" + part for entry in entries for part in (entry.path.split("/")[1],)}
    for name in _MERGED:
        if "/" + name not in names and any(entry.path.startswith("/usr/%s/" % name) for entry in entries):
            links["/" + name] = Entry("/" + name, 0o777, link="usr/" + name)
    places = Links(links, strict=False)
    found: Dict[str, Entry] = {}
    for entry in [*links.values(), *entries]:
        if entry.link or entry.content or entry.path not in links:
            path = _real(places, entry.path)
            found[path] = entry._replace(path=path)
    return found


def _real(places: Links, path: str) -> str:
    try:
        folder = places.follow(posixpath.dirname(path)) or "/"
    except TooManyLinks as error:
        raise Problem(
            "%s leads nowhere in the packages" % path, found="%s, %s" % (error.path, error.why), next_step=_OTHER
        ) from error
    return posixpath.join(folder, posixpath.basename(path))


class _Closure:
    def __init__(self, entries: Dict[str, Entry]) -> None:
        self._entries = entries
        self._places = Links({path: entry for path, entry in entries.items() if entry.link}, strict=False)
        self._files = sorted(path for path, entry in entries.items() if entry.link or entry.content)
        self._folders = sorted(
            {posixpath.dirname(name) for name in self._files if ".so" in name}, key=lambda path: (path.count("/"), path)
        )

    def of(self, wanted: Iterable[str]) -> List[str]:
        """The paths of all that ``wanted`` names, and of what that needs, sorted."""
        found: Set[str] = set()
        left = [path for pattern in wanted for path in self._matching(pattern)]
        while left:
            path = left.pop()
            if path not in found:
                found.add(path)
                left += self._needs(path)
        return sorted(found)

    def _matching(self, pattern: str) -> List[str]:
        names = fnmatch.filter(self._files, pattern)
        # One may also name what lies there by a link among its folders.
        place = _real(self._places, posixpath.normpath("/" + pattern.lstrip("/")))
        if not names and place in self._files:
            names = [place]
        if not names:
            raise Problem(
                "the packages hold no %s" % pattern,
                found=", ".join(name for name in self._files if "/bin/" in name or "/sbin/" in name)[:300],
                next_step="correct files",
            )
        return names

    def _needs(self, path: str) -> List[str]:
        """The paths that the file ``path`` cannot do without."""
        entry = self._entries[path]
        if entry.link:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.link))
            return [self._there(target, "%s is a link to %s" % (path, target))]
        content = entry.content or ""
        try:
            elf, libraries = read_elf(content), needed(content)
        except Problem as problem:  # it names the file in the work folder, which nobody knows
            raise Problem("the ELF header of %s cannot be read" % path, problem.found, next_step=_OTHER) from problem
        names = [elf.interpreter] if elf and elf.interpreter else []
        names += [self._library(library) or library for library in libraries]
        return [self._there(name, "%s needs %s" % (path, name)) for name in names]

    def _there(self, path: str, what: str) -> str:
        place = _real(self._places, posixpath.normpath("/" + path.lstrip("/")))
        if place in self._entries and (self._entries[place].link or self._entries[place].content):
            return place
        is_folder = any(name.startswith(place.rstrip("/") + "/") for name in self._files)
        raise Problem(
            what,
            found="a folder" if is_folder else "no such file in the package and those that it depends on",
            next_step=_OTHER if is_folder else "name a package that depends on what has it",
        )

    def _library(self, name: str) -> Optional[str]:
        return next((path for path in (folder + "/" + name for folder in self._folders) if path in self._entries), None)
