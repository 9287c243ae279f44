# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the parts of the script that only a diagnosis asks for have written, as values. Pure."""

from __future__ import annotations

import json
import re

from ansible_collections.riscv.k3s.plugins.module_utils._output.rows import reads
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.probe_diagnose import CHOSEN, FIELDS

# A value is blanked when the word before it says that it is a secret.
_SECRET = re.compile(
    r"""((?:pass(?:word|wd)?|secret|token|api[-_]?key|credentials?|authorization)["']?\s*[:=]\s*["']?(?:(?:basic|bearer)\s+)?|\b(?:basic|bearer)\s+)"""
    r"""[^\s"',;&]+|(://[^\s/:@]+:)[^\s/@]+(?=@)""",
    re.IGNORECASE,
)
_ANSWERED = re.compile(r'"gitVersion"|Unauthorized|Forbidden|forbidden')
_BODY = re.compile(r'^(?:: |" body=)(.*)$', re.MULTILINE)
_VERBS = re.compile(r"^(\S+)\s+\[[^]]*\]\s+\[([^]]*)\]\s+\[([^]]*)\]", re.MULTILINE)


def redact(text):
    """``text`` with the values of what looks like passwords and tokens blanked."""
    return _SECRET.sub(lambda match: (match.group(1) or match.group(2)) + "…", text)


def parse_logs(text, token):
    """The part ``logs``: id of a container to its last lines."""
    found = {}
    for chunk in ("\n" + text).split("\n%s=" % token)[1:]:
        name, dummy, body = chunk.partition("\n")
        found[name] = [redact(line.rstrip()) for line in body.split("\n") if line.strip()][-15:]
    return found


def parse_inspect(text):
    """The part ``inspect`` as two dictionaries: a container's id to {exit_code, finished_at, reason}, a sandbox's to
    {ip, network_namespace}.
    """
    containers, sandboxes = {}, {}
    for line in text.splitlines():
        kind, *fields = line.split("\t")
        if kind == "container" and len(fields) == 4:
            name, code, moment, reason = fields
            containers[name] = {
                "exit_code": int(code) if code.isdigit() else None,
                "finished_at": _moment(moment),
                "reason": reason,
            }
        elif kind == "sandbox" and len(fields) == 4:
            name, address, namespace, addresses = fields
            # containerd tells the address of a sandbox while it is ready; what its network was made with stays.
            others = [one for one in addresses.split() if one not in ("127.0.0.1", "::1")]
            sandboxes[name] = {"ip": address or (others or [None])[0], "network_namespace": namespace or None}
    return containers, sandboxes


def _moment(text):
    # The year 1 stands for none.
    return None if text.startswith("0001") else text[:19] + "Z"


def parse_network(text, token):
    """The part ``network``: {address, pod: {answers, text}, host: {answers, text}}, or {} where CoreDNS does not run or
    is ready.
    """
    found = {}
    for chunk in ("\n" + text).split("\n%s=" % token)[1:]:
        head, dummy, body = chunk.partition("\n")
        name, dummy, value = head.partition(" ")
        body = body.strip()
        found[name] = (
            value
            if name == "address"
            else {"answers": bool(_ANSWERED.search(body)), "text": (body.splitlines() or ["no answer"])[-1]}
        )
    return found


@reads("the preflight")
def parse_preflight(text):
    """The part ``preflight`` as {release, time, options: {name: (value, file)}, modules: {name: where}, overlay,
    sysctl, cgroup2,
    cgroups, iptables, rules, firewalld, init, cni, wrong_keys: [(line, key)], addresses, elsewhere, mirrors: {registry:
    [url]}}."""
    seen = {
        "release": "",
        "time": None,
        "options": {},
        "modules": {},
        "overlay": False,
        "sysctl": {},
        "cgroup2": None,
        "cgroups": {},
        "iptables": "",
    }
    seen.update(rules=[], firewalld=False, init="sysv", cni=[], wrong_keys=[], addresses={}, elsewhere=[], mirrors={})
    registry = None
    for line in text.splitlines():
        key, dummy, value = line.partition(" ")
        if key == "config":
            path, dummy, option = value.partition(" ")
            match = re.match(r"(?:# )?CONFIG_(\w+)(?:=(.*)| is not set)$", option)
            if match:
                seen["options"][match.group(1)] = (match.group(2) or "n", path)
        elif key in ("loaded", "builtin", "dep"):
            where = {"loaded": "loaded", "builtin": "built in", "dep": "can be loaded"}[key]
            seen["modules"].setdefault(value.strip(), where)
        elif key == "filesystem":
            seen["overlay"] = True
        elif key == "sysctl":
            name, dummy, number = value.partition(" ")
            seen["sysctl"][name.replace("/", ".")] = number.strip()
        elif key == "cgroup2":
            seen["cgroup2"] = value.split()
        elif key == "cgroup":
            name, dummy, enabled = value.partition(" ")
            seen["cgroups"][name] = enabled.strip() == "1"
        elif key == "rule":
            seen["rules"].append(value)
        elif key == "firewalld":
            seen["firewalld"] = True
        elif key in ("cni", "elsewhere"):
            seen[key].append(value)
        elif key == "wrongkey":
            number, dummy, name = value.partition(" ")
            seen["wrong_keys"].append((int(number), name))
        elif key == "address":
            name, dummy, address = value.partition(":")
            seen["addresses"][name.strip()] = address.strip().strip("\"'")
        elif key == "mirror":
            registry = value
        elif key == "endpoint" and registry:
            seen["mirrors"].setdefault(registry, []).append(redact(value))
        elif key == "time":
            seen["time"] = int(value) if value.isdigit() else None
        elif key in ("release", "iptables", "init"):
            seen[key] = value
    return seen


def parse_ready(text):
    """What CoreDNS's /ready said through the API: its body, or the API's error."""
    match = _BODY.search(text)
    return match.group(1).strip().strip('"') if match else text.strip()[-300:]


def parse_rights(text):
    """The resources that `kubectl auth can-i --list` lets one list, as a set."""
    return {resource for resource, dummy, verbs in _VERBS.findall(text) if {"list", "*"} & set(verbs.split())}


@reads("`kubectl get -o jsonpath`")
def parse_details(text, token):
    """The records of the API's answer that only a diagnosis asks for: {events, nodes, pods, endpoints}.

    ``events`` is a list of {time, type, reason, message, namespace, kind, name, uid, source, host, count}, oldest
    first; ``nodes`` a
    node's name to its conditions {type: {status, reason, message}}; ``pods`` a uid to {deleted_at, grace, finalizers,
    message, started_at, policies, conditions}; ``endpoints`` the addresses of default/kubernetes, or None when unknown.
    """
    found = {"events": [], "nodes": {}, "pods": {}, "endpoints": None}
    sizes = dict(
        {kind: len(fields) for kind, fields in FIELDS.items()},
        **{kind: len(fields) for kind, (dummy, fields) in CHOSEN.items()},
    )
    for record in ("\n" + text).split("\n" + token + " ")[1:]:
        kind, *fields = record.rstrip("\n").split("\t")
        if kind not in sizes:
            continue
        # A message may hold tabs: it is the last field.
        fields = fields[: sizes[kind] - 1] + ["\t".join(fields[sizes[kind] - 1 :])]
        if kind == "Event":
            found["events"].append(_event(fields))
        elif kind == "State":
            found["nodes"][fields[0]] = {
                row["type"]: {key: row.get(key) or "" for key in ("status", "reason", "message")}
                for row in _json(fields[1])
            }
        elif kind == "Slice" and fields[0] == "EndpointSlice" and fields[1] == "default":
            found["endpoints"] = (found["endpoints"] or []) + [
                "%s:%s" % (address, fields[3] or "6443") for address in fields[2].split()
            ]
        elif kind == "Detail":
            uid, deleted, grace, finalizers, message, started, policies, conditions = fields
            found["pods"][uid] = {
                "deleted_at": deleted or None,
                "grace": int(grace or 0),
                "finalizers": _json(finalizers),
                "message": redact(message),
                "started_at": started or None,
                "policies": policies.split(),
                "conditions": {
                    row["type"]: row.get("message") or "" for row in _json(conditions) if row.get("status") == "False"
                },
            }
    found["events"].sort(key=lambda row: row["time"])
    return found


def _event(fields):
    # kubectl writes a time that is not set as null.
    fields = ["" if field == "null" else field for field in fields]
    kind, namespace, name, uid, level, reason, first, last, moment, count, component, reporting, host, message = fields
    return {
        "time": last or first or moment[:19] + "Z" * bool(moment),
        "type": level,
        "reason": reason,
        "message": redact(message.strip()),
        "namespace": namespace,
        "kind": kind,
        "name": name,
        "uid": uid,
        "source": component or reporting,
        "host": host,
        "count": int(count or 1),
    }


def _json(text):
    try:
        return json.loads(text) if text else []
    except ValueError:
        return []
