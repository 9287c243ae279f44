# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would fail on a board only when the container starts, found while the image is built."""

from __future__ import annotations

import posixpath
import re
from typing import Any, Iterable, List, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._archive.member import Entry
from ansible_collections.riscv.k3s.plugins.module_utils._oci.layer import Tree
from ansible_collections.riscv.k3s.plugins.module_utils.elf import Elf, object_kind, read_elf
from ansible_collections.riscv.k3s.plugins.module_utils.image_program import (
    DEFAULT_PATH,
    NoInterpreter,
    places,
    what_runs,
)
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# As runc has it.
_LAST_USER = (1 << 31) - 1


def choose_program(found: Iterable[Entry], wanted: Optional[str], src: str) -> Entry:
    """The entry of the one program in ``found``: ``wanted`` (a path), or the only ELF or script. Raises Problem."""
    files = [entry for entry in found if entry.content]
    if wanted:
        path = posixpath.normpath("/" + wanted)
        for entry in files:
            if entry.path == path:
                return entry
        raise Problem("%s has no program %s" % (src, wanted), found=_names(files), next_step="correct program")
    programs = [entry for entry in files if _is_program(entry)]
    if len(programs) == 1:
        return programs[0]
    if not programs:
        raise Problem(
            "%s holds no program" % src,
            found=_names(files),
            next_step="take the archive of the built program, not that of its source",
        )
    raise Problem(
        "%s holds more than one program" % src,
        found=_names(programs),
        next_step="name one with program, or take all with content: all",
    )


def _names(entries):
    names = [entry.path.lstrip("/") for entry in entries]
    return ", ".join(names[:20]) + (" and %d more" % (len(names) - 20) if len(names) > 20 else "") or "no files"


def _is_program(entry):
    # Not a script: archives carry completions and install helpers too.
    return _elf(entry) is not None


def _elf(entry: Entry) -> Optional[Elf]:
    """What a program's or library's ELF header says; None for other files, objects for the kernel or the linker among
    them.
    """
    if not entry.content:
        return None
    try:
        return None if object_kind(entry.content) else read_elf(entry.content)
    except Problem as problem:  # it names the file in the work folder, which nobody knows
        raise Problem(
            "the ELF header of %s cannot be read" % entry.path,
            found=problem.found,
            where=problem.where,
            next_step=problem.next_step,
        ) from problem


def programs(tree: Tree, architecture: str, src: str) -> None:
    """Refuse a program of another architecture anywhere in the image, and one without its loader. Raises Problem."""
    for entry in tree.entries():
        elf = _elf(entry)
        if elf is None:
            continue
        if elf.architecture != architecture:
            raise Problem(
                "%s is %s, wanted %s" % (entry.path.lstrip("/"), elf.architecture, architecture),
                where=src,
                next_step="take the archive for linux/%s, or say architecture: %s if that is what the board is"
                % (architecture, elf.architecture),
            )
        if elf.interpreter and tree.resolve(elf.interpreter) is None:
            raise Problem(
                "%s needs the loader %s, which is not in the image" % (entry.path, elf.interpreter),
                found="a dynamically linked program",
                where=src,
                next_step="link it statically (for Go: CGO_ENABLED=0), or build the image from a folder that holds "
                "its libraries",
            )


def start(tree: Tree, entrypoint: Optional[List[str]], spec: Any, src: str) -> None:
    """Refuse an image that cannot start: no command, a command that is not in it, a user that nothing there knows.
    Raises Problem.
    """
    command = list(entrypoint or []) + list(spec.cmd or [])
    if not command:
        raise Problem(
            "the image of %s has neither entrypoint nor cmd" % src,
            next_step="set entrypoint to the program's path in the image",
        )
    entry = _find(tree, command[0], spec)
    inside = (
        ", ".join(item.path for item in tree.entries() if item.content and item.mode & 0o111) or "no program at all"
    )
    if entry is None:
        raise Problem(
            "%s is not in the image" % command[0],
            found=inside,
            where=src,
            next_step="set entrypoint, or dest of the program, so that both agree",
        )
    if not entry.mode & 0o111:
        raise Problem(
            "%s cannot be executed in the image" % command[0],
            found="mode %04o" % entry.mode,
            where=src,
            next_step="give it mode 0755",
        )
    _startable(tree, entry, spec, src)
    _require_user(tree, spec.user or "0", src)


def _require_user(tree: Tree, user: str, src: str) -> None:
    """A number that no process can have is a name for containerd, as any other text."""
    for name, file in zip(user.split(":", 1), ("/etc/passwd", "/etc/group")):
        is_number = re.match(r"\d{1,10}\Z", name, re.ASCII) and int(name) <= _LAST_USER
        if not is_number and tree.resolve(file) is None:
            raise Problem(
                "user %s is not known in the image" % user,
                found="no %s there" % file,
                where=src,
                next_step="give user as numbers, for example 65532:65532, or add %s by files" % file,
            )


def _find(tree: Tree, name: str, spec: Any) -> Optional[Entry]:
    found = (_file(tree, place) for place in places(name, spec.env.get("PATH", DEFAULT_PATH), spec.workdir))
    return next((entry for entry in found if entry), None)


def _file(tree: Tree, path: str) -> Optional[Entry]:
    entry = tree.resolve(path)
    return entry if entry is not None and entry.content else None


def _content(entry: Any) -> str:
    return entry.content


def _startable(tree: Tree, entry: Entry, spec: Any, src: str) -> None:
    try:
        program: Any = what_runs(entry, _content, lambda path: _file(tree, path), spec.workdir)
    except NoInterpreter as error:
        next_step = "add it by files, or build from a folder that holds it"
        raise Problem("%s %s" % (error.script.path, error.why), where=src, next_step=next_step) from error
    if _elf(program) is None:
        found = object_kind(program.content) or "neither an ELF file nor a script with #! in its first line"
        raise Problem("%s is not a program" % program.path, found=found, where=src, next_step="correct entrypoint")
