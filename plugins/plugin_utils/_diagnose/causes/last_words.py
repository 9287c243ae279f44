# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why k3s itself does not come up on a board, from its own last words."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._chain.chain import told
from ansible_collections.riscv.k3s.plugins.module_utils.text import redact
from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import (
    controllers,
    errors,
    starting,
    system,
)
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
    "No such file: the service names a program that is not there. Executable file not found: what k3s unpacked into "
    "its data folder (data/current) is incomplete; with that out of the way it unpacks itself anew."
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
        # Where neither the words nor the board name one.
        errors.BY_ID["cgroup-missing"].remedy,
        "cat /proc/cgroups; cat /sys/fs/cgroup/cgroup.controllers; k3s check-config",
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
# A server that asks itself, or loses a lease that it keeps by itself: no address and no firewall are in its way.
_SLOW = Known(
    "k3s-start-failed",
    "k3s ends while it starts.",
    "The API of {board} does not answer its own k3s in time: {reason}",
    "Most often the disk with k3s's data folder is too slow (an SD card), or load or swap keeps the board busy. Put "
    "the data folder on a faster disk, or run less on the board. Where the API ended instead, an error before these "
    "words in k3s's log says why.",
    "cat /proc/loadavg /proc/swaps",
)
_DATASTORE = Known(
    "k3s-start-failed",
    "k3s ends while it starts.",
    "k3s of {board} cannot reach its datastore: {reason}",
    "Check that the datastore runs, its name or address (--datastore-endpoint, K3S_DATASTORE_ENDPOINT), that the board "
    "can resolve the name, and the port in firewalls. Embedded etcd is that of this server and of the others (2379 and "
    "2380/tcp).",
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
_OF_VARIANT = {"address": _MOVED, "slow": _SLOW, "datastore": _DATASTORE}
# What an error of a pod tells of the program of its image, k3s's last words tell of its own.
_OF_PROGRAM = ("exec-format", "entrypoint-missing")
_LOOPBACK = re.compile(r"(?:https?://)?(?:127\.[\d.]+|\[::1\]|localhost)(?::\d+)?(?:/|$)")
# Only a server takes these steps: its role need not be known.
_OF_SERVER = ("starting kubernetes", "preparing server", "starting tls server")


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
    """(line, cause) of the last error that counts: those before it were got over."""
    told_by = ((line, _cause_of(board, told(line))) for line in (board.get("last_words") or ())[::-1])
    return next(((line, cause) for line, cause in told_by if cause), ("", None))


def _cause_of(board, tells):
    """The cause that a line of k3s's log tells, None where it tells none. What k3s ends with always counts, also words
    that of a pod would tell something else.
    """
    if tells.cause == "server-unreachable" and _asks_itself(board, tells):
        return _SLOW.id
    if tells.cause in _IDS:
        return tells.cause
    if not _is_fatal(tells):
        return None
    return "k3s-not-executable" if tells.cause in _OF_PROGRAM else "k3s-start-failed"


def _is_fatal(tells):
    links = tells.chain.links
    return bool(links) and links[0].words == "level fatal"


def _asks_itself(board, tells):
    """Whether a server asks its own API. At the same address an agent has what passes its requests on to its server."""
    role = board["k3s"].get("role")
    is_server = role == "server" or not role and any(link.words in _OF_SERVER for link in tells.chain.links)
    asked = tells.address or tells.chain.object_of("join") or tells.chain.object_of("dial")
    return is_server and bool(_LOOPBACK.match(asked))


def _known(fleet, name, tells, cause):
    """What is known of a cause, by the words that tell it."""
    if tells.variant == "early" and system.is_clock_right(fleet, name):
        return _MADE_AHEAD
    if tells.cause == "server-unreachable" and cause == _SLOW.id:
        return _SLOW
    return _OF_VARIANT.get(tells.variant) or _OWN.get(cause) or errors.BY_ID[cause]


def _is_old(board, known):
    """Whether the errors may have nothing to do with what is the case now. Whether k3s came up since, and ended for
    another reason, they never tell.
    """
    if board.get("service_state") == {}:
        return True  # the service is not active, and did not fail: somebody stopped it
    is_starting, again, dummy = service(board)
    # Each agent waits a little for its server, and each server for its API.
    return is_starting and not again and (known.id == "server-unreachable" or known is _SLOW)


def look(fleet, cause):
    """Boards on which k3s does not run, whose log ends with this cause."""
    for name, board in fleet.seen():
        # One that is only slow to answer, or starts, has the errors of an earlier time in its log.
        line, found = _last(board) if is_down(board) and name not in fleet.starting else ("", None)
        if found != cause:
            continue
        tells = told(line)
        known = _known(fleet, name, tells, cause)
        finding = m.Finding(
            known.title.format(board=name, reason=errors.cut(told(redact(line)).words)),
            m.POSSIBLE if _is_old(board, known) else m.LIKELY,
            ("board", name, name),
            ["k3s's log on %s: %s" % (name, m.one_line(line))] + service(board)[2],
            known.remedy,
            shell.Command(known.command) if isinstance(known.command, str) else fleet.k3s_log(name),
            name,
        )
        yield _of_cgroups(fleet, finding, tells) if cause == "cgroup-missing" else finding


def _of_cgroups(fleet, finding, tells):
    """The finding with what brings back the controllers that the words name, and those that the board lacks besides."""
    if tells.variant == "v1":
        return finding._replace(remedy=controllers.V2, is_prepared=False)
    lacks = controllers.lacking(fleet.preflight(finding.run_on), controllers.named(tells.reason))
    if lacks:
        finding = finding._replace(remedy=controllers.remedy(lacks), command=controllers.command(lacks))
    return finding._replace(is_prepared=controllers.is_prepared(lacks))


def _cause(known):
    return m.Cause(known.id, known.about, "k3s's own log, its last error", functools.partial(look, cause=known.id))


CAUSES = [_cause(known) for known in KNOWN + OTHERS + tuple(errors.BY_ID[one] for one in _SHARED)]
