# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only a diagnosis asks the API: the reader of what details.sh writes. Pure."""

from __future__ import annotations

import functools
import json

from ansible_collections.riscv.k3s.plugins.module_utils._output import api_query as _query
from ansible_collections.riscv.k3s.plugins.module_utils._output.rows import each, reads


def read_details(seen):
    """The part ``events``; nothing where the API was not asked."""
    if "api" not in seen.sections:
        return {}
    unread: list = []
    details = seen.out("api", lambda text: parse_details(text, seen.token, unread))
    for text in unread:
        seen.error("events", text)
    return {"details": details}


@reads("`kubectl get -o jsonpath`")
def parse_details(text, token, unread=None):
    """The records of the API's answer that only a diagnosis asks for: {events, nodes, pods, endpoints}.

    ``events`` is a list of {time, type, reason, message, namespace, kind, name, uid, source, host, count}, oldest
    first; ``nodes`` a node's name to its conditions {type: {status, reason, message, since}}; ``pods`` a uid to
    {deleted_at, grace, finalizers, message, started_at, policies, conditions}; ``endpoints`` the addresses of
    default/kubernetes, or None when unknown. A record that cannot be read goes to ``unread``, where that is given.
    """
    found: dict = {"events": [], "nodes": {}, "pods": {}, "endpoints": None}
    for rows in _query.split_records(text, token, _query.DIAGNOSIS).values():
        each(rows, functools.partial(_add, found), unread, _query.name_of)
    found["events"].sort(key=lambda row: row["time"])
    return found


def _add(found, row):
    record, fields = row[0], _query.named(*row)
    if record is _query.EVENT:
        found["events"].append(_event(fields))
    elif record is _query.NODE_STATE:
        found["nodes"][fields["name"]] = _node_conditions(_json(fields["conditions"]))
    elif record is _query.POD_DETAIL:
        found["pods"][fields["uid"]] = _pod(fields)
    elif record is _query.SERVICE_OF_THE_API and _is_endpoint_slice(fields):
        found["endpoints"] = (found["endpoints"] or []) + _endpoints(fields)


def _event(fields):
    # kubectl writes a time that is not set as null.
    fields = {name: "" if field == "null" else field for name, field in fields.items()}
    moment = fields["moment"]
    return {
        "time": fields["last"] or fields["first"] or moment[:19] + "Z" * bool(moment),
        "type": fields["type"],
        "reason": fields["reason"],
        "message": fields["message"].strip(),
        "namespace": fields["namespace"],
        "kind": fields["kind"],
        "name": fields["name"],
        "uid": fields["uid"],
        "source": fields["component"] or fields["reporting"],
        "host": fields["host"],
        "count": int(fields["count"] or 1),
    }


def _node_conditions(rows):
    keys = {"status": "status", "reason": "reason", "message": "message", "since": "lastTransitionTime"}
    return {row["type"]: {key: row.get(name) or "" for key, name in keys.items()} for row in rows}


def _is_endpoint_slice(fields):
    return fields["kind"] == "EndpointSlice" and fields["namespace"] == "default"


def _endpoints(fields):
    return ["%s:%s" % (address, fields["port"] or "6443") for address in fields["addresses"].split()]


def _pod(fields):
    return {
        "deleted_at": fields["deleted"] or None,
        "grace": int(fields["grace"] or 0),
        "finalizers": _json(fields["finalizers"]),
        "message": fields["message"],
        "started_at": fields["started"] or None,
        "policies": fields["policies"].split(),
        "conditions": {
            row["type"]: row.get("message") or "" for row in _json(fields["conditions"]) if row.get("status") == "False"
        },
    }


def _json(text):
    try:
        return json.loads(text) if text else []
    except ValueError:
        return []
