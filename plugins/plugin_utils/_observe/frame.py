# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the observing script's output is taken apart into its steps: the reader of what frame.sh writes. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import last_lines
from ansible_collections.riscv.k3s.plugins.module_utils._output import silence
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils import becoming

NOT_READ = "it is missing in what the board answered"
PROGRAM_TIMEOUT = 30  # seconds for each program: a containerd that hangs must not hang the run
_OF_API = ("api", "events")  # steps that ask the API
TIMED_OUT = (124, 137, 143)  # exit statuses of timeout, the last one that of busybox
_KILLED = 137  # by timeout, where the program did not end when it was told to; or by somebody else
# What a shell says itself of a program that timeout has ended, with the place of the call in bash.
_WORD_OF_THE_SHELL = re.compile(r"\S+: line \d+:\s+\d+ (Terminated|Killed)\b.*|Terminated|Killed")


class Section(NamedTuple):
    """What one step of the script did: exit status, and what it wrote on stdout and stderr (text)."""

    rc: int
    out: str
    err: str


class BrokenOff(Problem):
    """The script's output is not whole: nothing of it is believed."""


class _Sections(dict):
    """The sections by name. One that must be there and is not is a Problem."""

    def __missing__(self, name):
        raise BrokenOff(
            "the output of the observing script breaks off before the part %r" % name,
            next_step="check whether the connection to the board is stable",
        )


class Seen:
    """The sections of one board, for the readers of the parts.

    ``board`` is what the board is (from parts/board.py), ``errors`` the list to which a reader adds what it could not
    make out, ``program_timeout`` the seconds that each program had (kubectl: `seconds_of`).
    """

    def __init__(self, sections, token, board, program_timeout=PROGRAM_TIMEOUT):
        self.sections = sections
        self.token = token
        self.board = board
        self.program_timeout = program_timeout
        self.errors = []

    def good(self, name):
        """Whether a step was made and went well."""
        return name in self.sections and self.sections[name].rc == 0

    def out(self, name, parse):
        """What ``parse`` makes of a step's stdout; None where it did not go well."""
        return parse(self.sections[name].out) if self.good(name) else None

    def rows(self, name, parse):
        """The rows that ``parse`` makes of a step's stdout; None where it did not go well. What it could not read
        stands among the errors.
        """
        unread: list = []
        rows = self.out(name, lambda text: parse(text, unread))
        for text in unread:
            self.error(name, text)
        return rows

    def error(self, name, message):
        """Tell of what a part could not make out; of the same for several parts once."""
        if message not in [error["message"] for error in self.errors]:
            self.errors.append({"section": name, "rc": None, "message": message})

    def message(self, name):
        """Why a step failed."""
        return why(self.sections[name], seconds_of(name, self.program_timeout))

    def timed_out(self, name):
        """Whether a step was ended because it took too long."""
        return self.sections[name].rc in TIMED_OUT

    def is_late(self, name):
        """Whether containerd did not answer a step of ctr or crictl in time."""
        return self.timed_out(name) or (not self.good(name) and silence.is_late(self.sections[name].err))


def seconds_of(step, program_timeout):
    """How many seconds a step has. kubectl makes several requests in one start, and a slow API answers each of them."""
    return program_timeout * 2 if step in _OF_API else program_timeout


def why(section, seconds):
    """Why a step that had so many ``seconds`` failed, in one line."""
    said = section.err or section.out
    if section.rc in TIMED_OUT:
        said = "\n".join(line for line in section.err.splitlines() if not _WORD_OF_THE_SHELL.fullmatch(line.strip()))
        late = "it did not finish within %d s" % seconds
        if section.rc == _KILLED:
            late += ", or the kernel killed it because memory ran out"
        return "%s; its last words: %s" % (late, last_lines(said, 3)) if said.strip() else late
    return last_lines(said, 3) or "exit status %d and no message" % section.rc


def split_output(text, token):
    """What the script wrote, as a dictionary from the section's name to a Section.

    Over ssh with a terminal every line end arrives as CR LF; that is undone. Raises Problem when the output is not
    whole: then the connection broke, or there is no usable sh.
    """
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    start = text.find(token + "<")
    if start < 0:
        raise Problem(
            "the board did not run the observing script",
            found=text.strip()[-300:] or "no output",
            next_step=becoming.remedy(text[-2000:])
            or "check that `ansible HOST -m raw -a id` works, with become if the play needs it",
        )
    text = text[start:]
    if text.split("\n", 1)[0].endswith("\r"):
        text = text.replace("\r\n", "\n")
    sections = _Sections()
    for chunk in re.split(r"(?m)^%s<" % re.escape(token), text)[1:]:
        name, dummy, body = chunk.partition("\n")
        sections[name] = _section(name, body, token)
    return sections


def _section(name, body, token):
    out, mark, rest = body.rpartition("\n%s>" % token)
    status, dummy, err = rest.partition("\n")
    if not mark or not re.match(r"[0-9]{1,3}\s*\Z", status):
        raise Problem(
            "the output of the observing script breaks off in the part %r" % name,
            next_step="check whether the connection to the board is stable",
        )
    return Section(int(status), out, err.strip())


def chunks(text, mark):
    """What follows each line that begins with ``mark``: (rest of that line, text up to the next one)."""
    for chunk in ("\n" + text).split("\n" + mark)[1:]:
        head, dummy, body = chunk.partition("\n")
        yield head, body
