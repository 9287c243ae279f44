# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind the module k3s_wait: looks at a board again and again, as long as anything moves there."""

from __future__ import annotations

import time

from ansible.utils.display import Display

from ansible_collections.riscv.k3s.plugins.module_utils._waiting.patience import wait
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import conditions as _conditions
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.action import ObservingAction
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.marks import kills, marks
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import chosen_parts

# Seconds between two looks.
INTERVAL = 3
# Seconds between two lines that tell what is still missing.
TELL = 15
_ENDS = {"answers": "k3s does not answer as it should", "healthy": "the cluster is not healthy"}
_NEXT = {
    "answers": "see the log of k3s there (journalctl -u k3s -u k3s-agent), then run again; a board that is only slow "
    "needs a larger riscv_k3s_wait_timeout",
    "healthy": "the playbook riscv.k3s.diagnose says why; a board that is only slow needs a larger "
    "riscv_k3s_wait_timeout",
}


class ActionModule(ObservingAction):
    """Wait for a condition. Changes nothing, so that check mode runs it, too."""

    OPTIONS = {
        "condition": {"type": "str", "choices": list(_ENDS), "required": True},
        "timeout": {"type": "int", "default": 300},
        "api": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
        "plan": {"type": "dict"},
        "document": {"type": "str", "default": "k3s_run"},
    }
    clock = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    def run(self, tmp=None, task_vars=None):
        """As each observing action, with the document of the run at hand."""
        self._task_vars = task_vars or {}
        return super().run(tmp, task_vars)

    def observe_board(self, options):
        """The last look, a result of k3s_info, with what is missing."""
        seen, began = _Seen(), self.clock()
        teller = _Teller(self._task_vars.get("inventory_hostname", ""), began)

        def look():
            seen.take(*self._look(options))
            teller.tell(seen.missing, self.clock())
            return not seen.missing, seen.marks

        over = wait(look, options["timeout"], self.clock, self.sleep, (INTERVAL,))
        # Events are of use to nobody any more, and many.
        shown = {key: value for key, value in seen.result.items() if key != "details"}
        result = dict(shown, missing=seen.missing, looks=seen.looks, seconds=round(self.clock() - began, 1))
        if over is None:
            return result
        problem = Problem(
            "%s: %s" % (_ENDS[options["condition"]], over),
            found="; ".join(seen.missing + kills(seen.result)),
            where=seen.result.get("hostname"),
            next_step=_NEXT[options["condition"]],
        )
        return dict(result, failed=True, msg=str(problem), **problem.parts())

    def _look(self, options):
        """One look: (result, what is missing). One that breaks off, as while a board is busy, has seen nothing."""
        try:
            if options["condition"] == "healthy":
                result = self.look(options, chosen_parts(_conditions.OF_HEALTH))
                return result, _conditions.health_missing(self._task_vars[options["document"]], result)
            parts = _conditions.OF_ANSWERS + (("images",) if options["plan"] else ())
            result = self.look(options, chosen_parts(parts))
            return result, _conditions.answers_missing(result, options["plan"])
        except Problem as problem:
            return {}, [str(problem)]


class _Seen:
    """What the last look saw."""

    def __init__(self):
        self.result, self.missing, self.marks, self.looks = {}, [], {}, 0

    def take(self, result, missing):
        self.result, self.missing, self.looks = result or self.result, missing, self.looks + 1
        self.marks = marks(result) if result else {"look": missing[0]}


class _Teller:
    """Tells on the terminal what is still missing: when that changes, and not too often."""

    def __init__(self, board, now):
        self._board, self._last, self._began, self._told = board, now, now, None

    def tell(self, missing, now):
        if missing and missing != self._told and now - self._last >= TELL:
            more = " and %d more" % (len(missing) - 1) if missing[1:] else ""
            text = "WAITING: [%s] for %d s: %s%s" % (self._board, now - self._began, missing[0], more)
            # Not into the output that a program may read.
            Display().display(printable(text), stderr=True)
            self._told, self._last = missing, now
