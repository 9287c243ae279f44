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
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m

_WORDS = 160


class Known(NamedTuple):
    """What is known of a cause. ``title`` has places for {board} and {reason}; ``command`` is None for k3s's log."""

    id: str
    about: str
    title: str
    remedy: str
    command: Optional[str] = None


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
        "snapshotter-unsupported",
        "The kernel refuses the file system that holds the layers of images.",
        "The kernel of {board} refuses to mount the layers of images: {reason}",
        "Boot a kernel with CONFIG_OVERLAY_FS, or put k3s's data folder on a file system that overlay can lie on.",
        "grep overlay /proc/filesystems",
    ),
    Known(
        "clock",
        "The board's clock is wrong.",
        "The clock of {board} is behind the certificates that it meets: {reason}",
        "Set it, and let NTP keep it: a board without a battery starts in the past.",
        "date -u",
    ),
    Known(
        "disk-full",
        "The disk is full.",
        "A disk of {board} is full, so k3s does not start",
        "Make room below k3s's data folder.",
        "df -h",
    ),
    Known(
        "disk-read-only",
        "A disk can only be read.",
        "A disk of {board} can only be read, so k3s does not start",
        "The kernel does so after errors of the disk, and its log tells them. Check the disk, then reboot.",
        "dmesg | tail -n 50",
    ),
)
_IDS = {known.id for known in KNOWN + OTHERS}


def look(fleet, known):
    """Boards on which k3s does not run, whose log ends with this cause."""
    for name, board in fleet.seen():
        # The last error that is understood: those before it were got over.
        found = next(
            (
                (line, tells)
                for line in (board.get("last_words") or ())[::-1]
                for tells in [told(line)]
                if tells.cause in _IDS
            ),
            None,
        )
        if found is None or found[1].cause != known.id:
            continue
        line, tells = found
        reason = m.one_line(told(redact(line)).reason)[:_WORDS]
        command = shell.Command(known.command) if known.command else fleet.k3s_log(name)
        yield m.Finding(
            known.title.format(board=name, reason=reason),
            m.CERTAIN if tells.sure else m.LIKELY,
            ("board", name, name),
            ["k3s's log on %s: %s" % (name, m.one_line(line))],
            known.remedy,
            command,
            name,
        )


def _cause(known):
    return m.Cause(known.id, known.about, "k3s's own log, its last error", functools.partial(look, known=known))


CAUSES = [_cause(known) for known in KNOWN + OTHERS]
