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
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_HEAD = 256  # bytes: as far as the kernel reads a script's first line
_MOST_LINKS = 40  # as the kernel
_MOST_SCRIPTS = 4  # as the kernel: scripts that are run by scripts


def program_architecture(containerd, name, status):
    """(path, architecture) of the ELF program which the image ``name`` runs, with its scripts' interpreters followed.

    ``status`` is that of parse_image_status. Raises Problem when there is no such program.
    """
    with containerd.mounted(name) as root:
        return find_program(root, name, status["entrypoint"], status["path"])


def find_program(root, name, entrypoint, search_path):
    """As program_architecture, inside the folder ``root``."""
    if not entrypoint:
        raise _unreadable(name, "its config names neither an entrypoint nor a command")
    wanted = entrypoint[0]
    for _script in range(_MOST_SCRIPTS + 1):
        path = _look_up(root, wanted, search_path)
        if not path:
            raise _unreadable(name, "there is no program %s in it" % wanted)
        with open(path, "rb") as file:
            head = file.read(_HEAD)
        inside = "/" + os.path.relpath(path, root)
        if not head.startswith(b"#!"):
            elf = read_elf(path)
            if not elf:
                raise _unreadable(name, "%s is neither an ELF program nor a script" % inside)
            return inside, elf.architecture
        words = head[2:].split(b"\n")[0].decode("utf-8", "replace").split()
        if not words:
            raise _unreadable(name, "the script %s names no interpreter" % inside)
        # `#!/usr/bin/env python3` runs python3, but env itself is a program of the image that tells the same.
        wanted = words[0]
    raise _unreadable(name, "%s is a script of a script of a script" % entrypoint[0])


def _look_up(root, program, search_path):
    folders = [""] if "/" in program else search_path.split(":")
    for folder in folders:
        path = _resolve(root, folder + "/" + program)
        if path and stat.S_ISREG(os.lstat(path).st_mode):
            return path
    return None


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
