# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts of an inventory are the boards, and which of them its groups call servers. Pure.

Inventories that installed the cluster are used as they are: those of k3s-ansible (server and agent, once master and
node), of other roles for k3s, of kubespray. What no group says is asked for: a board is never guessed.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

Groups = Mapping[str, Sequence[str]]

# Kubespray's for all machines.
_WHOLE = "k8s_cluster"
# Groups that together hold all boards, and the one of them that holds the servers.
CLUSTER = "k3s_cluster"
FAMILIES: Tuple[Tuple[str, ...], ...] = (
    ("server", "agent"),
    ("master", "node"),
    ("k3s_master", "k3s_node"),
    ("kube_control_plane", "kube_node", _WHOLE),
)
# What the name of a group has in it that may be the cluster; beside servers without agents, that may be the agents.
# Others call their machines server, agent, master and node, too, and agents are called workers: boards would be lost
# without a word.
_OF_CLUSTERS = re.compile(r"k3s|k8s|kube", re.IGNORECASE)
_OF_AGENTS = re.compile(r"k3s|k8s|kube|worker|agent|node|minion", re.IGNORECASE)
# The machine that plays run on.
CONTROLLER = "localhost"
DEFAULT_SERVERS = FAMILIES[0][0]
# Every inventory has these.
_BUILT_IN = ("all", "ungrouped")
_NAMED = 8


def fleet_hosts(groups: Groups, wanted: Any = None, matched: Iterable[str] = ()) -> List[str]:
    """Host patterns that together name all boards.

    ``groups`` are the inventory's, {group: hosts}; ``wanted`` is riscv_k3s_hosts, a pattern or a list of them, None
    where it is not set, and ``matched`` the hosts that it matches. Raises Problem where no group, or more than one
    set of groups, could be meant, and where the pattern matches nothing.
    """
    if wanted:
        patterns = [wanted] if isinstance(wanted, str) else list(wanted)
        known = set(groups.get("all", ()))
        if not known.intersection(matched):
            raise Problem("riscv_k3s_hosts matches no host", found=_spoken(patterns), **_advice(groups))
        return patterns
    if groups.get(CLUSTER):
        return [CLUSTER]
    families = [[name for name in family if groups.get(name)] for family in FAMILIES]
    found = [family for family in families if family]
    if len({_hosts(groups, family) for family in found}) > 1:
        raise Problem("several groups could be the boards", **_advice(groups))
    if not found:
        raise Problem("no group of the inventory is known to hold the boards", **_advice(groups))
    boards = _hosts(groups, found[0])
    others = _OF_CLUSTERS if len(found[0]) > 1 else _OF_AGENTS
    beside = [(name, set(hosts) - {CONTROLLER}) for name, hosts in groups.items() if name not in _BUILT_IN]
    # A group around servers alone may be the cluster, whatever its name is.
    is_half = len(found[0]) == 1 and found[0][0] != _WHOLE
    if any(not hosts <= boards and (others.search(name) or is_half and boards < hosts) for name, hosts in beside):
        raise Problem("several groups could be the boards", **_advice(groups))
    return found[0]


def within_limit(boards: Sequence[str], limit: Optional[str], left: Iterable[str]) -> None:
    """Raise Problem where ``limit``, what --limit says, leaves none of the boards; ``left`` are the hosts that it
    matches.
    """
    if limit and not set(boards).intersection(left):
        raise Problem(
            "--limit leaves no board",
            found=printable(limit),
            where=_listed(boards),
            next_step="name one of these in --limit; which hosts are boards, riscv_k3s_hosts can say",
        )


def controller_within_limit(limit: Optional[str], left: Iterable[str]) -> None:
    """Raise Problem where ``limit`` leaves out the machine that does the work; ``left`` is what it matches of that."""
    if limit and not list(left):
        raise Problem(
            "--limit leaves out %s, which does this work" % CONTROLLER,
            found=printable(limit),
            next_step="leave it out, or name %s in it, too: --limit %s,%s"
            % (CONTROLLER, printable(limit).replace(" ", ""), CONTROLLER),
        )


def declared_servers(groups: Groups, setting: str = DEFAULT_SERVERS) -> List[str]:
    """The boards that the inventory calls servers; none where no group says it. ``setting`` is
    riscv_k3s_server_group. Raises Problem where that names no group.
    """
    if setting != DEFAULT_SERVERS:
        if setting not in groups:
            where, next_step = "riscv_k3s_server_group", "name a group of the inventory"
            raise Problem("there is no group %s" % setting, found=_described(groups), where=where, next_step=next_step)
        return list(groups[setting])
    cluster = set(groups.get(CLUSTER, ()))
    for family in FAMILIES:
        servers = [host for host in groups.get(family[0], ()) if not cluster or host in cluster]
        if servers:
            return servers
    return []


def seen_servers(declared: Sequence[str], roles: Mapping[str, Optional[str]]) -> List[str]:
    """The servers of a cluster: what a board is goes before what the inventory says that it should be.

    ``roles`` {board: server, agent or None} as they were seen; None, or no entry, where that is not known, as before
    k3s has ever run.
    """
    kept = [board for board in declared if roles.get(board) != "agent"]
    return kept + [board for board, role in roles.items() if role == "server" and board not in declared]


def disagreements(declared: Sequence[str], roles: Mapping[str, Optional[str]], setting: str) -> List[str]:
    """Sentences about boards that are not what the inventory says; none where it says nothing about servers."""
    lines = []
    for board, role in roles.items():
        if declared and role and (role == "server") != (board in declared):
            said = "among the servers" if board in declared else "not among the servers"
            lines.append(
                "%s: in the inventory it is %s (riscv_k3s_server_group is %s), on the board k3s is %s. It is taken "
                "for what it is; mend the inventory, or the board" % (board, said, setting, _ROLES.get(role, role))
            )
    return [printable(line) for line in lines]


_ROLES = {"server": "a server", "agent": "an agent"}


def _hosts(groups, names):
    return frozenset(host for name in names for host in groups.get(name, ()))


def _advice(groups) -> Dict[str, str]:
    if not groups.get("all"):
        return {"where": "an inventory without hosts", "next_step": "name the inventory with -i"}
    return {
        "where": _described(groups),
        "next_step": "say which hosts are the boards, a group or a pattern, with -e riscv_k3s_hosts=..., or put them "
        "into a group %s" % CLUSTER,
    }


def _described(groups):
    own = ["%s (%d)" % (name, len(hosts)) for name, hosts in groups.items() if name not in _BUILT_IN]
    return "the inventory's groups are " + _listed(own) if own else "the inventory has no groups"


def _spoken(patterns):
    return printable(", ".join(map(str, patterns)))


def _listed(names):
    more = " and %d more" % (len(names) - _NAMED) if len(names) > _NAMED else ""
    return printable(", ".join(names[:_NAMED]) + more)
