# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every setting of an inventory, declared once: its type, its default, and what it may be. Data.

The inventory calls a setting ``riscv_k3s_NAME``. docs/schema/catalogue.schema.json, the sample inventory and the
argument specs of the roles are tested against this list.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Tuple

PREFIX = "riscv_k3s_"


class Setting(NamedTuple):
    """``kind`` is text, flag (true or false), count (a whole number from 0 on), share (a percentage), texts (a list, or
    text with commas), dictionary, dictionaries (a list of them) or any, which is checked where it is used.

    ``default`` is None where the lack of the setting says something of its own. ``choices`` are what text, or each of
    the texts, may be. ``secret`` values stay with the task that needs them: the document of a run never holds them.
    ``of_fleet`` settings are read once, from the first board of the run; others may differ from board to board. An
    empty text counts as not set, unless it says something of its own (``is_empty_said``).
    """

    kind: str
    default: Any = None
    choices: Tuple[str, ...] = ()
    secret: bool = False
    of_fleet: bool = False
    is_empty_said: bool = False


# The steps of prepare, in their order.
PREPARE = ("modules", "sysctl", "iptables", "firewall", "cgroups", "time", "swap")
OF_ACCESS = {
    "registry": Setting("text"),
    "registry_username": Setting("text", secret=True),
    "registry_password": Setting("text", secret=True),
    "registry_identity_token": Setting("text", secret=True),
    "registry_token_server": Setting("text"),
    "registry_token_servers": Setting("dictionary"),
    "registry_ca_file": Setting("text"),
    "registry_cert_file": Setting("text"),
    "registry_key_file": Setting("text"),
    "registry_tls_verify": Setting("flag", True),
    # By default as riscv_k3s_registries says, or where there is none, as it answers.
    "registry_plain_http": Setting("flag"),
}
_OF_BOARDS = {
    "registries": Setting("dictionary", secret=True),
    "registries_merge": Setting("flag", False),
    "registries_path": Setting("text", "/etc/rancher/k3s/registries.yaml"),
    "catalogue": Setting("dictionaries"),
    # By default only where there is no catalogue of one's own.
    "catalogue_defaults": Setting("flag"),
    "catalogue_prefix": Setting("text"),
    "fixes": Setting("texts", ("mirror", "tag"), ("mirror", "tag", "flag", "preload")),
    "mirror_prefix": Setting("text"),
    "preload_folder": Setting("text"),
    # An empty one turns the lock off.
    "lock_file": Setting("text", is_empty_said=True),
    "embedded_registry": Setting("flag", False),
    "embedded_registries": Setting("texts", ("*",)),
    "target_version": Setting("text"),
    "architecture": Setting("text", "auto"),
    "variant": Setting("text"),
    # By default where k3s's own configuration says that it is.
    "data_dir": Setting("text"),
    "service": Setting("text"),
    # At least 1, which the look itself asks for.
    "program_timeout": Setting("count", 30),
    "pull_policy": Setting("text", "missing", ("missing", "always")),
    "pull_retries": Setting("count", 3),
    "deep": Setting("flag", False),
    "existing": Setting("text", "overwrite", ("overwrite", "keep")),
    "pinned": Setting("flag", True),
    "patch_mode": Setting("text", "overlay", ("overlay", "in_place")),
    "patch_wait": Setting("flag", True),
    "patch_timeout": Setting("count", 120),
    "wait_timeout": Setting("count", 300),
    "gates": Setting("dictionaries"),
    "gate_timeout": Setting("count"),
    # Nobody's system is changed unasked.
    "prepare": Setting("texts", (), PREPARE),
    # Nor is it restarted.
    "prepare_reboot": Setting("flag", False),
}
_OF_THE_FLEET = {
    "hosts": Setting("texts", of_fleet=True),
    "server_group": Setting("text", "server", of_fleet=True),
    "allow_unowned": Setting("flag", False, of_fleet=True),
    "health_namespaces": Setting("texts", ("kube-system",), of_fleet=True),
    "serial": Setting("any", (1, "10%", "25%", "100%"), of_fleet=True),
    "max_fail_percentage": Setting("share", 0, of_fleet=True),
    "gate_undo": Setting("flag", False, of_fleet=True),
    "undo_components": Setting("texts", (), of_fleet=True),
    "undo_wait": Setting("flag", False, of_fleet=True),
    "lease_wait": Setting("count", 0, of_fleet=True),
    "lease_seconds": Setting("count", 3600, of_fleet=True),
    "lease_take_over": Setting("text", of_fleet=True),
}
# Which program is k3s on a board. A package instead of a binary is the distribution's own.
_OF_THE_PROGRAM = {
    "binary": Setting("text"),
    "binary_checksum": Setting("text"),
    "package": Setting("text"),
    # By default /usr/local/bin/k3s; where a service starts k3s already, or a package brought it, the path of that.
    "binary_path": Setting("text"),
}
# What k3s is told where it is installed. Only install and upgrade need them, and they may be in a vault.
OF_CONFIG = {
    "token": Setting("text", secret=True),
    "api_endpoint": Setting("text"),
    "server_config": Setting("dictionary", secret=True),
    "agent_config": Setting("dictionary", secret=True),
}
# Read by playbooks that touch no board.
_OF_THE_CONTROLLER = {
    "archives_dir": Setting("text"),
    "target_manifests": Setting("text"),
    "target_images": Setting("texts", ()),
    "target_disable": Setting("texts", (), ("coredns", "local-storage", "metrics-server", "servicelb", "traefik")),
    "diagnose_json": Setting("text"),
    "diagnose_html": Setting("text"),
    # The answer to the question of uninstall.
    "uninstall": Setting("flag", False),
    # Of boards that no inventory has yet.
    "enroll_boards": Setting("any", secret=True),
    "enroll_user": Setting("text", "root"),
    "enroll_password": Setting("text", secret=True),
    "enroll_public_key": Setting("text"),
    "enroll_accept_new": Setting("flag", False),
    "enroll_known_hosts": Setting("texts", ()),
    "enroll_become": Setting("text", "sudo", ("sudo", "doas")),
    "enroll_lock_password": Setting("flag", False),
    "enroll_servers": Setting("texts", ()),
    "enroll_inventory": Setting("text", "inventory.yml"),
    "enroll_timeout": Setting("count", 60),
}
SETTINGS: Dict[str, Setting] = {
    **OF_ACCESS,
    **_OF_BOARDS,
    **_OF_THE_PROGRAM,
    **OF_CONFIG,
    **_OF_THE_FLEET,
    **_OF_THE_CONTROLLER,
}
# Variables of k3s-ansible that say the same as a setting: what it writes into registries.yaml, and the version that it
# installs.
FOREIGN = {"registries_config_yaml": Setting("any", secret=True), "k3s_version": Setting("any")}
# The same for what k3s is told where it is installed. Its token is read where it is written, and nowhere else.
FOREIGN_CONFIG = {
    "api_endpoint": Setting("any"),
    "api_port": Setting("any"),
    "server_config_yaml": Setting("any", secret=True),
    "agent_config_yaml": Setting("any", secret=True),
    "extra_server_args": Setting("any", secret=True),
    "extra_agent_args": Setting("any", secret=True),
}
# What other roles and collections for k3s read and this one does not, and where the same is said: k3s-ansible, its fork
# by techno-tim, PyratLabs' role.
_ENVIRONMENT = "/etc/default/k3s on the boards (agents: k3s-agent; OpenRC: /etc/rancher/k3s/k3s.env, k3s-agent.env)"
FOREIGN_UNREAD = {
    "airgap_dir": "riscv_k3s_binary, and riscv_k3s_fixes with preload",
    "apiserver_endpoint": "riscv_k3s_api_endpoint",
    "config_yaml": "server_config_yaml and agent_config_yaml",
    "extra_args": "extra_server_args and extra_agent_args",
    "extra_service_envs": _ENVIRONMENT,
    "k3s_agent": "riscv_k3s_agent_config",
    "k3s_registration_address": "riscv_k3s_api_endpoint",
    "k3s_release_version": "riscv_k3s_target_version",
    "k3s_server": "riscv_k3s_server_config",
    "k3s_token": "riscv_k3s_token",
    "proxy_env": _ENVIRONMENT,
}
# Templated by the tasks that need them and by no plan: a login may be in a vault that is not open, a list in a file
# that is not there.
READ_LATER = frozenset((*OF_ACCESS, *OF_CONFIG, *_OF_THE_CONTROLLER)) - {"registry", "registry_plain_http"}
# Variables with the prefix that are no settings: what the lock file and the collection's own files and plays define.
RESERVED = frozenset(("lock", "default_catalogue", "seen", "boards", "results", "diagnosis", "first_server"))


def default_of(name: str) -> Optional[Any]:
    """A setting's default, as an inventory would write it."""
    default = SETTINGS[name].default
    return list(default) if isinstance(default, tuple) else default
