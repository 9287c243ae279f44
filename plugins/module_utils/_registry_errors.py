# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a registry did not give what was asked: one word for programs, and what to do about it for people."""

from __future__ import annotations

import datetime
import json
import re
import socket
import ssl
import urllib.parse
from http.client import IncompleteRead

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem

# These hold for everything that would be asked of the same registry.
OF_THE_REGISTRY = frozenset(("dns", "refused", "timeout", "tls", "clock", "http_on_https", "https_on_http", "unreachable"))
_NOT_YET_VALID, _EXPIRED = 9, 10  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL
_NO_TLS = frozenset(("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL"))
_LOGIN = "set username and password, or log in with docker, podman or skopeo on the controller"


class RegistryProblem(Problem):
    """A Problem at a registry.

    ``cause`` is one of OF_THE_REGISTRY, or unauthorized, not_found, no_architecture, rate_limited, server_error, damaged, other.
    """

    def __init__(self, cause, what, found, where, next_step):
        super().__init__(what, found=found, where=where, next_step=next_step)
        self.cause = cause


def unreachable(base, url, reason, timeout, plain_http):
    """The RegistryProblem for an exception that came in place of an answer."""
    host = urllib.parse.urlsplit(url).netloc
    what = "the registry %s cannot be reached" % host
    if isinstance(reason, socket.gaierror):
        return RegistryProblem(
            "dns", what, "its name is not known (%s)" % reason.strerror, base, "mend the host name in image, or this machine's DNS or hosts file"
        )
    if isinstance(reason, ConnectionRefusedError):
        return RegistryProblem("refused", what, "connection refused: nothing listens there", base, "start the registry, or mend host and port in image")
    if isinstance(reason, ssl.SSLCertVerificationError):
        return _certificate(base, host, reason)
    if isinstance(reason, ssl.SSLError):
        code = getattr(reason, "reason", None)  # not there when Python itself raised it
        found = "no TLS there (%s)" % (code or reason)
        cause = "http_on_https" if code in _NO_TLS else "tls"
        return RegistryProblem(cause, "no secure connection to %s" % host, found, base, "if this registry speaks plain http, set plain_http: true")
    if isinstance(reason, (socket.timeout, TimeoutError)):
        return RegistryProblem("timeout", what, "no answer within %s s" % timeout, base, "is it up, and does a firewall let this machine through?")
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    hint = ", or leave out plain_http if it speaks https" if plain_http else ""
    if isinstance(reason, IncompleteRead):
        text = "%d bytes of an answer are missing" % reason.expected
    if isinstance(reason, (ConnectionResetError, BrokenPipeError, IncompleteRead)):
        next_step = "run again, what is complete is kept; when it stays so, look at the registry's log" + hint
        return RegistryProblem("unreachable", "the connection to the registry %s broke off" % host, text, base, next_step)
    return RegistryProblem("unreachable", what, text, base, "look at the registry's log" + hint)


def refused(base, method, url, answer, username=None, has_token=False):
    """The RegistryProblem for an answer with an unwanted status. ``username`` is who we said we are, ``has_token`` whether a token was given to us."""
    said = _message(answer)
    found = "%d%s for %s %s" % (answer.status, " (%s)" % said if said else "", method, urllib.parse.urlsplit(url).path)
    if answer.status in (401, 403):
        if username:
            return RegistryProblem("unauthorized", "the registry refuses user %s" % username, found, base, "mend the password, or what this user may do there")
        # Docker Hub answers so for a repository that does not exist.
        hint = "mend the repository's name (some registries answer so when there is none), or " if has_token else ""
        return RegistryProblem("unauthorized", "the registry wants a login", found, base, hint + _LOGIN)
    if answer.status == 400 and "HTTPS server" in said:
        return RegistryProblem("https_on_http", "the registry speaks https", found, base, "leave out plain_http")
    if answer.status == 404:
        return RegistryProblem("not_found", "the registry does not have it", found, base, "mend the repository in image; is this the registry's own address?")
    if answer.status == 405:
        return RegistryProblem("other", "the registry does not take this request", found, base, "is it read-only, or a cache of another registry?")
    if answer.status == 413:
        return RegistryProblem("other", "the registry finds the layer too large", found, base, "raise the body size limit of the proxy in front of it")
    if answer.status == 429:
        return _rate_limited(base, found, answer, username)
    if answer.status >= 500:
        return RegistryProblem("server_error", "the registry failed", found, base, "look at its log and its disk, then run again: what is uploaded is kept")
    return RegistryProblem("other", "the registry refuses the request", found, base, "look at the registry's log")


def _certificate(base, host, reason):
    now = datetime.datetime.now().strftime("%Y-%m-%d %H:%M")
    if reason.verify_code == _NOT_YET_VALID:
        # Boards without a battery for their clock start in the past.
        return RegistryProblem(
            "clock", "the certificate of %s is not valid yet by this machine's clock" % host, "it is %s here" % now, base, "set the clock (NTP), then run again"
        )
    if reason.verify_code == _EXPIRED:
        return RegistryProblem(
            "tls",
            "the certificate of %s has expired" % host,
            "it is %s here" % now,
            base,
            "renew the certificate, or set this machine's clock if that is wrong",
        )
    next_step = "give its authority with ca_file, or set tls_verify: false for a test"
    return RegistryProblem("tls", "the certificate of %s is not trusted" % host, reason.verify_message, base, next_step)


def _rate_limited(base, found, answer, username):
    after = answer.headers.get("Retry-After")
    # Seconds, or a date (RFC 9110).
    wait = "wait %s" % ("%s s" % after if after and after.isdigit() else "until %s" % after if after else "a while")
    return RegistryProblem(
        "rate_limited",
        "the registry limits how much may be asked",
        found,
        base,
        wait + (", then run again" if username else ", or log in for a higher limit, then run again"),
    )


def _message(answer):
    """What a registry says about an error, in one line: its own form of JSON, or the text before markup."""
    try:
        errors = json.loads(answer.body)["errors"]
        return "; ".join(": ".join(filter(None, (error.get("code"), error.get("message")))) for error in errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        return re.sub(r"<[^>]*>|\s+", " ", answer.body[:300].decode("utf-8", "replace")).strip()[:200]
