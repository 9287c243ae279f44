# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a playbook as its code has them, and runs to which something is done when one of them begins."""

from __future__ import annotations

import json
import pathlib
import uuid
from typing import NamedTuple

import yaml
from runs import play

ROOT = pathlib.Path(__file__).resolve().parents[2]
_COLLECTION = "riscv.k3s."
_HARMLESS = ("riscv.k3s.k3s_info", "riscv.k3s.k3s_plan", "riscv.k3s.k3s_show") + tuple(
    "ansible.builtin." + name for name in ("assert", "debug", "fail", "set_fact", "wait_for")
)


class Step(NamedTuple):
    """A task: its name as Ansible prints it, whether it is only for what goes wrong (in a `rescue`), and whether it can
    change anything on a board.
    """

    name: str
    rescue: bool
    acts: bool


def steps(playbook="site"):
    """Every task of a playbook and of the roles and files that it includes, in the order of the code, each once."""
    found, visited = {}, set()
    _playbook(playbook, found, visited)
    return list(found.values())


def _playbook(name, found, visited):
    for part in yaml.safe_load((ROOT / "playbooks" / (name + ".yml")).read_text(encoding="utf-8")):
        if "ansible.builtin.import_playbook" in part:
            _playbook(part["ansible.builtin.import_playbook"].partition(".")[0], found, visited)
        for key in ("pre_tasks", "roles", "tasks", "post_tasks"):
            for task in part.get(key) or []:
                if key == "roles":
                    _file(task if isinstance(task, str) else task["role"], "main", False, found, visited)
                else:
                    _task(task, None, False, found, visited)


def _task(task, role, rescue, found, visited):
    for key in ("block", "rescue", "always"):
        for inner in task.get(key, []):
            _task(inner, role, rescue or key == "rescue", found, visited)
    if "block" in task:
        return
    # Ansible leaves the role out of the name of a task that includes another one.
    alone = not role or "ansible.builtin.include_role" in task
    name = task["name"] if alone else "%s : %s" % (role, task["name"])
    # What is imported stands there itself, and its import is no task.
    if not any(key.startswith("ansible.builtin.import_") for key in task):
        found.setdefault(name, Step(name, rescue, _acts(task)))
    for module in ("include_role", "import_role"):
        args = task.get("ansible.builtin." + module)
        if args:
            _file(args["name"], args.get("tasks_from", "main"), rescue, found, visited)
    for module in ("include_tasks", "import_tasks"):
        args = task.get("ansible.builtin." + module)
        if args:
            _file(role, args if isinstance(args, str) else args["file"], rescue, found, visited)


def _acts(task):
    modules = [key for key in task if key.startswith((_COLLECTION, "ansible.builtin."))]
    return any(
        module not in _HARMLESS and not module.startswith(("ansible.builtin.include_", "ansible.builtin.import_"))
        for module in modules
    )


def _file(role, name, rescue, found, visited):
    path = ROOT / "roles" / role[len(_COLLECTION) :] / "tasks" / (name if name.endswith(".yml") else name + ".yml")
    if (path, rescue) in visited:
        return  # a file may include itself
    visited.add((path, rescue))
    for task in yaml.safe_load(path.read_text(encoding="utf-8")):
        _task(task, role, rescue, found, visited)


class Seen(NamedTuple):
    """A run with something done to it: its runs.Run, the steps that began, and whether it was done."""

    run: object
    began: list
    done: bool


def run_with(lab, folder, playbook, *args, step=None, command="kill", delay=0, **variables):
    """Run a playbook and, when ``step`` begins, do ``command``: "kill" (the run itself, by SIGKILL) or a list of
    arguments.
    """
    log = folder / ("steps-" + uuid.uuid4().hex[:8])
    log.touch()
    environment = {"AT_LOG": str(log), "AT_DELAY": str(delay), "ANSIBLE_CALLBACKS_ENABLED": "record,at_step"}
    if step:
        environment.update(AT_STEP=step, AT_COMMAND=command if command == "kill" else json.dumps(command))
    # In a process group of its own, which is what a kill ends.
    run = play(
        lab,
        _COLLECTION + playbook,
        "-e",
        json.dumps(variables),
        *args,
        check=False,
        extra_env=environment,
        start_new_session=True,
    )
    began = log.read_text(encoding="utf-8").splitlines()
    return Seen(run, began, log.with_name(log.name + ".done").exists())
