# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How one entry of the journal is taken back, from what is there now. Pure: the board's modules do it, the controller's
plan shows it.
"""

from __future__ import annotations

from typing import NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import ANY

# What is to be done.
FORGET = "forget"  # it is as it was before: only the entry goes
REMOVE = "remove"  # it was not there before
RESTORE = "restore"  # it gets the content and the pin that it had before
PIN = "pin"  # only the pin differs
LEAVE = "leave"  # somebody changed it since; the entry stays
DROP = "drop"  # it had content before that is gone by now, so that nothing can be given back
SETTLE = "settle"  # a file is as before, but k3s was not restarted since


class Undo(NamedTuple):
    """What to do about a name or a file, and what a user must know of it."""

    action: str
    warning: Optional[str] = None


def undo_image(name, entry, now, has_content):
    """Undo of an image name. ``entry`` is the journal's, ``now`` {digest, pinned} or None for no such name,
    ``has_content`` whether the store still has what the name stood for before us.
    """
    before = entry["before"]
    if _same(before, now):
        return Undo(FORGET)
    if now and before and now["digest"] == before["digest"]:
        return Undo(PIN)
    if now and entry["digest"] != ANY and now["digest"] not in (entry["digest"], entry["previous"]):
        text = (
            "%s is left as it is: it stands for %s, which riscv.k3s did not give it. Its entry stays in the journal"
            % (name, now["digest"])
        )
        return Undo(LEAVE, text)
    if not before:
        return Undo(REMOVE)
    if has_content:
        return Undo(RESTORE)
    text = "what %s stood for before (%s) is gone from the store, so the name %s: k3s pulls it when a pod needs it" % (
        name,
        before["digest"],
        "is removed" if now else "stays away",
    )
    return Undo(DROP, text)


def undo_file(path, entry, current):
    """Undo of a file. ``entry`` is the journal's, ``current`` the checksum of what stands there, None for no file; for
    an archive any text will do.
    """
    before = entry["before"]
    if entry["kind"] == "archive":
        return Undo(REMOVE if current else FORGET)
    if current == (before["sha256"] if before else None):
        return Undo(SETTLE if entry["pending"] else FORGET)
    if current and current in (entry["sha256"], entry["previous"]):
        return Undo(RESTORE if before else REMOVE)
    what = "somebody changed it since riscv.k3s wrote it" if current else "somebody removed it since riscv.k3s wrote it"
    kept = "; what it held before riscv.k3s is kept next to the journal" if before else ""
    return Undo(LEAVE, "%s is left as it is: %s%s. Its entry stays in the journal" % (path, what, kept))


def undo_setting(name, entry, now):
    """Undo of a setting of the board's system, "KIND NAME". ``entry`` is the journal's, ``now`` its value, None where
    there is no such thing any more.
    """
    if now is None or now == entry["before"]:
        return Undo(FORGET)
    if now == entry["value"]:
        return Undo(RESTORE)
    text = "%s is left as it is: it is %s, which riscv.k3s did not give it. Its entry stays in the journal" % (
        name,
        now,
    )
    return Undo(LEAVE, text)


def _same(before, now):
    if not before or not now:
        return not before and not now
    return (before["digest"], before["pinned"]) == (now["digest"], now["pinned"])
