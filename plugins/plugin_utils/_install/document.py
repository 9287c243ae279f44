# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document of a run that installs k3s. Pure.

It holds no secret: config.yaml and the token are made where they are written.
"""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import waves as _waves
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.document import OfBoards, common
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.fleet import Board, Fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.gates import DEFAULT_GATES
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.machines import node_of
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import board as _board
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import cluster as _cluster
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import config as _config
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import endpoint as _endpoint
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.blank import has_not_run
from ansible_collections.riscv.k3s.plugins.plugin_utils._joining import critical as _critical
from ansible_collections.riscv.k3s.plugins.plugin_utils._joining import names as _names
from ansible_collections.riscv.k3s.plugins.plugin_utils._joining import versions as _versions
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import next_start

# Of the gates those that tell whether k3s is there. Images that are tagged come by site.
_GATES = [dict(gate) for gate in DEFAULT_GATES if gate["name"] in ("k3s runs", "the node is Ready")]
# What a board needs before k3s starts for the first time; where it runs, they are for site to change.
_BEFORE = ("registries", "config", "preload")
_NOTHING: Dict[str, Any] = {
    "registries": {"change": False, "restart": False, "merge": False, "shared": []},
    "config": {"change": False, "restart": False, "path": None, "text": None},
    "preload": {"change": False, "restart": False, "place": False, "renew": False, "archive": None},
}
_SAID = {
    _board.INSTALL: "install %s",
    _board.CONVERGE: "%s",
    _board.START: "start k3s: %s",
    _board.WAIT: "wait: %s",
    _board.NOTHING: "nothing to do",
    _board.LEFT: "left alone: %s",
}


def installed(
    fleet: Fleet,
    planned: Mapping[str, Any],
    hosts: Mapping[str, str],
    tokens: Collection[str],
) -> Dict[str, Any]:
    """The document of a run that installs k3s on ``fleet``, as it was observed.

    ``planned`` is the document of a run that would make the same boards as the inventory wants them, where those on
    which k3s has not run are as they will be. ``hosts`` {board: how it is reached from here}, ``tokens`` the boards for
    which the inventory has the token. Returns boards {name: its row of ``planned`` with install, what _board.decide
    says}, waves, lines, problems {board: why nothing is done}, programs (the boards that get a program) and what else a
    run's document has. Raises Problem.
    """
    first, of_board = _cluster.first(fleet), OfBoards()
    at_url, direct = (_url(fleet, first, hosts, is_direct) for is_direct in (False, True))
    names = {board.name: _node_name(board, fleet) for board in fleet.boards}
    boards: Dict[str, Any] = {}
    problems: Dict[str, str] = {}
    for board in fleet.boards:
        try:
            joins = direct if _is_endpoint(board, hosts) else at_url
            place = _place(board, fleet, first, joins, tokens)._replace(sans=_sans(board, hosts))
            decided = _board.decide(board.seen, board.settings, place, board.name)
            _require_first(decided, first, fleet, board)
            if decided["action"] == _board.INSTALL and not (board.seen.get("k3s") or {}).get("role"):
                _require_fit(board, first, fleet, names)
            row = _row(board, decided, planned, of_board)
            _require_readable(board, row)
            boards[board.name] = row
        except Problem as problem:
            problems[board.name] = str(problem)
    busy = [name for name, row in boards.items() if row["install"]["changes"]]
    steps = _steps(busy, fleet, first)
    return dict(
        common(fleet),
        boards=boards,
        first=first.name,
        first_server=first.name,
        servers=[name for name in boards if name in fleet.servers],
        lost=[name for name in fleet.lost if name in fleet.servers],
        waves=steps,
        programs=[name for name in busy if boards[name]["install"]["binary"]],
        problems=problems,
        lines=[printable(line) for line in _lines(boards, steps, planned, fleet)],
        changes=sum(row["install"]["changes"] for row in boards.values()),
        stand_in=fleet.boards[0].name,
        warnings=list(fleet.warnings),
    )


def _is_endpoint(board: Board, hosts: Mapping[str, str]) -> bool:
    """Whether others join at this board by the inventory: where another server is the first, it would join itself."""
    given = _endpoint.given(board.settings)
    addresses = (board.seen.get("identity") or {}).get("addresses") or ()
    own = {board.name, hosts.get(board.name), board.seen.get("hostname"), *addresses}
    return given is not None and given.host.lower() in {str(name).lower() for name in own if name}


def _url(fleet: Fleet, first: _cluster.First, hosts: Mapping[str, str], is_direct: bool) -> str:
    board = next((board for board in fleet.boards if board.name == first.name), None)
    seen = fleet.of_servers().get(first.name) or {}
    settings = (board or fleet.boards[0]).settings
    nodes = (seen.get("api") or {}).get("nodes") or ()
    host = hosts.get(first.name) or first.name
    return _cluster.url(settings, seen, nodes, _config.options(settings, "server"), host, is_direct)


def _place(board: Board, fleet: Fleet, first: _cluster.First, url: str, tokens: Collection[str]) -> _board.Place:
    node = node_of(board, fleet.head.get("api"))
    told = _config.options(board.settings, "server") if board.is_server else {}
    return _board.Place(
        role="server" if board.is_server else "agent",
        is_first=board.name == first.name,
        has_others=len(fleet.servers) > 1,
        url=url,
        has_token=board.name in tokens,
        is_external=_cluster.is_external(told),
        is_ready=bool(node and node["ready"]),
    )


def _sans(board: Board, hosts: Mapping[str, str]) -> Tuple[str, ...]:
    """By which names a server is joined that k3s does not put into its certificate by itself."""
    if not board.is_server:
        return ()
    given = _endpoint.given(board.settings)
    if given:
        return (given.host,)
    host = hosts.get(board.name) or board.name
    is_other = host.lower() != str(board.seen.get("hostname")).lower()
    return (host,) if is_other and _endpoint.is_name(host) else ()


def _require_first(decided: Mapping[str, Any], first: _cluster.First, fleet: Fleet, board: Board) -> None:
    """A board cannot join a server that does not answer, unless this run is to start it."""
    if decided["action"] != _board.INSTALL or board.name == first.name or first.answers:
        return
    row = next((one.seen for one in fleet.boards if one.name == first.name), None)
    if first.has_run and (row is None or not _board.is_ours(row)):
        raise Problem(
            "the server %s does not answer, so nobody can join it" % first.name,
            where=board.name,
            next_step="see whether k3s runs there; riscv.k3s.diagnose says why it does not",
        )


def _node_name(board: Board, fleet: Fleet) -> Optional[str]:
    node = node_of(board, fleet.head.get("api"))
    try:
        return node["name"] if node else _names.node_name(board.seen, _told(board))
    except Problem:
        return None  # it is told where this board is decided


def _told(board: Board) -> Dict[str, Any]:
    return _config.options(board.settings, "server" if board.is_server else "agent")


def _require_fit(board: Board, first: _cluster.First, fleet: Fleet, names: Mapping[str, Optional[str]]) -> None:
    """A board on which k3s has not run must become a node beside the others."""
    nodes = (fleet.head.get("api") or {}).get("nodes") or ()
    _names.require(board.name, names, nodes, "riscv_k3s_%s_config" % ("server" if board.is_server else "agent"))
    if board.name == first.name:
        return
    _versions.require(board.settings["target_version"], nodes, board.is_server, board.name)
    other = next((one for one in fleet.boards if one.name == first.name), None)
    # What somebody else's server was told is not known.
    if board.is_server and other and (not first.has_run or _board.is_ours(other.seen)):
        _critical.require(_told(board), _told(other), board.name, first.name)


def _row(board: Board, decided: Dict[str, Any], planned: Mapping[str, Any], of_board: OfBoards) -> Dict[str, Any]:
    # What follows from a registry's address stands in the planned row.
    row = dict(of_board.of(board), **planned["boards"].get(board.name) or {})
    is_new = decided["action"] == _board.INSTALL or has_not_run(board.seen)
    for key in _BEFORE:
        if key in row:
            # It is not restarted for them: k3s starts once they are all there.
            row[key] = dict(row[key], restart=False, **({} if is_new else {"change": False}))
            if key == "preload" and not is_new:
                row[key] = dict(row[key], place=False, renew=False)
    row = {**_NOTHING, **row}
    row["settings"] = dict(row["settings"], gates=_GATES)
    row["architecture"] = row.get("architecture") or board.seen.get("architecture")
    if decided["action"] != _board.LEFT:
        row["service"] = decided["service"]
    return dict(row, install=decided, binary=decided["binary"])


def _require_readable(board: Board, row: Mapping[str, Any]) -> None:
    """k3s is not started with a file of somebody else that it cannot read."""
    install = row["install"]
    # With another program, a k3s that is only waited for is restarted, too.
    if install["action"] not in (_board.INSTALL, _board.CONVERGE, _board.START) and not install["binary"]:
        return
    written = [install["config"]["path"]] if install["config"]["change"] else []
    next_start.require_none(board.name, board.seen, written + next_start.rewritten(board.seen, row["registries"]))


def _steps(busy: Sequence[str], fleet: Fleet, first: _cluster.First) -> List[List[str]]:
    """The first server, the others one at a time, and then agents by riscv_k3s_serial."""
    waves = _waves.waves(busy, fleet.servers, fleet.settings["serial"])
    of_servers = [wave for wave in waves if wave[0] in fleet.servers]
    of_servers.sort(key=lambda wave: wave[0] != first.name)
    return of_servers + [wave for wave in waves if wave[0] not in fleet.servers]


def _lines(
    boards: Mapping[str, Any], steps: Sequence[Sequence[str]], planned: Mapping[str, Any], fleet: Fleet
) -> List[str]:
    lines = []
    for name, row in boards.items():
        install = row["install"]
        said = _SAID[install["action"]]
        lines.append("%s: %s" % (name, said % install["why"] if "%s" in said else said))
        before = _before(row) if install["action"] == _board.INSTALL else None
        if before:
            lines.append("%s: before its first start: %s" % (name, before))
        lines += ["%s: %s" % (name, text) for text in install["warnings"]]
    if any(boards[name]["install"]["action"] == _board.INSTALL for wave in steps for name in wave):
        lines += ["warning: %s" % text for text in planned["warnings"]]
    return lines + [
        "wave %d of %d: %s" % (number, len(steps), _waves.named(wave)) for number, wave in enumerate(steps, 1)
    ]


def _before(row: Mapping[str, Any]) -> Optional[str]:
    said = [
        ("registries.yaml", row.get("registries")),
        ("the pause image by flag", row.get("config")),
        ("the archive of images", row.get("preload")),
    ]
    return ", ".join(text for text, part in said if part and part["change"]) or None
