# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of modules that ask several registries: how to talk to each. Documented in the fragment ``registries``."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._registry import Registry
from ansible_collections.riscv.k3s.plugins.module_utils._registry_auth import find_credentials

REGISTRY_OPTIONS = {
    "registries": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "host": {"type": "str", "required": True},
            "plain_http": {"type": "bool", "default": False},
            "tls_verify": {"type": "bool", "default": True},
            "ca_file": {"type": "path"},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
        },
    },
    "timeout": {"type": "int", "default": 20},
}
_UNLISTED = {"plain_http": False, "tls_verify": True, "ca_file": None, "username": None, "password": None}


def connector(params):
    """A function that makes the Registry for a host from a module's ``params``. Raises Problem for a host that is listed twice."""
    listed = {}
    for entry in params["registries"]:
        if listed.setdefault(entry["host"], entry) is not entry:
            raise Problem("the registry %s is listed twice" % entry["host"], where="registries", next_step="leave one of the entries")

    def connect(host):
        entry = listed.get(host, _UNLISTED)
        # Given credentials go to the registry they were given for, never to another one.
        credentials = find_credentials(host, entry["username"], entry["password"])
        kept = {key: entry[key] for key in ("plain_http", "tls_verify", "ca_file")}
        return Registry(host, credentials=credentials, timeout=params["timeout"], **kept)

    return connect
