# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind the module k3s_verdict: tells how a run went, and how the cluster is after it."""

from __future__ import annotations

import time
from typing import Any, Dict, List

from ansible.plugins.action import ActionBase

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose import first as _first
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import fleet as _fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import verdict as _verdict
from ansible_collections.riscv.k3s.plugins.plugin_utils._report.shown import show
from ansible_collections.riscv.k3s.plugins.plugin_utils._report.table import report, restarting

OPTIONS: Dict[str, Dict[str, Any]] = {"why": {"type": "bool", "default": False}}


class ActionModule(ActionBase):
    """Judge a run. Runs on the controller and changes nothing, so that check mode runs it, too."""

    TRANSFERS_FILES = False

    def run(self, tmp=None, task_vars=None):
        """The table and the verdict; a failure where the run must not end well."""
        result = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=OPTIONS)
        hostvars = task_vars["hostvars"]

        def of(board: str) -> Dict[str, Any]:
            # As it is: to template all variables of all boards would take longest.
            return hostvars.raw_get(board) or {}

        run, done = task_vars["k3s_run"], not self._task.check_mode
        states = [of(name).get("health_state") for name in task_vars["ansible_play_hosts_all"]]
        state: Dict[str, Any] = next((row for row in states if row), {})
        found, changes = _found(run, state, of, done)
        boards = list(run["boards"].values())
        pulled = {board["board"]: (of(board["board"]).get("images_pulled") or {}).get("downloaded") for board in boards}
        lines = _verdict.lines(found, changes, bool(run["problems"]), run["before"])
        restarted = _restarted(run, [of(name) for name in task_vars["ansible_play_hosts_all"]], done)
        undone = [name for name in run["boards"] if done and _is_undone(name, run, state, of(name))]
        told = (
            report(boards, state.get("api") or run["api"], done, pulled, undone) + restarting(restarted, done) + lines
        )
        result.update(changed=False, failed=not _verdict.ends_well(found, changes))
        shown = not options["why"] and show(self._display, told)
        if not result["failed"]:
            return dict(result, verdict=found, msg=told)
        if options["why"]:
            # Ansible shows the message of a failure as one text, and all else that it returns, too.
            why = _why(task_vars)
            return dict(result, msg="\n".join(lines + why), why=why)
        closer = _closer(run, found, state.get("api") or run["api"], of)
        msg = "Not healthy: what is wrong, and why, is told after a closer look at %s" % ", ".join(closer)
        return dict(result, verdict=found, msg=msg, report=[] if shown else told, closer=closer)


def _restarted(run, boards, done):
    """The pods that are to be restarted; afterwards those that were: one without a workload is left alone."""
    results = [row.get("health_restarted") or {} for row in boards]
    made = {"%(namespace)s/%(name)s" % pod for row in results for pod in row.get("restarted") or ()}
    return [pod for pod in run["restarts"] if not done or pod in made]


def _closer(run, found, api, of):
    """The boards that may tell why."""
    unwell = [name for name, row in found["boards"].items() if row["answer"] != _verdict.HEALTHY]
    seen = {name: of(name).get("k3s_seen") or {} for name in run["boards"]}
    server = run["first_server"] or run["stand_in"]
    return _first.boards(unwell, seen, api, server, run["settings"]["health_namespaces"])


def _why(task_vars):
    """What the closer look, a loop over boards, tells."""
    rows = (task_vars.get("health_closer") or {}).get("results") or []
    looks = {row["item"]: _uncensored(row, task_vars["k3s_run"]) for row in rows if isinstance(row.get("item"), str)}
    return _first.why_or_not_known(looks, round(time.time()), task_vars.get("ansible_inventory_sources") or ())


def _uncensored(row, run):
    """A row of the closer look. Its task is not logged, so Ansible hides also why a board could not be reached."""
    if "censored" not in str(row.get("msg") or ""):
        return row
    before = run["verdict"]["boards"].get(row["item"], {}).get("unknown")
    return dict(row, msg=before[0] if before else "it could not be reached when it was looked at again")


def _found(run, state, of, done):
    """The verdict, and how many changes are still to be made."""
    if not done:
        return run["verdict"], run["changes"]
    if "api" in state:
        boards = [_looked(name, plan, of(name), run) for name, plan in run["boards"].items()]
        found = _verdict.verdict(boards, state["api"], run["settings"])
        return dict(_with_others(found, run), **{key: run["verdict"][key] for key in ("left", "silent")}), 0
    if not run["changes"]:
        return run["verdict"], 0
    why = "the run ended before the cluster was verified"
    return dict(run["verdict"], answer=_verdict.UNKNOWN, unknown=run["verdict"]["unknown"] + [why]), run["changes"]


def _is_undone(name, run, state, variables):
    """Whether it is not known that the plan of a board was carried out, to its end."""
    lacks_patches = name in run["patches"] and "api" not in state
    return bool(lacks_patches or _failure(name, run, variables))


def _failure(name, run, variables):
    """Why a board that is changed is not as it should be then, or None. It failed in its wave, within what may fail, or
    nobody has looked at it since.
    """
    if not any(name in wave for wave in run["waves"]):
        return None
    return variables.get("fleet_failure") or (None if "fleet_seen" in variables else "nobody has looked at it since")


def _looked(name, plan, variables, run):
    is_changed = any(name in wave for wave in run["waves"])
    failure = _failure(name, run, variables)
    if failure:
        return _verdict.Looked(name, {"msg": "its change did not end well: %s" % failure}, plan)
    seen = _verdict.later(variables.get("k3s_seen") or {}, variables.get("fleet_seen"))
    closer = {} if is_changed else _fleet.closer_looks(variables, name)[0]
    return _verdict.Looked(name, seen, plan, closer.get("contents"))


def _with_others(found, run):
    """With boards that had no plan: what was said of them holds still."""
    others = {name: row for name, row in run["verdict"]["boards"].items() if name not in run["boards"]}
    texts: Dict[str, List[str]] = {
        kind: ["%s: %s" % (name, text) for name, row in others.items() for text in row[kind]]
        for kind in ("wrong", "unknown")
    }
    return _verdict.joined(found, others, texts)
