# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab remembers between two commands, and whether what it remembers is still there."""

from __future__ import annotations

import contextlib
import json
import pathlib

import boards
from common import NAME, STATE, LabError, locked

_FILE = STATE / "state.json"
_LOCK = pathlib.Path("/run/%s-lab.lock" % NAME)


def load():
    """What was saved last, or nothing."""
    try:
        return json.loads(_FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def save(values):
    """Save everything that a later command, or a clean-up after a crash, needs."""
    scratch = _FILE.with_suffix(".new")
    scratch.write_text(json.dumps(values, indent=1), encoding="utf-8")
    scratch.rename(_FILE)


def process(pid):
    """A process as something that can be found again: its id and when it began, since ids are used again."""
    return {"pid": pid, "began": _began(pid)}


def is_alive(remembered):
    """Whether that very process still runs."""
    began = _began(remembered["pid"]) if remembered is not None else None
    return began is not None and remembered["began"] == began


def _began(pid):
    try:
        text = pathlib.Path("/proc/%d/stat" % pid).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def board_pid(board):
    """The process id of a running board's init."""
    remembered = load().get("boards", {}).get(board.name)
    if not is_alive(remembered):
        raise LabError("%s is not running. Next: tests/lab/lab up" % board.name)
    return remembered["pid"]


def is_up():
    """Whether a whole lab runs."""
    values = load()
    return values.get("complete", False) and all(is_alive(values["boards"].get(board.name)) for board in boards.BOARDS)


@contextlib.contextmanager
def lock():
    """One command that changes the lab at a time, on the whole machine."""
    try:
        with locked(_LOCK, wait=False):
            try:
                yield
            finally:
                _LOCK.unlink()
    except BlockingIOError:
        raise LabError("another lab command is at work on this machine. Next: wait for it to end") from None
