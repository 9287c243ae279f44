# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run does to names in containerd's store, a row a name, and whether it is so afterwards. Pure."""

from __future__ import annotations

import itertools

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

# Names and messages of those that failed.
_SHOWN = 5
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


def check(rows, store, what, pause_image=None):
    """Raise Problem for the first name that the ``store`` has not as its row says; ``what`` tells what was done to it.

    Returns a warning for each that has a pin nevertheless, whose row then says so. ctr may fail and still exit with 0.
    ``pause_image`` is the name that containerd pins by itself, or None.
    """
    warnings = []
    for wanted in rows:
        there = _held(store.get(wanted["name"]))
        if there == (wanted["digest"], wanted["pinned"]):
            continue
        if there != (wanted["digest"], True):
            raise _differs(wanted, there, what)
        wanted.update(pinned=True, changed=(wanted["digest_before"], wanted["pinned_before"]) != there)
        if wanted["name"] == pause_image:
            why = ": containerd pins the pause image by itself"
        else:
            why = ", though ctr did not refuse to take the pin away. What pins it is not known"
        warnings.append("%s is still pinned%s" % (wanted["name"], why))
    return warnings


def unlike(rows, store, refused=()):
    """The names that the ``store`` has not as their rows say. A pin that is there without being asked for counts only
    for the names that ctr ``refused``: of the others `check` warns.
    """
    return [
        wanted["name"]
        for wanted in rows
        if not _is_like(wanted, store) and (wanted["name"] in refused or not still_pinned(wanted, store))
    ]


def still_pinned(wanted, store):
    """Whether all is as the row ``wanted`` says but for a pin that was to go."""
    return not wanted["pinned"] and _held(store.get(wanted["name"])) == (wanted["digest"], True)


def not_done(what, rows, store, left, problems):
    """The Problem of the names ``left`` of the ``rows``, where ctr refused something: ``problems``. ``what`` tells what
    could not be done.
    """
    pinned = [wanted["name"] for wanted in rows if wanted["name"] not in left and still_pinned(wanted, store)]
    others = ", of the others %d are still pinned" % len(pinned) if pinned else ", the others are as wanted"
    return Problem(
        "%d of %d names could not be %s%s" % (len(left), len(rows), what, others if len(left) < len(rows) else ""),
        found="; ".join(dict.fromkeys("%s: %s" % (problem.what, problem.found) for problem in problems[:_SHOWN])),
        where=", ".join(left[:_SHOWN]) + (" and %d more" % (len(left) - _SHOWN) if len(left) > _SHOWN else ""),
        next_step="see the log of containerd, then run again, which does only what is missing",
    )


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


def _is_like(wanted, store):
    return _held(store.get(wanted["name"])) == (wanted["digest"], wanted["pinned"])


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
