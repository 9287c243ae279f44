# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind the module k3s_plan: reads what was observed of all boards, asks the mirror, plans once for all."""

from __future__ import annotations

import os
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars

from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.scheme import asked_scheme
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import fleet as _fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import run as _run
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.derived import derived
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.machines import with_versions
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.prepared import prepared
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import blank as _blank
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.document import installed
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.removal import uninstalled
from ansible_collections.riscv.k3s.plugins.plugin_utils._rollout.upgraded import upgraded
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings import groups as _groups
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.declared import (
    FOREIGN,
    FOREIGN_CONFIG,
    FOREIGN_UNREAD,
    OF_ACCESS,
    OF_CONFIG,
    PREFIX,
    READ_LATER,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.read import read, unread
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.access import registry_access
from ansible_collections.riscv.k3s.plugins.plugin_utils.strategy import required as strategy_required

ASK = "riscv.k3s.registry_image_info"
LOCK = "images.lock.yml"
HOSTS = PREFIX + "hosts"
OPTIONS = {
    "state": {
        "type": "str",
        "choices": ["present", "absent", "prepared", "installed", "uninstalled", "upgraded"],
        "default": "present",
    },
    "observed": {"type": "str", "default": "k3s_seen"},
    "observed_away": {"type": "str", "default": "k3s_seen_away"},
    "lock_file": {"type": "str"},
    "blank": {"type": "bool", "default": False},
    "closer": {"type": "bool", "default": False},
    "warn": {"type": "bool", "default": True},
}


class ActionModule(ActionBase):
    """Plan a whole fleet. Runs on the controller and changes nothing, so that check mode runs it, too."""

    TRANSFERS_FILES = False

    def run(self, tmp=None, task_vars=None):
        """The document, or a failure with the parts of a Problem."""
        result = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=OPTIONS)
        variables = _Variables(task_vars, self._templar)
        try:
            strategy_required(self._task.get_play().strategy)
            fleet = self._fleet(options, variables, task_vars)
            if options["state"] == "absent":
                document = _run.absent(fleet)
            elif options["state"] == "prepared":
                document = prepared(fleet)
            elif options["state"] == "uninstalled":
                document = uninstalled(fleet)
            elif options["state"] == "installed":
                planned = self._present(_blank.expected(fleet), variables, task_vars)
                document = installed(fleet, planned, *_reached_by(variables, fleet))
            elif options["state"] == "upgraded":
                document = upgraded(fleet)
            else:
                blank = [board.name for board in fleet.boards if options["blank"] and _blank.has_not_run(board.seen)]
                fleet = _blank.expected(fleet) if options["blank"] else fleet
                document = dict(self._present(fleet, variables, task_vars), blank=blank)
            if not options["warn"]:
                # The texts of the document hold what concerns single boards. This stands nowhere else.
                document["warnings"] = list(fleet.warnings)
            result.update(document, changed=False)
        except Problem as problem:
            result.update(problem.parts(), failed=True, changed=False, msg=str(problem))
        return result

    def _present(self, fleet, variables, task_vars):
        fleet = fleet._replace(boards=derived(fleet.boards, asked_scheme, variables.reached))
        return _run.present(fleet, self._ask(fleet, variables, task_vars))

    def _fleet(self, options, variables, task_vars):
        names = task_vars["ansible_play_batch"]

        def seen(name) -> Any:
            return variables.of(name).get(options["observed"]) or {}

        def seen_close(name) -> Any:
            return _fleet.looked_closer(seen(name), variables.of(name) if options["closer"] else {}, name)

        active = task_vars["ansible_play_hosts"]
        away = _looked_away(task_vars.get(options["observed_away"]))
        away = _fleet.elsewhere(away, {name: seen(name) for name in names})
        blank = options["blank"] and any(_blank.has_not_run(seen(name)) for name in names)
        whole = options["state"] == "installed" or blank
        settings = read({name: variables.settings(name, whole) for name in names})
        group = settings[names[0]]["server_group"]
        declared = _groups.declared_servers(task_vars["groups"], group)
        roles = {name: _role(seen(name)) for name in task_vars["ansible_play_hosts_all"]}
        servers = _groups.seen_servers(declared, roles)
        locks = _Locks(options["lock_file"] if options["state"] == "present" else "")
        boards = [
            _fleet.Board(
                name,
                seen_close(name),
                settings[name],
                name in servers,
                locks.of(settings[name]["lock_file"], variables.of(name).get("inventory_dir")),
            )
            for name in names
        ]
        fleet = _fleet.Fleet(
            boards,
            servers,
            away,
            lost={name: seen(name) for name in task_vars["ansible_play_hosts_all"] if name not in active},
            beside={name: seen(name) for name in active if name not in settings and seen(name)},
            warnings=_groups.disagreements(declared, roles, group)
            + self._ignored(variables, names)
            + (unread(_not_read(variables, names)) if options["state"] == "installed" else []),
        )
        return with_versions(fleet)

    def _ignored(self, variables, names):
        """What to tell of a setting that has no effect where it stands."""
        given = [name for name in names if variables.of(name).get(HOSTS)]
        if not given or HOSTS in load_extra_vars(self._loader):
            return []
        return [
            "%s in the inventory has no effect, since the keyword hosts of a play does not see it: give it with -e"
            % HOSTS
        ]

    def _ask(self, fleet, variables, task_vars):
        answers = {}
        for question in _run.questions(fleet):
            arguments = {
                "images": list(question.images),
                "architecture": question.architecture,
                "variant": question.variant,
                "registries": registry_access(variables.access(question.board)),
            }
            done = self._execute_module(module_name=ASK, module_args=arguments, task_vars=task_vars)
            if done.get("failed") and question.prefix:
                raise Problem("the mirror cannot be asked", found=done.get("msg"), where=question.prefix)
            # Nobody asked for skopeo where k3s's own default registry is all there is to ask: the next fix is taken.
            answers[question.key] = _run.not_asked(question, done) if done.get("failed") else done["images"]
        return answers


def _role(seen):
    """Server or agent, as it was seen; None where that is not known."""
    return (seen.get("k3s") or {}).get("role")


def _reached_by(variables, fleet):
    """({server: how it is reached from here}, the boards for which the inventory has the token)."""
    names = [board.name for board in fleet.boards]
    return {name: variables.host(name) for name in fleet.servers}, [name for name in names if variables.has_token(name)]


def _is_same(one, other):
    """Whether two variables hold the same. What is in a vault cannot be compared while that is not open."""
    if one is other:
        return True
    secret = [getattr(value, "_ciphertext", None) for value in (one, other)]
    return secret[0] == secret[1] if any(secret) else one == other


def _not_read(variables, names):
    """Variables of other collections that have a value on a board."""
    return {name for board in names for name in FOREIGN_UNREAD if not _is_empty(variables.of(board).get(name))}


def _is_empty(value):
    """Of what is in a vault nothing is asked: it may not be open."""
    return value is None or (isinstance(value, (str, list, dict)) and not value)


def _looked_away(registered):
    """{server: its result of k3s_info, or what failed} of a looped task, whose items are the servers' names."""
    rows = (registered or {}).get("results") or []
    return {row["item"]: row for row in rows if isinstance(row.get("item"), str)}


class _Variables:
    """The variables of boards as they are, templated one by one: to template all of them would take longest."""

    def __init__(self, task_vars, templar):
        self._hostvars, self._templar, self._known = task_vars["hostvars"], templar, {}
        # What a play or a task sets holds for every board; what is of the board that this task runs for is not it.
        own = self.of(task_vars["inventory_hostname"])
        self._of_play = {
            name: value
            for name, value in task_vars.items()
            if (name.startswith(PREFIX) or name in FOREIGN_CONFIG)
            and (name not in own or not _is_same(own[name], value))
        }

    def of(self, board):
        """The variables of a board, not templated."""
        if board not in self._known:
            self._known[board] = self._hostvars.raw_get(board)
        return self._known[board]

    def settings(self, board, whole=False):
        """{variable: value} of all settings that a plan needs; others are there with None, so that they are checked.
        ``whole`` says that those of k3s's configuration are needed, too; its token never is.
        """
        variables = self._with_play(board)
        foreign = (*FOREIGN, *FOREIGN_CONFIG) if whole else tuple(FOREIGN)
        names = [name for name in variables if name.startswith(PREFIX) or name in foreign]
        unread = READ_LATER - (set(OF_CONFIG) - {"token"} if whole else set())
        later = [name for name in names if name[len(PREFIX) :] in unread]
        return dict(
            self._templated(board, variables, [name for name in names if name not in later]), **dict.fromkeys(later)
        )

    def has_token(self, board):
        """Whether the inventory has the cluster's token, which no plan looks at."""
        variables = self._with_play(board)
        return any(variables.get(name) not in (None, "") for name in (PREFIX + "token", "token"))

    def host(self, board):
        """How a board is reached from here."""
        variables = self._with_play(board)
        given = [name for name in ("ansible_host",) if name in variables]
        return self._templated(board, variables, given).get("ansible_host") or board

    def access(self, board):
        """What a board's variables say about registries; may hold passwords."""
        variables = self._with_play(board)
        return self._templated(board, variables, [name for name in variables if name.startswith(PREFIX + "registr")])

    def reached(self, board):
        """What a board's variables say of how registries and the board are reached from here, not templated."""
        given = {name.replace(PREFIX, "", 1): value for name, value in self._with_play(board).items()}
        return {name: given[name] for name in (*OF_ACCESS, "ansible_connection") if name in given}

    def _with_play(self, board):
        return {**self.of(board), **self._of_play}

    def _templated(self, board, variables, names):
        templar = self._templar.copy_with_new_env(available_variables=dict(variables, hostvars=self._hostvars))
        return {name: _template(templar, board, name, variables[name]) for name in names}


def _template(templar, board, name, value):
    try:
        return templar.template(value)
    except AnsibleError as error:
        raise Problem("%s cannot be templated" % name, found=str(error), where=board) from error


class _Locks:
    """Lock files of the controller, each read once. ``given`` is the path that the task names, "" for no lock."""

    def __init__(self, given):
        self._given, self._read = given, {}

    def of(self, named, inventory_dir):
        """The lock of a board whose setting is ``named``, or None. One that is named must be there."""
        named = named if self._given is None else self._given
        path = os.path.join(inventory_dir or ".", LOCK) if named is None else os.path.expanduser(named)
        if path not in self._read:
            self._read[path] = self._load(path) if path and (named or os.path.isfile(path)) else None
        return self._read[path]

    @staticmethod
    def _load(path):
        try:
            with open(path, encoding="utf-8") as file:
                return _lock.read(file.read(), path)
        except (OSError, ValueError) as error:
            raise Problem(
                "the lock file cannot be read",
                found=getattr(error, "strerror", None) or str(error),
                where=path,
                next_step="correct riscv_k3s_lock_file, or make the lock by the playbook riscv.k3s.lock",
            ) from error
