# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the controller talks to the registries that an inventory names, read from what it says for the boards. Pure.

The one place where registries.yaml (mirrors, configs: rancher/wharfie pkg/registries) and the variables
``riscv_k3s_registry_*`` become the option ``registries`` of the modules that run skopeo.
"""

from __future__ import annotations

import base64
from typing import Any, Dict, Iterator, List, Mapping, Tuple

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


# Hosts by which Docker Hub is reached, of which no image's name speaks.
_HUB = ("registry-1.docker.io", "index.docker.io")
_DEFAULT_PORTS = (":443", ":80")


def registry_access(settings: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """The option ``registries`` of the modules that ask registries.

    ``settings`` are variables of an inventory by their names; only those that begin with riscv_k3s_registr are looked
    at. A host speaks plain http where its own mirror says so; without any riscv_k3s_registries it is asked. Files of
    registries.yaml are paths on the boards, and count where this machine has them, too. The variables
    riscv_k3s_registry_* are for riscv_k3s_registry, and go before. Raises Problem.
    """
    config = settings.get("riscv_k3s_registries")
    if config is not None:
        _registries.check(config)
    hosts = _hosts(config or {})
    for host, server in _token_servers(settings).items():
        hosts.setdefault(host, {})["token_server"] = server
    # Empty is what AWX hands on of a question or a field of a credential that nobody filled in.
    given = {key: settings[_PREFIX + key] for key in _GIVEN if settings.get(_PREFIX + key) not in (None, "")}
    registry = settings.get("riscv_k3s_registry")
    if registry and config is None and "plain_http" not in given:
        given["ask_scheme"] = True
    if registry and given:
        hosts[registry] = _merged(hosts.get(registry, {}), given)
    # "*" is no host that could be asked.
    return [dict(hosts[host], host=host) for host in sorted(hosts) if host != "*" and hosts[host]]


def _hosts(config: Mapping[str, Any]) -> Dict[str, Dict[str, Any]]:
    """{host: options} from the content of registries.yaml."""
    hosts: Dict[str, Dict[str, Any]] = {}
    for host, mirror in (config.get("mirrors") or {}).items():
        if speaks_http(host, (mirror or {}).get("endpoint")):
            hosts[host] = {"plain_http": True}
    configs = {host: configured or {} for host, configured in (config.get("configs") or {}).items()}
    for host, configured in list(_by_image(configs)) + list(configs.items()):
        login, tls = _login(host, configured.get("auth") or {}), _tls(configured.get("tls") or {})
        hosts.setdefault(host, {}).update(login, **tls)
    return hosts


def _by_image(configs: Mapping[str, Any]) -> Iterator[Tuple[str, Any]]:
    """(host as images name it, its entry) where configs names it as an endpoint does: k3s looks by that."""
    for key, configured in configs.items():
        names = ["docker.io"] if key in _HUB else [key.lower()]
        names += [key[: -len(port)] for port in _DEFAULT_PORTS if key.endswith(port)]
        yield from ((name, configured) for name in names if name not in configs)


def _token_servers(settings: Mapping[str, Any]) -> Dict[str, Any]:
    found = settings.get(_PREFIX + "token_servers") or {}
    if not isinstance(found, dict):
        name = _PREFIX + "token_servers"
        raise Problem("%s must be a dictionary" % name, type(found).__name__, next_step="write HOST: TOKEN SERVER")
    return found


def _login(host: str, auth: Mapping[str, Any]) -> Dict[str, Any]:
    # In containerd's order.
    if auth.get("username"):
        return {"username": auth["username"], "password": auth.get("password")}
    if auth.get("identity_token"):
        return {"identity_token": auth["identity_token"]}
    return _decoded(host, auth["auth"]) if auth.get("auth") else {}


def _decoded(host: str, text: str) -> Dict[str, Any]:
    """``auth`` is base64 of user:password, as in Docker's config.json."""
    try:
        # containerd skips ends of lines, which `base64` writes, and zeros at the end.
        data = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
        username, colon, password = data.rstrip(b"\0").decode().partition(":")
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


def _tls(tls: Mapping[str, Any]) -> Dict[str, Any]:
    found: Dict[str, Any] = {key: tls[key] for key in _FILES if tls.get(key)}
    if found:
        found["files_optional"] = True
    return dict(found, tls_verify=False) if tls.get("insecure_skip_verify") else found


def _merged(configured: Mapping[str, Any], given: Mapping[str, Any]) -> Dict[str, Any]:
    """What the variables say goes before, a login as a whole; their files must be there."""
    kept = {key: value for key, value in configured.items() if not (key in _LOGIN and _LOGIN & set(given))}
    if set(_FILES) & set(given):
        kept = {key: value for key, value in kept.items() if key not in _FILES and key != "files_optional"}
    return dict(kept, **given)
