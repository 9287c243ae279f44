# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which machine and which k3s a board of the inventory is, by its node. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, cast

from ansible_collections.riscv.k3s.plugins.module_utils.shapes import Api
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.fleet import Board, Fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import how_it_runs


def with_versions(fleet: Fleet) -> Fleet:
    """The fleet, with the versions of k3s and containerd that the API tells of boards which were not asked for them."""
    nodes = (fleet.head.get("api") or {}).get("nodes") or ()
    return fleet._replace(boards=[_with_versions(board, nodes) for board in fleet.boards])


def _with_versions(board: Board, nodes: Sequence[Mapping[str, Any]]) -> Board:
    told = how_it_runs.told_versions(board.seen, how_it_runs.own_node(board.seen, nodes)[0])
    return board._replace(seen=cast(Any, dict(board.seen, **told))) if told else board


def without_doubles(fleet: Fleet) -> Fleet:
    """The fleet, with a doubt about boards that are the same node: they would be changed twice, at the same time."""
    names: Dict[str, List[str]] = {}
    for board in fleet.boards:
        own = node_of(board, fleet.head.get("api"))
        if own:
            names.setdefault(own["name"], []).append(board.name)
    doubts_of = {
        name: "%s are one machine: each is the node %s. Next: name it once in the inventory"
        % (" and ".join(same), node)
        for node, same in names.items()
        if len(same) > 1
        for name in same
    }
    if not doubts_of:
        return fleet
    return fleet._replace(boards=[_doubted(board, doubts_of.get(board.name)) for board in fleet.boards])


def _doubted(board: Board, doubt: Optional[str]) -> Board:
    if not doubt:
        return board
    seen = dict(board.seen, doubts=list(board.seen.get("doubts") or ()) + [doubt])
    return board._replace(seen=cast(Any, seen))


def runs_another_version(board: Board, api: Optional[Api]) -> List[str]:
    """Where the k3s that is found on a board is not the one that runs there, by its node."""
    runs = (node_of(board, api) or {}).get("kubelet") or ""
    installed = (board.seen.get("k3s") or {}).get("version")
    if not installed or "+k3s" not in runs or runs == installed:
        return []
    return [
        printable(
            "k3s %s runs, %s is installed. Restart k3s where it was upgraded; where there are two of them, remove the "
            "one that is not used" % (runs, installed)
        )
    ]


def node_of(board: Board, api: Optional[Mapping[str, Any]]) -> Optional[Mapping[str, Any]]:
    """The row of the API that a board is, or None."""
    return how_it_runs.own_node(board.seen, (api or {}).get("nodes") or ())[0]
