# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a run did not end well: which boards to look at, and the first findings of a diagnosis of these. Pure."""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, Optional, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils.pod import is_past, is_unready
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.diagnosis import diagnose
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.table import finding_lines
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.how_it_runs import own_node

# Boards are looked at one after the other, so a few beside the server must do; findings that a run ends with.
_BOARDS, _FINDINGS = 5, 3
_ALL = "Next: run the playbook riscv.k3s.diagnose, which looks at every board"


def boards(
    unwell: Iterable[str],
    seen: Mapping[str, Mapping[str, Any]],
    api: Optional[Mapping[str, Any]],
    server: Optional[str],
    namespaces: Sequence[str] = ("kube-system",),
) -> List[str]:
    """The boards to look at: the server that is asked, then those that are ``unwell`` and those whose node or pods are
    not Ready. ``seen`` {board: what was seen of it} tells which node a board is.
    """
    view = api if api and api.get("reachable") else {}
    nodes = {node["name"] for node in view.get("nodes") or () if not node["ready"]}
    pods = [pod for pod in view.get("pods") or () if pod["namespace"] in namespaces]
    nodes |= {pod["node"] for pod in pods if is_unready(pod) and not is_past(pod)}
    of_nodes = [name for name, board in seen.items() if _node(board, view) in nodes]
    others = [name for name in dict.fromkeys([*unwell, *of_nodes]) if name != server]
    return ([server] if server else []) + others[:_BOARDS]


def _node(board: Mapping[str, Any], api: Mapping[str, Any]) -> Optional[str]:
    node = own_node(board, api.get("nodes") or [])[0] if board.get("hostname") else None
    return node["name"] if node else None


def why_or_not_known(looks: Mapping[str, Any], now: float, inventory: Sequence[str] = ()) -> List[str]:
    """As `why`, whatever comes of it: what is wrong must be told even where the reason cannot be found."""
    try:
        return why(looks, now, inventory)
    except Exception as error:  # pylint: disable=broad-exception-caught
        return unknown("the closer look cannot be read (%s: %s)" % (type(error).__name__, error))


def why(looks: Mapping[str, Any], now: float, inventory: Sequence[str] = ()) -> List[str]:
    """The first findings of ``looks`` {board: result of k3s_info with all parts of a diagnosis, or what failed}, one of
    each cause, as lines for people.
    """
    if not looks:
        return unknown("the closer look did not take place")
    document = diagnose(looks, now, inventory)
    findings = document["findings"]
    causes = {finding["cause"]: finding for finding in findings[::-1]}
    shown = [finding for finding in findings if causes[finding["cause"]] is finding][:_FINDINGS]
    lines = [line for finding in shown for line in finding_lines("WHY: ", finding)]
    if len(findings) > len(shown):
        lines.append("WHY: and %d more. %s" % (len(findings) - len(shown), _ALL))
    return [printable(line) for line in lines or _nothing(document)]


def unknown(reason: str) -> List[str]:
    """Where there is no diagnosis."""
    return [printable("WHY: not known: %s. %s" % (reason, _ALL))]


def _nothing(document: Mapping[str, Any]) -> List[str]:
    if not document["collect"]:
        return ["WHY: no cause was found on the boards that were looked at. " + _ALL]
    row = document["collect"][0]
    which = "no cause was found for %s" % row["pod"] if row["pod"] else "not known yet"
    lines = ["WHY: %s. %s %s" % (which, row["text"], _ALL)]
    return lines + ["   on %s: %s" % (row["board"], row["command"])] * bool(row["command"])
