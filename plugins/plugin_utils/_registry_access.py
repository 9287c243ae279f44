# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the controller talks to the registries that an inventory names, read from what it says for the boards. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from ansible_collections.riscv.k3s.plugins.plugin_utils import _registries


def registry_access(config, registry=None, username=None, password=None, ca_file=None, tls_verify=None, plain_http=None):
    """The option ``registries`` of registry_image_info and registry_image_copy.

    ``config`` is the content of registries.yaml or None. A host speaks plain http where the first endpoint of its own mirror is http://.
    Its password there is used, its ca_file is not: that is a path on the boards. What is given besides is for ``registry``, and goes before. Raises Problem.
    """
    if config is not None:
        _registries.check(config)
    hosts = {}
    for host, mirror in ((config or {}).get("mirrors") or {}).items():
        first = urlsplit(((mirror or {}).get("endpoint") or [""])[0])
        if first.netloc == host and first.scheme == "http":
            hosts.setdefault(host, {})["plain_http"] = True
    for host, settings in ((config or {}).get("configs") or {}).items():
        auth, tls = settings.get("auth") or {}, settings.get("tls") or {}
        if auth.get("username") and auth.get("password"):
            hosts.setdefault(host, {}).update(username=auth["username"], password=auth["password"])
        if tls.get("insecure_skip_verify"):
            hosts.setdefault(host, {})["tls_verify"] = False
    given = {"username": username, "password": password, "ca_file": ca_file, "tls_verify": tls_verify, "plain_http": plain_http}
    given = {key: value for key, value in given.items() if value is not None}
    if registry and given:
        hosts.setdefault(registry, {}).update(given)
    # "*" and docker.io are no hosts that could be asked so.
    return [dict(hosts[host], host=host) for host in sorted(hosts) if host != "*"]
