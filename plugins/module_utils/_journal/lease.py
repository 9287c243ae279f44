# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may change the fleet just now: one run at a time. Pure; the lease stands in the journal of the first server.

    {"held": {"id", "user", "host", "boot", "namespace", "pid", "started", "since", "server_boot", "uptime", "seconds"}
    or None, "last": id or None}

Boards have no battery for their clock, so a lease counts by the uptime of the server that keeps it, the only one that
all controllers share: it was taken or renewed at ``uptime`` of the start ``server_boot``, and lasts ``seconds`` from
then. ``since`` is a date by that server's clock, for people only. ``last`` is the run that changed the fleet last: a
run that observed the fleet before that must observe it again.
"""

from __future__ import annotations

import time
from typing import Any, Dict

from ansible_collections.riscv.k3s.plugins.module_utils._host.moment import Moment
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
# What take_over says of a lease whose holder cannot be made out.
UNREADABLE = "unreadable"


class Held(Problem):
    """Another run holds the lease; ``held`` is what is known of it."""

    def __init__(self, held, now, where):
        super().__init__(
            "another run works on this fleet",
            found="%s, since %s; its lease lasts %s" % (_who(held), date(held["since"]), _lasts(held, now)),
            where=where,
            next_step="run again when it has ended (riscv_k3s_lease_wait waits for that); if that process has "
            "certainly ended, take the lease over with -e riscv_k3s_lease_take_over=%s" % held["id"],
        )
        self.held = held


def take(lease, holder, now, seconds, take_over=None, where=None):
    """Take the lease for ``holder``, for ``seconds`` from ``now``, the server's Moment.

    ``lease`` is the journal's, or None. ``take_over`` is the id of a holder that is known to run no more. Returns the
    new lease, and in plain words why an abandoned one was taken over, or None. Raises Held.
    """
    held = (lease or {}).get("held")
    reason = None
    if held and held["id"] != holder["id"]:
        reason = _abandoned(held, now, take_over)
        if not reason:
            raise Held(held, now, where)
    since = held["since"] if held and not reason else now.date
    return {"held": _extended(dict(holder, since=since), now, seconds), "last": (lease or {}).get("last")}, reason


def require_readable(why, take_over=None, where=None):
    """Raise Problem where the journal's lease cannot be read, for the reason ``why``: somebody may hold it."""
    if why and take_over != UNREADABLE:
        raise Problem(
            "the lease of the fleet cannot be read, so it is not known whether another run works on it",
            found=why,
            where=where,
            next_step="when surely no other run works on this fleet, take the lease over with "
            "-e riscv_k3s_lease_take_over=%s; if a newer riscv.k3s wrote it, install that version" % UNREADABLE,
        )


def renew(lease, holder, now, seconds, where=None):
    """The lease, extended to ``seconds`` from ``now``. Raises Problem when it is no longer this run's."""
    held = (lease or {}).get("held")
    if not held or held["id"] != holder["id"]:
        raise Problem(
            "the lease of this run is lost: another run may have changed the fleet since",
            found="it is held by %s" % _who(held) if held else "nobody holds it",
            where=where,
            next_step="run again; where single waves take longer than the lease, raise riscv_k3s_lease_seconds",
        )
    return dict(lease, held=_extended(held, now, seconds))


def remaining(held: Dict[str, Any], now: Moment) -> int:
    """The seconds that a lease lasts from ``now`` on, 0 when it is over.

    Where the server was started anew since, it is not known how long it was off. What is known is that the lease was
    last renewed before that start: so it is surely over when the server has been running for longer than the lease
    lasts, and may hold until then. An uptime that ran back is such a start, of a container.
    """
    is_same_start = held["server_boot"] == now.boot and held["uptime"] <= now.uptime
    passed = now.uptime - held["uptime"] if is_same_start else now.uptime
    return max(0, held["seconds"] - passed)


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


def date(seconds):
    """A time in seconds since 1970, by the clock of the server that keeps the lease, for people."""
    try:
        shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OverflowError, OSError, ValueError):
        shown = "an unknown date"
    return "%s by that server's clock" % shown


def _who(held):
    return "%(user)s on %(host)s, process %(pid)s" % held


def _extended(held, now, seconds):
    return dict(held, server_boot=now.boot, uptime=now.uptime, seconds=seconds)


def _lasts(held, now):
    text = "%d s more if it is not renewed" % remaining(held, now)
    if held["server_boot"] == now.boot:
        return text
    return text + " (the server was started anew since, and it is not known how long it was off)"


def _abandoned(held, now, take_over):
    if take_over and take_over == held["id"]:
        return "%s no longer runs, its lease is taken over (it was taken %s)" % (_who(held), date(held["since"]))
    if not remaining(held, now):
        return "the lease of %s was not renewed for %d s and is taken over" % (_who(held), held["seconds"])
    return None
