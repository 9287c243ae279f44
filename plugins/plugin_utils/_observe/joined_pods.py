# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sandboxes and containers of a board, joined with the API's pods by UID. Pure.

A sandbox is what containerd keeps for one attempt to run a pod. Its UID is the pod's, its id is its own.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Iterable, Mapping, Optional, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils._output.pods import NORMAL_REASONS
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import full_or_text
from ansible_collections.riscv.k3s.plugins.module_utils.pod import FINISHED, is_unready, seconds
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import (
    ApiPod,
    BoardPodRow,
    ContainerRow,
    PodEvent,
    PodRow,
    SandboxRow,
)
from ansible_collections.riscv.k3s.plugins.module_utils.text import redact
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import how_it_runs

_LONGEST = 240
_PATIENCE = 30  # seconds over the time that a pod was given to end


def join(
    sandboxes: list[SandboxRow],
    containers: list[ContainerRow],
    api_pods: Optional[list[ApiPod]],
    node: Optional[str] = None,
    events: Optional[dict[str, PodEvent]] = None,
    digests: Optional[dict[str, str]] = None,
    now: Optional[float] = None,
) -> list[PodRow]:
    """The pods of one board, a row for each sandbox and for each pod that has none, sorted by namespace and name.

    ``sandboxes`` and ``containers`` are containerd's rows, ``api_pods`` the API's or None when it was not asked,
    ``node`` the board's name as a node (else it is told from the pods that match), ``events`` the pods' latest
    warnings by UID, ``digests`` what the names in the board's store stand for, ``now`` the time in seconds since 1970.
    Each row is a PodRow.

    ``relation``: matched (the pod's latest sandbox), previous (an older one of it), orphan (no such pod in the API),
    missing (a pod that is to run here and has no sandbox); None without the API. A static pod is matched by the UID
    that its mirror in the API bears as an annotation.

    ``mismatch`` says where both sides differ: uid-reused (an orphan whose name another pod has now), ghost-sandbox (any
    other orphan), stale-attempt (a previous one), stuck-terminating (should be gone by ``now``), other-image (a
    container runs another image than the name that is wanted stands for), static-pod (its mirror has a UID of its own);
    else None.
    """
    return _join(sandboxes, containers, _Api(api_pods, events), node, digests, now)


class _Api:
    """The API's pods by what they are looked up by; made once for all boards."""

    def __init__(self, pods, events):
        self.asked = pods is not None
        self.events = events or {}
        self.pods = index(pods or ())
        self.names = {(pod["namespace"], pod["name"]) for pod in pods or ()}
        self.of_node: dict = {}
        for pod in pods or ():
            self.of_node.setdefault(pod["node"], []).append(pod)


def _join(sandboxes, containers, api, node, digests, now):
    node = node_of(sandboxes, api.pods, node)
    latest = {row["uid"]: row["id"] for row in sorted(sandboxes, key=_age)}
    of_sandbox: dict[str, list] = {}
    for row in containers:
        of_sandbox.setdefault(row["sandbox_id"], []).append(row)
    rows = []
    for sandbox in sandboxes:
        pod = api.pods.get(sandbox["uid"])
        if not api.asked:
            relation = None
        elif pod is None:
            relation = "orphan"
        else:
            relation = "matched" if latest[sandbox["uid"]] == sandbox["id"] else "previous"
        row = _row(sandbox, of_sandbox.get(sandbox["id"], []), pod, relation, node, api.events)
        rows.append(dict(row, mismatch=_mismatch(row, pod, api.names, digests or {}, now)))
    for pod in api.of_node.get(node, ()):
        seen = pod["uid"] in latest or pod.get("static_uid") in latest
        if not seen and pod["phase"] not in FINISHED:
            row = _row(None, [], pod, "missing", node, api.events)
            rows.append(dict(row, mismatch=_mismatch(row, pod, api.names, {}, now)))
    return sorted(rows, key=lambda row: (row["namespace"], row["name"], row["uid"], row["attempt"] or 0))


def join_boards(
    boards: Mapping[str, Optional[Mapping[str, Any]]], api: Optional[Mapping[str, Any]], now: Optional[float] = None
) -> list[BoardPodRow]:
    """The pods of all boards, each row as from join() with ``board`` added, sorted by board.

    ``boards`` maps a board's name to what k3s_info or cri_sandbox_info returned for it, ``api`` is the API's part of
    one server's result or None. Pods that no node has been found for come last, with ``board`` None. Of a board that is
    no node of this cluster the API is as good as not asked.
    """
    known = _Api(api["pods"] if api and api.get("reachable") else None, api.get("events") if api else None)
    nodes = (api or {}).get("nodes") or ()
    rows: list[Any] = []
    for board in sorted(boards):
        seen = boards[board] or {}
        if seen.get("sandboxes") is not None:
            digests = {row["name"]: row["digest"] for row in seen.get("images") or ()}
            node = node_of(seen["sandboxes"], known.pods, own_node(seen, nodes))
            # The API of another cluster knows nothing of a board's sandboxes: they are no orphans.
            of_board = known if node else _Api(None, None)
            joined = _join(seen["sandboxes"], seen.get("containers") or [], of_board, node, digests, now)
            rows += [dict(row, board=board) for row in joined]
    for node in (None, ""):
        for pod in known.of_node.get(node, ()):
            if pod["phase"] not in FINISHED:
                rows.append(dict(_row(None, [], pod, "missing", None, known.events), board=None, mismatch=None))
    return rows


def unasked(pod: ApiPod, board: str) -> BoardPodRow:
    """The row of a pod on a board whose containerd could not be asked: what the API says of it is all there is."""
    row: Any = dict(_row(None, [], pod, None, pod["node"], {}), board=board, mismatch=None)
    return row


def index(pods: Iterable[ApiPod]) -> dict[str, ApiPod]:
    """The API's pods by each UID that they have: a static pod is known by that of its mirror and by its own.

    The latter is an annotation, which any pod may bear with any text. So it never hides the pod whose UID that is.
    """
    rows = list(pods)
    mirrored = {pod["static_uid"]: pod for pod in rows if pod.get("static_uid")}
    return dict(mirrored, **{pod["uid"]: pod for pod in rows if pod["uid"]})


def own_node(observed: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]] = ()) -> Optional[str]:
    """The name under which a board is a node: that of the row of the API's ``nodes`` that it is, by the board's own
    identity; None where it is none of them.

    Where the API told no nodes, the name that it most likely has: what its settings say, else its host name in lower
    case, as k3s does.
    """
    if nodes:
        row = how_it_runs.own_node(observed, nodes)[0]
        return row["name"] if row else None
    return (observed.get("config") or {}).get("node-name") or (observed.get("hostname") or "").lower() or None


def node_of(sandboxes: Iterable[SandboxRow], pods: Mapping[str, ApiPod], fallback: Optional[str]) -> Optional[str]:
    """The node that most pods of these sandboxes are scheduled to, else ``fallback``."""
    votes = Counter(pods[row["uid"]]["node"] for row in sandboxes if row["uid"] in pods)
    return votes.most_common(1)[0][0] if votes else fallback


def select(rows, namespace=None, name=None, labels=None, states=()):
    """The rows of join() that all given criteria fit."""
    return [
        row
        for row in rows
        if (not namespace or row["namespace"] == namespace)
        and (not name or row["name"] == name)
        and all(row["labels"].get(key) == str(value) for key, value in (labels or {}).items())
        and (not states or row["state"] in states)
    ]


def _age(sandbox):
    return sandbox["attempt"], sandbox["created_at"]


def _row(sandbox, containers, pod, relation, node, events):
    source = sandbox or pod
    current = pod if relation in ("matched", "missing") else None
    row = {
        "namespace": source["namespace"],
        "name": source["name"],
        "uid": source["uid"],
        "node": pod["node"] if pod else node,
        "sandbox_id": sandbox["id"] if sandbox else None,
        "attempt": sandbox["attempt"] if sandbox else None,
        "state": sandbox["state"] if sandbox else None,
        # crictl tells an address only when asked for one sandbox; the API knows those of all.
        "ip": (current["ip"] if current else None) or (sandbox or {}).get("ip"),
        "network_namespace": (sandbox or {}).get("network_namespace"),
        "created_at": source["created_at"],
        "labels": source["labels"],
        "containers": _containers(containers, current),
        "api": None,
        "relation": relation,
    }
    if pod:
        row["api"] = {key: pod[key] for key in ("phase", "ready", "reasons", "owner", "deleting")}
    row["cause"] = _cause(row, current, events)
    return row


def _containers(containers, pod):
    """Each container's latest attempt, with what the API adds; those that containerd does not have yet come from the
    API alone.
    """
    latest = {row["name"]: row for row in sorted(containers, key=_age)}
    known = {row["name"]: row for row in pod["containers"]} if pod else {}
    rows = []
    for name in list(known) + sorted(set(latest) - set(known)):
        own, told = latest.get(name, {}), known.get(name, {})
        rows.append(
            {
                "name": name,
                "id": own.get("id"),
                "image": told["image"] if told else own["image"],
                "image_id": told.get("image_id") or own.get("image_id") or "",
                "state": own["state"] if own else told["state"],
                # Of the latest attempt, if that ended; else what the API tells of the one before.
                "exit_code": own["exit_code"] if own.get("exit_code") is not None else told.get("exit_code"),
                "restarts": max(told.get("restarts", 0), own.get("attempt", 0)),
                "reason": told.get("reason") or own.get("reason") or "",
            }
        )
    return rows


def _mismatch(row, pod, names, digests, now):
    if row["relation"] == "orphan":
        return "uid-reused" if (row["namespace"], row["name"]) in names else "ghost-sandbox"
    if row["relation"] == "previous":
        return "stale-attempt"
    if pod is None:
        return None
    deleted = pod.get("deleted_at")
    # The API writes the moment at which the pod is to be gone, the time that it was given included.
    if deleted and now is not None and now - seconds(deleted) > _PATIENCE:
        return "stuck-terminating"
    if any(_runs_another(container, digests) for container in row["containers"]):
        return "other-image"
    return "static-pod" if pod.get("static_uid") and row["uid"] == pod["static_uid"] else None


def _runs_another(container, digests):
    wanted = digests.get(full_or_text(container["image"]))
    dummy, at, digest = container["image_id"].rpartition("@")
    return bool(wanted and at and container["state"] == "running" and digest != wanted)


def _cause(row, pod, events):
    """A first readable guess at what is wrong, None when nothing is."""
    if row["relation"] == "orphan":
        return "the API has no pod with this UID: its sandbox was left behind"
    if row["relation"] == "previous":
        return "an earlier sandbox of this pod"
    if pod is None or not is_unready(pod):
        return None
    event = events.get(pod["uid"])
    for container in pod["containers"]:
        if container["state"] == "waiting" and container["reason"] and container["reason"] not in NORMAL_REASONS:
            return _waiting(container)
        if container["state"] == "terminated" and container["exit_code"]:
            return _line(
                "%s: %s, exit code %s" % (container["name"], container["reason"], container["exit_code"]),
                container["message"],
            )
    if event:
        return _line(event["reason"], event["message"])
    if row["relation"] == "missing" and pod["node"]:
        return "containerd has no sandbox for it yet"
    unready = [container["name"] for container in pod["containers"] if not container["ready"] and not container["init"]]
    return "; ".join(pod["reasons"]) or ("not ready: " + ", ".join(unready) if unready else "not ready")


def _waiting(container):
    head = "%s: %s" % (container["name"], container["reason"])
    if container["exit_code"] is not None:
        head += ", last exit code %s" % container["exit_code"]
    return _line(head, container["message"])


def _line(head, message):
    first = message.strip().split("\n", 1)[0]
    text = redact("%s: %s" % (head, first)) if first else head
    if len(text) <= _LONGEST:
        return text
    # Errors are wrapped: what failed stands in front, why it failed at the end.
    return "%s … %s" % (text[: _LONGEST // 2], text[-_LONGEST // 2 :])
