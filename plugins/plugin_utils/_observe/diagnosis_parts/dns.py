# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a CoreDNS is not ready: the reader of what dns_api.sh and dns_network.sh write. Pure."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils.text import redact
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import chunks

_ANSWERED = re.compile(r'"gitVersion"|Unauthorized|Forbidden|forbidden')
_BODY = re.compile(r'^(?:: |" body=)(.*)$', re.MULTILINE)
_VERBS = re.compile(r"^(\S+)\s+\[[^]]*\]\s+\[([^]]*)\]\s+\[([^]]*)\]", re.MULTILINE)


def read_dns(seen):
    """What a CoreDNS that is not ready says, as far as this board can tell it."""
    told: dict = {"pods": _pods(seen.sections), "rights": None, "network": {}}
    if seen.good("rights"):
        told["rights"] = sorted(parse_rights(seen.sections["rights"].out))
    if "network" in seen.sections:
        told["network"] = parse_network(seen.sections["network"].out, seen.token)
    return {"dns": told}


def _pods(sections):
    pods: dict[str, dict] = {}
    for name, section in sections.items():
        kind, dummy, pod = name.partition(" ")
        if kind == "ready":
            pods.setdefault(pod, {})["ready"] = parse_ready(section.out)
        elif kind == "log" and pod:
            pods.setdefault(pod, {})["log"] = [redact(line) for line in section.out.splitlines() if line.strip()]
    return pods


def parse_network(text, token):
    """The step ``network``: {address, pod: {answers, text}, host: {answers, text}}, or {} where CoreDNS does not run or
    is ready.
    """
    found = {}
    for head, body in chunks(text, token + "="):
        name, dummy, value = head.partition(" ")
        found[name] = value if name == "address" else _answer(body.strip())
    return found


def _answer(body):
    return {"answers": bool(_ANSWERED.search(body)), "text": (body.splitlines() or ["no answer"])[-1]}


def parse_ready(text):
    """What CoreDNS's /ready said through the API: its body, or the API's error."""
    match = _BODY.search(text)
    return match.group(1).strip().strip('"') if match else text.strip()[-300:]


def parse_rights(text):
    """The resources that `kubectl auth can-i --list` lets one list, as a set."""
    return {resource for resource, dummy, verbs in _VERBS.findall(text) if {"list", "*"} & set(verbs.split())}
