# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which servers show the same cluster. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping


def clusters(seen: Mapping[str, Mapping[str, Any]]) -> List[Dict[str, Any]]:
    """The clusters that servers show: [{servers: [name], nodes: {uid: name}}], in the order of the servers.

    ``seen`` maps names to results of k3s_info. Servers that show a node in common are of one cluster; one that does not
    answer, or shows no node, says nothing.
    """
    found: List[Dict[str, Any]] = []
    for name, board in seen.items():
        api = board.get("api") or {}
        nodes = {node["uid"]: node["name"] for node in api.get("nodes") or () if node.get("uid")}
        if not api.get("reachable") or not nodes:
            continue
        same = next((cluster for cluster in found if set(cluster["nodes"]) & set(nodes)), None)
        if same:
            same["servers"].append(name)
            same["nodes"].update(nodes)
        else:
            found.append({"servers": [name], "nodes": nodes})
    return found
