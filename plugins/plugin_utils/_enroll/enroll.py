# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All boards are enrolled at once; what is told of it, and which part each has in the cluster."""

from __future__ import annotations

from typing import Dict, List, Mapping, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll.board import Board, Enrolled, How
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll.wanted import Want
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.connect import Place, too_late
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.many import gather

_NAMED = 5
_LOGINS = 3  # each has its own time: the first, and the key's before and after a password is locked


def enroll(wants: Sequence[Want], how: How, most: int) -> Dict[str, Enrolled]:
    """By the name of the board."""
    by_name = {want.board.name: want for want in wants}

    def late(name: str) -> Enrolled:
        board = by_name[name].board
        problem = too_late(Place(board.address, board.port), _LOGINS * how.seconds)
        return Enrolled([], "", False, None, str(problem))

    return gather(by_name, lambda name: Board(by_name[name], how).enroll(), late, most, _LOGINS * how.seconds + 1)


def lines(found: Mapping[str, Enrolled], known: str, dry: bool) -> List[str]:
    """For people: a line for the key of each board, and one for what was done there."""
    told = []
    for name, one in found.items():
        if one.host_key:
            key = "to be recorded" if one.is_new and dry else "recorded in %s" % known if one.is_new else "known"
            told.append("%s: host key %s, %s" % (name, one.host_key, key))
        does = "to do: " if dry else "done: "
        told += ["%s: %s%s" % (name, does, "; ".join(one.done))] if one.done else []
        if one.problem:
            told.append("%s: not enrolled: %s" % (name, one.problem))
        elif not one.done:
            told.append("%s: nothing to do" % name)
    return [printable(line) for line in told]


def problems(found: Mapping[str, Enrolled]) -> List[str]:
    return ["%s: %s" % (name, one.problem) for name, one in found.items() if one.problem]


def failure(found: Mapping[str, Enrolled]) -> List[str]:
    """The end of a run, after the lines."""
    bad = [name for name, one in found.items() if one.problem]
    shown = ", ".join(bad[:_NAMED]) + (" and %d more" % (len(bad) - _NAMED) if len(bad) > _NAMED else "")
    return ["%d of %d boards are not enrolled: %s" % (len(bad), len(found), shown)] if bad else []


def roles(found: Mapping[str, Enrolled], servers: Sequence[str], has_server: bool) -> Dict[str, str]:
    """server or agent, for each board that is enrolled. What the user says goes first, then what runs there; where
    there is no server yet, the first board is one.
    """
    good = [name for name, one in found.items() if not one.problem]
    if servers:
        return {name: "server" if name in servers else "agent" for name in good}
    seen = {name: found[name].role for name in good}
    if not has_server and "server" not in seen.values():
        # The first that was named, even where it failed: a second one would be a second cluster.
        seen = {name: seen[name] or ("server" if name == next(iter(found)) else None) for name in good}
    return {name: role or "agent" for name, role in seen.items()}
