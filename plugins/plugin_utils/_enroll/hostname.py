# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name of a board: which it may have, and what /etc/hosts says for it. Pure."""

from __future__ import annotations

import re
from typing import Any, List

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# As Kubernetes wants the names of nodes, which k3s takes from here.
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_LONGEST = 64  # of Linux
_OWN = "127.0.1.1"


def checked(name: Any, board: str) -> str:
    """Raises Problem."""
    text = name if isinstance(name, str) else ""
    labels = text.split(".")
    if len(text) > _LONGEST or not all(map(_LABEL.match, labels)) or re.match(r"[0-9.]+\Z", text):
        raise Problem(
            "this is no name that a board can have",
            found=name,
            where=board,
            next_step="use lower case letters, digits and -, at most %d, as in board-1" % _LONGEST,
        )
    if text == "localhost" or labels[0] == "localhost":
        raise Problem("every machine is called so by itself", name, board, "give a name that no other board has")
    return text


def hosts(text: str, old: str, new: str) -> str:
    """/etc/hosts with the new name in the lines of 127.0.1.1, and every other byte as it was."""
    return "\n".join(_line(line, old, new) for line in text.split("\n"))


def _line(line: str, old: str, new: str) -> str:
    said, mark, comment = line.partition("#")
    words: List[str] = re.split(r"([ \t]+)", said.rstrip())
    names = words[2::2]
    if words[0] != _OWN or not names or new in names:
        return line
    short = old.partition(".")[0]
    if not any(_is_of(name, short) for name in names):
        words += [" ", new]
    kept, done = words[:2], False
    for gap, name in zip(["", *words[3::2]], words[2::2]):
        if not _is_of(name, short):
            kept += [gap, name]
        elif not done:
            # The first of them is the name with its domain, if it has one there.
            kept += [gap, _renamed(name, short, new)]
            done = True
        else:
            kept += [gap, new.partition(".")[0]]
    end = said[len(said.rstrip()) :]
    return "".join(kept) + end + mark + comment


def _is_of(name: str, short: str) -> bool:
    return bool(short) and name.partition(".")[0] == short


def _renamed(name: str, short: str, new: str) -> str:
    return new if "." in new else new + name[len(short) :]
