# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a registry speaks https or http, where nobody says so: it is asked, without a login.

A registry answers ``GET /v2/``, with 200 or 401 (the distribution specification, "determining support"). Only a server
that does not speak TLS at all is asked by http: whoever sits in between could make it look so, and thus a registry that
is found to speak http never gets a login.
"""

from __future__ import annotations

import http.client
import ipaddress
import os
import ssl
import threading
from typing import Callable, List, Optional
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ansible.module_utils.urls import open_url

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# What OpenSSL says where the other side answers in plain text, by its versions; the last is what old ones say.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL")
# Not there, and not allowed there. A registry that is busy or only starts says something else.
_NO_REGISTRY = (404, 405, 501)
# ValueError: a name that no resolver takes.
_FAILED = (OSError, http.client.HTTPException, ValueError)
_AT_PORT_80 = (
    "nothing listens at port 443, and at port 80 something answers by http: if that is the registry, say "
    "riscv_k3s_registry_plain_http: true"
)
_NEXT = "see that it runs and can be reached from here, or say riscv_k3s_registry_plain_http"


def asked_scheme(host: str, timeout: int = 20, ask: Optional[Callable[[str, int], None]] = None) -> str:
    """``https`` or ``http``, as the registry ``host`` (HOST or HOST:PORT) answers within ``timeout`` seconds. ``ask``
    stands in for the network. Raises Problem where it does not answer, or not as a registry does.
    """
    ask = ask or _ask_in_time
    try:
        ask("https://%s/v2/" % host, timeout)
        return "https"
    except _FAILED as error:
        if not _speaks_no_tls(error):
            raise _no_answer(host, error, _is_at_port_80(host, error, timeout, ask)) from error
    try:
        ask("http://%s/v2/" % host, timeout)
        return "http"
    except _FAILED as error:
        raise _no_answer(host, error) from error


def _ask_in_time(url: str, timeout: int) -> None:
    """As `_ask`, whose own timeout is that of each byte: one that drips would hold up a run for hours."""
    raised: List[BaseException] = []
    thread = threading.Thread(target=_noting, args=(raised, url, timeout), daemon=True)
    thread.start()
    thread.join(timeout)
    if raised:
        raise raised[0]
    if thread.is_alive():
        raise TimeoutError("timed out: no whole answer within %d seconds" % timeout)


def _noting(raised: List[BaseException], url: str, timeout: int) -> None:
    try:
        _ask(url, timeout)
    except BaseException as error:
        raised.append(error)


def _ask(url: str, timeout: int) -> None:
    """Return when anything answers by HTTP that may be a registry. Raises OSError, HTTPException or Problem."""
    try:
        # Nothing is sent that a stranger must not see. Whether its certificate is good is seen where it is used.
        open_url(
            url,
            timeout=timeout,
            validate_certs=False,
            follow_redirects="none",
            force_basic_auth=False,
            use_proxy=not is_direct(url),
        ).close()
    except HTTPError as error:
        if error.code in _NO_REGISTRY:
            raise Problem(
                "what answers at %s is no registry" % url.split("/")[2],
                found="HTTP %d for GET /v2/" % error.code,
                where="riscv_k3s_registry",
                next_step="correct host and port: a registry answers with 200 or 401",
            ) from error


def is_direct(url: str) -> bool:
    """Whether Go, and so skopeo, asks ``url`` without a proxy: this machine itself, and what no_proxy names, which may
    be networks and ports. Python knows neither there, and would ask a proxy that does not know the way.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = str(parts.port or (443 if parts.scheme == "https" else 80))
    address = _address(host)
    if host == "localhost" or address and address.is_loopback:
        return True
    said = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    return any(_is_named(entry.strip().lower(), host, port, address) for entry in said.split(","))


def _is_named(entry, host, port, address):
    """Whether one entry of no_proxy is for a host (golang.org/x/net/http/httpproxy)."""
    if "/" in entry:
        try:
            return bool(address) and address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            pass
    name, colon, its_port = entry.rpartition(":")
    if not (colon and its_port.isdigit()) or _address(entry):
        name, its_port = entry, ""
    name = name.strip("[]")
    if its_port not in ("", port):
        return False
    if _address(name):
        return _address(name) == address
    name = name[1:] if name.startswith("*.") else name
    return entry == "*" or bool(name.strip(".")) and (host.endswith("." + name.lstrip(".")) or host == name)


def _address(text):
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _speaks_no_tls(error: Exception) -> bool:
    reason = error.reason if isinstance(error, URLError) else error
    return isinstance(reason, ssl.SSLError) and any(word in str(reason).upper().replace(" ", "_") for word in _NO_TLS)


def _is_at_port_80(host: str, error: Exception, timeout: int, ask: Callable[[str, int], None]) -> bool:
    """Whether something else answers where an address without a port may mean it. That it is the registry, only a
    person can say: somebody on the way could close the other port.
    """
    if host.rpartition(":")[2].isdigit() or not isinstance(getattr(error, "reason", error), ConnectionRefusedError):
        return False
    try:
        ask("http://%s/v2/" % host, timeout)
        return True
    except (*_FAILED, Problem):
        return False


def _no_answer(host: str, error: Exception, at_port_80: bool = False) -> Problem:
    said = getattr(error, "reason", None) or error
    return Problem(
        "the registry %s does not answer" % host,
        found=str(said) or type(said).__name__,
        where="riscv_k3s_registry",
        next_step=_AT_PORT_80 if at_port_80 else _NEXT,
    )
