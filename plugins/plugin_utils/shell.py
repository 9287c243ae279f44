# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands for people to copy into a shell (sh). Pure.

Names of pods, images, nodes and paths come from boards and from the API: in a command each is one argument, never
syntax, and never an option.
"""

from __future__ import annotations

import shlex

from ansible_collections.riscv.k3s.plugins.module_utils.text import printable


class Command(str):
    """A text that a shell may be given. Only this file, and constants in the code, make one."""


def command(*words: str, operands: tuple | list = ()) -> Command:
    """The command of these words. A word that is a Command is syntax of ours, and stays as it is.

    ``operands`` come last, after ``--`` where one of them would be taken for an option.
    """
    end = ["--"] if any(str(word).startswith("-") for word in operands) else []
    return Command(" ".join(quoted(word) for word in [*words, *end, *operands]))


def option(name: str, value: str) -> tuple:
    """The words of an option and its value, such as ``-n NAMESPACE``."""
    return ("%s=%s" % (name, value),) if value.startswith("-") else (name, value)


def joined(*commands: str, by: str = " && ") -> Command:
    """Several commands as one."""
    return Command(by.join(commands))


def quoted(word: str) -> str:
    """A word as a shell reads it back. Where it cannot be shown as it is, printf makes it."""
    if isinstance(word, Command):
        return word
    # What takes the output of a command takes the ends of lines from its end.
    if printable(word) == word or word.endswith("\n"):
        return shlex.quote(word)
    return "\"$(printf '%s')\"" % "".join(map(_escaped, word))


def _escaped(character: str) -> str:
    if character.isascii() and character.isalnum():
        return character
    return "".join("\\%03o" % byte for byte in character.encode("utf-8", "surrogatepass"))
