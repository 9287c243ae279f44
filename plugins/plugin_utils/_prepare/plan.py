# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What prepare does on one board: each step's rows, what is chosen of it, and both as text. Pure."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import PreparePlan
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._prepare import boot, firewall, kernel, timing
from ansible_collections.riscv.k3s.plugins.plugin_utils._prepare.facts import (
    CHANGE,
    HAND,
    KERNEL,
    OK,
    UNKNOWN,
    Facts,
    Row,
)

# In the order in which they are made: a setting of the kernel may come with a module.
STEPS = {
    "modules": kernel.modules,
    "sysctl": kernel.sysctl,
    "iptables": firewall.iptables,
    "firewall": firewall.firewall,
    "cgroups": boot.cgroups,
    "time": timing.time,
    "swap": boot.swap,
}
_WORDS = {
    OK: "ok: %s",
    KERNEL: "needs another kernel: %s",
    HAND: "for a person: %s",
    UNKNOWN: "not known: %s",
}


def plan(observed: Mapping[str, Any], board: str, chosen: Sequence[str], cluster: Mapping[str, Any]) -> PreparePlan:
    """Decide for one board.

    ``observed`` is its result of k3s_info with the parts preflight, system and journal, ``chosen`` the names of the
    steps to make, ``cluster`` what `facts.Facts` has. Returns board, system (settings for k3s_board_settings), rows
    {step, state, text, needed_for, chosen}, lines (for people), reboot (why one is needed, sentences), left (what only
    a person or another kernel mends) and changes. Raises Problem.
    """
    journal = observed.get("journal") or {}
    if journal.get("error"):
        raise Problem("what was done to %s is not known" % board, found=journal["error"])
    if not observed.get("preflight") or not observed.get("system"):
        raise Problem("the system of %s cannot be read" % board, found=_errors(observed))
    facts = Facts(observed["preflight"], observed["system"], cluster, observed.get("observed_at"))
    rows = [row for name in STEPS for row in STEPS[name](facts)]
    made = [row for row in rows if row.state == CHANGE and row.step in chosen]
    settings = [setting for row in made for setting in row.settings]
    return {
        "board": board,
        "system": settings,
        "rows": [_told(row, chosen) for row in rows],
        "lines": [printable(_line(row, chosen)) for row in rows],
        "reboot": [row.text for row in rows if row.reboot and row.step in chosen],
        "left": [row.text for row in rows if row.state in (KERNEL, HAND)],
        "changes": len(settings),
    }


def _told(row: Row, chosen: Sequence[str]) -> Dict[str, Any]:
    shown = {key: printable(getattr(row, key)) for key in ("step", "state", "text", "needed_for")}
    return dict(shown, chosen=row.step in chosen)


def _line(row: Row, chosen: Sequence[str]) -> str:
    for_what = ", for %s" % row.needed_for if row.needed_for else ""
    if row.state != CHANGE:
        return "%s: %s%s" % (row.step, _WORDS[row.state] % row.text, for_what)
    reboot = "; it takes effect at the next boot" if row.reboot else ""
    if row.step in chosen:
        return "%s: %s%s%s" % (row.step, row.text, for_what, reboot)
    return "%s: would %s%s%s (not chosen in riscv_k3s_prepare)" % (row.step, row.text, for_what, reboot)


def _errors(observed: Mapping[str, Any]) -> str:
    errors = observed.get("errors") or ()
    return "; ".join("%s: %s" % (row["section"], row["message"]) for row in errors) or "it was not observed"
