# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind the module boards_enroll: boards that are known by an address and a password get a key."""

from __future__ import annotations

import json
import os
import stat
from typing import Any, Dict

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.addresses import PORT
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.logins import LONGEST, check_number
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll import enroll, inventory_text, keys, wanted
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll.board import How
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.declared import PREFIX
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.read import read as read_settings
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh import connect

OPTIONS: Dict[str, Dict[str, Any]] = {
    "boards": {"type": "list", "elements": "raw", "required": True},
    "user": {"type": "str", "default": "root"},
    "password": {"type": "raw", "no_log": True},
    "public_key": {"type": "path"},
    "accept_new": {"type": "bool", "default": False},
    "known_hosts": {"type": "list", "elements": "path", "default": []},
    "become": {"type": "str", "choices": ["sudo", "doas"], "default": "sudo"},
    "lock_password": {"type": "bool", "default": False},
    "servers": {"type": "list", "elements": "str", "default": []},
    "inventory": {"type": "path", "default": "inventory.yml"},
    "timeout": {"type": "float", "default": 60},
    "parallel": {"type": "int", "default": 50},
}
_NOTHING: Dict[str, Any] = {"changed": False, "lines": [], "inventory": None, "boards": {}}


class ActionModule(ActionBase):
    """Enrol boards. Runs on the controller; in check mode it looks at the boards, and changes nothing."""

    TRANSFERS_FILES = False

    def run(self, tmp=None, task_vars=None):
        """What was done, and the text of the inventory; a failure where a board is not enrolled."""
        result = super().run(tmp, task_vars)
        try:
            connect.check_paramiko("the playbook riscv.k3s.enroll")
            check_names(task_vars or {})
            made = enrolled(self._options(), self._task.check_mode)
        except Problem as problem:
            made = dict(_NOTHING, problems=[str(problem)], failure=[str(problem)])
        return dict(result, failed=bool(made["failure"]), msg="; ".join(made["failure"]) or made["lines"], **made)

    def _options(self):
        """The role has no_log for this task, so that Ansible would not tell what is wrong with them."""
        try:
            dummy, options = self.validate_argument_spec(argument_spec=OPTIONS)
        except AnsibleError as error:
            raise Problem("an option is wrong", error.message, next_step="check riscv_k3s_enroll_*") from error
        # Plain texts: Ansible's own are no texts to the writer of YAML.
        return json.loads(json.dumps(options))


def check_names(variables):
    """Raises Problem for a setting of enroll that is misspelt."""
    named = {name: None for name in variables if name.startswith(PREFIX + "enrol")}
    read_settings({"riscv.k3s.enroll": named})


def enrolled(options, dry):
    """{changed, lines, problems, failure, inventory, boards}. Raises Problem where nothing was begun."""
    check_number("riscv_k3s_enroll_timeout", options["timeout"], LONGEST, "the settings", 0.1)
    password = "" if options["password"] is None else options["password"]
    wants = wanted.wants(options["boards"], options["user"], password)
    public, path = _key(options["public_key"])
    # What a link leads to is written, and the link stays.
    where = os.path.realpath(options["inventory"])
    if not os.path.isdir(os.path.dirname(where)):
        raise Problem("there is no folder for the inventory", where=where, next_step="make the folder, or name another")
    # Before a password is locked: a text that cannot be kept is lost.
    if not os.access(os.path.dirname(where), os.W_OK):
        raise Problem(
            "the inventory cannot be written",
            found="nothing can be written into its folder",
            where=where,
            next_step="name another file in riscv_k3s_enroll_inventory",
        )
    content = inventory_text.read(_text(where))
    base = inventory_text.empty() if content is None else content
    inventory_text.check_servers(options["servers"], [want.board.name for want in wants], base)
    hosts = connect.HostKeys(options["known_hosts"], options["accept_new"], dry)
    private = connect.key_of_agent(public.blob) or _private(path, public)
    how = How(public, private, hosts, options["timeout"], options["become"], options["lock_password"], dry)
    found = enroll.enroll(wants, how, options["parallel"])
    lines, problems = enroll.lines(found, hosts.paths[0], dry), enroll.problems(found)
    failure = enroll.failure(found)
    roles = enroll.roles(found, options["servers"], inventory_text.has_server(base))
    variables = {want.board.name: _variables(want, path if options["public_key"] else "") for want in wants}
    text = inventory_text.render(inventory_text.merged(base, roles, variables, options["servers"]))
    if roles and content is None:
        lines += ["The text for the inventory:", *text.splitlines()]
        problems.append(str(inventory_text.not_ours(where)))
        failure.append(problems[-1])
    return {
        "changed": any(one.done or one.is_new for one in found.values()),
        "lines": lines,
        "problems": problems,
        "failure": failure,
        "inventory": {"path": where, "text": text, "mode": _mode(where)} if roles and content is not None else None,
        "boards": {name: _row(one, roles.get(name)) for name, one in found.items()},
    }


def _mode(path):
    """As the module copy takes it; a file that is there keeps its own."""
    return "%04o" % stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else "0644"


def _row(one, role):
    return {"done": one.done, "host_key": one.host_key, "is_new": one.is_new, "role": role, "problem": one.problem}


def _variables(want, key_file):
    board = want.board
    found = {"ansible_host": board.address} if board.name != board.address else {}
    found.update({"ansible_port": board.port} if board.port != PORT else {}, ansible_user=want.user)
    return dict(found, ansible_ssh_private_key_file=key_file) if key_file else found


def _key(option):
    """The public key, and the path of its private part."""
    folder = os.path.expanduser("~/.ssh")
    usual = [os.path.join(folder, name) for name in keys.USUAL]
    path = option or next((name for name in usual if os.path.isfile(name)), None)
    if not path:
        raise keys.missing(folder)
    text = _text(path)
    if text is None:
        raise Problem("the public key is not there", where=path, next_step="check riscv_k3s_enroll_public_key")
    return keys.key(text, path), path[: -len(".pub")] if path.endswith(".pub") else path


def _private(path, public):
    try:
        key = connect.private_key(path)
    except Problem as problem:
        problem.next_step = "put it beside the public key, without a passphrase, or add it to an ssh agent (ssh-add)"
        raise
    if key.get_base64() != public.blob:
        raise Problem("the private key beside the public one is another one", where=path, next_step="check both files")
    return key


def _text(path):
    """Of a file; None where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem("the file cannot be read", error.strerror, path) from error
