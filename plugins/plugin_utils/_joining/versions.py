# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which version of k3s a board may have that joins a cluster. Pure.

https://kubernetes.io/releases/version-skew-policy/
"""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.releases import parse_version
from ansible_collections.riscv.k3s.plugins.plugin_utils._rollout.skew import span_of


def require(target: str, nodes: Sequence[Mapping[str, Any]], is_server: bool, board: str) -> None:
    """Raise Problem where a new board of ``target`` would be newer than a server, or older than it may be. ``nodes``
    are the API's.
    """
    wanted = _minor(target)
    servers = [(row["name"], row.get("kubelet") or "") for row in nodes if row.get("role") == "server"]
    known = [(name, text, minor) for name, text in servers for minor in [_known(text)] if minor]
    if not wanted or not known:
        return
    oldest, newest = min(known, key=lambda row: row[2]), max(known, key=lambda row: row[2])
    span = 0 if is_server else span_of(newest[2])
    if wanted > oldest[2]:
        raise Problem(
            "a board does not join with a newer k3s than a server has",
            found="%s, and the server %s runs %s" % (target, oldest[0], oldest[1]),
            where=board,
            next_step="upgrade the servers first (riscv.k3s.upgrade), or set riscv_k3s_target_version to %s"
            % oldest[1],
        )
    if wanted[0] != newest[2][0] or wanted[1] < newest[2][1] - span:
        raise Problem(
            "%s does not join with so old a k3s" % ("a server" if is_server else "an agent"),
            found="%s, and the server %s runs %s" % (target, newest[0], newest[1]),
            where=board,
            next_step="set riscv_k3s_target_version to %s" % newest[1],
        )


def _minor(version: str) -> Tuple[int, int]:
    parsed = parse_version(version)
    return parsed[0], parsed[1]


def _known(version: str) -> Optional[Tuple[int, int]]:
    try:
        return _minor(version)
    except Problem:
        return None
