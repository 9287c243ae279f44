# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which versions of k3s may run beside one another: Kubernetes' rules of version skew. Pure.

A server goes up by one minor version at a time, and never back. A node's kubelet is not newer than any server, and at
most three minor versions older, two before 1.28. https://kubernetes.io/releases/version-skew-policy/
"""

from __future__ import annotations

import math
import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.releases import parse_version

_OLDEST_WIDE = (1, 28)


class Node(NamedTuple):
    """A node: its name for people (that of its board, where it is one), whether it is a server (None: not known), the
    version that it runs, and whether this run upgrades it.
    """

    name: str
    is_server: Optional[bool]
    runs: str
    is_changed: bool


def refusals(target: str, nodes: Iterable[Node]) -> List[Dict[str, Any]]:
    """Why an upgrade of these to ``target`` would break a rule, [{nodes, what, found, next_step}], none where it may
    be. Raises Problem for a target that is no version.
    """
    wanted = _minor(target)
    nodes = list(nodes)
    found = [_unreadable(nodes)]
    known = [(node, _known(node.runs)) for node in nodes if _known(node.runs)]
    servers = [(node, runs) for node, runs in known if node.is_server]
    changed = [(node, runs) for node, runs in known if node.is_changed]
    found += [
        _back(target, changed),
        _too_far(wanted, [row for row in changed if row[0].is_server]),
        _servers_first(target, wanted, servers, any(not node.is_server for node, dummy in changed)),
        _newer_agents(target, wanted, known, bool([row for row in changed if row[0].is_server])),
        _older_agents(target, wanted, known, bool([row for row in changed if row[0].is_server])),
    ]
    return [row for row in found if row]


def _unreadable(nodes):
    rows = [node for node in nodes if not _known(node.runs)]
    return _refusal(
        rows,
        "which version of k3s runs is not known",
        "see why it does not tell its version, then run again",
        lambda node: "%s runs %s" % (node.name, node.runs or "a version that it does not tell"),
    )


def _back(target, changed):
    rows = [node for node, runs in changed if _is_back(runs, parse_version(target), node.runs, target)]
    return _refusal(
        rows,
        "k3s is not taken back to %s: the server's data may be of the newer version" % target,
        "set riscv_k3s_target_version to the version that runs, or a later one",
    )


def _is_back(runs, wanted, runs_text, target):
    """A build of one's own has no number of its packaging to compare."""
    if runs[:3] != wanted[:3]:
        return wanted[:3] < runs[:3]
    if _candidate(runs_text) != _candidate(target):
        return _candidate(target) < _candidate(runs_text)
    return None not in (runs[3], wanted[3]) and wanted[3] < runs[3]


def _candidate(version):
    """2 of v1.36.3-rc2+k3s1; the release comes after its candidates."""
    match = re.search(r"-rc(\d+)", version)
    return int(match.group(1)) if match else math.inf


def _too_far(wanted, servers):
    rows = [(node, runs) for node, runs in servers if wanted[0] != runs[0] or wanted[1] > runs[1] + 1]
    lowest = min((runs for dummy, runs in rows), default=(0, 0))
    return _refusal(
        [node for node, dummy in rows],
        "servers go up by one minor version at a time, and v%d.%d is further" % wanted,
        "upgrade to a v%d.%d first" % (lowest[0], lowest[1] + 1),
    )


def _servers_first(target, wanted, servers, has_agents):
    """Servers that are no boards of this run."""
    rows = [node for node, runs in servers if not node.is_changed and runs[:2] < wanted]
    if not has_agents:
        return None
    return _refusal(
        rows,
        "agents are not upgraded to %s before the servers" % target,
        "upgrade the servers first: run without --limit, or with them",
    )


def _newer_agents(target, wanted, known, has_servers):
    rows = [node for node, runs in known if not node.is_server and runs[:2] > wanted]
    if not has_servers:
        return None
    return _refusal(
        rows,
        "a node must not be newer than its server, which would run %s" % target,
        "set riscv_k3s_target_version to the version of the newest agent, or a later one",
    )


def _older_agents(target, wanted, known, has_servers):
    span = span_of(wanted)
    rows = [(node, runs) for node, runs in known if not node.is_server and runs[1] < wanted[1] - span]
    if not has_servers:
        return None
    return _refusal(
        [node for node, dummy in rows],
        "a node may be %d minor versions older than its server, which would run %s" % (span, target),
        "upgrade these agents to the version of their servers first",
    )


def span_of(server: Tuple[int, int]) -> int:
    """By how many minor versions a node may be older than a server of this one."""
    return 3 if server >= _OLDEST_WIDE else 2


def _refusal(rows, what, next_step, told=lambda node: "%s runs %s" % (node.name, node.runs)):
    if not rows:
        return None
    found = "; ".join(told(node) for node in rows)
    return {"nodes": [node.name for node in rows], "what": what, "found": found, "next_step": next_step}


def _minor(version: str) -> Tuple[int, int]:
    parsed = parse_version(version)
    return parsed[0], parsed[1]


def _known(version):
    try:
        return parse_version(version)
    except Problem:
        return None
