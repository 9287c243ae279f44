# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By which name a board becomes a node: each needs one of its own, that Kubernetes takes. Pure."""

from __future__ import annotations

import re
from typing import Any, Mapping, Optional, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.k3s_settings import is_true

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAME = re.compile(r"%s(\.%s)*\Z" % (_LABEL, _LABEL))
_LONGEST = 253
_RENAME = "give the board a host name of its own (riscv.k3s.enroll does), or set node-name for it in %s"


def node_name(seen: Mapping[str, Any], told: Mapping[str, Any]) -> Optional[str]:
    """The name that k3s gives to the node of a board, by its options ``told``; None where k3s makes one up."""
    if is_true(told.get("with-node-id")):
        return None
    return str(told.get("node-name") or seen.get("hostname") or "").lower() or None


def require(board: str, names: Mapping[str, Optional[str]], nodes: Sequence[Mapping[str, Any]], setting: str) -> None:
    """Raise Problem where a board on which k3s has not run cannot become a node of its name.

    ``names`` {board: the name of its node} are those of all boards, ``nodes`` the API's, ``setting`` is where its
    options are said.
    """
    name = names[board]
    if name is None:
        return
    rename = _RENAME % setting
    if not _NAME.match(name) or len(name) > _LONGEST:
        raise Problem(
            "Kubernetes takes no node of this board's name",
            found=name,
            where=board,
            next_step=rename + ", of letters, digits, - and .",
        )
    same = [other for other, its in names.items() if its == name and other != board]
    if same:
        raise Problem(
            "boards would be one node, since they have one name",
            found="%s is also %s" % (name, ", ".join(same)),
            where=board,
            next_step=rename,
        )
    node = next((row for row in nodes if row["name"] == name), None)
    if node:
        # Its password is on the board that was this node, and nowhere else.
        raise Problem(
            "the cluster has a node of this board's name, and k3s lets no other machine in by it",
            found="%s, %s, %s"
            % (name, node.get("internal_ip") or "without address", "Ready" if node.get("ready") else "not Ready"),
            where=board,
            next_step="where it was this board before its system was written anew, k3s kubectl delete node %s; "
            "otherwise %s" % (name, rename),
        )
