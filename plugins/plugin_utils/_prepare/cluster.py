# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the servers' settings say of the cluster's own networks. Pure."""

from __future__ import annotations

import ipaddress
from typing import Any, Dict, Iterable, List, Mapping, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
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
        "port": _port(str(told.get("https-listen-port") or API_PORT)),
        "known": settings is not None,
    }


def of_board(
    cluster: Mapping[str, Any],
    nodes: Sequence[Mapping[str, Any]],
    seen: Mapping[str, Any],
    is_server: bool,
    servers: int,
) -> Dict[str, Any]:
    """The same for one board: nodes (addresses of the others), odd (names of those whose address is none), is_server,
    servers (how many there are).
    """
    own = how_it_runs.own_node(seen, nodes)[0]
    others = [node for node in nodes if node.get("internal_ip") and node is not own]
    # A node tells its address itself. In a rule of a firewall, "any" would be another thing.
    known = [node["internal_ip"] for node in others if _is_address(node["internal_ip"])]
    odd = [node["name"] for node in others if not _is_address(node["internal_ip"])]
    return dict(cluster, nodes=known, odd=odd, is_server=is_server, servers=servers)


def _is_address(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return False


def _networks(value: Any) -> List[str]:
    texts = value if isinstance(value, list) else [value]
    return [_network(part.strip()) for text in texts for part in str(text).split(",") if part.strip()]


def _port(text: str) -> str:
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return text
    raise Problem(
        "what a server tells as the API's port is none",
        found=repr(text),
        where="https-listen-port",
        next_step="correct it in the settings of k3s there",
    )


def _network(text: str) -> str:
    """A network as it is told. Raises Problem for what is none, or is all addresses."""
    try:
        if ipaddress.ip_network(text, strict=False).prefixlen:
            return text
    except ValueError:
        pass
    raise Problem(
        "what a server tells as a network of pods or services is none",
        found=repr(text),
        where="cluster-cidr, service-cidr",
        next_step="correct it in the settings of k3s there",
    )
