# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an upgrade of k3s does on one board, from what was observed of it. Pure.

Everything is decided from what is there, so a run that was cut short at any step is continued by the next one: the
version that runs (of the node), the program (its journal entry), and whether k3s runs.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.binary import DEFAULT_PATH, binary_of


class State(NamedTuple):
    """What is known of a board's k3s.

    ``path`` is where its program lies, ``runs`` the version of its node, None where no node tells it. ``entry`` is what
    the journal has of a program that was replaced and is not settled, None for none: then ``goal`` is the version of
    the program that stands there now, and ``former`` that of the one that comes back.
    """

    path: str
    runs: Optional[str]
    running: Optional[bool]
    ready: bool
    program: Optional[str]
    goal: Optional[str]
    former: Optional[str]


def state(seen: Mapping[str, Any], node: Optional[Mapping[str, Any]], settings: Mapping[str, Any]) -> State:
    """From a result of k3s_info and the row of the API's nodes."""
    k3s = seen.get("k3s") or {}
    path = settings.get("binary_path") or k3s.get("program") or DEFAULT_PATH
    programs = (seen.get("journal") or {}).get("programs") or {}
    # A symbolic link was followed when it was noted.
    entry = programs.get(path) or next((row for row in programs.values() if row["previous"]), None)
    open_entry = entry if entry and entry["previous"] else None
    return State(
        path=path,
        runs=(node or {}).get("kubelet") or None,
        running=k3s.get("running"),
        ready=bool((node or {}).get("ready")),
        program=k3s.get("version"),
        goal=open_entry["version"] if open_entry else None,
        former=open_entry["previous"]["version"] if open_entry else None,
    )


def plan(
    now: State, target: str, seen: Mapping[str, Any], settings: Mapping[str, Any], has_api: bool
) -> Dict[str, Any]:
    """{path, runs, goal, binary, restart, resumed, changes, line}.

    ``path`` is where the program lies, ``runs`` and ``goal`` the versions before and after, ``binary`` what is put
    there (a row of binary_of, None for nothing), ``resumed`` whether an earlier run began with it, ``changes`` 1 or 0.
    Raises Problem.
    """
    if now.goal and not now.runs and not has_api:
        # Whatever else is wanted, the k3s that an earlier run left must answer first.
        line = "starts %s, as an earlier run began" % now.goal
        return _row(now, now.former, now.goal, None, True, True, line)
    if not now.runs:
        raise Problem(
            "which version of k3s runs is not known",
            found="no node of the API is this board" if has_api else "the API does not answer",
            next_step="see that k3s runs (riscv.k3s.diagnose), then run again",
        )
    if now.runs == target and now.goal in (None, target) and now.program in (None, target):
        is_open = now.goal is not None
        if not now.ready and not now.program:
            # The node tells what ran when its kubelet last reported.
            raise Problem(
                "which version of k3s runs is not known",
                found="its node is not Ready, and %s does not tell its version" % now.path,
                next_step="see that k3s runs (riscv.k3s.diagnose), then run again",
            )
        line = _seen(now, target) + (", of which an earlier run did not see whether it is well" if is_open else "")
        is_down = is_open and not now.running
        return _row(now, now.former or now.runs, target, None, is_down, is_open, line, changes=is_open)
    _require_own_program(now, target, settings)
    binary = binary_of(settings, seen["architecture"], target, now.path, replace=True)
    resumed = now.goal == target
    return _row(now, now.runs, target, binary, True, resumed, "%s -> %s" % (now.runs, target))


def _seen(now, target):
    """What was seen of a board that needs no other program: it runs is said of nothing else."""
    if not now.running:
        return "%s is installed, and %s" % (
            target,
            "whether it runs is not known" if now.running is None else "does not run",
        )
    return "runs %s" % target if now.ready else "%s is installed, and its node is not Ready" % target


def _row(now, runs, goal, binary, restart, resumed, line, changes=True):
    return {
        "path": now.path,
        "runs": runs,
        "goal": goal,
        "binary": binary,
        "restart": restart,
        "resumed": resumed,
        "changes": int(changes),
        "line": line,
    }


def _require_own_program(now, target, settings):
    if settings.get("package"):
        raise Problem(
            "k3s is not upgraded here",
            found="riscv_k3s_package says that a package brings it (%s)" % settings["package"],
            next_step="upgrade the package, one server at a time, or set riscv_k3s_binary in its place",
        )
    if now.goal or now.program in (None, now.runs, target):
        return
    raise Problem(
        "the k3s that runs is not the one that was found",
        found="%s runs, %s is %s" % (now.runs, now.path, now.program),
        next_step="set riscv_k3s_binary_path to the program that the service starts, or restart k3s where it was "
        "replaced by hand",
    )


def gate(goal: str) -> Dict[str, str]:
    """The gate before all others: the node runs the new version."""
    return {
        "name": "the new version runs",
        "query": "node.kubelet == '%s'" % re.sub(r"['\\]", "", goal),
        "message": "the node does not run k3s %s" % goal,
        "found": "node.kubelet || no_node || api",
    }
