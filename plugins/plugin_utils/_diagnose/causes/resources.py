# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A board that has run out of disk or memory, and the pods that it evicted for it."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m

_PRESSURES = {"DiskPressure": "disk space", "MemoryPressure": "memory", "PIDPressure": "process numbers"}
_FULL = 0.05  # of the disk; the kubelet evicts pods long before, where it watches


def pressure(fleet, kind):
    """The node's own condition, and the taint of the same name that keeps pods away."""
    for node, conditions in sorted(fleet.details.get("nodes", {}).items()):
        condition = conditions.get(kind, {})
        if condition.get("status") != "True":
            continue
        name = next((board for board, seen in fleet.seen() if seen["hostname"].lower() == node), node)
        evidence = ["node %s: %s: %s" % (node, kind, m.one_line(condition["message"]))]
        disk = (fleet.boards.get(name) or {}).get("disk")
        if disk and kind == "DiskPressure":
            evidence.append("df %s: %d of %d MiB free" % (disk["path"], disk["available"] >> 20, disk["size"] >> 20))
        remedy = {
            "DiskPressure": "Make room. The command removes unused images; pinned ones stay.",
            "MemoryPressure": "Run less on the board, or give its pods lower limits.",
            "PIDPressure": "Find what starts so many processes.",
        }[kind]
        command = (shell.command("k3s", "crictl", "rmi", "--prune"), name) if kind == "DiskPressure" else (None, None)
        yield m.Finding(
            "%s has run short of %s" % (node, _PRESSURES[kind]),
            m.CERTAIN,
            ("board", name, name),
            evidence,
            remedy,
            *command,
        )


def evicted(fleet):
    """Pods that the kubelet ended; they stay as Failed until somebody deletes them."""
    for row in fleet.pods + fleet.without_row():
        reasons = (row["api"] or {}).get("reasons") or []
        if row["relation"] == "previous" or "Evicted" not in reasons:
            continue
        message = fleet.detail(row).get("message")
        evidence = ["pod %s: Evicted: %s" % (m.pod_name(row), m.one_line(message or "no message"))]
        remedy = "Resolve what it names (disk or memory of its node), then delete what is left of the pod."
        command = m.on_server(fleet, "delete", "pod", namespace=row["namespace"], names=[row["name"]])
        yield m.Finding("%s was evicted" % m.pod_name(row), m.CERTAIN, m.pod_subject(row), evidence, remedy, *command)


def nearly_full(fleet):
    """Less is free than the kubelet wants, and it has not said so yet (or does not watch)."""
    pressed = {
        node
        for node, conditions in fleet.details.get("nodes", {}).items()
        if conditions.get("DiskPressure", {}).get("status") == "True"
    }
    for name, board in fleet.seen():
        disk = board.get("disk")
        if not disk or board["hostname"].lower() in pressed or disk["available"] >= disk["size"] * _FULL:
            continue
        starved = [error["message"] for error in board["errors"] if re.search("no space left", error["message"])]
        evidence = ["df %s: %d of %d MiB free" % (disk["path"], disk["available"] >> 20, disk["size"] >> 20)] + starved
        remedy = "Make room: below 15 % free the kubelet removes images that are not pinned, below 10 % it evicts pods."
        yield m.Finding(
            "The disk of %s is nearly full" % name,
            m.POSSIBLE,
            ("board", name, name),
            evidence,
            remedy,
            shell.command("k3s", "crictl", "rmi", "--prune"),
            name,
        )


CAUSES = [
    m.Cause(
        "disk-pressure",
        "The board has run short of disk space.",
        "the node's condition DiskPressure",
        lambda fleet: pressure(fleet, "DiskPressure"),
    ),
    m.Cause(
        "memory-pressure",
        "The board has run short of memory.",
        "the node's condition MemoryPressure",
        lambda fleet: pressure(fleet, "MemoryPressure"),
    ),
    m.Cause(
        "pid-pressure",
        "The board has run short of process numbers.",
        "the node's condition PIDPressure",
        lambda fleet: pressure(fleet, "PIDPressure"),
    ),
    m.Cause(
        "evicted", "The kubelet ended the pod to save the node.", "the pod's reason Evicted and its message", evicted
    ),
]
LATE = [
    m.Cause("disk-nearly-full", "The board's disk is nearly full.", "df: less than a twentieth is free", nearly_full)
]
