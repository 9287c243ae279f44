# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""For which architecture the program is that an image starts: read from the file itself, not from the config.

The image is mounted read only for a moment: containerd has unpacked it already, so no layer is read again.
"""

from __future__ import annotations

import os
import stat

from ansible_collections.riscv.k3s.plugins.module_utils.elf import read_elf
from ansible_collections.riscv.k3s.plugins.module_utils.image_program import NoInterpreter, places, what_runs
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_MOST_LINKS = 40  # as the kernel


def program_architecture(containerd, name, status):
    """(path, architecture) of the ELF program which the image ``name`` runs, with its scripts' interpreters followed.

    ``status`` is that of parse_image_status. Raises Problem when there is no such program.
    """
    with containerd.mounted(name) as root:
        return find_program(root, name, status["entrypoint"], status["path"], status["workdir"])


def find_program(root, name, entrypoint, search_path, workdir=None):
    """As program_architecture, inside the folder ``root``."""
    if not entrypoint:
        raise _unreadable(name, "its config names neither an entrypoint nor a command")
    found = (_file(root, place) for place in places(entrypoint[0], search_path, workdir))
    started = next((path for path in found if path), None)
    if not started:
        raise _unreadable(name, "there is no program %s in it" % entrypoint[0])
    try:
        path = what_runs(started, str, lambda place: _file(root, place), workdir)
    except NoInterpreter as error:
        raise _unreadable(name, "%s %s" % (_inside(root, error.script), error.why)) from error
    elf = read_elf(path)
    if not elf:
        raise _unreadable(name, "%s is neither an ELF program nor a script" % _inside(root, path))
    return _inside(root, path), elf.architecture


def _inside(root, path):
    return "/" + os.path.relpath(path, root)


def _file(root, path):
    found = _resolve(root, path)
    return found if found and stat.S_ISREG(os.lstat(found).st_mode) else None


def _resolve(root, path):
    """The real place of ``path`` inside ``root``, with links followed as if ``root`` were /; None for none."""
    done: list[str] = []
    todo, links = path.split("/")[::-1], 0
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del done[-1:]
            continue
        place = os.path.join(root, *(done + [part]))
        try:
            status = os.lstat(place)
        except OSError:
            return None
        if not stat.S_ISLNK(status.st_mode):
            done.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        target = os.readlink(place)
        if target.startswith("/"):
            done = []
        todo.extend(target.split("/")[::-1])
    return os.path.join(root, *done)


def _unreadable(name, found):
    return Problem(
        "the architecture of the program in %s cannot be read" % name,
        found=found,
        next_step="check the image's entrypoint, or leave out deep: true",
    )
