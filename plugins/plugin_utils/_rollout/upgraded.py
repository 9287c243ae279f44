# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document of a run that upgrades k3s: each board's part, the order, and what is refused. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import gates as _gates
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import waves as _waves
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.document import OfBoards, common
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.fleet import Board, Fleet, require_one_cluster
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.machines import node_of, without_doubles
from ansible_collections.riscv.k3s.plugins.plugin_utils._rollout import board as _board
from ansible_collections.riscv.k3s.plugins.plugin_utils._rollout import skew as _skew
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import next_start


def upgraded(fleet: Fleet) -> Dict[str, Any]:
    """The document for a run that upgrades k3s to riscv_k3s_target_version.

    boards {name: its part, see board.plan, with what a gate needs}, servers, waves (each server by itself, then agents
    by riscv_k3s_serial), recover (a server that must answer before anything else is known), begun (whether an earlier
    run had begun, so that boards have their images), changes, target, lines, problems {board: why it is refused}, and
    what each document has. Raises Problem.
    """
    require_one_cluster(fleet)
    fleet = without_doubles(fleet)
    target = _target(fleet)
    api = fleet.head.get("api") or {}
    has_api, of_board = bool(api.get("reachable")), OfBoards()
    states = {
        board.name: _board.state(board.seen, node_of(board, api) if has_api else None, board.settings)
        for board in fleet.boards
    }
    boards: Dict[str, Any] = {}
    problems: Dict[str, str] = {}
    recover: List[str] = []
    for board in fleet.boards:
        try:
            _require_known(board)
            made = _board.plan(states[board.name], target, board.seen, board.settings, has_api)
            if made["restart"] or made["binary"]:
                next_start.require_none(board.name, board.seen)
            boards[board.name] = dict(made, **_gated(of_board.of(board), board, made["goal"]))
            if not has_api:
                recover.append(board.name)
        except Problem as problem:
            problems[board.name] = str(problem)
    if recover:
        # Of the others nothing is known before the API answers.
        boards, problems = {name: boards[name] for name in recover}, {}
    else:
        problems = dict(_skewed(fleet, target, boards, api), **problems)
    busy = [name for name, made in boards.items() if made["changes"]]
    waves = _ordered(busy, boards, fleet)
    return dict(
        common(fleet),
        boards=boards,
        target=target,
        waves=waves,
        recover=recover,
        begun=any(made["resumed"] for made in boards.values()),
        changes=len(busy),
        max_fail_percentage=_share(fleet),
        servers=[name for name in boards if name in fleet.servers],
        lost=[name for name in fleet.lost if name in fleet.servers],
        problems={name: printable(text) for name, text in problems.items()},
        lines=[printable(line) for line in _lines(fleet, boards, waves)],
        warnings=list(fleet.warnings),
    )


def _target(fleet: Fleet) -> str:
    targets = {board.settings["target_version"] or "" for board in fleet.boards}
    if targets == {""}:
        raise Problem(
            "there is no version to upgrade to",
            found="riscv_k3s_target_version is not set",
            next_step="set it, for example with -e riscv_k3s_target_version=v1.36.3+k3s1",
        )
    if len(targets) > 1:
        raise Problem(
            "the boards of one cluster are upgraded to one version",
            found=", ".join(sorted(target or "none" for target in targets)),
            next_step="set riscv_k3s_target_version once, for all of them",
        )
    return targets.pop()


def _require_known(board: Board) -> None:
    doubts = list(board.seen.get("doubts") or ())
    k3s = board.seen.get("k3s") or {}
    if k3s.get("without_program"):
        doubts.append(k3s["without_program"])
    elif not k3s.get("installed"):
        doubts.append("k3s is not installed. Next: riscv.k3s.install")
    error = (board.seen.get("journal") or {}).get("error")
    if error:
        doubts.append(error)
    if doubts:
        raise Problem("k3s on %s is not upgraded" % board.name, found="; ".join(doubts))


def _gated(of_board: Dict[str, Any], board: Board, goal: str) -> Dict[str, Any]:
    """Images are for site to bring: the gates look at none."""
    settings = dict(of_board["settings"])
    gates = _gates.DEFAULT_GATES if settings["gates"] is None else _gates.read(settings["gates"])
    settings["gates"] = [_board.gate(goal), *gates]
    return dict(of_board, settings=settings, images=[], architecture=board.settings["architecture"], board=board.name)


def _skewed(
    fleet: Fleet,
    target: str,
    boards: Mapping[str, Any],
    api: Mapping[str, Any],
) -> Dict[str, str]:
    """{board: why an upgrade would break a rule}; nothing where nothing is to be done."""
    changed = [name for name, made in boards.items() if made["changes"]]
    lost = [name for name in fleet.lost if name in fleet.servers]
    if not changed:
        return {}
    if lost:
        text = "k3s is not upgraded while a server cannot be reached. Found: %s. Next: repair it and run again, or "
        return {
            name: text % ", ".join(lost) + "take it out of the inventory if it is gone for good" for name in changed
        }
    own = {node["name"]: board for board in fleet.boards for node in [node_of(board, api)] if node}
    for name, seen in fleet.away.items():
        away = Board(name, seen, {}, is_server=name in fleet.servers)
        own.update((node["name"], away) for node in [node_of(away, api)] if node)
    nodes, down = [], []
    for row in api.get("nodes") or ():
        board = own.get(row["name"])
        role = row.get("role")
        is_server = board.is_server if board else role == "server" if role else None
        name = board.name if board else row["name"]
        nodes.append(_skew.Node(name, is_server, row.get("kubelet") or "", name in changed))
        if is_server and not row.get("ready") and name not in boards:
            down.append(name)
    if down and [name for name in changed if name in fleet.servers]:
        # Those of this run are waited for, each before another one is stopped. These nobody looks at.
        text = str(
            Problem(
                "no server is upgraded while another one is not Ready: etcd could lose its quorum",
                found="%s, which is no board of this run" % ", ".join(down),
                next_step="repair it, or delete its node if it is gone for good",
            )
        )
        return dict.fromkeys(changed, text)
    told: Dict[str, List[str]] = {}
    for row in _skew.refusals(target, nodes):
        text = str(Problem(row["what"], found=row["found"], next_step=row["next_step"]))
        # Of nodes that are no boards of this run the first board tells.
        for name in [name for name in row["nodes"] if name in boards] or changed[:1]:
            told.setdefault(name, []).append(text)
    return {name: " ".join(texts) for name, texts in told.items()}


def _ordered(busy: Sequence[str], boards: Mapping[str, Any], fleet: Fleet) -> List[List[str]]:
    """A kubelet must not be newer than its server, so servers come first, one at a time."""
    servers = [name for name in busy if name in fleet.servers]
    # One that an earlier run left stopped must run before another one is stopped.
    servers.sort(key=lambda name: not boards[name]["resumed"])
    agents = [name for name in busy if name not in fleet.servers]
    return [[name] for name in servers] + _waves.waves(agents, (), fleet.settings["serial"])


def _share(fleet: Fleet) -> float:
    return float(_waves.fleet({}, (), 1, fleet.settings["max_fail_percentage"])["max_fail_percentage"])


def _lines(fleet: Fleet, boards: Mapping[str, Any], waves: Sequence[Sequence[str]]) -> List[str]:
    told: Dict[str, List[str]] = {}
    for name, made in boards.items():
        role = "server" if name in fleet.servers else "agent"
        told.setdefault("%s, %s" % (role, made["line"]), []).append(name)
    lines = ["%s: %s" % (_waves.named(names), line) for line, names in told.items()]
    return lines + [
        "wave %d of %d: %s" % (number, len(waves), _waves.named(wave)) for number, wave in enumerate(waves, 1)
    ]
