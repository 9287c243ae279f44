# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document of a run that prepares the boards' systems. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import waves as _waves
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.document import OfBoards, common
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._prepare import cluster as _cluster
from ansible_collections.riscv.k3s.plugins.plugin_utils._prepare import plan as _prepare
from ansible_collections.riscv.k3s.plugins.plugin_utils._report.table import whom


def prepared(fleet: Fleet) -> Dict[str, Any]:
    """The document for a run that prepares the boards' systems: boards, waves of those that have something to do,
    lines, changes, problems and what else `absent` has that says something here. Raises Problem.
    """
    boards, problems, of_board = {}, {}, OfBoards()
    cluster = _cluster.cluster(fleet.of_servers().values())
    nodes = (fleet.head.get("api") or {}).get("nodes") or ()
    for board in fleet.boards:
        try:
            own = _cluster.of_board(cluster, nodes, board.seen, board.is_server, len(fleet.servers))
            plan = _prepare.plan(board.seen, board.name, board.settings["prepare"], own)
            boards[board.name] = dict(plan, **of_board.of(board))
        except Problem as problem:
            problems[board.name] = str(problem)
    busy = [name for name, plan in boards.items() if plan["changes"]]
    return dict(
        common(fleet),
        boards=boards,
        problems=problems,
        waves=_waves.waves(busy, fleet.servers, fleet.settings["serial"]),
        reboots=_waves.waves(_to_reboot(fleet, boards), fleet.servers, fleet.settings["serial"]),
        lines=[printable(line) for line in _lines(boards)],
        changes=sum(plan["changes"] for plan in boards.values()),
        servers=[name for name in boards if name in fleet.servers],
        lost=[name for name in fleet.lost if name in fleet.servers],
        warnings=list(fleet.warnings),
    )


def _lines(boards: Mapping[str, Mapping[str, Any]]) -> List[str]:
    """What is told of all boards, what is alike once, and how to have done what nobody chose."""
    told: Dict[str, List[str]] = {}
    for name, plan in boards.items():
        for line in plan["lines"]:
            told.setdefault(line, []).append(name)
    steps = ",".join(dict.fromkeys(line.partition(":")[0] for line in told if ": would " in line))
    more = ["Next: to have it done, name the steps, as with -e riscv_k3s_prepare=%s" % steps] if steps else []
    return ["%s: %s" % (whom(names, len(boards)), line) for line, names in told.items()] + more


def _to_reboot(fleet: Fleet, plans: Mapping[str, Mapping[str, Any]]) -> List[str]:
    """The boards that may be rebooted, and on which something waits for it."""
    allowed = [board.name for board in fleet.boards if board.settings["prepare_reboot"]]
    return [name for name in allowed if name in plans and plans[name]["reboot"]]
