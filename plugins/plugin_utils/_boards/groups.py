# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The groups and variables of a board in an inventory, by what is known of it. Pure.

What a board tells is never a group's name by itself: it stands behind one of the beginnings that are used here, and
only lower case letters, digits and _ are left of it.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.addresses import PORT, Board
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.read import ROLES

UNREACHABLE = "unreachable"
CLUSTER = "k3s_cluster"
_LONGEST = 60  # characters, without the beginning


def groups(row: Mapping[str, Any]) -> List[Tuple[str, Optional[str]]]:
    """(group, its parent or None) for each group of a board; ``row`` is in the form of read.UNKNOWN."""
    if not row["reached"]:
        return [(UNREACHABLE, None)]
    found = [_group("arch", row["machine"]), _group("model", row["model"]), *_of_system(row["os"])]
    return [one for one in found if one] + [_of_k3s(row["k3s"])]


def _of_system(system: Mapping[str, Any]) -> List[Optional[Tuple[str, Optional[str]]]]:
    of_all, version = _group("os", system["id"]), safe(system["version"] or "")
    # All versions of a distribution are in its group.
    return [("%s_%s" % (of_all[0], version), of_all[0])] if of_all and version else [of_all]


def _group(beginning: str, value: Optional[str]) -> Optional[Tuple[str, Optional[str]]]:
    name = safe(value or "")
    return ("%s_%s" % (beginning, name), None) if name else None


def _of_k3s(k3s: Mapping[str, Any]) -> Tuple[str, Optional[str]]:
    if k3s["role"] in ROLES:
        return k3s["role"], CLUSTER
    return ("no_k3s" if k3s["installed"] is False else "k3s_not_known"), None


def safe(text: str) -> str:
    """What of a text may stand in a group's name."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_LONGEST].strip("_")


def variables(board: Board, row: Mapping[str, Any], login: Mapping[str, Any]) -> Dict[str, Any]:
    """The variables of a host: what is known of it, and how Ansible reaches it. No secret is among them.

    ``login`` has user and key_file.
    """
    found: Dict[str, Any] = {"k3s_board": dict(row), "ansible_user": login["user"]}
    if board.name != board.address:
        found["ansible_host"] = board.address
    if board.port != PORT:
        found["ansible_port"] = board.port
    if login.get("key_file"):
        found["ansible_ssh_private_key_file"] = login["key_file"]
    return found


def warnings(name: str, row: Mapping[str, Any], since: str = "") -> Iterator[str]:
    """What a user must be told of a board, a text each; ``since`` is when that was, where it is out of the cache."""
    when = " (in the cache since %s; --flush-cache asks again)" % since if since else ""
    if row["problem"]:
        yield "%s is %s%s: %s" % (name, UNREACHABLE, when, row["problem"]["text"])
    if row["unread"]:
        yield "%s, not known of it%s: %s" % (name, when, "; ".join(row["unread"]))
