# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Boards that cannot be looked at, k3s that does not run, nodes that are not Ready."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils.pod import seconds
from ansible_collections.riscv.k3s.plugins.plugin_utils import becoming, reaching, shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import server_api, starting
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes.last_words import (
    NOT_EXECUTABLE,
    is_down,
    is_explained,
    service,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes.server_api import refused
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.joined_pods import own_node
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.board import SHUT
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import how_it_runs
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.clusters import clusters

_NAMED = 8
_NO_CRI = re.compile(r"unknown service runtime\.v1|CRI v1 runtime API is not implemented")


def unreachable(fleet):
    """Not by ssh, or not as root."""
    for name, board in sorted(fleet.boards.items()):
        if board and board.get("hostname"):
            continue
        text = (board or {}).get("msg") or (board or {}).get("found")
        if not text or (board.get("what") or "").startswith(("k3s was not found", SHUT)):
            continue
        known = becoming.remedy(text) or reaching.remedy(text)
        remedy = board.get("next_step") or (known and known[0].upper() + known[1:] + ".")
        remedy = remedy or "Check that the board is on and can be reached by ssh."
        yield m.Finding(
            "%s could not be observed" % name,
            m.CERTAIN,
            ("board", name, name),
            [m.one_line(text)],
            remedy,
            fleet.raw(name, "id"),
            m.CONTROLLER,
        )


def missing(fleet):
    """No k3s at all."""
    for name, board in sorted(fleet.boards.items()):
        if board and (board.get("what") or "").startswith("k3s was not found"):
            yield m.Finding(
                "There is no k3s on %s" % name,
                m.CERTAIN,
                ("board", name, name),
                [m.one_line(board["msg"])],
                board.get("next_step") or "Install k3s.",
            )


def not_executable(fleet):
    """By its files the board cannot run k3s."""
    for name, board in sorted(fleet.boards.items()):
        if board and board.get("what") == SHUT:
            title, about = "The program of k3s cannot be executed on %s" % name, ("board", name, name)
            remedy = board.get("next_step") or NOT_EXECUTABLE
            yield m.Finding(title, m.CERTAIN, about, [m.one_line(board["msg"])], remedy)
    for name, board in fleet.seen():
        evidence = _program_errors(board)
        yield m.Finding(
            "The program of k3s cannot be executed on %s" % name,
            m.CERTAIN,
            ("board", name, name),
            evidence,
            NOT_EXECUTABLE,
            fleet.service(name, "status"),
            name,
        )


def _program_errors(board):
    return [m.one_line(error["message"]) for error in board.get("errors") or () if error["section"] == "program"]


def without_cri(fleet):
    """containerd answers, and has not loaded what the kubelet speaks to."""
    for name, board in fleet.seen():
        evidence = [
            "crictl on %s: %s" % (name, m.one_line(error["message"]))
            for error in board.get("errors") or ()
            if error["section"] in ("pods", "containers") and _NO_CRI.search(error["message"])
        ]
        log = fleet.data_dir(name) + "/agent/containerd/containerd.log"
        yield m.Finding(
            "containerd of %s runs without its CRI, so that no pod can be started there" % name,
            m.CERTAIN,
            ("board", name, name),
            evidence[:1],
            "A plugin of it was not loaded, and its log says which and why. A template of one's own must be for the "
            "version that runs: containerd 2 reads config-v3.toml.tmpl, and names its tables otherwise than "
            "config.toml.tmpl does. Or the kernel lacks overlayfs.",
            shell.joined(
                shell.command("grep", "-E", "failed to load plugin|level=(error|fatal)", operands=[log]),
                shell.command("tail", "-n", "20"),
                by=" | ",
            ),
            name,
        )


def second_service(fleet):
    """Another service of k3s, which ends again and again beside the one that runs."""
    for name, board in fleet.seen():
        own, states = board.get("service"), board.get("service_state") or {}
        if is_down(board) or not own or states.get(own, {}).get("state") not in ("active", "started"):
            continue
        for unit, row in sorted(states.items()):
            again = row["state"] in starting.COMING and (row["restarts"] or row["sub_state"] == "auto-restart")
            if unit == own or not (again or row["state"] in ("failed", "crashed")):
                continue
            yield m.Finding(
                "A second service of k3s, %s, does not start on %s" % (unit, name),
                m.CERTAIN if again else m.LIKELY,
                ("board", name, name),
                [text for text in service(board)[2] if text.startswith(("service %s: " % own, "service %s: " % unit))],
                "A board runs one k3s, and a server is a node by itself. Two want the same ports and files, and which "
                "of them wins the next boot is not known. Turn off the one that is not meant.",
                fleet.turn_off(name, unit),
                name,
            )


def late(fleet):
    """Whether k3s runs was not told in time."""
    for name, board in fleet.seen():
        k3s = board.get("k3s") or {}
        if not k3s.get("installed") or k3s.get("running") is not None:
            continue
        errors = [error for error in board["errors"] if error["section"] == "containerd"]
        said = ["k3s ctr version on %s: %s" % (name, m.one_line(error["message"])) for error in errors]
        evidence = (said or ["containerd of %s was not asked" % name]) + service(board)[2]
        remedy = (
            "Run it again when the board is less busy, with a longer riscv_k3s_program_timeout: a board that is slow "
            "is none that is down."
        )
        title = "Whether k3s runs on %s is not known" % name
        subject = ("board", name, name)
        yield m.Finding(title, m.POSSIBLE, subject, evidence, remedy, fleet.service(name, "status"), name)


def down(fleet):
    """k3s is installed, and its containerd does not answer."""
    for name, board in fleet.seen():
        if not is_down(board) or is_explained(board) or _program_errors(board):
            continue
        errors = [error for error in board["errors"] if error["section"] == "containerd"]
        evidence = ["k3s ctr version on %s: %s" % (name, m.one_line(error["message"])) for error in errors]
        evidence += refused(name, board)
        is_starting, again, said = service(board)
        evidence += said
        if evidence and is_starting and not again:
            yield m.Finding(
                "k3s is starting on %s, and its containerd does not answer yet" % name,
                m.POSSIBLE,
                ("board", name, name),
                evidence,
                "Wait, and run it again. When it stays so, " + server_api.log(fleet, name),
                fleet.service(name, "status"),
                name,
            )
        elif evidence:
            remedy = "Start it. When it ends again, " + server_api.log(fleet, name)
            yield m.Finding(
                "k3s does not run on %s" % name,
                # One that is being started again may answer by now.
                m.LIKELY if again else m.CERTAIN,
                ("board", name, name),
                evidence,
                remedy,
                fleet.service(name, "start"),
                name,
            )


def unknown_settings(fleet):
    """It is not known how k3s runs: those who tell it do not agree."""
    for name, board in fleet.seen():
        doubt = how_it_runs.node_doubt(board, fleet.node(name)) if "data_dir" in board else None
        evidence = list(board.get("doubts") or ()) + ([doubt] if doubt else [])
        remedy = "Mend what the evidence names: until then riscv.k3s.site changes nothing on this board."
        yield m.Finding("It is not known how k3s runs on %s" % name, m.CERTAIN, ("board", name, name), evidence, remedy)


def journal(fleet):
    """What riscv.k3s did to the board cannot be read."""
    for name, board in fleet.seen():
        error = (board.get("journal") or {}).get("error")
        remedy = "Bring the file back from a copy. Until then riscv.k3s.site and undo change nothing on this board."
        yield m.Finding(
            "The journal of %s cannot be read" % name,
            m.CERTAIN,
            ("board", name, name),
            [m.one_line(error)] if error else [],
            remedy,
        )


def two_clusters(fleet):
    """Servers that show different clusters."""
    found = clusters(dict(fleet.seen()))
    if len(found) < 2:
        return
    evidence = [
        "%s: nodes %s" % (", ".join(cluster["servers"]), ", ".join(sorted(cluster["nodes"].values())[:_NAMED]))
        for cluster in found
    ]
    remedy = "Run it for each with --limit, or give each an inventory of its own. Pods are shown as %s sees them." % (
        fleet.server
    )
    title = "The inventory holds boards of %d clusters" % len(found)
    yield m.Finding(title, m.CERTAIN, ("cluster", fleet.server, fleet.server), evidence, remedy)


def no_node(fleet):
    """Boards that the cluster does not know. One that another server of the inventory knows is of another cluster."""
    others = [board["api"]["nodes"] for dummy, board in fleet.seen() if (board.get("api") or {}).get("reachable")]
    for name, board in fleet.seen():
        why = fleet.why_no_node(name)
        if not why or is_down(board) or any(how_it_runs.own_node(board, nodes)[0] for nodes in others if nodes):
            continue
        boot = (board.get("identity") or {}).get("boot_id")
        boots = [node.get("boot_id") for node in fleet.api["nodes"]]
        names = [node["name"] for node in fleet.api["nodes"]]
        title, confidence = "%s is no node of the cluster that %s shows" % (name, fleet.server), m.CERTAIN
        if boot and boot in boots:
            title, confidence = "Which node %s is is not known" % name, m.POSSIBLE
        elif not boot or not all(boots) or own_node(board) in names:
            # Only names were compared; or it may just have been started.
            confidence = m.LIKELY
        remedy = (
            "See which server its k3s is told to join (--server, K3S_URL) and whether it may (its log), or take it out "
            "of the inventory."
        )
        yield m.Finding(title, confidence, ("board", name, name), [why], remedy, fleet.service(name, "status"), name)


def not_ready(fleet):
    """Nodes whose condition Ready is not True, but for boards on which k3s is known to be down."""
    for node, conditions in sorted(fleet.details.get("nodes", {}).items()):
        ready = conditions.get("Ready", {"status": "Unknown", "reason": "", "message": "no condition Ready"})
        name = fleet.by_node.get(node)
        if ready["status"] == "True" or is_down(fleet.boards.get(name)):
            continue
        age = fleet.clock(fleet.server) - seconds(ready.get("since") or "")
        if 0 <= age < starting.OF_OTHERS:
            fleet.withheld.setdefault(starting.Young(name or node, None, int(age)), set()).add("node-not-ready")
            continue
        evidence = [
            "node %s: Ready is %s: %s: %s" % (node, ready["status"], ready["reason"], m.one_line(ready["message"]))
        ]
        remedy = "Its kubelet does not report that it is healthy. Check that k3s runs on the board, and restart it."
        command = (fleet.service(name), name) if name else (None, None)
        yield m.Finding(
            "Node %s is not Ready" % node, m.CERTAIN, ("board", name, name or node), evidence, remedy, *command
        )


CAUSES = [
    m.Cause(
        "board-unreachable", "The board could not be observed.", "what ssh or the observing script said", unreachable
    ),
    m.Cause("k3s-missing", "There is no k3s on the board.", "no program k3s", missing),
    m.Cause(
        "k3s-settings-unknown",
        "It is not known how k3s runs on the board.",
        "k3s's own account, its files and what runs, which do not agree, or cannot be read",
        unknown_settings,
    ),
    m.Cause(
        "two-clusters", "The inventory holds boards of several clusters.", "servers that share no node", two_clusters
    ),
    m.Cause(
        "k3s-not-executable",
        "The program of k3s cannot be executed.",
        "the header and the mode of its file",
        not_executable,
    ),
    m.Cause(
        "containerd-cri-missing",
        "containerd runs without what the kubelet speaks to.",
        "crictl's error on the board: unknown service runtime.v1",
        without_cri,
    ),
    m.Cause(
        "second-service",
        "A second service of k3s ends again and again.",
        "what the service manager says of both",
        second_service,
    ),
    m.Cause("k3s-down", "k3s does not run on the board.", "its containerd does not answer", down),
    m.Cause(
        "k3s-unknown",
        "Whether k3s runs on the board is not known.",
        "its containerd did not answer in time",
        late,
    ),
    *server_api.CAUSES,
    m.Cause(
        "no-node",
        "The board is no node of the cluster.",
        "the API's nodes, by boot id and machine id; by name where these are not told",
        no_node,
    ),
    m.Cause(
        "journal-unreadable",
        "What riscv.k3s did to the board cannot be read.",
        "the error of reading `riscv-k3s/journal.json`",
        journal,
    ),
]
LATE = [
    m.Cause("node-not-ready", "The node is not Ready.", "its condition Ready, word for word", not_ready),
    *server_api.LATE,
]
