# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may change the fleet just now: one run at a time. Pure; the lease stands in the journal of the first server.

    {"held": {"id", "user", "host", "boot", "namespace", "pid", "started", "since", "expires"} or None, "last": id or
    None}

``since`` and ``expires`` are seconds since 1970 by that server's clock, the only one that all controllers share.
``last`` is the run that changed the fleet last: a run that observed the fleet before that must observe it again.
"""

from __future__ import annotations

import time

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# What the controller tells of itself. boot and namespace say where a pid means anything.
HOLDER_KEYS = ("id", "user", "host", "boot", "namespace", "pid", "started")
LEASE_OPTIONS = dict(
    PROGRAM_OPTIONS,
    state={"type": "str", "choices": ["taken", "renewed", "released"], "default": "taken"},
    seconds={"type": "int", "default": 3600},
    wait={"type": "int", "default": 0},
    observed={"type": "dict"},
    take_over={"type": "str"},
    forget={"type": "bool", "default": False},
    at={"type": "float"},
    holder={"type": "dict"},
)
# A board without a battery for its clock may start years back; a clock that is set right by a little is no such thing.
BACKWARDS = 300


class Held(Problem):
    """Another run holds the lease; ``held`` is what is known of it."""

    def __init__(self, held, where):
        super().__init__(
            "another run works on this fleet",
            found="%(user)s on %(host)s, process %(pid)s" % held
            + ", since %s, its lease ends at %s" % (moment(held["since"]), moment(held["expires"])),
            where=where,
            next_step="run again when it has ended (riscv_k3s_lease_wait waits for that); if that process has "
            "certainly ended, "
            "take the lease over with -e riscv_k3s_lease_take_over=%s" % held["id"],
        )
        self.held = held


def take(lease, holder, now, seconds, take_over=None, where=None):
    """Take the lease for ``holder``, for ``seconds`` from ``now``.

    ``lease`` is the journal's, or None. ``take_over`` is the id of a holder that is known to run no more. Returns the
    new lease, and in plain words why an abandoned one was taken over, or None. Raises Held.
    """
    held = (lease or {}).get("held")
    reason = None
    if held and held["id"] != holder["id"]:
        reason = _abandoned(held, now, take_over)
        if not reason:
            raise Held(held, where)
    since = held["since"] if held and not reason else now
    return {"held": dict(holder, since=since, expires=now + seconds), "last": (lease or {}).get("last")}, reason


def renew(lease, holder, now, seconds, where=None):
    """The lease, extended to ``seconds`` from ``now``. Raises Problem when it is no longer this run's."""
    held = (lease or {}).get("held")
    if not held or held["id"] != holder["id"]:
        raise Problem(
            "the lease of this run is lost: another run may have changed the fleet since",
            found="it is held by %(user)s on %(host)s, process %(pid)s" % held if held else "nobody holds it",
            where=where,
            next_step="run again; where single waves take longer than the lease, raise riscv_k3s_lease_seconds",
        )
    return dict(lease, held=dict(held, expires=now + seconds))


def release(lease, holder, forget=False):
    """The lease after this run ended: free, with a note of this run as the last one, or None with ``forget``. A lease
    that is not this run's stays as it is.
    """
    held = (lease or {}).get("held")
    if not held or held["id"] != holder["id"]:
        return lease
    return None if forget else {"held": None, "last": holder["id"]}


def seen(lease):
    """Which state of the fleet a lease stands for: the id of the run that changed it last, "" for none; while a run
    works, a text that is never seen again.
    """
    held = (lease or {}).get("held")
    return "during " + held["id"] if held else (lease or {}).get("last") or ""


def moment(seconds):
    """A time in seconds since 1970 for people."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _abandoned(held, now, take_over):
    who = "%(user)s on %(host)s, process %(pid)s" % held
    if take_over and take_over == held["id"]:
        return "%s no longer runs, its lease of %s is taken over" % (who, moment(held["since"]))
    if now >= held["expires"]:
        return "the lease of %s ended at %s and is taken over" % (who, moment(held["expires"]))
    if now < held["since"] - BACKWARDS:
        return "the lease of %s is of %s, which the board's clock has yet to reach: it is taken over" % (
            who,
            moment(held["since"]),
        )
    return None
