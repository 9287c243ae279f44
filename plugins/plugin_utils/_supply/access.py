# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the controller talks to the registries that an inventory names, read from what it says for the boards. Pure.

The one place where registries.yaml (mirrors, configs: rancher/wharfie pkg/registries) and the variables
``riscv_k3s_registry_*`` become the option ``registries`` of the modules that run skopeo.
"""

from __future__ import annotations

import base64

from ansible_collections.riscv.k3s.plugins.module_utils.endpoints import speaks_http
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import registries as _registries

_PREFIX = "riscv_k3s_registry_"
_GIVEN = (
    "username",
    "password",
    "identity_token",
    "ca_file",
    "cert_file",
    "key_file",
    "tls_verify",
    "plain_http",
    "token_server",
)
_LOGIN = frozenset(("username", "password", "identity_token"))
_FILES = ("ca_file", "cert_file", "key_file")


def registry_access(settings):
    """The option ``registries`` of the modules that ask registries.

    ``settings`` are variables of an inventory by their names; only those that begin with riscv_k3s_registr are looked
    at. A host speaks
    plain http where its own mirror says so. Files of registries.yaml are paths on the boards,
    and count where this
    machine has them, too. The variables riscv_k3s_registry_* are for riscv_k3s_registry, and go before. Raises Problem.
    """
    config = settings.get("riscv_k3s_registries")
    if config is not None:
        _registries.check(config)
    hosts = {}
    for host in _plain_hosts(config or {}):
        hosts.setdefault(host, {})["plain_http"] = True
    for host, configured in ((config or {}).get("configs") or {}).items():
        hosts.setdefault(host, {}).update(
            _login(host, configured.get("auth") or {}), **_tls(configured.get("tls") or {})
        )
    given = {key: settings[_PREFIX + key] for key in _GIVEN if settings.get(_PREFIX + key) is not None}
    registry = settings.get("riscv_k3s_registry")
    if registry and given:
        hosts[registry] = _merged(hosts.get(registry, {}), given)
    # "*" is no host that could be asked.
    return [dict(hosts[host], host=host) for host in sorted(hosts) if host != "*" and hosts[host]]


def _plain_hosts(config):
    for host, mirror in (config.get("mirrors") or {}).items():
        if speaks_http(host, (mirror or {}).get("endpoint")):
            yield host


def _login(host, auth):
    if auth.get("identity_token"):
        return {"identity_token": auth["identity_token"]}
    if auth.get("auth") and not auth.get("password"):
        return _decoded(host, auth["auth"])
    return (
        {"username": auth["username"], "password": auth["password"]}
        if auth.get("username") and auth.get("password")
        else {}
    )


def _decoded(host, text):
    """``auth`` is base64 of user:password, as in Docker's config.json."""
    try:
        username, colon, password = base64.b64decode(text, validate=True).decode().partition(":")
    except ValueError:  # no base64, or no text in it
        colon = ""
    if not colon or not username:
        where = "riscv_k3s_registries, configs.%s.auth" % host
        raise Problem(
            "auth is not valid",
            found="no base64 of user:password",
            where=where,
            next_step="give username and password in its place",
        )
    return {"username": username, "password": password}


def _tls(tls):
    found = {key: tls[key] for key in _FILES if tls.get(key)}
    if found:
        found["files_optional"] = True
    return dict(found, tls_verify=False) if tls.get("insecure_skip_verify") else found


def _merged(configured, given):
    """What the variables say goes before, a login as a whole; their files must be there."""
    kept = {key: value for key, value in configured.items() if not (key in _LOGIN and _LOGIN & set(given))}
    if set(_FILES) & set(given):
        kept = {key: value for key, value in kept.items() if key not in _FILES and key != "files_optional"}
    return dict(kept, **given)
