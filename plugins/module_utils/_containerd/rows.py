# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run does to names in containerd's store, a row a name, and whether it is so afterwards. Pure."""

from __future__ import annotations

import itertools

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

_TITLE = "images in containerd (k8s.io)"


def row(name, before, after, source=None):
    """``before`` and ``after`` have a digest and whether it is pinned; they are None where there is no such name."""
    (digest_before, pinned_before), (digest, pinned) = _held(before), _held(after)
    return {
        "name": name,
        "source": source,
        "digest_before": digest_before,
        "pinned_before": pinned_before,
        "digest": digest,
        "pinned": pinned,
        "changed": (digest_before, pinned_before) != (digest, pinned),
    }


def check(rows, store, what):
    """Raise Problem for the first name that the ``store`` has not as its row says; ``what`` tells what was done to it.

    Returns a warning for each that has a pin nevertheless. ctr may fail and still exit with 0.
    """
    warnings = []
    for wanted in rows:
        there = _held(store.get(wanted["name"]))
        if there == (wanted["digest"], wanted["pinned"]):
            continue
        if there != (wanted["digest"], True):
            raise _differs(wanted, there, what)
        warnings.append("%s is still pinned: containerd pins the pause image by itself" % wanted["name"])
    return warnings


def unlike(rows, store):
    """The names that the ``store`` has not as their rows say. A pin that is there without being asked for is not
    counted: `check` warns of it.
    """
    return [
        wanted["name"]
        for wanted in rows
        if _held(store.get(wanted["name"])) not in ((wanted["digest"], wanted["pinned"]), (wanted["digest"], True))
    ]


def diff(rows):
    """The names that change as ``before`` and ``after`` texts for Ansible's diff mode."""
    changes = [one for one in rows if one["changed"]]
    return as_diff(
        [(one["name"], one["digest_before"], one["pinned_before"]) for one in changes],
        [(one["name"], one["digest"], one["pinned"]) for one in changes],
    )


def as_diff(before, after):
    """Both sides, lists of (name, its digest or None, whether it is pinned), for Ansible's diff mode."""
    return {
        "before_header": _TITLE,
        "after_header": _TITLE,
        "before": "".join(itertools.starmap(_line, sorted(before))),
        "after": "".join(itertools.starmap(_line, sorted(after))),
    }


def _held(entry):
    return (entry["digest"], entry["pinned"]) if entry else (None, False)


def _line(name, digest, pinned):
    return "%s %s%s\n" % (printable(name), digest, " pinned" if pinned else "") if digest else ""


def _differs(wanted, there, what):
    return Problem(
        "the image %s is not as it was %s" % (wanted["name"], what),
        found=_words(*there),
        where="wanted: %s" % _words(wanted["digest"], wanted["pinned"]),
        next_step="see the log of containerd and whether another program works on the same names, then run again",
    )


def _words(digest, pinned):
    return "%s, pinned: %s" % (digest, pinned) if digest else "no such name"
