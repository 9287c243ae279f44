# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether Go's regular expressions (RE2's syntax, package regexp/syntax) take a pattern: containerd compiles rewrites
by them, and passes over one that it cannot compile. Python's differ in both directions. Pure.

The package google-re2 has no wheel for riscv64, and only the syntax is asked for here. A test compares this with Go.
"""

from __future__ import annotations

import re
import warnings
from typing import List, NamedTuple, Optional

_MOST = 1000  # of a repetition, with those inside multiplied
_DEEPEST = 1000
_LONGEST_COUNT = 20  # characters
_REPEAT = re.compile(r"\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}", re.ASCII)
_FLAGS = re.compile(r"\(\?([imsU]*)(-[imsU]+)?[:)]")
_NAMED = re.compile(r"\(\?P?<(\w+)>", re.ASCII)
_PERL = re.compile(r"\\[dDsSwW]")
_POSIX = re.compile(r"\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]")
# Whether there is a script or a category of that name is not asked.
_UNICODE = re.compile(r"\\[pP](?:[A-Z]|\{\^?[A-Za-z][A-Za-z_]*\})")
_ESCAPE = re.compile(
    r"\\(?:[0-7]{1,3}|x[0-9A-Fa-f]{2}|x\{[0-9A-Fa-f]+\}|[afnrtv]|[^0-9A-Za-z\x80-\U0010ffff])", re.DOTALL
)
_NO_OCTAL = re.compile(r"\\(?:[1-7](?![0-7])|[89])")
_CODES = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
_LOOK = re.compile(r"\(\?<?[=!]")
_BACK = re.compile(r"\\[1-9]|\(\?P=|\\[gk][{<'0-9]")
# In what a rewrite puts; Go has $1 or ${1}, and $$ for a dollar.
_FOREIGN_GROUP = re.compile(r"\\[0-9]|\\g<")
_GROUP = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")


class _Fault(Exception):
    """What is wrong with the pattern."""


class _Item(NamedTuple):
    """Something that may be repeated. ``times`` is how often a part of it is, by repetitions inside."""

    times: int
    depth: int


class _Branch:
    """A group that is open: what was read in it."""

    def __init__(self) -> None:
        self.last: Optional[_Item] = None
        self.times = 1
        self.depth = 0

    def put(self, item: _Item) -> None:
        """Take an item, or what became of the last one."""
        self.last = item
        self.times = max(self.times, item.times)
        self.depth = max(self.depth, item.depth)


def fault(pattern: str) -> Optional[str]:
    """Why Go does not take ``pattern``, as words; None where it does."""
    try:
        _Pattern(pattern).read()
    except _Fault as why:
        return str(why)
    return None


def foreign_group(replacement: str) -> Optional[str]:
    """How ``replacement`` names a group in a way that Go puts as it stands (\\1), or None."""
    found = _FOREIGN_GROUP.search(replacement)
    return found.group() if found else None


def missing_group(pattern: str, replacement: str) -> Optional[str]:
    """The group that ``replacement`` names and ``pattern``, which Go takes, does not have, as $1 or ${name}; Go puts
    nothing for it. None where there is none, and where Python does not take the pattern and so cannot tell.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what Python may once read otherwise, as [[:alpha:]]
            known = re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None
    for found in _GROUP.finditer(replacement):
        name = found[1] or found[2]
        if name and not (int(name) <= known.groups if name.isdecimal() else name in known.groupindex):
            return found[0]
    return None


class _Pattern:
    """A pattern, read from its beginning."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.open: List[_Branch] = [_Branch()]
        self.after_repeat = False

    def read(self) -> None:
        """Raise _Fault for what Go does not take."""
        if any(0xD800 <= ord(one) <= 0xDFFF for one in self.text):
            raise _Fault("it is no UTF-8")
        while self.at < len(self.text):
            was_repeated, self.after_repeat = self.after_repeat, False
            self._step(self.text[self.at], was_repeated)
        if len(self.open) > 1:
            raise _Fault("a ) is missing")

    def _step(self, character: str, was_repeated: bool) -> None:
        if character == "(":
            self._group()
        elif character == ")":
            self._end()
        elif character == "|":
            self.at += 1
            self.open[-1].last = None
        elif character == "[":
            self._class()
        elif character in "*+?":
            self.at += 1
            self._repeat(was_repeated, 1, False)
        elif character == "{":
            self._count(was_repeated)
        elif character == "\\":
            self._backslash()
        else:
            self.at += 1
            self._put()

    def _put(self) -> None:
        self.open[-1].put(_Item(1, 1))

    def _found(self, pattern: re.Pattern) -> Optional[re.Match]:
        """What stands here, if it is of that form, and past it."""
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def _rest(self, length: int = 4) -> str:
        return self.text[self.at : self.at + length]

    def _group(self) -> None:
        if _LOOK.match(self.text, self.at):
            raise _Fault("Go has no look-ahead and no look-behind, %s" % self._rest())
        if not self.text.startswith("(?", self.at):
            self.at += 1
            self.open.append(_Branch())
            return
        # Go 1.21 and before refuse the form without P.
        if self._found(_NAMED):
            self.open.append(_Branch())
            return
        flags = self._found(_FLAGS)
        if not flags:
            raise _Fault("Go does not know %s" % self._rest())
        if flags.group().endswith(":"):
            self.open.append(_Branch())

    def _end(self) -> None:
        if len(self.open) == 1:
            raise _Fault("there is a ) too much")
        self.at += 1
        inner = self.open.pop()
        if inner.depth + 1 > _DEEPEST:
            raise _Fault("it is nested too deeply")
        self.open[-1].put(_Item(inner.times, inner.depth + 1))

    def _count(self, was_repeated: bool) -> None:
        found = self._found(_REPEAT)
        if not found:
            self.at += 1
            self._put()
            return
        if len(found.group()) > _LONGEST_COUNT:
            raise _Fault("its repetition %s is more than %d" % (found.group()[:20], _MOST))
        least = int(found.group(1))
        most = least if not found.group(2) else int(found.group(3)) if found.group(3) else None
        if max(least, most or 0) > _MOST or (most is not None and least > most):
            raise _Fault("its repetition %s is none, or more than %d" % (found.group()[:20], _MOST))
        times = least if most is None else most
        self._repeat(was_repeated, times, most == 0, least >= 2 or times >= 2)

    def _repeat(self, was_repeated: bool, times: int, is_none: bool, is_counted: bool = False) -> None:
        start = self.at
        if self.text.startswith("?", self.at):
            self.at += 1
        if was_repeated:
            raise _Fault(
                "a repetition is repeated, as in a** or the possessive a++, near %r" % self.text[: self.at][-4:]
            )
        last = self.open[-1].last
        if last is None:
            raise _Fault("there is nothing to repeat before %r" % self.text[start - 1 : start])
        inside = 1 if is_none else last.times * max(times, 1)
        if is_counted and inside > _MOST:
            raise _Fault("its repetitions multiply to more than %d" % _MOST)
        if last.depth + 1 > _DEEPEST:
            raise _Fault("it is nested too deeply")
        self.open[-1].put(_Item(inside, last.depth + 1))
        self.after_repeat = True

    def _backslash(self) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if following == "Q":
            literal, dummy, rest = self.text[self.at + 2 :].partition("\\E")
            self.at = len(self.text) - len(rest)
            if literal:
                self._put()
        elif following and following in "AbBzdDsSwW":
            self.at += 2
            self._put()
        elif self._found(_UNICODE) or self._escape() is not None:
            self._put()

    def _escape(self) -> int:
        """The character that an escape stands for."""
        start = self.at
        found = None if _NO_OCTAL.match(self.text, start) else self._found(_ESCAPE)
        if found:
            return self._code(found.group()[1:])
        if _BACK.match(self.text, start):
            raise _Fault("Go has no back-references, %s" % self._rest(2))
        raise _Fault("Go does not know %s" % (self._rest(2) if len(self._rest(2)) > 1 else "a \\ at the end"))

    @staticmethod
    def _code(text: str) -> int:
        if text[0] in "01234567":
            return int(text, 8)
        if text[0] != "x":
            return _CODES.get(text, ord(text[0]))
        code = int(text[1:].strip("{}"), 16)
        if code > 0x10FFFF:
            raise _Fault("Go does not know \\%s" % text)
        return code

    def _class(self) -> None:
        self.at += 1
        if self.text.startswith("^", self.at):
            self.at += 1
        is_first = True
        while is_first or not self.text.startswith("]", self.at):
            is_first = False
            if self.at >= len(self.text):
                raise _Fault("a ] is missing")
            self._of_class()
        self.at += 1
        self._put()

    def _of_class(self) -> None:
        if self.text.startswith("[:", self.at) and self.text.find(":]", self.at + 2) > 0:
            if not self._found(_POSIX):
                raise _Fault("Go does not know the class %s" % self.text[self.at : self.text.index(":]", self.at) + 2])
            return
        if self._found(_UNICODE) or self._found(_PERL):
            return
        low = self._one()
        if self.text.startswith("-", self.at) and self._rest(2) not in ("-", "-]"):
            self.at += 1
            if self._one() < low:
                raise _Fault("a range of its class ends before it begins")

    def _one(self) -> int:
        if self.at >= len(self.text):
            raise _Fault("a ] is missing")
        if self.text[self.at] == "\\":
            return self._escape()
        self.at += 1
        return ord(self.text[self.at - 1])
