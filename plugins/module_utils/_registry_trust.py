# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a registry may be told its password: judged by whom skopeo is sent to when it asks without one. Pure.

A registry names the server that hands out tokens, and a client sends it the password (distribution specification, token
authentication). Whoever can answer in the registry's place can so have it sent anywhere. And with certificates not
checked, skopeo falls back to plain http by itself. So skopeo asks once without a login, and its log tells where it went.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ansible_collections.riscv.k3s.plugins.module_utils._skopeo_errors import RegistryProblem

# Lines of the library containers/image at its level debug, the same since 2017.
_ASKED = re.compile(r'level=debug msg="(?:GET|HEAD|POST) (https?://[^\s"]+)"')
_ANSWERED = re.compile(r'level=debug msg="Ping (https?://[^\s"]+) status ')
# The name that images carry is not always the host that serves them.
_API_HOSTS = {"docker.io": "registry-1.docker.io"}


def check(log, access):
    """Raise RegistryProblem when the registry of ``access`` (an Access) may not be asked as that says. ``log`` is skopeo's, of a question without login."""
    host = _API_HOSTS.get(access.host, access.host)
    if not access.plain_http and any(_is(url, "http", host) for url in map(urlsplit, _ANSWERED.findall(log))):
        raise RegistryProblem(
            "plain-http",
            "%s speaks plain http and is asked by https" % access.host,
            "an answer to http, none to https",
            access.host,
            "if that is meant, set plain_http for it (riscv_k3s_registry_plain_http)",
        )
    if access.has_login:
        try:
            _check_login([urlsplit(url) for url in _ASKED.findall(log)], access, host)
        except ValueError as error:  # Go takes addresses that Python does not
            raise RegistryProblem("registry-auth", "the password for %s is not sent to what is no address" % access.host, str(error), access.host) from error


def _check_login(urls, access, host):
    if not urls:
        raise RegistryProblem(
            "unknown",
            "it is not known whom %s would send its password to" % access.host,
            "a log of skopeo that names no address",
            access.host,
            "report this with `skopeo --version`, and log in with `skopeo login` meanwhile",
        )
    for url in urls:
        is_safe = url.scheme == "https" or access.plain_http
        if url.netloc != host and url.netloc != access.token_server and not (is_safe and _is_related(url, host)):
            raise RegistryProblem(
                "registry-auth",
                "the password for %s is not sent to %s" % (access.host, url.netloc),
                "the registry names %s://%s%s as its token server" % (url.scheme, url.netloc, url.path),
                access.host,
                "if that is right, set token_server: %s for it (riscv_k3s_registry_token_server)" % url.netloc,
            )


def _is_related(url, host):
    """Whether a token server belongs to a registry: by https' own port, at a name of the same domain (auth.docker.io, gitlab.com)."""
    server, registry = url.hostname or "", host.partition(":")[0]
    domain = registry.partition(".")[2]
    if url.port not in (None, 443):
        return False
    # Numbers are no domains, and com or org is nobody's own.
    is_named = not re.fullmatch(r"[0-9.]+|\[.*", registry) and "." in domain
    return server == registry or is_named and (server == domain or server.endswith("." + domain))


def _is(url, scheme, host):
    return url.scheme == scheme and url.netloc == host
