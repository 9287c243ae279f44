# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The boards that an inventory of addresses names: single ones, ranges, host names, with ports. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# A slip such as 10.0.0.1-10.9.0.1 is no fleet.
MOST = 4096
PORT = 22
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?\Z", re.IGNORECASE)
_SPAN = re.compile(r"\[([0-9]{1,9}):([0-9]{1,9})\]")
# A host of this name takes the place of the machine that runs Ansible, and the others are groups.
_TAKEN = ("localhost", "all", "ungrouped", "unreachable", "k3s_cluster", "server", "agent")
_KEYS = ("address", "name", "port", "user", "key_file", "password", "key_passphrase")


class Board(NamedTuple):
    """Where a board is reached, and under which name it stands in the inventory. ``own`` is what an entry says of the
    login there, by the names of the options.
    """

    name: str
    address: str
    port: int
    own: Mapping[str, Any]


def boards(entries: Iterable[Any], port: int = PORT) -> List[Board]:
    """The boards that ``entries`` name, each a text or a mapping with ``address``; ``port`` is for those without one.

    A board that two entries name in the same way is one. Raises Problem for what is no address.
    """
    found: Dict[Tuple[str, int], Board] = {}
    names: Dict[str, Board] = {}
    for board in _named(entries, port):
        at = (board.address, board.port)
        before = found.setdefault(at, board)
        if before != board:
            raise Problem(
                "a board is named twice, in different ways",
                found="%s port %d, as %s and as %s" % (*at, before.name, board.name)
                if before.name != board.name
                else "%s port %d, with different logins" % at,
                where="the option addresses",
                next_step="leave one of both out",
            )
        if names.setdefault(board.name, board) != board:
            raise Problem(
                "two boards have the same name",
                found=board.name,
                where="the option addresses",
                next_step="give each of them a name of its own (name)",
            )
        if len(found) > MOST:
            raise _too_many("more than %d boards" % MOST)
    return list(found.values())


def _named(entries: Iterable[Any], port: int) -> Iterator[Board]:
    for entry in entries:
        own = dict(entry) if isinstance(entry, Mapping) else {"address": entry}
        _check_keys(own)
        text = own.pop("address")
        name, given = own.pop("name", None), own.pop("port", None)
        own_port = port if given is None else _port(given, text)
        several = list(addresses(str(text).strip()))
        if name is not None and len(several) > 1:
            raise _wrong("%s for %s" % (name, text), "leave name out for a range: each board stands by its address")
        for address, named in several:
            at = named or own_port
            yield Board(_host_name(name, address, at, port), address, at, own)


def _check_keys(own: Dict[str, Any]) -> None:
    unknown = sorted(map(str, set(own) - set(_KEYS)))
    if unknown or not isinstance(own.get("address"), str):
        # The values may be secrets.
        shown = ", ".join(unknown) if unknown else "an entry without an address that is a text"
        raise _wrong(shown, "an entry is a text, or has address and, of these, what differs: " + ", ".join(_KEYS[1:]))


def _host_name(name: Optional[Any], address: str, at: int, port: int) -> str:
    if name is not None:
        if not isinstance(name, str) or not _NAME.match(name):
            raise _wrong(name, "a name has letters, digits, dots, - and _")
        if name in _TAKEN:
            raise _wrong(name, "give another name: Ansible or this collection calls something else by it")
        return name
    # Boards behind one address, such as through a forwarding host, differ in their ports alone.
    return address if at == port else "%s_%d" % (address, at)


def addresses(text: str) -> Iterator[Tuple[str, Optional[int]]]:
    """The addresses that a text names, each with the port that it names, or None.

    ``192.168.173.11``, ``192.168.173.11-20``, ``192.168.173.250-192.168.174.5``, ``fd00::10-1f``, ``board-1.lan``,
    ``board-[01:20]``, and with a port ``192.168.173.11:2222``, ``[fd00::10]:2222``.
    """
    whole, port = _split_port(text)
    # The name of an interface, behind %, may have a - itself.
    first, dash, last = (whole, "", "") if "%" in whole else whole.partition("-")
    start = _ip(first)
    if start and not dash:
        yield str(start), port
    elif start:
        for number in _range(start, last, text):
            yield str(type(start)(number)), port
    else:
        for name in _names(whole, text):
            yield name, port


def _split_port(text: str) -> Tuple[str, Optional[int]]:
    bracketed = re.match(r"\[([0-9a-f:.-]*:[0-9a-f:.-]*:[0-9a-f:.-]*)\](?::([0-9]+))?\Z", text, re.IGNORECASE)
    if bracketed:
        return bracketed.group(1), _port(bracketed.group(2), text) if bracketed.group(2) else None
    plain = re.match(r"([^:]+(?:\[[0-9]+:[0-9]+\][^:]*)?):([0-9]+)\Z", text)
    if plain:
        return plain.group(1), _port(plain.group(2), text)
    return text, None


def _port(value: Any, text: Any) -> int:
    if isinstance(value, bool) or not re.match(r"[0-9]{1,5}\Z", str(value)) or not 0 < int(value) < 65536:
        raise _wrong("%s with the port %s" % (text, value), "a port is a number from 1 to 65535")
    return int(value)


def _ip(text: str) -> Any:
    # Behind % anything would do there.
    if "%" in text and not re.match(r"[0-9a-f:.]+%[a-z0-9_.-]{1,32}\Z", text, re.IGNORECASE):
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _range(start: Any, last: str, text: str) -> range:
    """From an address to another, or to one that has another last part."""
    mark = "." if start.version == 4 else ":"
    head = str(start if start.version == 4 else start.exploded).rpartition(mark)[0]
    end = _ip(last) if mark in last else _ip(head + mark + last) if last else None
    if end is None or end.version != start.version:
        raise _wrong(text, "write a range as 192.168.173.11-20, or with the whole last address")
    if int(end) < int(start):
        raise _wrong(text, "write the lower address of a range first")
    if int(end) - int(start) >= MOST:
        raise _too_many(text)
    return range(int(start), int(end) + 1)


def _names(whole: str, text: str) -> Iterator[str]:
    """Host names, of which one part may be numbers from one to another: ``board-[01:20]``."""
    span = _SPAN.search(whole)
    if not span:
        yield _name(whole, text)
        return
    low, high = int(span.group(1)), int(span.group(2))
    if high < low:
        raise _wrong(text, "write the lower number first")
    if high - low >= MOST:
        raise _too_many(text)
    width = len(span.group(1)) if span.group(1).startswith("0") else 1
    for number in range(low, high + 1):
        yield _name(whole[: span.start()] + str(number).zfill(width) + whole[span.end() :], text)


def _name(name: str, text: str) -> str:
    # What is all digits and dots was meant as an address.
    if not _NAME.match(name) or re.match(r"[0-9.]+\Z", name) or ".." in name:
        raise _wrong(text, "give an address, a range such as 192.168.173.11-20, or a host name")
    return name


def _wrong(found: Any, next_step: str) -> Problem:
    return Problem("this is no address of boards", found=found, where="the option addresses", next_step=next_step)


def _too_many(found: str) -> Problem:
    return Problem(
        "these are too many boards for one inventory",
        found=found,
        where="the option addresses",
        next_step="name at most %d boards, and check the last address of each range" % MOST,
    )
