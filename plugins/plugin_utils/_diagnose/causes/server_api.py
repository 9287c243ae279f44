# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers whose containerd runs, and whose API does not answer: down, starting, too slow, or not for us."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes.last_words import is_down, service
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.api import is_busy

_NAMED = 8
_REFUSES = re.compile(r"\((?:Unauthorized|Forbidden)\)|must be logged in")


def log(fleet, name):
    """Where k3s of a board tells why, as the end of a sentence."""
    unit = fleet.unit(name)
    return "its log says why (journalctl -u %s, or /var/log/%s.log)." % (unit, unit)


def refused(name, board):
    """What a server said when its API did not answer."""
    api = board.get("api")
    if not api or api["reachable"]:
        return []
    return ["k3s kubectl on %s: %s" % (name, m.one_line(api["error"] or "no answer"))]


def _silent(fleet, is_late):
    """(server, its error, subject, evidence) for each whose containerd runs, and whose API does not answer."""
    for name, board in fleet.seen():
        evidence = refused(name, board)
        if not evidence or is_down(board) or board["api"].get("late", False) is not is_late:
            continue
        # Where another server's does, the cluster is seen by that one.
        subject = ("board", name, name) if fleet.api["reachable"] else ("cluster", name, name)
        yield name, board["api"]["error"] or "", subject, evidence


def _title(fleet, name, does="does not answer", but="does"):
    if fleet.api["reachable"]:
        return "The API of %s %s, that of %s %s" % (name, does, fleet.server, but)
    return "The API %s" % does


def _findings(fleet, is_late, judge):
    """Those of `_silent`, as ``judge`` makes them. A k3s that the service manager says to be on its way up needs time,
    and nothing else.
    """
    for name, error, subject, evidence in _silent(fleet, is_late):
        is_starting, again, said = service(fleet.boards[name])
        if not is_starting or again:
            yield judge(fleet, name, error, subject, evidence)
            continue
        title = "k3s is starting on %s, and its API does not answer yet" % name
        remedy = "Wait, and run it again: a slow board takes minutes. When it stays so, " + log(fleet, name)
        yield m.Finding(title, m.POSSIBLE, subject, evidence + said, remedy, fleet.service(name, "status"), name)


def _down(fleet, name, error, subject, evidence):
    title, remedy = _title(fleet, name), "Restart the server's k3s; its log says what keeps the API from starting."
    if _REFUSES.search(error):
        title = _title(fleet, name, "refuses k3s's own kubeconfig", "answers")
        remedy = (
            "Restart the server's k3s: when it starts it renews certificates that have expired, and writes its "
            "kubeconfig anew."
        )
    return m.Finding(title, m.CERTAIN, subject, evidence, remedy, fleet.service(name), name)


def _slow(fleet, name, error, subject, evidence):
    does = "says that it is busy or not ready" if is_busy(error) else "does not answer in time"
    remedy = (
        "See what keeps the server busy (its load, its disk), and run this again when it is quiet, or give it more "
        "time by riscv_k3s_program_timeout. Restart its k3s only if the API stays silent on a board that is idle."
    )
    title, command = _title(fleet, name, does), shell.command("cat", "/proc/loadavg")
    return m.Finding(title, m.CERTAIN, subject, evidence, remedy, command, name)


def api_down(fleet):
    """containerd runs on a server, and its API does not answer."""
    return _findings(fleet, False, _down)


def api_slow(fleet):
    """It was asked and did not answer in time, or said that it is busy: a board that is slow, or an API that hangs."""
    return _findings(fleet, True, _slow)


def unknown_cluster(fleet):
    """No server told how the cluster is."""
    if fleet.api and fleet.api["reachable"]:
        return
    evidence = [text for name, board in fleet.seen() for text in refused(name, board)]
    if not evidence:
        seen = [name for name, dummy in fleet.seen()]
        evidence = [
            "no board that was looked at has an admin kubeconfig (%s)" % (", ".join(seen[:_NAMED]) or "none was")
        ]
    evidence += [
        "%s was not observed" % name for name, board in sorted(fleet.boards.items()) if not board.get("hostname")
    ]
    is_late = any((board.get("api") or {}).get("late") for dummy, board in fleet.seen())
    remedy = "%s: without the API it is not known which pods there should be, and whether nodes and pods are Ready." % (
        "Run this again when the server is quiet"
        if is_late
        else "Bring a server back, or run it with one among the boards"
    )
    yield m.Finding("The cluster's view is not known", m.CERTAIN, ("cluster", None, "cluster"), evidence, remedy)


CAUSES = [
    m.Cause(
        "api-down", "The API of a server does not answer.", "kubectl's error there, while its containerd runs", api_down
    ),
    m.Cause(
        "api-slow",
        "The API of a server does not answer in time.",
        "kubectl or the API says there that a time limit was reached or that it is busy, while its containerd runs",
        api_slow,
    ),
]
LATE = [
    m.Cause(
        "cluster-unknown",
        "No server told how the cluster is.",
        "no API that answered, on any board",
        unknown_cluster,
    ),
]
