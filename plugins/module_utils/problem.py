# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception type, and the one place that turns it into a module's failure."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.text import printable, redact

# Characters; a list of manifests is long, a file's content that got into a message is longer.
_LONGEST = 2000
_PARTS = ("what", "found", "where", "next_step")


class Problem(Exception):
    """Something that a user can cause and can correct.

    All parts are one line of printable text each, whatever they are set to. ``what`` says what was asked and went
    wrong, ``found`` what was there instead, ``where`` the file, image or board, ``next_step`` what to do about it.
    """

    what: str
    found: Optional[str]
    where: Optional[str]
    next_step: Optional[str]

    def __init__(self, what: Any, found: Any = None, where: Any = None, next_step: Any = None) -> None:
        super().__init__(_shown(what))
        self.what = what
        self.found = found
        self.where = where
        self.next_step = next_step
        # What a module returns besides, where it had done a part before.
        self.result: dict[str, Any] = {}
        # What a user must know besides, of what was done all the same.
        self.warnings: list[str] = []

    def __setattr__(self, name: str, value: object) -> None:
        # A part may be added to later, with text from a board again.
        super().__setattr__(name, _shown(value) if name in _PARTS else value)

    def parts(self) -> dict[str, str]:
        """The parts that are known, as a dictionary for a module's result."""
        return {name: redact(getattr(self, name)) for name in _PARTS if getattr(self, name)}

    def __str__(self) -> str:
        labels = (("", self.what), ("Found: ", self.found), ("Where: ", self.where), ("Next: ", self.next_step))
        return redact(" ".join(label + _sentence(text) for label, text in labels if text))


def _shown(text: object) -> Optional[str]:
    """A text that any terminal and JSON can take: printable, in one line, and of bounded length."""
    if text is None:
        return None
    text = str(text)
    shown = printable(text[:_LONGEST])
    if max(len(text), len(shown)) <= _LONGEST:
        return shown
    return shown[:_LONGEST] + " … (%d characters)" % len(text)


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", ":")) else text + "."


@contextmanager
def fail_on_problem(module: Any) -> Iterator[None]:
    """Run a module's body; a Problem in it becomes ``fail_json`` with its parts as return values."""
    try:
        yield
    except Problem as problem:
        for warning in problem.warnings:
            module.warn(printable(warning))
        module.fail_json(msg=str(problem), **problem.parts(), **problem.result)
