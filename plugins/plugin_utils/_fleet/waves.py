# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which steps a fleet is changed, and how one of them went. Pure."""

from __future__ import annotations

import re
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import Plan, Steps, Verdict
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

# One board first, then shares of the fleet that grow: of 2 boards 1 and 1, of 20 these are 1, 2, 5 and 12, of 1,000
# they are 1, 100, 250 and 649.
DEFAULT_SERIAL = (1, "10%", "25%", "100%")
# A line names this many boards at most, but for those that were not touched, which are all named.
_NAMED = 8


def fleet(
    plans: Mapping[str, Plan],
    servers: Collection[str],
    serial: Any = DEFAULT_SERIAL,
    max_fail_percentage: Any = 0,
    lost: Optional[Mapping[str, Mapping[str, Any]]] = None,
) -> Steps:
    """How a run goes over the boards.

    ``plans`` {board: result of plan.plan} in the order of the inventory, ``servers`` the names of those that are
    servers, ``lost`` {board: what k3s_info said of it, if anything} of boards that cannot be reached or have no plan.
    Returns boards (all), servers (those of them that are), lost (servers among those), waves (lists of boards that have
    something to do), lines (these for people), changes (how many, those to the cluster included) and
    max_fail_percentage. Raises Problem for a serial or percentage that is none.
    """
    share = _number(max_fail_percentage)
    if share is None or not 0 <= share <= 100:
        raise Problem("riscv_k3s_max_fail_percentage must be a number from 0 to 100", found=str(max_fail_percentage))
    steps = waves([board for board, plan in plans.items() if is_busy(plan)], servers, serial)
    return {
        "boards": list(plans),
        "servers": [board for board in plans if board in servers],
        "lost": [board for board in lost or {} if board in servers],
        "waves": steps,
        "lines": [
            printable("wave %d of %d: %s" % (number, len(steps), named(wave))) for number, wave in enumerate(steps, 1)
        ],
        "changes": sum(plan["changes"] for plan in plans.values()),
        "max_fail_percentage": share,
    }


def is_busy(plan: Plan) -> bool:
    """Whether something is to be done on the board itself. Patches are not: they change the cluster, at the end."""
    return plan["changes"] > len(plan["patches"]["present"]) + len(plan["patches"]["absent"])


def waves(boards: Sequence[str], servers: Collection[str], serial: Any = DEFAULT_SERIAL) -> List[List[str]]:
    """``boards`` in steps, lists of names: agents by ``serial``, then each server by itself.

    Agents first, since a canary that fails should not be what all others depend on. Servers one at a time, however
    large the steps are: two members of etcd that restart at once can cost the cluster its quorum. ``serial`` is a
    number, a percentage such as "25%" (of the agents), or a list of these whose last one is repeated, as Ansible's
    keyword of that name. An empty text is what a survey of AWX hands on for what nobody answered.
    """
    if isinstance(serial, str) and not serial.strip():
        serial = DEFAULT_SERIAL
    agents = [board for board in boards if board not in servers]
    sizes = [_size(value, len(agents)) for value in (serial if isinstance(serial, (list, tuple)) else [serial])]
    if not sizes:
        raise Problem(
            "riscv_k3s_serial is an empty list",
            next_step="leave it out, or name at least one step, for example [1, '25%']",
        )
    result: List[List[str]] = []
    while agents:
        size = sizes[min(len(result), len(sizes) - 1)]
        result.append(agents[:size])
        agents = agents[size:]
    return result + [[board] for board in boards if board in servers]


def verdict(run: Steps, board: str, failures: Mapping[str, object], active: Collection[str]) -> Verdict:
    """How the wave of ``board`` went, when all of it is done.

    ``run`` is the result of `fleet`, ``failures`` {board: why it failed, or empty} of its boards, ``active`` those that
    still answer. Returns number (from 1), failed {board: why}, stop (whether the run ends here), untouched (boards
    whose turn has not come), and lines to show.
    """
    number = next(index for index, wave in enumerate(run["waves"], 1) if board in wave)
    wave = run["waves"][number - 1]
    failed = {
        name: printable(failures.get(name) or "it became unreachable")
        for name in wave
        if failures.get(name) or name not in active
    }
    stop = len(failed) == len(wave) or 100 * len(failed) > run["max_fail_percentage"] * len(wave)
    untouched = [name for later in run["waves"][number:] for name in later]
    lines = [printable(line) for line in _lines(run, number, failed, stop, untouched)]
    return {"number": number, "failed": failed, "stop": bool(failed) and stop, "untouched": untouched, "lines": lines}


def named(boards: Sequence[str]) -> str:
    """Boards for people, the first of many."""
    more = " and %d more" % (len(boards) - _NAMED) if len(boards) > _NAMED else ""
    return ", ".join(boards[:_NAMED]) + more


def _lines(run: Steps, number: int, failed: Dict[str, str], stop: bool, untouched: List[str]) -> List[str]:
    if not failed:
        return []
    lines = ["wave %d of %d failed:" % (number, len(run["waves"]))] + ["%s: %s" % row for row in failed.items()]
    if not stop:
        return lines + [
            "at most %g %% of it: the run continues (riscv_k3s_max_fail_percentage)" % run["max_fail_percentage"]
        ]
    if untouched:
        lines.append("not touched (%d): %s" % (len(untouched), ", ".join(untouched)))
    return lines + [
        "the run ends here, manifests and workloads are as they were. Fix the cause and run again: "
        "finished boards are left alone"
    ]


def _size(value: object, count: int) -> int:
    """A step as a number of boards, one at least; percentages are rounded down, as Ansible does."""
    text = str(value).strip()
    share = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)%", text)
    if share:
        return max(1, int(float(share.group(1)) * count / 100))
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise Problem(
            "riscv_k3s_serial must hold numbers of at least 1, or percentages",
            found=text,
            next_step="for example [1, '10%', '100%']",
        )
    return int(text)


def _number(value: object) -> Optional[float]:
    try:
        return float(str(value).rstrip("% "))
    except ValueError:
        return None
