# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is seen while something is waited for, as marks (see patience.py). Pure; a board and the controller share it.

Pods are known by their workload and node, since one that is made anew has another name.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._waiting.patience import Marks
from ansible_collections.riscv.k3s.plugins.module_utils.pod import controller, has_ready, workload

_PROBE = re.compile(r"Container (\S+) failed (liveness|startup) probe", re.IGNORECASE)


def digest(value: object) -> str:
    """A short text that is the same for equal values."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:8]


def pod_marks(pods: Iterable[Mapping[str, Any]]) -> Marks:
    """Of pods as k3s_info's ``api.pods`` has them, or as `read_pod` makes them: which there are, how they and their
    containers are, how often these were restarted, and which content they run.
    """
    found: Dict[str, list] = {}
    for pod in pods:
        where = place(pod)
        found.setdefault("pod " + where, []).append(pod["uid"])
        found.setdefault("state of " + where, []).append([pod["phase"], pod["ready"], pod["deleting"], pod["node"]])
        for row in pod["containers"]:
            name = "%s, container %s" % (where, row["name"])
            found.setdefault("state of " + name, []).append([row["state"], row["reason"], row["ready"]])
            found.setdefault("restarts of " + name, []).append(row["restarts"])
            found.setdefault("image of " + name, []).append(row["image_id"])
    return {key: digest(sorted(values, key=str)) for key, values in found.items()}


def event_marks(events: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]]) -> Marks:
    """Of events about these pods and about Addons, rows of k3s_info's ``details.events``: pulls, starts, passes of the
    deploy controller. A warning that comes again is no move.
    """
    places = {pod["uid"]: place(pod) for pod in pods}
    found: Dict[str, list] = {}
    for event in events:
        if event["kind"] == "Addon":
            where: Optional[str] = "Addon " + event["name"]
        else:
            where = places.get(event["uid"])
        if where:
            again = "" if event["type"] == "Warning" else [event["count"], event["time"]]
            found.setdefault("event %s of %s" % (event["reason"], where), []).append(again)
    # However many warnings of a kind: they are one.
    return {key: digest(sorted(values, key=str) if any(values) else "") for key, values in found.items()}


def addon_marks(addons: Iterable[Mapping[str, Any]]) -> Marks:
    """What the deploy controller has applied."""
    return {"Addon " + row["name"]: str(row["checksum"]) for row in addons}


def killed(events: Iterable[Mapping[str, Any]], pods: Iterable[Mapping[str, Any]]) -> List[str]:
    """A sentence for each container of these pods that its kubelet kills by a probe: it may only be slow."""
    names = {pod["uid"]: "%s/%s" % (pod["namespace"], pod["name"]) for pod in pods}
    rows = [event for event in events if event["uid"] in names]
    said: Dict[Tuple[str, str], str] = {}
    for event in rows:
        if event["reason"] == "Unhealthy":
            probe = event["message"].partition(" ")[0].lower()
            said[event["uid"], probe] = " ".join(event["message"].split())
    sentences = []
    for event in rows:
        probe = _PROBE.search(event["message"]) if event["reason"] == "Killing" else None
        if probe:
            name, kind = probe.group(1), probe.group(2).lower()
            sentences.append(
                "the kubelet killed container %s of pod %s by its %s probe%s%s"
                % (
                    name,
                    names[event["uid"]],
                    kind,
                    " %d times" % event["count"] if event["count"] > 1 else "",
                    ": " + said[event["uid"], kind] if (event["uid"], kind) in said else "",
                )
            )
    return sentences


def place(pod: Mapping[str, Any]) -> str:
    """What lasts of a pod: its workload and its node, or itself where nothing makes it anew."""
    name = "/".join(workload(pod["owner"], pod["labels"])) if pod["owner"] else "Pod/" + pod["name"]
    return "%s/%s on %s" % (pod["namespace"], name, pod["node"] or "no node")


def read_pod(item: Mapping[str, Any]) -> Dict[str, Any]:
    """What `pod_marks` wants to know, of a pod as ``kubectl get -o json`` prints it."""
    meta, status = item["metadata"], item.get("status") or {}
    owner = controller(meta.get("ownerReferences") or [])
    rows = (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or [])
    return {
        "namespace": meta["namespace"],
        "name": meta["name"],
        "uid": meta["uid"],
        "node": (item.get("spec") or {}).get("nodeName") or "",
        "labels": meta.get("labels") or {},
        "owner": owner and {"kind": owner["kind"], "name": owner["name"]},
        "phase": status.get("phase") or "",
        "ready": has_ready(status.get("conditions") or []),
        "deleting": "deletionTimestamp" in meta,
        "containers": [_container(row) for row in rows],
    }


def _container(row: Mapping[str, Any]) -> Dict[str, Any]:
    state, details = next(iter((row.get("state") or {"waiting": {}}).items()))
    return {
        "name": row["name"],
        "state": state,
        "reason": (details or {}).get("reason") or "",
        "ready": bool(row.get("ready")),
        "restarts": row.get("restartCount") or 0,
        "image_id": row.get("imageID") or "",
    }


def read_event(item: Mapping[str, Any]) -> Dict[str, Any]:
    """A row as in k3s_info's ``details.events``, of an event as ``kubectl get -o json`` prints it."""
    about = item.get("involvedObject") or {}
    return {
        "kind": about.get("kind") or "",
        "namespace": about.get("namespace") or "",
        "name": about.get("name") or "",
        "uid": about.get("uid") or "",
        "type": item.get("type") or "Normal",
        "reason": item.get("reason") or "",
        "message": item.get("message") or "",
        "count": item.get("count") or 1,
        "time": item.get("lastTimestamp") or item.get("eventTime") or "",
    }
