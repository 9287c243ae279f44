# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the servers' settings say of the cluster's own networks. Pure."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Sequence

from ansible_collections.riscv.k3s.plugins.plugin_utils._running import how_it_runs

# k3s's own defaults.
PODS, SERVICES, API_PORT = "10.42.0.0/16", "10.43.0.0/16", "6443"


def cluster(servers: Iterable[Mapping[str, Any]]) -> Dict[str, Any]:
    """{pods, services: [network], port, known}: from the first server that told its settings, else k3s's defaults."""
    settings = next((seen["config"] for seen in servers if seen.get("config") is not None), None)
    told = settings or {}
    return {
        "pods": _networks(told.get("cluster-cidr") or PODS),
        "services": _networks(told.get("service-cidr") or SERVICES),
        "port": str(told.get("https-listen-port") or API_PORT),
        "known": settings is not None,
    }


def of_board(
    cluster: Mapping[str, Any],
    nodes: Sequence[Mapping[str, Any]],
    seen: Mapping[str, Any],
    is_server: bool,
    servers: int,
) -> Dict[str, Any]:
    """The same for one board: nodes (addresses of the others), is_server, servers (how many there are)."""
    own = how_it_runs.own_node(seen, nodes)[0]
    others = [node["internal_ip"] for node in nodes if node.get("internal_ip") and node is not own]
    return dict(cluster, nodes=others, is_server=is_server, servers=servers)


def _networks(value: Any) -> List[str]:
    texts = value if isinstance(value, list) else [value]
    return [part.strip() for text in texts for part in str(text).split(",") if part.strip()]
