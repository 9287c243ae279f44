# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All boards are read at once, each within its time."""

from __future__ import annotations

import secrets
from typing import Any, Dict, Mapping, NamedTuple, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards import script
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.addresses import Board
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.read import UNKNOWN, read
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import PROGRAM_TIMEOUT
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.connect import HostKeys, Login, Place, ask, too_late
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.many import gather
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.told import hidden, meaning
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.unreached import Unreached

# A thread that is late itself tells more than that it is late, so it has this much longer.
_GRACE = 1.0


class How(NamedTuple):
    """How boards are read: ``seconds`` for each of them, ``most`` at a time, ``become`` sudo, doas or ""."""

    seconds: float
    most: int
    become: str = ""


class Seen(NamedTuple):
    """A board in the form of read.UNKNOWN, and whether its host key was recorded just now."""

    row: Dict[str, Any]
    is_new: bool


def look(logins: Mapping[str, Login], boards: Sequence[Board], keys: HostKeys, how: How) -> Dict[str, Seen]:
    """What is known of each board, by its name; ``logins`` by the name, too."""
    by_name = {board.name: board for board in boards}
    return gather(
        by_name,
        lambda name: _look(by_name[name], logins[name], keys, how),
        lambda name: _not_reached(too_late(_place(by_name[name]), how.seconds)),
        how.most,
        how.seconds + _GRACE,
    )


def _look(board: Board, login: Login, keys: HostKeys, how: How) -> Seen:
    token = "riscv-k3s-" + secrets.token_hex(8)
    # A k3s that hangs takes no more than half of the time: the rest is known then.
    limit = max(1, min(PROGRAM_TIMEOUT, int(how.seconds / 2)))
    try:
        command = script.command(token, how.become, program_timeout=limit)
        answer = ask(_place(board), login, keys, command.command, how.seconds, command.data)
    except Unreached as problem:
        return _not_reached(problem)
    try:
        row = read(answer.output, token, limit)
    except Problem as problem:
        row = _not_reached(_nonsense(problem, board, login)).row
    return Seen(dict(_without_password(row, login.password), host_key=answer.fingerprint), answer.is_new)


def _without_password(row: Dict[str, Any], password: str) -> Dict[str, Any]:
    """What of it is in words of the board's own."""
    return dict(
        row,
        unread=[hidden(text, password) for text in row["unread"]],
        model=hidden(row["model"] or "", password) or None,
        os=dict(row["os"], name=hidden(row["os"]["name"] or "", password) or None),
    )


def _nonsense(problem: Problem, board: Board, login: Login) -> Unreached:
    said = problem.found or ""
    known = meaning(said)
    what = known.what if known else problem.what
    found = Unreached("nonsense", what, hidden(said, login.password) or None, _place(board), board.address)
    found.next_step = known.next_step if known else found.next_step
    return found


def _place(board: Board) -> Place:
    return Place(board.address, board.port)


def _not_reached(problem: Unreached) -> Seen:
    return Seen(dict(UNKNOWN, problem=dict(problem.parts(), reason=problem.reason, text=str(problem))), False)
