# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster as its API shows it: reads what api.sh and warnings.sh write, or details.sh in its place. Pure."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils._output.api_query import is_whole
from ansible_collections.riscv.k3s.plugins.module_utils._output.pods import parse_api, parse_events
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.k3s_settings import of_node, role_of_node

# kubectl puts its own limit into the address of each request, and shows that with whatever went wrong.
_LIMIT = re.compile(r"[?&]timeout=\w+")
# What kubectl and the API say when a request took too long. A connection that was not made is another thing.
_LATE = re.compile(r"^(?!.*dial tcp).*([Tt]imed? ?out|deadline exceeded|time allotted|client connection lost)")
# What an API answers that is busy or not ready yet.
_BUSY = re.compile(
    r"TooManyRequests|[Tt]oo many requests|ServiceUnavailable|apiserver not ready|currently unable to handle"
    r"|leader changed"
)


def is_busy(error):
    """Whether an API answered, by ``error``, that it cannot serve now."""
    return bool(_BUSY.search(error))


def is_late(error):
    """Whether an API that told ``error`` is there, and only too slow or too busy to serve."""
    return is_busy(error) or bool(_LATE.search(_LIMIT.sub("", error)))


def unanswered(error, late=False):
    """The value of ``api`` where it told nothing: why (a sentence), and whether it was only too late for an answer."""
    return {"reachable": False, "error": error, "late": late, "nodes": [], "pods": [], "addons": []}


def read_api(seen):
    """The part ``api``; nothing where the API was not asked."""
    if "api" not in seen.sections:
        return {}
    if not seen.good("api"):
        error = seen.message("api")
        return {"api": unanswered(error, seen.timed_out("api") or is_late(error))}
    if not is_whole(seen.sections["api"].out, seen.token):
        raise Problem("the API's answer breaks off", next_step="look again, and see k3s's log on the server")
    unread: list = []
    objects = parse_api(seen.sections["api"].out, seen.token, unread)
    for node in objects["nodes"]:
        node["role"] = role_of_node(node["args"])
        node["settings"] = of_node(node.pop("args"), node.pop("env"))
    api = dict(objects, reachable=True, error=None, late=False, unread=unread)
    if seen.good("events"):
        api["events"] = parse_events(seen.sections["events"].out, seen.token, unread)
    return {"api": api}
