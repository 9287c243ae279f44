# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible's inventory cache keeps of boards, and when that still counts. Pure.

It holds no secret, nor anything that is made from one.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.addresses import Board
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.read import UNKNOWN

_FORM = 1  # of what is kept


def kept(boards: Sequence[Board], users: Mapping[str, str], become: str, rows: Mapping[str, Any], now: int) -> Any:
    """For the cache; ``now`` is the time in seconds since 1970."""
    return {"of": _digest(boards, users, become), "at": now, "rows": dict(rows)}


def usable(
    found: Any, boards: Sequence[Board], users: Mapping[str, str], become: str
) -> Optional[Tuple[Dict[str, Dict[str, Any]], int]]:
    """The rows in what the cache had, and from when they are; None where they are of other boards, or not in the form
    that they have now.
    """
    if not isinstance(found, Mapping) or found.get("of") != _digest(boards, users, become):
        return None
    rows = found.get("rows")
    names = {board.name for board in boards}
    if not isinstance(rows, Mapping) or set(rows) != names or not isinstance(found.get("at"), int):
        return None
    if not all(map(_is_row, rows.values())):
        return None
    return {str(name): dict(row) for name, row in rows.items()}, found["at"]


def _is_row(row: Any) -> bool:
    return isinstance(row, Mapping) and set(row) == set(UNKNOWN)


def _digest(boards: Sequence[Board], users: Mapping[str, str], become: str) -> str:
    """Of who is read, and as whom. Passwords are no part of it: a digest would tell who guesses that he is right."""
    told = [_FORM, become, [[board.name, board.address, board.port, users[board.name]] for board in boards]]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
