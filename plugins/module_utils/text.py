# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text from boards, registries and the API made fit to be shown: a terminal must not obey it, and a reader must see all
of it. Pure.

Only what is shown goes through here. What programs work with (names of images, rows of results) stays as it was.
"""

from __future__ import annotations

import re
import unicodedata

# Other than letters, marks, digits, signs and blanks: controls (C0, C1, DEL), formats (direction, zero width, BOM),
# halves of characters, private and unassigned ones, and the ends of lines and paragraphs.
_UNFIT = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
# Letters and marks that show nothing: joiners and fillers of scripts, and the supplement of variations with the tags.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0]|[\U000e0000-\U000e0fff]")
_LINE = re.compile(r"\r?\n|\t")


def printable(text: object) -> str:
    """``text`` (anything, as its str) as one line in which each character shows and none acts.

    The ends of lines and tabs become blanks; all else that a terminal may act on, turn round or hide becomes an escape
    as in Python (``\\x1b``, ``\\u202e``). A second time changes nothing.
    """
    text = str(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, _LINE.sub(" ", text)))


def printable_lines(text: object) -> str:
    """``text`` of several lines, each as by `printable`; its tabs and ends of lines stay. For diffs and files."""
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in str(text).split("\n"))


def _is_unfit(character: str) -> bool:
    """Whether a character must not be shown as it is."""
    return unicodedata.category(character) in _UNFIT or bool(_BLANK.match(character))


def _shown(character: str) -> str:
    return _escaped(character) if _is_unfit(character) else character


def _escaped(character: str) -> str:
    """A character as Python writes it: ``\\x1b``, ``\\u202e``, ``\\U000e0041``."""
    code = ord(character)
    return ("\\x%02x" if code < 0x100 else "\\u%04x" if code < 0x10000 else "\\U%08x") % code
