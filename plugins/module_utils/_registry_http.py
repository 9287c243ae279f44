# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to one registry: TLS, log-in, redirects, and errors that say what to do."""

from __future__ import annotations

import json
import re
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from typing import Any, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._registry_auth import Challenge, token_url

_MAX_BODY = 8 << 20  # bytes; the specification lets a registry refuse manifests above 4 MiB
_LOGIN = "set username and password, or log in with docker, podman or skopeo on the controller"


class Answer(NamedTuple):
    status: int
    headers: Any  # email.message.Message: get() ignores case
    body: bytes


class Connection:
    """How to talk to one registry, ``host`` being host or host:port. Keeps nothing but the token it was given.

    ``credentials`` as of _registry_auth, or None. ``ca_file`` is trusted beside the system's authorities. ``timeout`` (seconds)
    is for a peer that says nothing. Proxies are those of the environment, as for other programs.
    """

    def __init__(self, host, credentials=None, plain_http=False, tls_verify=True, ca_file=None, timeout=60):
        self.base = "%s://%s" % ("http" if plain_http else "https", host)
        self._host = host
        self._plain_http = plain_http
        self._credentials = credentials
        self._timeout = timeout
        self._authorization: Optional[str] = None
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=_tls(tls_verify, ca_file)), _Redirects())

    def request(self, method, path, headers=None, data=None, file=None, expect=(200,)):
        """Send a request with the bytes ``data`` or the content of ``file``, logging in when asked to.

        ``path`` is a path at the registry or a whole address. Raises Problem for a status that is not in ``expect``, and when there is no answer.
        """
        url = urllib.parse.urljoin(self.base, path)
        answer = self._send(method, url, headers, data, file, self._own(url))
        if answer.status == 401 and self._log_in(answer):
            answer = self._send(method, url, headers, data, file, self._own(url))
        if answer.status not in expect:
            raise self._refused(method, url, answer)
        return answer

    def problem(self, what, found, next_step):
        """A Problem that says which registry."""
        return Problem(what, found=found, where=self.base, next_step=next_step)

    def _own(self, url):
        # An upload may be sent on to a storage server: it is not told who we are to the registry.
        return self._authorization if url.startswith(self.base + "/") else None

    def _log_in(self, answer):
        """Take up the challenge of a 401; whether there is now something to try that was not tried before."""
        challenges = [Challenge.parse(header) for header in answer.headers.get_all("WWW-Authenticate") or []]
        before = self._authorization
        for challenge in challenges:
            if challenge.scheme == "bearer":
                self._authorization = "Bearer " + self._token(challenge)
                return self._authorization != before
        if self._credentials and any(challenge.scheme == "basic" for challenge in challenges):
            self._authorization = self._credentials.basic()
        return self._authorization != before

    def _token(self, challenge):
        url = token_url(challenge, self.base.split(":")[0], self.base)
        answer = self._send("GET", url, None, None, None, self._credentials.basic() if self._credentials else None)
        if answer.status != 200:
            raise self._refused("GET", url, answer)
        try:
            said = json.loads(answer.body)
            return said.get("token") or said["access_token"]
        except (ValueError, KeyError, AttributeError) as error:
            raise self.problem("the token server gave no token", "an answer without one from " + url.split("?")[0], "look at the token server's log") from error

    def _send(self, method, url, headers, data, file, authorization):
        if file is not None:
            with open(file, "rb") as content:
                return self._open(method, url, headers, content, authorization)
        return self._open(method, url, headers, data, authorization)

    def _open(self, method, url, headers, content, authorization):
        request = urllib.request.Request(url, data=content, headers=headers or {}, method=method)
        if authorization:
            request.add_unredirected_header("Authorization", authorization)
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                body = answer.read(_MAX_BODY + 1)
                if len(body) > _MAX_BODY:
                    raise self.problem("the answer is too long", "more than %d bytes from %s" % (_MAX_BODY, url), "is this a manifest or an image's config?")
                return Answer(answer.status, answer.headers, body)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read(_MAX_BODY))
        except urllib.error.URLError as error:
            raise self._unreachable(error.reason, url) from error
        except (OSError, HTTPException, ValueError) as error:
            raise self._unreachable(error, url) from error

    def _unreachable(self, reason, url):
        host = urllib.parse.urlsplit(url).netloc
        what = "the registry %s cannot be reached" % host
        if isinstance(reason, socket.gaierror):
            return self.problem(what, "its name is not known (%s)" % reason.strerror, "mend the host name in image, or the controller's DNS or hosts file")
        if isinstance(reason, ConnectionRefusedError):
            return self.problem(what, "connection refused: nothing listens there", "start the registry, or mend host and port in image")
        if isinstance(reason, ssl.SSLCertVerificationError):
            return self.problem(
                "the certificate of %s is not trusted" % host, reason.verify_message, "give its authority with ca_file, or set tls_verify: false for a test"
            )
        if isinstance(reason, ssl.SSLError):
            found = "no TLS there (%s)" % (reason.reason or reason)
            return self.problem("no secure connection to %s" % host, found, "if this registry speaks plain http, set plain_http: true")
        if isinstance(reason, (socket.timeout, TimeoutError)):
            return self.problem(what, "no answer within %s s" % self._timeout, "is it up, and does a firewall let the controller through?")
        text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        next_step = "look at the registry's log" + (", or leave out plain_http if it speaks https" if self._plain_http else "")
        return self.problem(what, text, next_step)

    def _refused(self, method, url, answer):
        said = _message(answer)
        asked = "%s %s" % (method, urllib.parse.urlsplit(url).path)
        found = "%d%s for %s" % (answer.status, " (%s)" % said if said else "", asked)
        if answer.status in (401, 403):
            if not self._credentials:
                return self.problem("the registry wants a login", found, _LOGIN)
            return self.problem("the registry refuses user %s" % self._credentials.username, found, "mend the password, or what this user may do there")
        if answer.status == 400 and "HTTPS server" in said:
            return self.problem("the registry speaks https", found, "leave out plain_http")
        if answer.status == 404:
            return self.problem("the registry does not have it", found, "mend the repository in image; is this the registry's own address?")
        if answer.status == 405:
            return self.problem("the registry does not take this request", found, "is it read-only, or a cache of another registry?")
        if answer.status == 413:
            return self.problem("the registry finds the layer too large", found, "raise the body size limit of the proxy in front of it")
        if answer.status == 429 or answer.status >= 500:
            return self.problem("the registry failed", found, "look at its log and its disk, then run again: what is uploaded is kept")
        return self.problem("the registry refuses the request", found, "look at the registry's log")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow a redirect of a read only, as the same method, and never from https to http."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if req.get_method() not in ("GET", "HEAD") or (req.type == "https" and not newurl.startswith("https:")):
            return None  # the redirect itself is then the answer
        kept = {name: value for name, value in req.headers.items() if name.lower() != "host"}
        return urllib.request.Request(newurl, headers=kept, method=req.get_method())


def _tls(verify, ca_file):
    context = ssl.create_default_context()
    if ca_file:
        try:
            context.load_verify_locations(ca_file)
        except OSError as error:  # ssl.SSLError is one
            found = "no such file" if isinstance(error, FileNotFoundError) else "no certificate in PEM form (%s)" % error
            raise Problem("the certificate authority %s cannot be read" % ca_file, found=found, next_step="mend ca_file") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _message(answer):
    """What a registry says about an error, in one line: its own form of JSON, or the text before markup."""
    try:
        errors = json.loads(answer.body)["errors"]
        return "; ".join(": ".join(filter(None, (error.get("code"), error.get("message")))) for error in errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        return re.sub(r"<[^>]*>|\s+", " ", answer.body[:300].decode("utf-8", "replace")).strip()[:200]
