# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The boards of a run: which of them are servers, whose API is believed, and whether they are of one cluster. Pure."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import Observed
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.waves import named
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.clusters import clusters
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock

# Results of closer looks are these variables, loops over boards each: {kind: the key of a row that told something}.
CLOSER, LOOKS = "k3s_closer_%s", {"registries": "others", "contents": "contents"}

_ITSELF = "what was looked at in its place is %s itself, by the connection local (docs/pull.md)"


class Board(NamedTuple):
    """A board of the run: what was seen of it (a result of k3s_info), its settings, and whether it is a server."""

    name: str
    seen: Observed
    settings: Dict[str, Any]
    is_server: bool = False
    # What lock.read returns for its lock, or None where there is none.
    lock: Optional[_lock.Lock] = None

    @property
    def contents(self) -> Optional[Mapping[str, Any]]:
        """What a closer look told of the contents of names and containers, or None."""
        return (self.seen.get("closer") or {}).get("contents")


class Fleet(NamedTuple):
    """All boards of a run, in the order of the inventory.

    ``servers`` are all servers: what they are, else what the inventory says. ``away`` {server: what was seen of it}
    are those that are no boards of this run (--limit). ``lost`` {board: what was seen of it, if anything} are boards of
    the run that cannot be reached or failed.
    """

    boards: Sequence[Board]
    servers: Sequence[str] = ()
    away: Mapping[str, Observed] = {}
    lost: Mapping[str, Observed] = {}
    # The same of boards that are in other batches of the play (serial), as far as they were looked at already.
    beside: Mapping[str, Observed] = {}
    # About the inventory as a whole.
    warnings: Sequence[str] = ()

    @property
    def settings(self) -> Dict[str, Any]:
        """What the fleet has in common, which the first board's variables say."""
        return self.boards[0].settings

    @property
    def first_server(self) -> str:
        """The server whose API is asked and whose journal holds the lease: the first one that answers."""
        of_servers = self.of_servers()
        for name, seen in of_servers.items():
            if name not in self.lost and (seen.get("api") or {}).get("reachable"):
                return name
        # None answers. One that was looked at at least tells why.
        looked = [name for name, seen in of_servers.items() if "hostname" in seen]
        return (looked + list(of_servers) + [board.name for board in self.boards])[0]

    @property
    def head(self) -> Mapping[str, Any]:
        """What was seen of the first server, {} for nothing."""
        return self.of_servers().get(self.first_server) or {}

    def of_servers(self) -> Dict[str, Mapping[str, Any]]:
        """{server: what was seen of it, {} for nothing}, in their order."""
        seen = dict(self.away, **self.lost, **self.beside)
        seen.update((board.name, board.seen) for board in self.boards)
        return {name: seen[name] for name in self.servers if name in seen}

    def seen_servers(self) -> List[Observed]:
        """Results of the servers that tell what pods ask for."""
        away = [row for row in self.away.values() if "demand" in row]
        seen = dict(self.beside, **{board.name: board.seen for board in self.boards})
        return [row for name, row in seen.items() if name in self.servers and "demand" in row] or away


def elsewhere(away: Mapping[str, Observed], boards: Mapping[str, Observed]) -> Dict[str, Any]:
    """``away`` without what was in truth seen of one of ``boards``, {board: what was seen of it}.

    ansible-pull has the connection local for each host of an inventory that names no other: what is called a server
    there is the board on which all of this runs, and what that says of the cluster is not the server's word.
    """
    own = {_machine(seen): name for name, seen in boards.items() if _machine(seen)}
    return {
        name: {"msg": _ITSELF % own[_machine(seen)]} if _machine(seen) in own else seen for name, seen in away.items()
    }


def _machine(seen: Mapping[str, Any]) -> Optional[Tuple[Any, ...]]:
    identity = seen.get("identity") or {}
    ids = (identity.get("boot_id"), identity.get("machine_id"))
    return (*ids, *(identity.get("addresses") or ())) if all(ids) else None


def closer_looks(variables: Mapping[str, Any], board: str) -> Tuple[Dict[str, Any], List[str]]:
    """({kind: result} of the closer looks at a board, why others failed, a sentence each).

    Without contents it is known already what is not known.
    """
    found, failed = {}, []
    for kind, told in LOOKS.items():
        rows = (variables.get(CLOSER % kind) or {}).get("results") or ()
        for row in rows:
            if row.get("item") == board:
                if told in row:
                    found[kind] = row
                elif kind == "registries":
                    failed.append("registries.yaml: %s" % (row.get("msg") or "the closer look told nothing"))
    return found, failed


def looked_closer(seen: Mapping[str, Any], variables: Mapping[str, Any], board: str) -> Dict[str, Any]:
    """What was seen of a board with what its closer looks told; a look that failed is a doubt about the board."""
    found, failed = closer_looks(variables, board)
    doubts = list(seen.get("doubts") or ()) + failed
    return dict(seen, closer=found, **({"doubts": doubts} if failed else {}))


def require_one_cluster(fleet: Fleet) -> None:
    """Raise Problem where the servers show nodes of more than one cluster."""
    found = clusters(fleet.of_servers())
    if len(found) > 1:
        raise Problem(
            "the inventory holds boards of %d clusters, and a run is for one" % len(found),
            found="; ".join(
                "%s shows the nodes %s" % (named(cluster["servers"]), named(sorted(cluster["nodes"].values())))
                for cluster in found
            ),
            next_step="run it for each cluster with --limit, or give each an inventory of its own",
        )
