# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A table for a terminal, and how wide a text is there. Pure."""

from __future__ import annotations

import unicodedata

from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

_GAP = "  "


def table(rows):
    """``rows`` (each a sequence of cells, the first one the heads) as lines whose columns stand below each other.

    Cells are made printable; a cell may hold anything, as its str.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*cells)]
    return [_GAP.join(map(_padded, row, widths)).rstrip() for row in cells]


def width(text):
    """How many columns of a terminal a printable ``text`` takes: two for a wide character, none for a mark on the one
    before.
    """
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text, columns):
    """As much of a printable ``text`` from its beginning as fits into so many columns."""
    taken = 0
    for place, character in enumerate(text):
        taken += _columns(character)
        if taken > columns:
            return text[:place]
    return text


def _padded(text, columns):
    return text + " " * (columns - width(text))


def _columns(character):
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
