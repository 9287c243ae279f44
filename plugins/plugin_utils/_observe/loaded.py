# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the k3s that runs has loaded a file which it reads only when it starts. Pure.

The times of files tell nothing where a clock may be years off. What is compared is when the file was written and when
k3s started, both in seconds since the board's start; and what a run of ours saw k3s load.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional


def is_stale(
    path: str, current: Optional[str], journal: Mapping[str, Any], board: Mapping[str, str], by_time: bool
) -> bool:
    """Whether k3s must be restarted to read ``path``.

    ``by_time`` is what the times of files say: nothing else is known of a file that we never wrote, until a run has
    restarted k3s once and noted what it loaded. The others are as in `is_loaded`.
    """
    known = is_loaded(path, current, journal, board)
    return by_time if known is None else not known


def is_loaded(
    path: str, current: Optional[str], journal: Mapping[str, Any], board: Mapping[str, str]
) -> Optional[bool]:
    """Whether k3s has loaded what stands in ``path``; None where the journal does not tell.

    ``current`` is the checksum of that, None for an archive, whose name says what it holds. ``journal`` are its data,
    ``board`` has boot_id, k3s_started and uptime as texts.
    """
    noted = journal["loaded"]
    if path in noted and noted[path] == current:
        return True
    entry = journal["files"].get(path)
    if not entry or (entry["kind"] != "archive" and entry["sha256"] != current):
        return None
    return loaded(entry, board["boot_id"], board["k3s_started"], board["uptime"])


def loaded(entry: Optional[Dict[str, Any]], boot_id: str, k3s_started: str, uptime: str = "") -> Optional[bool]:
    """Whether k3s has loaded what an ``entry`` of the journal says that we wrote; None where that is not known.

    ``boot_id`` and ``uptime`` are the board's of now, ``k3s_started`` the start of the k3s that runs, empty for none.
    """
    written = entry and entry["written"]
    if not written or not boot_id:
        return None
    if boot_id != written["boot"]:
        return True  # whatever runs now was started after the board, and so after the write
    now, started = _seconds(uptime), _seconds(k3s_started)
    if written["uptime"] is None:
        return False  # a run was cut short while it wrote: one restart more does no harm
    if now is not None and now < written["uptime"]:
        return True  # a container that was started anew, on a machine that was not
    if started is None or (now is not None and started > now + 1):
        return None  # not running, or counted from another start than the uptime is
    # Of a start in the second of the write it is not known which of them was first.
    return int(started) > written["uptime"]


def _seconds(text: str) -> Optional[float]:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None
