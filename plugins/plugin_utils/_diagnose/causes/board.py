# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Boards that cannot be looked at, k3s that does not run, nodes that are not Ready."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m


def unreachable(fleet):
    """Not by ssh, or not as root."""
    for name, board in sorted(fleet.boards.items()):
        if board and board.get("hostname"):
            continue
        text = (board or {}).get("msg") or (board or {}).get("found")
        if not text or (board.get("what") or "").startswith("k3s was not found"):
            continue
        remedy = board.get("next_step") or "Check that the board is on and can be reached by ssh."
        command = "ansible %s%s -b -m ansible.builtin.raw -a id" % (fleet.inventory, name)
        yield m.Finding(
            "%s could not be observed" % name,
            m.CERTAIN,
            ("board", name, name),
            [m.one_line(text)],
            remedy,
            command,
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


def is_down(board):
    """Whether k3s is there and its containerd does not answer."""
    k3s = (board or {}).get("k3s") or {}
    return bool(k3s.get("installed")) and k3s.get("running") is False


def down(fleet):
    """k3s is installed, and its containerd does not answer."""
    for name, board in fleet.seen():
        if not is_down(board):
            continue
        errors = [error for error in board["errors"] if error["section"] == "containerd"]
        evidence = ["k3s ctr version on %s: %s" % (name, m.one_line(error["message"])) for error in errors]
        if name == fleet.server and fleet.api and not fleet.api["reachable"]:
            evidence.append("k3s kubectl on %s: %s" % (name, m.one_line(fleet.api["error"] or "no answer")))
        if evidence:
            remedy = "Start it. When it ends again, its log says why (journalctl -u k3s, or /var/log/k3s.log)."
            yield m.Finding(
                "k3s does not run on %s" % name,
                m.CERTAIN,
                ("board", name, name),
                evidence,
                remedy,
                fleet.service(name, "start"),
                name,
            )


def api_down(fleet):
    """containerd runs on the server, and the API does not answer."""
    board = fleet.boards.get(fleet.server)
    if fleet.api and not fleet.api["reachable"] and board and not is_down(board):
        evidence = ["k3s kubectl on %s: %s" % (fleet.server, m.one_line(fleet.api["error"] or "no answer"))]
        remedy = "Restart the server's k3s; its log says what keeps the API from starting."
        yield m.Finding(
            "The API does not answer",
            m.CERTAIN,
            ("cluster", fleet.server, fleet.server),
            evidence,
            remedy,
            fleet.service(fleet.server),
            fleet.server,
        )


def not_ready(fleet):
    """Nodes whose condition Ready is not True, but for boards on which k3s is known to be down."""
    by_node = {}
    for name, board in fleet.seen():
        by_node[(board.get("config") or {}).get("node-name") or board["hostname"].lower()] = name
    for node, conditions in sorted(fleet.details.get("nodes", {}).items()):
        ready = conditions.get("Ready", {"status": "Unknown", "reason": "", "message": "no condition Ready"})
        name = by_node.get(node)
        if ready["status"] == "True" or is_down(fleet.boards.get(name)):
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
    m.Cause("k3s-down", "k3s does not run on the board.", "its containerd does not answer", down),
    m.Cause(
        "api-down", "The API does not answer.", "kubectl's error on the server, while its containerd runs", api_down
    ),
]
LATE = [m.Cause("node-not-ready", "The node is not Ready.", "its condition Ready, word for word", not_ready)]
