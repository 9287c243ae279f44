# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is merely starting: which causes may pass by themselves, and since when something starts. Pure.

A board that boots, a rolling upgrade and a pod that is new show what a fault shows, for a while: containerd does not
answer yet, the node is not Ready, probes fail, the network of pods is not set up. Until then nothing is claimed. Ages
are by the clock of who tells them: k3s's process by its board's uptime, pods by the server's clock, containers by that
of their board.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.pod import seconds
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.service_state import STARTING as COMING

# For how many seconds k3s, after its start, and for how many a node, pod or container may be on its way up. On a slow
# board it takes most of k3s's time until it answers, and pods start after that.
OF_K3S, OF_OTHERS = 120, 60
# k3s is one that ends again and again, and not one that starts, when it was started so often in so many seconds.
_OFTEN, _WITHIN = 4, 180
_START = re.compile(r'time="([^"]+)".*Starting k3s v')

WITH_K3S, WITH_POD, WITH_CONTAINER = "k3s", "pod", "container"
# Causes that may pass by themselves: while k3s of the board, or that of the server, starts; some also while their pod
# is new, or the latest container of it is.
PASSES = dict.fromkeys(
    (
        # k3s on its way up
        "k3s-down",
        "k3s-unknown",
        "k3s-settings-unknown",
        "api-down",
        "api-slow",
        "no-node",
        "node-not-ready",
        "cluster-unknown",
        "registries-stale",
        "addon-not-applied",
        "manifest-overwritten",
        # a board without a battery gets its time from the network
        "clock",
        "registry-clock",
        # the network, before it is up
        "registry-proxy",
        "registry-name",
        "registry-refused",
        "registry-unreachable",
        "registry-timeout",
        "registry-broken",
        # what k3s unpacks, imports or writes when it starts
        "pause-image-missing",
        "image-never-pull",
        "cni-missing",
        "cni-plugin-missing",
        "flannel-not-started",
        "runtime-missing",
        "runc-failed",
        "coredns-gone",
        "coredns-rights",
        "apiserver-address",
        "service-rules",
        "firewall",
        "coredns-waits",
        # programs that meet an API which is not there yet
        "crash-loop",
        "liveness-killed",
        "helm-job-failed",
        # what a kubelet that was started has not looked at yet
        "stuck-terminating",
        "ghost-sandbox",
    ),
    WITH_K3S,
)
PASSES.update(
    dict.fromkeys(("unschedulable", "config-missing", "volume-mount", "cni-failed", "error-unknown"), WITH_POD)
)
PASSES["probe-fails"] = WITH_CONTAINER


class Young(NamedTuple):
    """What was started so many ``seconds`` ago: k3s of a ``board``, or a ``pod`` (then by its name)."""

    board: Optional[str]
    pod: Optional[str]
    seconds: int


def boards(fleet: Any) -> Dict[str, int]:
    """{board: seconds} where k3s was started a moment ago and does not end again and again."""
    found = {}
    for name, board in fleet.seen():
        age = k3s_seconds(board)
        if age is not None and age < OF_K3S and not is_started_often(board):
            found[name] = age
    return found


def k3s_seconds(board: Any) -> Optional[int]:
    """For how long k3s has been running on a board; None where that is not known."""
    return ((board or {}).get("k3s") or {}).get("seconds")


def is_started_often(board: Any) -> bool:
    """Whether k3s ends and is started anew, by systemd's word or by its own log."""
    states = (board.get("service_state") or {}).values()
    if any(row["restarts"] or row["sub_state"] == "auto-restart" for row in states if row["state"] in COMING):
        return True
    moments = [seconds(found.group(1)) for found in map(_START.match, board.get("last_words") or ()) if found]
    return len(moments) >= _OFTEN and moments[-1] - moments[-_OFTEN] < _WITHIN


def young(fleet: Any, cause: str, board: Optional[str], row: Any = None) -> Optional[Young]:
    """What starts, where a cause may pass with it; None where it is a finding. ``row`` is that of a pod."""
    passes = PASSES.get(cause)
    if passes is None:
        return None
    # The server's API is what boards and pods wait for; what is of no board waits for any of them.
    for name in (board, fleet.server) if board else (fleet.server, *fleet.starting):
        if name in fleet.starting:
            return Young(name, None, fleet.starting[name])
    if row is None or passes == WITH_K3S:
        return None
    age = pod_seconds(fleet, row) if passes == WITH_POD else container_seconds(fleet, row)
    return Young(None, "%s/%s" % (row["namespace"], row["name"]), int(age)) if 0 <= age < OF_OTHERS else None


def pod_seconds(fleet: Any, row: Any) -> float:
    """How old a pod is."""
    pod = fleet.api_pod(row)
    return fleet.clock(fleet.server) - seconds((pod or {}).get("created_at") or row.get("created_at") or "")


def container_seconds(fleet: Any, row: Any) -> float:
    """How old the latest container of a pod is, or its sandbox where it has none."""
    board = fleet.boards.get(row["board"]) or {}
    ids = {container["id"] for container in row["containers"]}
    made: List[str] = [one["created_at"] for one in board.get("containers") or () if one["id"] in ids]
    return fleet.clock(row["board"]) - seconds(max(made or [row["created_at"] or ""]))
