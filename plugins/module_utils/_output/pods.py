# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sandboxes and containers as crictl prints them, pods and nodes as the API shows them, as values. Pure."""

from __future__ import annotations

import functools
import json
import time
from typing import Any, Callable, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._output import api_query as _query
from ansible_collections.riscv.k3s.plugins.module_utils._output.rows import each, reads, text_of
from ansible_collections.riscv.k3s.plugins.module_utils.pod import controller, has_ready
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import (
    ApiContainer,
    ApiNode,
    ApiObjects,
    ApiPod,
    ContainerRow,
    Owner,
    PodEvent,
    SandboxRow,
)

# A container that waits for one of these is on its way; any other reason for waiting is a trouble.
NORMAL_REASONS = ("ContainerCreating", "PodInitializing")


@reads("`crictl pods -o json`")
def parse_sandboxes(text: str, unread: Optional[list[str]] = None) -> list[SandboxRow]:
    """The rows of ``crictl pods -o json``, oldest first.

    Each is {id, name, namespace, uid, attempt, state: ready|notready, created_at (ISO 8601, UTC), labels}; the
    labels without those which the kubelet adds itself. Raises Problem when it is no such JSON. A row that
    cannot be read goes to ``unread``, where that is given.
    """
    rows = each(_items(text, "pods", "items"), _sandbox, unread)
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]))


@reads("`crictl ps -o json`")
def parse_containers(text: str, unread: Optional[list[str]] = None) -> list[ContainerRow]:
    """The rows of ``crictl ps -a -o json``, oldest first.

    Each is {id, sandbox_id, name, image, image_id, state: created|running|exited|unknown, attempt, created_at}.
    ``image`` is what was asked for where the CRI tells it (1.29 and later), else the image's ID. A row that cannot be
    read goes to ``unread``, where that is given.
    """
    rows = each(_items(text, "ps", "containers"), _of_crictl, unread)
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]))


@reads("`kubectl get -o jsonpath`")
def parse_api(text: str, token: str, unread: Optional[list[str]] = None) -> ApiObjects:
    """Nodes, pods and addons from the API query of the observing script (records that begin with ``token``).

    Returns {nodes: [{name, uid, ready, architecture, internal_ip, created_at, boot_id, machine_id, kubelet, runtime,
    args, env}], pods: [..], addons: [{name, checksum, source}]}, each sorted. A record that cannot be read goes to
    ``unread``, where that is given. A pod is {namespace, name, uid, static_uid (of a static pod's mirror, else ""),
    node, phase, ready, reasons: ["coredns: ImagePullBackOff"], labels, owner: {kind, name} or None, deleting,
    deleted_at, images, containers: [{name, image, image_id, ready, restarts, state, reason, message, exit_code, init,
    last_reason}], ip, created_at}.
    """
    found: dict[str, list] = {"Node": [], "Pod": [], "Addon": []}
    makers: dict[str, Callable] = {"Node": _node, "Pod": _pod, "Addon": dict}
    for mark, rows in _query.split_records(text, token, _query.PLAIN).items():
        found[mark] = each(rows, functools.partial(_made, makers[mark]), unread, _query.name_of)
    return {
        "nodes": sorted(found["Node"], key=lambda row: row["name"]),
        "pods": sorted(found["Pod"], key=lambda row: (row["namespace"], row["name"])),
        "addons": sorted(found["Addon"], key=lambda row: row["name"]),
    }


@reads("`kubectl get events -o jsonpath`")
def parse_events(text: str, token: str, unread: Optional[list[str]] = None) -> dict[str, PodEvent]:
    """The pods' warnings: uid of the pod to {reason, message} of the latest one. A record that cannot be read goes to
    ``unread``, where that is given.
    """
    latest: dict[str, tuple] = {}
    rows = _query.split_records(text, token, [_query.WARNING])[_query.WARNING.mark]
    for fields in each(rows, lambda row: _query.named(*row), unread, _query.name_of):
        uid, reason, moment, message = fields.values()
        # Of those of the same second the longer one tells more: "Failed to pull image …", and "Error: ErrImagePull".
        latest[uid] = max(latest.get(uid, ("", 0)), (moment, len(message), reason, message.strip()))
    return {uid: {"reason": event[2], "message": event[3]} for uid, event in latest.items()}


def _made(make: Callable, row: tuple) -> Any:
    return make(_query.named(*row))


def _sandbox(item: dict[str, Any]) -> SandboxRow:
    meta = item["metadata"]
    labels = item.get("labels") or {}
    return {
        "id": text_of(item, "id"),
        "name": text_of(meta, "name"),
        "namespace": text_of(meta, "namespace"),
        "uid": text_of(meta, "uid"),
        "attempt": int(meta.get("attempt") or 0),
        "state": item["state"].replace("SANDBOX_", "").lower(),
        "created_at": _nanoseconds(item["createdAt"]),
        "labels": {name: value for name, value in labels.items() if not name.startswith("io.kubernetes.")},
    }


def _of_crictl(item: dict[str, Any]) -> ContainerRow:
    image = item.get("image") or {}
    return {
        "id": text_of(item, "id"),
        "sandbox_id": text_of(item, "podSandboxId"),
        "name": text_of(item["metadata"], "name"),
        "image": _text(image.get("userSpecifiedImage") or image.get("image")),
        "image_id": _text(item.get("imageRef")),
        "state": item["state"].replace("CONTAINER_", "").lower(),
        "attempt": int(item["metadata"].get("attempt") or 0),
        "created_at": _nanoseconds(item["createdAt"]),
    }


def _node(fields: dict[str, str]) -> ApiNode:
    return {
        "name": fields["name"],
        "uid": fields["uid"],
        "ready": fields["ready"] == "True",
        "architecture": fields["architecture"],
        "internal_ip": fields["addresses"].split(" ")[0],
        "created_at": fields["created"],
        "boot_id": fields["boot_id"],
        "machine_id": fields["machine_id"],
        "kubelet": fields["kubelet"],
        "runtime": fields["runtime"],
        "args": fields["args"],
        "env": fields["env"],
    }


def _pod(fields: dict[str, str]) -> ApiPod:
    conditions, containers = _json(fields["conditions"], []), _containers(fields)
    return {
        "namespace": fields["namespace"],
        "name": fields["name"],
        "uid": fields["uid"],
        "static_uid": fields["static_uid"],
        "node": fields["node"],
        "phase": fields["phase"],
        "ready": has_ready(conditions),
        "reasons": _reasons(fields["reason"], conditions, containers),
        "labels": _json(fields["labels"], {}),
        "owner": _owner(_json(fields["owners"], [])),
        "deleting": bool(fields["deleted"]),
        "deleted_at": fields["deleted"] or None,
        "images": sorted({container["image"] for container in containers}),
        "containers": containers,
        "ip": fields["address"],
        "created_at": fields["created"],
    }


def _containers(fields):
    """A pod's containers: those that start it first, each with its state where it has one."""
    by_name = {status["name"]: status for status in _json(fields["init_states"], []) + _json(fields["states"], [])}
    rows = []
    for field, texts, init in (("init_names", "init_images", True), ("names", "images", False)):
        names, images = _words(fields[field]), _words(fields[texts])
        for place, name in enumerate(names):
            status = by_name.get(name, {})
            # A name with blanks in it is none, and its pod never starts; which text is whose is not known then.
            image = images[place] if len(images) == len(names) else _text(status.get("image")) or fields[texts]
            rows.append(_container((name, image), status, init))
    return rows


def _words(text):
    return text.split(" ") if text else []


def _container(spec: tuple[str, str], status: dict[str, Any], init: bool) -> ApiContainer:
    name, image = spec
    states: dict[str, dict] = status.get("state") or {"waiting": {}}
    state, details = next(iter(states.items()))
    row: ApiContainer = {
        "name": name,
        "image": image,
        "image_id": _text(status.get("imageID")),
        "ready": bool(status.get("ready")),
        "restarts": int(status.get("restartCount") or 0),
        "state": state,
        "reason": _text(details.get("reason")),
        "message": _text(details.get("message")),
        "exit_code": details.get("exitCode"),
        "init": init,
        "last_reason": "",
    }
    # A container that waits to be started again has what ended it in its last state.
    last = (status.get("lastState") or {}).get("terminated")
    if last:
        row["last_reason"] = _text(last.get("reason"))
    if last and row["exit_code"] is None:
        row["exit_code"] = last.get("exitCode")
        if row["reason"] == "CrashLoopBackOff" and last.get("message"):
            row["message"] = _text(last["message"])
    return row


def _reasons(reason, conditions, containers):
    reasons = [reason] if reason else []
    for condition in conditions:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            reasons.append(condition.get("reason") or "Unschedulable")
    for container in containers:
        failed = container["state"] == "terminated" and container["exit_code"] != 0
        if container["reason"] and (failed or container["state"] == "waiting"):
            reasons.append("%s: %s" % (container["name"], container["reason"]))
    return reasons


def _owner(owners: list[dict[str, Any]]) -> Optional[Owner]:
    owner = controller(owners)
    return {"kind": owner["kind"], "name": owner["name"]} if owner else None


def _items(text, command, key):
    try:
        return json.loads(text).get(key) or []
    except (ValueError, AttributeError) as error:
        raise Problem(
            "the output of `crictl %s -o json` was not understood" % command, found=text.strip()[:200] or "nothing"
        ) from error


def _text(value: Any) -> str:
    """A text that may be missing. Raises TypeError where something else stands, so that only its record is unread."""
    if value is not None and not isinstance(value, str):
        raise TypeError("%s is no text" % str(value)[:200])
    return value or ""


def _json(text, default):
    if not text:
        return default
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Problem(
            "the API's answer was not understood",
            found=text[:200],
            next_step="check whether the board's kubectl is 1.20 or later: older ones print no JSON here",
        ) from error
    if not isinstance(value, type(default)) and value is not None:
        raise TypeError("%s is no %s" % (text[:200], type(default).__name__))
    return value or default


def _nanoseconds(value):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(value) // 10**9))
