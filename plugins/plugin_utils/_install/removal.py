# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document of a run that uninstalls k3s: from which boards, in which order, and what is lost by it. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils._remains.which import require_own
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import waves as _waves
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.document import OfBoards, common
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.fleet import Board, Fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.machines import node_of
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import board as _board
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import units as _units
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.how_it_runs import DATA_DIR
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.binary import DEFAULT_PATH

REMOVE, NOTHING, LEFT = "remove", "nothing", "left"
_LEFT = "left alone: its k3s was installed by somebody else, who also removes it"


def uninstalled(fleet: Fleet) -> Dict[str, Any]:
    """The document of a run that uninstalls k3s from the boards of ``fleet``: boards {name: {action, node, role,
    service (None where it is not there), manager, unit, files, program, package, data_dir, is_last, settings}}, waves,
    lines, keeper (the server that is asked to delete nodes, or None), keeper_program, keeper_data_dir (its k3s, and
    where that keeps its data) and what else a run's document has.
    """
    of_board = OfBoards()
    boards = {board.name: _row(board, fleet, of_board) for board in fleet.boards}
    going = [name for name, row in boards.items() if row["action"] == REMOVE]
    staying = [name for name in fleet.servers if name not in going and name not in fleet.lost]
    keeper = next((name for name in staying if _answers(fleet, name)), None)
    order = _order(going, fleet, keeper)
    for name in going:
        boards[name]["is_last"] = not keeper and name == order[-1][0] and name in fleet.servers
    keeper_or_last = keeper or (order[-1][0] if order and order[-1][0] in fleet.servers else None)
    kept = fleet.of_servers().get(keeper_or_last or "") or {}
    return dict(
        common(fleet),
        boards=boards,
        waves=order,
        keeper=keeper_or_last,
        keeper_program=(kept.get("k3s") or {}).get("program") or DEFAULT_PATH,
        keeper_data_dir=kept.get("data_dir") or DATA_DIR,
        lines=[printable(line) for line in _lines(boards, keeper, fleet, order)],
        problems={},
        changes=len(going),
        servers=[name for name in boards if name in fleet.servers],
        stand_in=fleet.boards[0].name,
        warnings=list(fleet.warnings),
    )


def _answers(fleet: Fleet, name: str) -> bool:
    return bool(((fleet.of_servers().get(name) or {}).get("api") or {}).get("reachable"))


def _row(board: Board, fleet: Fleet, of_board: OfBoards) -> Dict[str, Any]:
    seen, role = board.seen, _role(board)
    row = dict(of_board.of(board), role=role, node=None, is_last=False)
    if not _board.is_ours(seen):
        return dict(row, action=LEFT if _board.is_there(seen) else NOTHING)
    # Before anything is stopped.
    require_own(row["data_dir"] or "")
    node = node_of(board, fleet.head.get("api"))
    manager = seen.get("manager") or _units.MANAGERS[0]
    unit = _units.paths(role)[manager]
    journal = seen.get("journal") or {}
    programs = journal.get("programs") or {}
    # A run that was cut short may not have written it yet, or have removed it.
    is_written = ((journal.get("files") or {}).get(unit) or {}).get("current")
    path = board.settings["binary_path"] or DEFAULT_PATH
    return dict(
        row,
        action=REMOVE,
        node=node["name"] if node else None,
        service=_units.SERVICES[role] if is_written else None,
        manager=manager,
        unit=unit,
        files=_files(seen, unit),
        program=path if path in programs else next(iter(programs), None),
        package=board.settings["package"],
    )


def _role(board: Board) -> str:
    """By the service that this collection wrote, else by the inventory."""
    entries = (board.seen.get("journal") or {}).get("files") or {}
    for role in _units.SERVICES:
        if set(_units.paths(role).values()) & set(entries):
            return role
    return "server" if board.is_server else "agent"


def _files(seen: Mapping[str, Any], unit: str) -> List[str]:
    """What is taken back, but for the service: that tells until the end whose k3s this is."""
    entries = (seen.get("journal") or {}).get("files") or {}
    return sorted(path for path, row in entries.items() if row["kind"] in ("install", "file") and path != unit)


def _order(going: Sequence[str], fleet: Fleet, keeper: Optional[str]) -> List[List[str]]:
    """Agents by share, then servers one at a time. The one that holds the cluster longest is the first of them."""
    steps = _waves.waves(going, fleet.servers, fleet.settings["serial"])
    servers = [step for step in steps if step[0] in fleet.servers]
    servers.sort(key=lambda step: step[0] == fleet.first_server)
    return [step for step in steps if step[0] not in fleet.servers] + servers


def _lines(boards: Mapping[str, Any], keeper: Optional[str], fleet: Fleet, order: Sequence[Sequence[str]]) -> List[str]:
    lines = []
    stays = [name for name in fleet.servers if name not in [one for step in order for one in step]]
    lost = " with ALL DATA OF THE CLUSTER, since no other server stays"
    if stays:
        lost = " with its data: whether %s has that of the cluster is not known, it does not answer" % ", ".join(stays)
    for name, row in boards.items():
        if row["action"] == REMOVE:
            lines.append("%s: k3s is removed%s" % (name, lost if row["is_last"] else ""))
            lines.append("%s: its pods end, and volumes in %s are lost" % (name, row["data_dir"]))
        else:
            lines.append("%s: %s" % (name, _LEFT if row["action"] == LEFT else "nothing to remove"))
    if order and not keeper and stays:
        lines.append("warning: no server that stays answers (%s): nodes stay in its API" % ", ".join(stays))
    return lines + [
        "wave %d of %d: %s" % (number, len(order), _waves.named(step)) for number, step in enumerate(order, 1)
    ]
