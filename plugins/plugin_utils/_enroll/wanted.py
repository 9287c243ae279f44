# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user wants of each board that is to be enrolled. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards import addresses
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.logins import kind
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll.hostname import checked

_OWN = ("hostname", "host_key")
_LOGIN = ("user", "password")


class Want(NamedTuple):
    """``host_key`` is the fingerprint that its host key must have, "" for none; ``hostname`` "" for the one it has."""

    board: addresses.Board
    user: str
    password: str
    hostname: str = ""
    host_key: str = ""


def wants(entries: Sequence[Any], user: str, password: str) -> List[Want]:
    """Of all boards that the entries name. Raises Problem."""
    if not entries:
        raise Problem(
            "no board is named", where="riscv_k3s_enroll_boards", next_step="name one, or a range of addresses"
        )
    own: Dict[Tuple[str, int], Dict[str, str]] = {}
    plain = [_plain(entry, own) for entry in entries]
    try:
        boards = addresses.boards(plain)
    except Problem as problem:
        problem.where = "riscv_k3s_enroll_boards"
        raise
    found = [_want(board, user, password, own.get((board.address, board.port), {})) for board in boards]
    _check_names(found)
    return found


def _plain(entry: Any, own: Dict[Tuple[str, int], Dict[str, str]]) -> Any:
    """An entry as any list of addresses has it; what it says beside that is put into ``own``."""
    if not isinstance(entry, Mapping):
        return entry
    told = {name: entry[name] for name in _OWN if entry.get(name) not in (None, "")}
    plain = {name: value for name, value in entry.items() if name not in _OWN}
    unknown = sorted(str(name) for name in plain if name not in ("address", "name", "port", *_LOGIN))
    if unknown:
        raise Problem(
            "an entry has what is not known here",
            found=", ".join(unknown),
            where="riscv_k3s_enroll_boards",
            next_step="of a board it may say address, name, port, user, password, hostname and host_key",
        )
    if told:
        for key, row in _each(addresses.boards([plain]), told):
            own[key] = row
    return plain


def _each(boards: Sequence[addresses.Board], told: Mapping[str, Any]) -> Iterator[Tuple[Tuple[str, int], Any]]:
    names = _names(boards, told.get("hostname"))
    key = str(told.get("host_key") or "")
    if key and (len(boards) > 1 or not re.match(r"SHA256:[A-Za-z0-9+/]{43}\Z", key)):
        raise Problem(
            "host_key must be the fingerprint of one board's key",
            found=key if len(boards) == 1 else "%d boards" % len(boards),
            where=boards[0].name,
            next_step="give what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` says there, SHA256:…",
        )
    for board, name in zip(boards, names):
        yield (board.address, board.port), {"hostname": name, "host_key": key}


def _names(boards: Sequence[addresses.Board], hostname: Any) -> List[str]:
    """A range of names for a range of addresses."""
    if hostname is None:
        return [""] * len(boards)
    text = hostname if isinstance(hostname, str) else ""
    names = [name for name, dummy in addresses.addresses(text)] if "[" in text else [text]
    if len(names) != len(boards):
        raise Problem(
            "there must be as many names as boards",
            found="%d boards, and %d names (%s)" % (len(boards), len(names), hostname),
            where="riscv_k3s_enroll_boards",
            next_step="give a range such as board-[1:%d], or an entry for each board" % len(boards),
        )
    return [checked(name or hostname, board.name) for name, board in zip(names, boards)]


def _want(board: addresses.Board, user: str, password: str, own: Mapping[str, str]) -> Want:
    login = {"user": user, "password": password, **{name: board.own[name] for name in _LOGIN if name in board.own}}
    for name, value in login.items():
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            raise Problem("%s is no text" % name, kind(value), board.name, "give a text, or leave it out")
    # It becomes a word of the shell there, and of files.
    if not re.match(r"[a-z_][a-z0-9_.-]{0,31}\Z", str(login["user"]), re.IGNORECASE):
        raise Problem("this is no name of a user", login["user"], board.name, "name the user to log in as")
    if "\n" in str(login["password"]):
        raise Problem("the password has more than one line", where=board.name, next_step="give one line")
    return Want(board, str(login["user"]), str(login["password"]), **own)


def _check_names(found: Sequence[Want]) -> None:
    names: Dict[str, str] = {}
    for want in found:
        other = names.setdefault(want.hostname, want.board.name) if want.hostname else want.board.name
        if other != want.board.name:
            raise Problem(
                "two boards get the same host name",
                found="%s for %s and %s" % (want.hostname, other, want.board.name),
                where="riscv_k3s_enroll_boards",
                next_step="give each a name of its own: k3s calls its nodes by it",
            )
