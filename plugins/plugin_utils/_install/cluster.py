# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which server is the first of a cluster, and by which address others join it. Pure."""

from __future__ import annotations

import ipaddress
from typing import Any, Mapping, NamedTuple, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.fleet import Fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import endpoint as _endpoint
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.how_it_runs import own_node

_PORT = "6443"


class First(NamedTuple):
    """The server that others join."""

    name: str
    # Whether its API answers now.
    answers: bool
    # Whether it has run already: then there is a cluster.
    has_run: bool


def first(fleet: Fleet) -> First:
    """The first server: one that answers; else one that has run; else, where nothing can have run yet, the first of the
    inventory. Raises Problem where that cannot be told: a second cluster must not be begun beside the first.
    """
    seen = fleet.of_servers()
    if not fleet.servers:
        raise Problem(
            "no board is a server",
            found="no group of the inventory says which",
            next_step="put one into the group server",
        )
    for name, row in seen.items():
        if name not in fleet.lost and (row.get("api") or {}).get("reachable"):
            return First(name, True, True)
    own = {board.name for board in fleet.boards}
    for name, row in seen.items():
        if name in own and (row.get("k3s") or {}).get("role") == "server":
            return First(name, False, True)
    unknown = [name for name in fleet.servers if name not in own]
    if unknown:
        raise Problem(
            "no server answers, and whether there is a cluster already is not known",
            found="%s cannot be reached, or is left out by --limit" % ", ".join(unknown),
            next_step="let this run reach it; take it out of the inventory if it is gone for good",
        )
    return First(fleet.servers[0], False, False)


def url(
    settings: Mapping[str, Any],
    seen: Mapping[str, Any],
    nodes: Sequence[Mapping[str, Any]],
    told: Mapping[str, Any],
    host: str,
    is_direct: bool = False,
) -> str:
    """Where boards join: as the inventory says, else by the address of the first server's node.

    ``seen`` is what was seen of the first server, ``nodes`` the API's, ``told`` its options, ``host`` how it is reached
    from here. ``is_direct`` leaves out what the inventory says, for a board that it names itself. Raises Problem.
    """
    endpoint = None if is_direct else _endpoint.given(settings)
    port = _endpoint.port_of(settings, told, _PORT)
    return (endpoint or _endpoint.Endpoint(_address(seen, nodes, told, host), None)).url(port)


def _address(seen: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]], told: Mapping[str, Any], host: str) -> str:
    node = own_node(seen, nodes)[0] if nodes else None
    if node and node.get("internal_ip"):
        return node["internal_ip"]
    said = told.get("node-ip")
    if said:
        return str(said[0] if isinstance(said, list) else said).partition(",")[0].strip()
    own = [text for text in (seen.get("identity") or {}).get("addresses") or () if _is_usable(text)]
    return own[0] if len(own) == 1 and host not in own else host


def _is_usable(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_link_local or address.is_unspecified)


def is_external(told: Mapping[str, Any]) -> bool:
    """Whether servers keep the cluster in a datastore of their own: then they need no server to join."""
    return bool(told.get("datastore-endpoint"))
