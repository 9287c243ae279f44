# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An inventory that asks the boards themselves."""

from __future__ import annotations

DOCUMENTATION = r"""
name: boards
short_description: makes an inventory from the addresses of boards, by asking each board what it is
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - Connects to many boards at a time by ssh (paramiko), runs one command on each, which changes nothing and needs no
    Python, and makes a host of each.
  - A board with k3s stands in the group C(server) or C(agent), both of which are in C(k3s_cluster). One without k3s
    stands in C(no_k3s), and one of which that cannot be told, such as where the login is not root's, in
    C(k3s_not_known).
  - Beside these, the groups C(arch_riscv64), C(model_milk_v_mars), C(os_debian) and in it C(os_debian_13) are made
    from what boards tell.
  - A board that does not answer within its time, or whose answer cannot be read, is a warning. It stands in the group
    C(unreachable) alone. Nothing is guessed of it.
  - What is known of a board is its variable C(k3s_board), see the notes.
  - The file of the inventory must end in C(boards.riscv_k3s.yml) or C(boards.riscv_k3s.yaml).
extends_documentation_fragment:
  - constructed
  - inventory_cache
requirements:
  - paramiko 3.4 or newer, in the Python that runs Ansible
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [riscv.k3s.boards]
  addresses:
    description:
      - The boards. An entry is an address (C(192.168.173.11), C(fd00::11)), a range (C(192.168.173.11-20),
        C(192.168.173.250-192.168.174.5), C(fd00::10-1f)), a host name (C(board-1.lan)) or a range of these
        (C(board-[01:20])), each also with a port (C(192.168.173.11:2222),
        C([fd00::11]:2222)).
      - Or it is a dictionary with such an C(address), and of C(name), C(port), C(user), C(key_file),
        C(key_passphrase) and C(password) those that differ there.
      - A board's name in the inventory is its address, with C(_PORT) behind it where it has a port of its own, or its
        C(name).
    type: raw
    required: true
  port:
    description: The port of ssh.
    type: int
    default: 22
  user:
    description: The user to log in as. Only root sees all of a k3s.
    type: str
    default: root
  key_file:
    description:
      - The file of a private key, from C(~) or else from the folder of the inventory.
      - Keys of a running ssh agent are used, too, see O(agent). Those in C(~/.ssh) are not, unless they are named here.
    type: str
  key_passphrase:
    description: The passphrase of that key.
    type: raw
  password:
    description:
      - The password of the user. Give it as a template of a variable of O(vars_files), of a variable of C(-e), or of a
        lookup; or encrypted, by C(ansible-vault encrypt_string).
      - It is used for ssh alone. It does not become a variable, and does not get into the cache.
    type: raw
  agent:
    description: Whether keys of the ssh agent that C(SSH_AUTH_SOCK) names may be used.
    type: bool
    default: true
  vars_files:
    description:
      - Files of variables, also encrypted by Ansible Vault, for the templates in this file. Their paths start at the
        folder of the inventory. Variables of an inventory are not known while it is made.
    type: list
    elements: str
    default: []
  become:
    description:
      - By which program a user who is not root becomes root, without a password. Without it, such a login is not told
        what k3s there is.
    type: str
    choices: [sudo, doas]
  known_hosts:
    description:
      - Files in which the host keys of boards are known, as OpenSSH has them. New ones are recorded in the first.
      - When unset, C(~/.ssh/known_hosts) and C(/etc/ssh/ssh_known_hosts).
    type: list
    elements: str
  accept_new:
    description:
      - Whether a board whose host key is not known yet is trusted. Its key is recorded, and a warning tells it.
      - A key that differs from the one that is known is refused in any case.
    type: bool
    default: false
  timeout:
    description: Seconds that a board has for all of it, from the connection to its answer.
    type: float
    default: 30
  parallel:
    description: How many boards are asked at a time.
    type: int
    default: 50
notes:
  - C(k3s_board) has the same keys on each host, with null for what is not known. C(hostname), C(machine) (such as
    C(riscv64)), C(model), C(os) with C(id), C(version) and C(name), C(kernel), C(memory_mb), C(python) with C(path) and
    C(version), C(k3s) with C(installed), C(role) and C(version), C(cluster), C(host_key) (its fingerprint), C(reached),
    C(unread) (a sentence for each part that could not be read), and C(problem), which is null, or a dictionary of
    C(reason), C(text) and its parts.
  - C(k3s_board.cluster) is the same on boards of one cluster. It is the beginning of the SHA-256 of the certificate of
    its servers, C(server-ca.crt).
  - C(problem.reason) is one of C(refused), C(timeout), C(no_route), C(name), C(no_ssh), C(host_key_unknown),
    C(host_key_changed), C(host_key_revoked), C(host_key_not_recorded), C(authentication), C(nonsense) and C(other).
  - With a cache, boards that did not answer are kept as well. C(--flush-cache) asks again. A change of the addresses,
    names, ports or users in the file asks again by itself.
  - For a board that was not reached, O(strict) does not hold; O(compose), O(groups) and O(keyed_groups) do.
  - Ansible's own connections do not use O(password), O(known_hosts) or O(become), see
    C(ansible_password) and C(ansible_ssh_common_args).
"""

EXAMPLES = r"""
# boards.riscv_k3s.yml
plugin: riscv.k3s.boards
addresses:
  - 192.168.173.11-20
key_file: ~/.ssh/id_ed25519
---
# With a password from a file that ansible-vault encrypted, and a cache. Logged in as a user who may become root.
plugin: riscv.k3s.boards
addresses:
  - 192.168.173.11-20
  - address: 192.168.173.76:2222
    name: gateway
    user: admin
user: debian
become: sudo
vars_files: [group_vars/all/vault.yml]
password: "{{ vault_board_password }}"
timeout: 20
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/riscv-k3s-boards
cache_timeout: 3600
strict: true
compose:
  ansible_become: true
  board_title: k3s_board.model ~ ' (' ~ inventory_hostname ~ ')'
groups:
  small: (k3s_board.memory_mb or 0) < 4096
keyed_groups:
  - key: k3s_board.cluster or ''
    prefix: cluster
    default_value: none
"""

import os
import time

from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.vars import combine_vars

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards import addresses, groups, kept, logins, look
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh import connect


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "riscv.k3s.boards"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(("boards.riscv_k3s.yml", "boards.riscv_k3s.yaml"))

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        try:
            self._check_names(config, path)
            self._fill(path, cache)
        except Problem as problem:
            # Ansible would tell causes again, behind it.
            raise AnsibleParserError(str(problem)) from None

    def _check_names(self, config, path):
        """Ansible leaves out what it does not know."""
        known = C.config.get_configuration_definitions("inventory", self._load_name)
        known = {*known, *(alias for one in known.values() for alias in one.get("aliases", ()))}
        unknown = sorted(str(name) for name in config if name not in known)
        if unknown:
            raise Problem(
                "an option is not known",
                found=", ".join(unknown),
                where=path,
                next_step="ansible-doc -t inventory riscv.k3s.boards names all options",
            )

    def _fill(self, path, cache):
        options = self._options_of(path)
        boards = addresses.boards(options["addresses"], options["port"])
        wanted = {board.name: logins.login(board, options) for board in boards}
        rows = self._rows(path, cache, boards, wanted, options)
        self.inventory.add_group(groups.UNREACHABLE)
        for board in boards:
            self._add(board, rows[board.name], wanted[board.name])

    def _options_of(self, path):
        """The options, templated. An error tells the option, and never its value."""
        folder = os.path.dirname(os.path.abspath(path))
        self.templar.available_variables = self._variables(folder)
        options = {}
        for name in logins.OPTIONS:
            try:
                options[name] = self.templar.template(self.get_option(name))
            except AnsibleError as error:
                raise Problem("the option %s cannot be templated" % name, error.message, path) from error
        return logins.checked(options, folder)

    def _variables(self, folder):
        """For templates: those of vars_files, and before them those of -e."""
        found: dict = {}
        for name in self.get_option("vars_files"):
            path = os.path.join(folder, os.path.expanduser(name))
            try:
                content = self.loader.load_from_file(path, cache="none", trusted_as_template=True)
            except AnsibleError as error:
                raise Problem("a file of vars_files cannot be read", error.message, path) from error
            if not isinstance(content, dict):
                raise Problem("a file of vars_files holds no variables", where=path)
            found = combine_vars(found, content)
        return combine_vars(found, self._vars)

    def _rows(self, path, cache, boards, wanted, options):
        """What is known of each board, from the cache or from the boards, with the warnings."""
        users = {name: login["user"] for name, login in wanted.items()}
        of = (boards, users, options["become"] or "")
        keep, key = self.get_option("cache"), self.get_cache_key(path)
        found = kept.usable(self._cache.get(key), *of) if keep and cache else None
        if found:
            rows, since = found[0], time.strftime("%Y-%m-%d %H:%M", time.localtime(found[1]))
        else:
            rows, since = self._look(boards, wanted, options), ""
            if keep:
                self._cache[key] = kept.kept(*of, rows, round(time.time()))
        for name, row in rows.items():
            for text in groups.warnings(name, row, since):
                self.display.warning(text)
        return rows

    def _look(self, boards, wanted, options):
        connect.check_paramiko("the inventory plugin riscv.k3s.boards")
        keys = connect.HostKeys(options["known_hosts"] or (), options["accept_new"])
        how = look.How(options["timeout"], options["parallel"], options["become"] or "")
        seen = look.look(logins.opened(wanted, options["agent"]), boards, keys, how)
        for name in [name for name, one in seen.items() if one.is_new]:
            self.display.warning(
                "%s: its host key was not known; it was recorded in %s: %s"
                % (name, keys.paths[0], seen[name].row["host_key"])
            )
        return {name: one.row for name, one in seen.items()}

    def _add(self, board, row, login):
        self.inventory.add_host(board.name)
        for name, value in groups.variables(board, row, login).items():
            self.inventory.set_variable(board.name, name, value)
        for group, parent in groups.groups(row):
            self.inventory.add_group(group)
            self.inventory.add_host(board.name, group=group)
            if parent:
                self.inventory.add_group(parent)
                self.inventory.add_child(parent, group)
        # One board that does not answer must not end the inventory by what is not known of it.
        strict = self.get_option("strict") and row["reached"]
        variables = self.inventory.get_host(board.name).get_vars()
        self._set_composite_vars(self.get_option("compose"), variables, board.name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), {}, board.name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), {}, board.name, strict=strict)
