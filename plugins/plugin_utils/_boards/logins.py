# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How each board is logged in to, by the options of the inventory and those of its entry."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.addresses import Board
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.connect import Login, private_key

LONGEST = 24 * 60 * 60  # seconds for a board; threads count no more than some days
# Of a login; an entry of addresses may have its own of them.
_OF_A_LOGIN = ("user", "password", "key_file", "key_passphrase")
OPTIONS = ("addresses", "port", *_OF_A_LOGIN, "agent", "become", "known_hosts", "accept_new", "timeout", "parallel")


def checked(options: Mapping[str, Any], folder: str) -> Dict[str, Any]:
    """The options as they are used; paths start at ``folder``, that of the inventory. Raises Problem."""
    for name, most in (("timeout", LONGEST), ("parallel", 4096), ("port", 65535)):
        check_number(name, options[name], most, "the inventory")
    addresses = _flat(options["addresses"])
    if not addresses:
        raise Problem("no board is named", where="the option addresses", next_step="name one, or a range of them")
    files = [_path(folder, name) for name in options["known_hosts"] or ()]
    entries = [_entry(folder, entry) for entry in addresses]
    return dict(options, known_hosts=files, addresses=entries, key_file=_path(folder, options["key_file"]))


def check_number(name: str, value: float, most: float, where: str, least: float = 1) -> None:
    """Raises Problem for what is not from ``least`` to ``most``, as what is no number is not."""
    if not least <= value <= most:
        raise Problem(
            "%s is too small or too large" % name, value, where, "give a number from %g to %d" % (least, most)
        )


def kind(value: Any) -> str:
    """What somebody wrote, without what it says: that may be a secret. Ansible's own types have names of their own."""
    kinds = ((Mapping, "a dictionary"), ((list, tuple), "a list"), (bool, "true or false"), (type(None), "nothing"))
    return next((name for types, name in kinds if isinstance(value, types)), type(value).__name__)


def _flat(addresses: Any) -> List[Any]:
    """The entries: one text has several of them by commas, and a template in a list may be a list itself."""
    if isinstance(addresses, str):
        return [word.strip() for word in addresses.split(",") if word.strip()]
    if not isinstance(addresses, (list, tuple)):
        # Its values may be secrets.
        raise Problem(
            "addresses is no list",
            kind(addresses),
            "the inventory",
            "write each board behind a dash: - ADDRESS",
        )
    found: List[Any] = []
    for entry in addresses:
        found += entry if isinstance(entry, (list, tuple)) else [entry]
    return found


def _entry(folder: str, entry: Any) -> Any:
    if isinstance(entry, Mapping) and entry.get("key_file"):
        return dict(entry, key_file=_path(folder, entry["key_file"]))
    return entry


def _path(folder: str, name: Any) -> str:
    return os.path.join(folder, os.path.expanduser(str(name))) if name else ""


def login(board: Board, options: Mapping[str, Any]) -> Dict[str, str]:
    """{user, password, key_file, key_passphrase} of a board, "" for none. Raises Problem where it cannot be one."""
    found = {name: board.own.get(name, options[name]) for name in _OF_A_LOGIN}
    for name, value in found.items():
        if not isinstance(value, (str, int, type(None))) or isinstance(value, bool):
            raise Problem("%s is no text" % name, kind(value), board.name, "give a text, or leave it out")
    texts = {name: "" if value is None else str(value) for name, value in found.items()}
    if not texts["user"]:
        raise Problem("the user is empty", where=board.name, next_step="name the user to log in as")
    return texts


def opened(wanted: Mapping[str, Mapping[str, str]], agent: bool) -> Dict[str, Login]:
    """The logins with their keys read, each file once. Raises Problem."""
    agent = agent and bool(os.environ.get("SSH_AUTH_SOCK"))
    keys: Dict[Tuple[str, str], Any] = {("", ""): None}
    found = {}
    for name, one in wanted.items():
        file = (one["key_file"], one["key_passphrase"] if one["key_file"] else "")
        if file not in keys:
            keys[file] = private_key(*file)
        if not (one["key_file"] or one["password"] or agent):
            raise Problem(
                "there is nothing to log in with",
                "no key_file, no password, and no ssh agent",
                name,
                "give key_file or password, or start an ssh agent and add a key",
            )
        found[name] = Login(one["user"], keys[file], one["password"], agent)
    return found
