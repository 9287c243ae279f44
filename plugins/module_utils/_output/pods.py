# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sandboxes and containers as crictl prints them, pods and nodes as the API shows them, as values. Pure."""

from __future__ import annotations

import json
import time

from ansible_collections.riscv.k3s.plugins.module_utils._output.rows import reads, text_of
from ansible_collections.riscv.k3s.plugins.module_utils.pod import controller, has_ready
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# A container that waits for one of these is on its way; any other reason for waiting is a trouble.
NORMAL_REASONS = ("ContainerCreating", "PodInitializing")


@reads("`crictl pods -o json`")
def parse_sandboxes(text):
    """The rows of ``crictl pods -o json``, oldest first.

    Each is {id, name, namespace, uid, attempt, state: ready|notready, created_at (ISO 8601, UTC), labels}; the
    labels without those which the kubelet adds itself. Raises Problem when it is no such JSON.
    """
    rows = []
    for item in _items(text, "pods", "items"):
        meta = item["metadata"]
        rows.append(
            {
                "id": text_of(item, "id"),
                "name": text_of(meta, "name"),
                "namespace": text_of(meta, "namespace"),
                "uid": text_of(meta, "uid"),
                "attempt": int(meta.get("attempt") or 0),
                "state": item["state"].replace("SANDBOX_", "").lower(),
                "created_at": _nanoseconds(item["createdAt"]),
                "labels": {
                    name: value
                    for name, value in (item.get("labels") or {}).items()
                    if not name.startswith("io.kubernetes.")
                },
            }
        )
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]))


@reads("`crictl ps -o json`")
def parse_containers(text):
    """The rows of ``crictl ps -a -o json``, oldest first.

    Each is {id, sandbox_id, name, image, image_id, state: created|running|exited|unknown, attempt, created_at}.
    ``image`` is what was asked for where the CRI tells it (1.29 and later), else the image's ID.
    """
    rows = []
    for item in _items(text, "ps", "containers"):
        image = item.get("image") or {}
        rows.append(
            {
                "id": text_of(item, "id"),
                "sandbox_id": text_of(item, "podSandboxId"),
                "name": text_of(item["metadata"], "name"),
                "image": image.get("userSpecifiedImage") or image.get("image") or "",
                "image_id": item.get("imageRef") or "",
                "state": item["state"].replace("CONTAINER_", "").lower(),
                "attempt": int(item["metadata"].get("attempt") or 0),
                "created_at": _nanoseconds(item["createdAt"]),
            }
        )
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]))


@reads("`kubectl get -o jsonpath`")
def parse_api(text, token):
    """Nodes, pods and addons from the API query of the observing script (records that begin with ``token``).

    Returns {nodes: [{name, uid, ready, architecture, internal_ip, created_at}], pods: [..], addons: [{name, checksum,
    source}]}, each sorted. A pod is {namespace, name, uid, static_uid (of a static pod's mirror, else ""), node,
    phase, ready, reasons: ["coredns: ImagePullBackOff"], labels, owner: {kind, name} or None, deleting, deleted_at,
    images,
    containers: [{name, image, image_id, ready, restarts, state, reason, message, exit_code, init,
    last_reason}], ip, created_at}.
    """
    found = {"Node": [], "Pod": [], "Addon": []}
    makers = {"Node": _node, "Pod": _pod, "Addon": _addon}
    for kind, fields in _records(text, token):
        if kind in makers:
            found[kind].append(makers[kind](fields))
    return {
        "nodes": sorted(found["Node"], key=lambda row: row["name"]),
        "pods": sorted(found["Pod"], key=lambda row: (row["namespace"], row["name"])),
        "addons": sorted(found["Addon"], key=lambda row: row["name"]),
    }


@reads("`kubectl get events -o jsonpath`")
def parse_events(text, token):
    """The pods' warnings: uid of the pod to {reason, message} of the latest one."""
    latest = {}
    for dummy, (uid, reason, moment, message) in _records(text, token):
        # Of those of the same second the longer one tells more: "Failed to pull image …", and "Error: ErrImagePull".
        latest[uid] = max(latest.get(uid, ("", 0)), (moment, len(message), reason, message.strip()))
    return {uid: {"reason": event[2], "message": event[3]} for uid, event in latest.items()}


def _records(text, token):
    for record in ("\n" + text).split("\n" + token + " ")[1:]:
        kind, *fields = record.rstrip("\n").split("\t")
        yield kind, fields


def _node(fields):
    name, uid, created, architecture, ready, address = fields
    return {
        "name": name,
        "uid": uid,
        "ready": ready == "True",
        "architecture": architecture,
        "internal_ip": address.split(" ")[0],
        "created_at": created,
    }


def _addon(fields):
    name, checksum, source = fields
    return {"name": name, "checksum": checksum, "source": source}


def _pod(fields):
    namespace, name, uid, created, deleted, node, phase, reason, address, static_uid = fields[:10]
    labels, owners = _json(fields[10], {}), _json(fields[11], [])
    init_names, init_images, names, images = (field.split(" ") if field else [] for field in fields[12:16])
    conditions, init_states, states = (_json(field, []) for field in fields[16:19])
    specs = [(spec, True) for spec in zip(init_names, init_images)] + [(spec, False) for spec in zip(names, images)]
    by_name = {status["name"]: status for status in init_states + states}
    containers = [_container(spec, by_name.get(spec[0], {}), init) for spec, init in specs]
    return {
        "namespace": namespace,
        "name": name,
        "uid": uid,
        "static_uid": static_uid,
        "node": node,
        "phase": phase,
        "ready": has_ready(conditions),
        "reasons": _reasons(reason, conditions, containers),
        "labels": labels,
        "owner": _owner(owners),
        "deleting": bool(deleted),
        "deleted_at": deleted or None,
        "images": sorted(set(init_images + images)),
        "containers": containers,
        "ip": address,
        "created_at": created,
    }


def _container(spec, status, init):
    name, image = spec
    state, details = next(iter((status.get("state") or {}).items()), ("waiting", {}))
    row = {
        "name": name,
        "image": image,
        "image_id": status.get("imageID") or "",
        "ready": bool(status.get("ready")),
        "restarts": int(status.get("restartCount") or 0),
        "state": state,
        "reason": details.get("reason") or "",
        "message": details.get("message") or "",
        "exit_code": details.get("exitCode"),
        "init": init,
        "last_reason": "",
    }
    # A container that waits to be started again has what ended it in its last state.
    last = (status.get("lastState") or {}).get("terminated")
    if last:
        row["last_reason"] = last.get("reason") or ""
    if last and row["exit_code"] is None:
        row["exit_code"] = last.get("exitCode")
        if row["reason"] == "CrashLoopBackOff" and last.get("message"):
            row["message"] = last["message"]
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


def _owner(owners):
    owner = controller(owners)
    return {"kind": owner["kind"], "name": owner["name"]} if owner else None


def _items(text, command, key):
    try:
        return json.loads(text).get(key) or []
    except (ValueError, AttributeError) as error:
        raise Problem(
            "the output of `crictl %s -o json` was not understood" % command, found=text.strip()[:200] or "nothing"
        ) from error


def _json(text, default):
    if not text:
        return default
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Problem(
            "the API's answer was not understood",
            found=text[:200],
            next_step="see whether the board's kubectl is 1.20 or later: older ones print no JSON here",
        ) from error
    if not isinstance(value, type(default)) and value is not None:
        raise TypeError("%s is no %s" % (text[:200], type(default).__name__))
    return value or default


def _nanoseconds(value):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(int(value) // 10**9))
