# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A diagnosis as lines of text. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils.text_table import table


def kubectl_says(row):
    """What kubectl's column STATUS would show for this pod, in short."""
    api = row["api"]
    if api is None:
        return "not asked" if row["relation"] is None else "no such pod"
    if row["relation"] == "previous":
        return "-"
    if api["deleting"]:
        return "Terminating"
    if api["reasons"]:
        return api["reasons"][0].rpartition(": ")[2]
    return api["phase"] + ("" if api["ready"] or api["phase"] != "Running" else ", not ready")


def crictl_says(row):
    """The sandbox's short id, its state, and how many of its containers run."""
    if row["sandbox_id"] is None:
        return "not known" if row["relation"] is None else "no sandbox"
    running = sum(container["id"] is not None and container["state"] == "running" for container in row["containers"])
    return "%s %s, %d/%d running" % (row["sandbox_id"][:12], row["state"], running, len(row["containers"]))


def _cells(row):
    return (row["board"] or "-", "%s/%s" % (row["namespace"], row["name"]), kubectl_says(row), crictl_says(row))


def counted(number, what):
    """A number of things, in words."""
    return "%d %s%s" % (number, what, "s" * (number != 1))


def text(document):
    """The document of _diagnosis.diagnose() for a terminal: lines."""
    titles = ("BOARD", "POD", "KUBECTL SAYS", "CRICTL SAYS", "CAUSE", "REMEDY")
    rows = [row for row in document["pods"] if row["relation"] != "previous"]
    cells = [titles] + [_cells(row) + _named(row, document["findings"]) for row in rows]
    # A pod that no node takes is none of a board.
    homeless = [row for row in rows if row["board"] is None and row["api"] and not row["api"]["ready"]]
    unready = sum(board["unready"] for board in document["boards"]) + len(homeless)
    counts = counted(len(rows), "pod"), unready, counted(len(document["findings"]), "finding")
    total = "%s, %d not Ready, %s." % counts
    if not document.get("cluster_known", True):
        total += " NOT KNOWN: the cluster's view of its pods and nodes."
    return table(cells) + [printable(line) for line in _details(document) + ["", total]]


def finding_lines(head, finding):
    """A finding for a terminal; ``head`` stands before its title."""
    lines = ["%s%s  [%s, %s]" % (head, finding["title"], finding["cause"], finding["confidence"])]
    lines += ["   evidence: " + line for line in finding["evidence"]]
    lines.append("   remedy:   " + finding["remedy"])
    lines.append("   mended by: " + finding["mended_by"])
    if finding["command"]:
        lines.append("   on %s: %s" % (finding["run_on"], finding["command"]))
    return lines


def _details(document):
    lines = [
        "%s: not observed: %s" % (board["name"], board["error"])
        for board in document["boards"]
        if not board["observed"]
    ]
    for number, finding in enumerate(document["findings"], 1):
        lines += ["", *finding_lines("%d. " % number, finding)]
    for row in document["collect"]:
        lines += ["", "No finding for %s. %s" % (row["pod"], row["text"]) if row["pod"] else row["text"]]
        if row["command"]:
            lines.append("   on %s: %s" % (row["board"], row["command"]))
    return lines


def _named(row, findings):
    if row["finding"] is None:
        return row["cause"] or "-", "-"
    finding = findings[row["finding"]]
    return finding["cause"], "see %d" % (row["finding"] + 1)
