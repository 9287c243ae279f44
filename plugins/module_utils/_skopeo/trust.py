# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a registry may be told its password: judged by whom skopeo is sent to when it asks without one. Pure.

A registry names the server that hands out tokens, and a client sends it the password (distribution specification, token
authentication). Whoever can answer in the registry's place can so have it sent anywhere. And with certificates not
checked, skopeo falls back to plain http by itself. So skopeo asks once without a login, and its log tells where it
went.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import RegistryProblem

# Lines of the library containers/image at its level debug, the same since 2017. An address may hold a blank, so that
# the line goes on.
_ASKED = re.compile(r'level=debug msg="(?:GET|HEAD|POST) (https?://[^\s"]+)')
_SENT = re.compile(r'level=debug msg="([A-Z]+) (https?://[^\s"]+)')
_ANSWERED = re.compile(r'level=debug msg="Ping (https?://[^\s"]+) status ')
# After another answer than these skopeo goes on to the next scheme.
_TAKEN = re.compile(r'level=debug msg="Ping (https?://[^\s"]+) status (?:200|401)\b')
# The name that images carry is not always the host that serves them.
_API_HOSTS = {"docker.io": "registry-1.docker.io"}


def asked(log):
    """The addresses that were asked, as skopeo's ``log`` has them."""
    return _ASKED.findall(log)


def check_scheme(log, access):
    """Raise RegistryProblem when ``access`` says that the registry speaks plain http, and https is what answered.

    skopeo tries https first, and takes any certificate then.
    """
    host = _host_of(access)
    if access.plain_http and any(_is(urlsplit(url), "https", host) for url in _TAKEN.findall(log)):
        raise RegistryProblem(
            "https-on-http",
            "%s speaks https, and plain_http is set for it" % access.host,
            "an answer to https, with a certificate that is not checked",
            access.host,
            "leave out plain_http (riscv_k3s_registry_plain_http, or http:// in registries.yaml)",
        )


def check(log, access, has_login=None):
    """Raise RegistryProblem when the registry of ``access`` (an Access) may not be asked as that says.

    ``log`` is skopeo's, of a question without login; ``has_login`` is whether there is one to be given, where
    ``access`` does not say it.
    """
    check_scheme(log, access)
    host = _host_of(access)
    if not access.plain_http and any(_is(url, "http", host) for url in map(urlsplit, _ANSWERED.findall(log))):
        raise RegistryProblem(
            "plain-http",
            "%s speaks plain http and is asked by https" % access.host,
            "an answer to http, none to https",
            access.host,
            "if that is intended, set plain_http for it (riscv_k3s_registry_plain_http)",
        )
    if access.has_login if has_login is None else has_login:
        _check_login(asked(log), access)


def check_sent(log, access, stops_http):
    """Raise RegistryProblem when a login went where it should not, as skopeo's ``log`` tells afterwards.

    Before, nothing can be seen: a registry can name one token server when it is asked without a login, and another with
    it; and it names where an upload goes on, to which skopeo sends the login as well. With ``stops_http`` (see _skopeo)
    what goes to plain http unasked does not arrive.
    """
    # The only GET with a login that may be for another host is that for a token, and it says for whom.
    for url in [url for method, url in _SENT.findall(log) if method != "GET" or "account=" in url]:
        is_stopped = stops_http and not access.plain_http and url.startswith("http:") and not _is_loopback(url)
        if not is_stopped and not _may_know(url, access):
            where = _host(url)
            raise RegistryProblem(
                "registry-auth",
                "a login for %s has been sent to %s" % (access.host, where),
                "the registry redirects to %s" % url.partition("?")[0],
                access.host,
                "change this password, and find out who answers as %s; if it is right, set token_server: %s for it"
                % (access.host, where),
            )


def _check_login(urls, access):
    if not urls:
        raise RegistryProblem(
            "unknown",
            "it is unknown where %s would send its password" % access.host,
            "a log of skopeo that names no address",
            access.host,
            "report this with `skopeo --version`, and log in with `skopeo login` meanwhile",
        )
    for url in urls:
        if not _may_know(url, access):
            where = _host(url)
            raise RegistryProblem(
                "registry-auth",
                "the password for %s is not sent to %s" % (access.host, where),
                "the registry names %s as its token server" % url.partition("?")[0],
                access.host,
                "if that is right, set token_server: %s for it (riscv_k3s_registry_token_server, or "
                "riscv_k3s_registry_token_servers for another registry than riscv_k3s_registry)" % where,
            )


def _host_of(access):
    """The host that serves a registry's images, as Go writes it in its addresses."""
    return _API_HOSTS.get(access.host, access.host).lower()


def _host(url):
    try:
        return urlsplit(url).netloc
    except ValueError:  # Go takes addresses that Python does not
        return "what is no address"


def _is_loopback(url):
    """Whether Go asks an address without any proxy, as it does for this machine itself."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _may_know(url, access):
    """Whether a registry's login may be sent to an address."""
    host = _host_of(access)
    try:
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or access.plain_http
        known = (host, (access.token_server or "").lower())
        return parts.netloc.lower() in known or is_safe and _is_related(parts, host)
    except ValueError:
        return False


def _is_related(url, host):
    """Whether a token server belongs to a registry: by https' own port, at a name of the same domain (auth.docker.io,
    gitlab.com).
    """
    server, registry = url.hostname or "", host.partition(":")[0]
    domain = registry.partition(".")[2]
    if url.port not in (None, 443):
        return False
    # Numbers are no domains, and com or org is nobody's own.
    is_named = not re.fullmatch(r"[0-9.]+|\[.*", registry) and "." in domain
    return server == registry or is_named and (server == domain or server.endswith("." + domain))


def _is(url, scheme, host):
    return url.scheme == scheme and url.netloc.lower() == host
