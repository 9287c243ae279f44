# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why k3s itself does not come up on a board, from its own last words."""

from __future__ import annotations

import functools
from typing import NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._chain.chain import told
from ansible_collections.riscv.k3s.plugins.module_utils.text import redact
from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import errors, starting, system
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m


class Known(NamedTuple):
    """What is known of a cause. ``title`` has places for {board} and {reason}; ``command`` is None for k3s's log."""

    id: str
    about: str
    title: str
    remedy: str
    command: Optional[str] = None


NOT_EXECUTABLE = (
    "One for another architecture: put that for this board there, as riscv.k3s.install and riscv.k3s.upgrade do. "
    "Permission denied: its file system is mounted noexec (`findmnt -T` shows it; k3s runs programs out of its data "
    "folder), its mode lacks x, or SELinux forbids it (`restorecon -v` sets the label). "
    "No such file: the service names a program that is not there."
)
KNOWN = (
    Known(
        "node-password-rejected",
        "The server does not know this board by the name that it gives.",
        "The server rejects {board}: another machine has its node name, or had it before",
        "Give the board a host name of its own, or --with-node-id. Where it was set up anew under its old name, delete "
        "the node and its secret NAME.node-password.k3s in kube-system, then restart k3s on the board.",
        "cat /etc/rancher/node/password | wc -c; hostname",
    ),
    Known(
        "server-unreachable",
        "An agent cannot reach its server.",
        "k3s of {board} cannot reach its server: {reason}",
        "Check that the server runs, the address (--server, K3S_URL), port 6443/tcp in its firewall, and the network.",
    ),
    Known(
        "certificate-expired",
        "A certificate of the cluster has expired.",
        "A certificate that {board} uses or meets has expired: {reason}",
        "Compare the board's clock first. Certificates of k3s last a year; a restart renews what expires within 120 "
        "days (older versions: 90), `k3s certificate rotate` with k3s stopped renews all.",
        "date -u; k3s certificate check",
    ),
    Known(
        "k3s-not-executable",
        "The program of k3s cannot be executed.",
        "The program of k3s cannot be executed on {board}: {reason}",
        NOT_EXECUTABLE,
    ),
    Known(
        "k3s-start-failed",
        "k3s ends while it starts.",
        "k3s of {board} does not start: {reason}",
        "These are its own last words. Resolve what they name, then start it.",
    ),
)
# Found in other ways, too: here the words of k3s are the evidence.
OTHERS = (
    Known(
        "cgroup-missing",
        "The board lacks a controller of cgroups.",
        "k3s of {board} does not start: {reason}",
        "Switch it on by the kernel's command line (cgroup_enable=memory cgroup_memory=1), and reboot.",
        "cat /proc/cmdline",
    ),
    Known(
        "clock",
        "The board's clock is wrong.",
        "The clock of {board} is behind: {reason}",
        "Set it, and let NTP keep it: a board without a battery starts in the past.",
        "date -u",
    ),
)
# A server that has an address by DHCP, or several, may come up with another one.
_MOVED = Known(
    "k3s-start-failed",
    "k3s ends while it starts.",
    "The server {board} has another address than its cluster knows it by: {reason}",
    "Give it the address back that stands behind its name in that list (a fixed one, by DHCP or on the board), and "
    "name it in node-ip, so that k3s takes no other one. It waits for that, and goes on by itself.",
)
# The same words where the board's clock is right.
_MADE_AHEAD = Known(
    "clock",
    "The board's clock is wrong.",
    "A certificate that {board} meets is not valid yet, though its clock is right: {reason}",
    "It was made while a clock was ahead, and becomes valid at the time that is named. What k3s makes anew begins with "
    "its authority, so `k3s certificate rotate` is no help before: wait, or replace the authority (`k3s certificate "
    "rotate-ca`).",
    "date -u",
)
# What an error of a pod may tell, too.
_SHARED = (
    "snapshotter-unsupported",
    "disk-full",
    "disk-read-only",
    "disk-fault",
    "flannel-not-started",
    "kernel-netfilter-missing",
    "kernel-feature-missing",
)
_OWN = {known.id: known for known in KNOWN + OTHERS}
_IDS = {*_OWN, *_SHARED}


def is_down(board):
    """Whether k3s is there and its containerd does not answer."""
    k3s = (board or {}).get("k3s") or {}
    return bool(k3s.get("installed")) and k3s.get("running") is False


def service(board):
    """What the service manager says of k3s, as (is on its way up, does so again and again, [text])."""
    rows = sorted((board.get("service_state") or {}).items())
    texts = [
        "service %s: %s%s, %d restarts"
        % (unit, row["state"], " (%s)" % row["sub_state"] if row["sub_state"] else "", row["restarts"])
        for unit, row in rows
    ]
    is_starting = any(row["state"] in starting.COMING for dummy, row in rows)
    return is_starting, starting.is_started_often(board), texts


def is_explained(board):
    """Whether k3s ended by itself, and its last words tell why: to start it again is no remedy then."""
    rows = (board.get("service_state") or {}).values()
    ended = service(board)[1] or any(row["state"] in ("failed", "crashed") for row in rows)
    return ended and _last(board)[1] is not None


def _last(board):
    """(line, cause) of the last error that is understood: those before it were got over."""
    told_by = ((line, told(line).cause) for line in (board.get("last_words") or ())[::-1])
    return next(((line, cause) for line, cause in told_by if cause in _IDS), ("", None))


def _is_old(board, cause):
    """Whether the errors may have nothing to do with what is the case now. Whether k3s came up since, and ended for
    another reason, they never tell.
    """
    if board.get("service_state") == {}:
        return True  # the service is not active, and did not fail: somebody stopped it
    is_starting, again, dummy = service(board)
    # Each agent waits a little for its server.
    return is_starting and not again and cause == "server-unreachable"


def look(fleet, cause):
    """Boards on which k3s does not run, whose log ends with this cause."""
    for name, board in fleet.seen():
        # One that is only slow to answer, or starts, has the errors of an earlier time in its log.
        line, found = _last(board) if is_down(board) and name not in fleet.starting else ("", None)
        if found != cause:
            continue
        known = _OWN.get(cause) or errors.BY_ID[cause]
        variant = told(line).variant
        if variant == "early" and system.is_clock_right(fleet, name):
            known = _MADE_AHEAD
        elif variant == "address":
            known = _MOVED
        reason = errors.cut(told(redact(line)).words)
        command = shell.Command(known.command) if isinstance(known.command, str) else fleet.k3s_log(name)
        yield m.Finding(
            known.title.format(board=name, reason=reason),
            m.POSSIBLE if _is_old(board, cause) else m.LIKELY,
            ("board", name, name),
            ["k3s's log on %s: %s" % (name, m.one_line(line))] + service(board)[2],
            known.remedy,
            command,
            name,
        )


def _cause(known):
    return m.Cause(known.id, known.about, "k3s's own log, its last error", functools.partial(look, cause=known.id))


CAUSES = [_cause(known) for known in KNOWN + OTHERS + tuple(errors.BY_ID[one] for one in _SHARED)]
