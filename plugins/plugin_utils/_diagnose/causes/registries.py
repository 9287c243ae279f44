# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""registries.yaml that k3s cannot read, has not read yet, or that holds a key which it does not know."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import last_words
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import next_start

_NAMED = 20
_WORD = re.compile(r"[A-Za-z0-9_-]+\Z")
# The key with what may stand before it in its line, and its colon; a host with a port is no key.
_EDIT = r"%ds/(^|[^A-Za-z0-9_-])%s(.?:([^0-9]|$))/\1%s\2/g"


def unread(fleet):
    """Files with which k3s does not start: no YAML, or a value of another kind than it takes. One that it runs with it
    has read, whatever is thought of it here.
    """
    for name, board in fleet.seen():
        registries, is_down = board.get("registries") or {}, last_words.is_down(board)
        keys = _keys(board)
        said = next_start.unread(keys)
        if not is_down and registries.get("stale") is False or not said:
            continue
        remedy = (
            "Correct it (docs.k3s.io/installation/private-registry), then restart k3s. One that runs has not read the "
            "file as it is now, and ends with its next start."
        )
        # Of the file's text only the keys have left the board, and whatever runs may have read it.
        is_sure = keys["unread"] is None and (
            is_down or registries.get("stale") and not registries.get("by_time", True)
        )
        confidence = m.CERTAIN if is_sure else m.LIKELY
        title = "registries.yaml of %s is none that k3s can read" % name
        evidence = ["%s %s" % (_path(board), text) for text in said[:_NAMED]]
        yield m.Finding(title, confidence, ("board", name, name), evidence, remedy)


def _keys(board):
    """What is wrong with the keys of a board's file, as registries_keys.judge has it."""
    return (board.get("registries") or {}).get("mistakes") or {}


def wrong_key(fleet):
    """Keys that k3s silently passes over. The board tells names of keys and their lines only."""
    for name, board in fleet.seen():
        rows = _keys(board).get("wrong_keys") or []
        if not rows:
            continue
        path = _path(board)
        evidence = ["%s line %d: %s" % (path, row["line"], _told(row)) for row in rows[:_NAMED]]
        if len(rows) > _NAMED:
            evidence.append("and %d more" % (len(rows) - _NAMED))
        remedy = (
            "Write the key as k3s knows it, or take it out where the right one stands beside it, and restart k3s. "
            "riscv.k3s.site refuses such keys in the inventory; of a file that others wrote it keeps them."
        )
        yield m.Finding(
            "registries.yaml of %s has keys that k3s ignores" % name,
            m.CERTAIN,
            ("board", name, name),
            evidence,
            remedy,
            *_edit(fleet, name, path, rows),
        )


def _path(board):
    return board["registries"]["path"] if board.get("registries") else "registries.yaml"


def _told(row):
    place = " in %s" % row["above"] if row["above"] else ""
    known = " (it knows %s)" % row["instead"] if row["instead"] else ""
    if row.get("why"):
        return "%s%s: %s%s" % (row["key"], place, row["why"], known)
    return "%s%s, which k3s does not know there%s" % (row["key"], place, known)


def _edit(fleet, name, path, rows):
    """The command that renames the keys whose right name is known, and where to run it."""
    edits = [_EDIT % (row["line"], row["key"], row["instead"]) for row in rows if row["instead"]]
    words = [word for edit in dict.fromkeys(edits) for word in ("-e", edit)]
    # A name that sed would read as more than itself is renamed by hand.
    if not words or any(row["instead"] and not _WORD.match(row["key"]) for row in rows):
        return None, None
    return shell.joined(shell.command("sed", "-i", "-E", *words, operands=[path]), fleet.service(name)), name


def rewrite(fleet):
    """Rewrites whose pattern containerd cannot compile, and so passes over. Patterns are keys of the file."""
    for name, board in fleet.seen():
        rows = _keys(board).get("wrong_rewrites") or []
        if not rows:
            continue
        evidence = ["%s line %d: %s: %s" % (_path(board), row["line"], row["pattern"], row["why"]) for row in rows]
        remedy = (
            "Write it as Go's regular expressions have it (github.com/google/re2/wiki/Syntax), and restart k3s: "
            "several patterns without look-ahead may do what one with it was to do."
        )
        title = "registries.yaml of %s has rewrites that containerd cannot use" % name
        yield m.Finding(title, m.CERTAIN, ("board", name, name), evidence[:_NAMED], remedy)


def stale(fleet):
    """k3s was started before the file was written. Times of files alone make that likely: a clock may have been off."""
    for name, board in fleet.seen():
        registries = board.get("registries") or {}
        # With one that it cannot read a restart would end it.
        if registries.get("stale") and not next_start.unread(_keys(board)):
            by_time = registries.get("by_time", True)
            evidence = [
                "%s is newer by its time than %s/agent/etc/containerd/config.toml, which k3s makes of it when it starts"
                % (registries["path"], board["data_dir"])
                if by_time
                else "by the board's uptime %s was written after k3s started" % registries["path"]
            ]
            title = "registries.yaml of %s was changed after k3s was started" % name
            confidence = m.LIKELY if by_time else m.CERTAIN
            yield m.Finding(
                title, confidence, ("board", name, name), evidence, "Restart k3s.", fleet.service(name), name
            )


CAUSES = [
    m.Cause(
        "registries-unread",
        "registries.yaml is nothing that k3s can read, so it does not start.",
        "its line, by names of keys only",
        unread,
    ),
    m.Cause(
        "registries-key", "registries.yaml holds a key that k3s does not know.", "its line, by name only", wrong_key
    ),
    m.Cause(
        "registries-rewrite",
        "registries.yaml holds a rewrite that containerd cannot use.",
        "its pattern, by the rules of Go's regular expressions",
        rewrite,
    ),
    m.Cause(
        "registries-stale", "registries.yaml is not effective yet.", "when it was written and when k3s started", stale
    ),
]
