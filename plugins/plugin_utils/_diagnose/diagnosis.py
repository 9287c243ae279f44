# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbook diagnose found, as one document: its keys are described in docs/diagnose.md. Pure."""

from __future__ import annotations

import time
from collections import Counter

from ansible_collections.riscv.k3s.plugins.module_utils import pod as _pod_utils
from ansible_collections.riscv.k3s.plugins.module_utils.pod import FINISHED
from ansible_collections.riscv.k3s.plugins.module_utils.text import redact
from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose import causes as _causes
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import starting as _starting
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import system as _system
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes.model import is_unready, on_server, pod_name
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.table import crictl_says, kubectl_says
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.joined_pods import join_boards, unasked

SCHEMA = 1
_EVENTS = 500


def diagnose(boards, now, inventory=()):
    """The document from what k3s_info returned for each board, with all of its parts gathered.

    ``boards`` maps a name to a result, or to what failed; ``now`` is the time in seconds since 1970; ``inventory``
    holds the paths that the commands name after ``-i``.
    """
    fleet = _fleet(boards, now, inventory)
    findings = _causes.find(fleet)
    first: dict[tuple, int] = {}
    for number, finding in enumerate(findings):
        for one in finding["pods"]:
            first.setdefault((one["board"], one["pod"]), number)
    pods = [_pod(fleet, row, first) for row in sorted(fleet.pods + _unasked(fleet), key=_order)]
    return {
        "schema": SCHEMA,
        "generated": _moment(now),
        "boards": _boards(fleet, pods, findings),
        "pods": pods,
        "images": _images(fleet),
        "events": _events(fleet),
        "findings": findings,
        "collect": _starts(fleet) + _collect(fleet, pods),
        "cluster_known": bool(fleet.api and fleet.api["reachable"]),
    }


def _fleet(boards, now, inventory):
    boards = {name: board or {} for name, board in boards.items()}
    asked = [name for name, board in boards.items() if board.get("api")]
    server = next((name for name in asked if boards[name]["api"].get("reachable")), asked[0] if asked else None)
    api = boards[server]["api"] if server else None
    details = (boards[server].get("details") if server else None) or {}
    latest = {}
    for event in details.get("events", ()):
        if event["kind"] == "Pod" and event["type"] == "Warning":
            latest[event["uid"]] = {"reason": event["reason"], "message": event["message"]}
    pods = join_boards(boards, dict(api, events=latest) if api else None, now)
    words = tuple(word for path in inventory for word in shell.option("-i", str(path)))
    return _causes.Fleet(boards, server, api, details, pods, now, words)


def _unasked(fleet):
    boards, known = fleet.unasked(), {row["uid"] for row in fleet.pods}
    pods = [pod for pod in (fleet.api or {}).get("pods") or () if pod["node"] in boards and pod["uid"] not in known]
    return [unasked(pod, boards[pod["node"]]) for pod in pods if pod["phase"] not in FINISHED]


def _order(row):
    return row["board"] or "~", row["namespace"], row["name"], row["attempt"] or 0


def _moment(value):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(value))


def _pod(fleet, row, first):
    containers = [
        dict(container, log=[redact(line) for line in _log(fleet, row, container)]) for container in row["containers"]
    ]
    concerned = (
        is_unready(row)
        or row["relation"] == "orphan"
        or row["relation"] != "previous"
        and (row["api"] or {}).get("deleting")
    )
    return dict(
        row,
        containers=containers,
        cause=redact(row["cause"]) if row["cause"] else None,
        kubectl=kubectl_says(row),
        crictl=crictl_says(row),
        finding=first.get((row["board"], pod_name(row))) if concerned else None,
    )


def _log(fleet, row, container):
    return fleet.log(row, container["name"]) if container["state"] != "running" else []


def _boards(fleet, pods, findings):
    counts = Counter(one["subject"]["board"] for one in findings)
    own: dict[str, list] = {name: [] for name in fleet.boards}
    for row in pods:
        own.setdefault(row["board"], []).append(row)
    return [_board(fleet, name, own[name], counts[name]) for name in sorted(fleet.boards)]


def _board(fleet, name, own, findings):
    seen = fleet.boards[name]
    observed = bool(seen.get("hostname"))
    node = fleet.node(name) or {}
    k3s, moment = seen.get("k3s") or {}, fleet.preflight(name).get("time")
    return {
        "name": name,
        "hostname": seen.get("hostname"),
        "node": node.get("name"),
        "observed": observed,
        "error": None if observed else redact(seen.get("msg") or "it was not observed"),
        "role": k3s.get("role"),
        "k3s": k3s.get("version"),
        "containerd": (seen.get("containerd") or {}).get("version"),
        "running": k3s.get("running"),
        "machine": seen.get("machine"),
        "architecture": seen.get("architecture"),
        "ready": node.get("ready"),
        "internal_ip": node.get("internal_ip") or None,
        "disk": seen.get("disk"),
        "time": _moment(moment) if moment else None,
        "clock_skew": _system.clock_skew(fleet, name) if observed else None,
        "preflight": _system.preflight(fleet.preflight(name)),
        "errors": [dict(error, message=redact(error["message"])) for error in seen.get("errors") or ()],
        "pods": len([row for row in own if row["relation"] != "previous"]),
        "unready": len([row for row in own if is_unready(row) or _is_unready_unasked(row)]),
        "findings": findings,
    }


def _is_unready_unasked(row):
    return row["relation"] is None and bool(row["api"]) and _pod_utils.is_unready(row["api"])


def _images(fleet):
    keys = ("name", "digest", "platforms", "pinned", "size")
    rows = [(name, row) for name, board in fleet.seen() for row in board.get("images") or ()]
    return [dict({key: row[key] for key in keys}, board=name, wanted=row["name"] in fleet.wanted) for name, row in rows]


def _events(fleet):
    boards = {row["uid"]: row["board"] for row in fleet.pods}
    keys = ("time", "type", "reason", "message", "namespace", "kind", "name", "source", "count")
    rows = []
    for event in fleet.details.get("events", ())[-_EVENTS:]:
        board = (
            boards.get(event["uid"])
            if event["kind"] == "Pod"
            else fleet.by_node.get(event["name"])
            if event["kind"] == "Node"
            else None
        )
        rows.append(dict({key: event[key] for key in keys}, board=board, message=redact(event["message"])))
    return rows


def _starts(fleet):
    """Boards and servers that are starting, where something is not well that may pass with it."""
    rows = []
    for young, causes in sorted(fleet.withheld.items(), key=str):
        if young.pod is None:
            what = "The k3s of %s" % young.board if young.board in fleet.starting else "Node %s" % young.board
            text = "%s has been starting for %d s, which may be why: %s. Check again in two minutes." % (
                what,
                young.seconds,
                ", ".join(sorted(causes)),
            )
            is_board = young.board in fleet.boards
            rows.append(
                {
                    "board": young.board if is_board else None,
                    "pod": None,
                    "text": text,
                    "command": str(fleet.service(young.board, "status")) if is_board else None,
                }
            )
    return rows


def _k3s_seconds(fleet, board):
    """For how long k3s of a board has been starting, if it is."""
    return [fleet.starting[board]] if board in fleet.starting else []


def _collect(fleet, pods):
    rows = []
    for row in pods:
        if not is_unready(row) or row["finding"] is not None:
            continue
        age = min([_starting.container_seconds(fleet, row), *_k3s_seconds(fleet, row["board"])])
        command, server = on_server(fleet, "describe", "pod", namespace=row["namespace"], names=[row["name"]])
        if age < _starting.OF_OTHERS:
            text = "It has been starting for %d s. Check again in a minute." % max(age, 0)
        elif row["containers"] and all(container["state"] == "running" for container in row["containers"]):
            text = "It runs but does not become Ready. Its readiness probe and its log say why."
            words = ("logs", "--all-containers", "--tail=50")
            log = on_server(fleet, *words, namespace=row["namespace"], names=[row["name"]])[0]
            command = shell.joined(command, log, by="; ")
        else:
            text = "No evidence was found for why it does not run. Its events, and k3s's log on its board, may."
        rows.append({"board": server, "pod": pod_name(row), "text": text, "command": str(command)})
    return rows
