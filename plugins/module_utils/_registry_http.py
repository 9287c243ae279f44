# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to one registry: TLS, log-in, redirects, and errors that say what to do."""

from __future__ import annotations

import datetime
import email.utils
import functools
import json
import shutil
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException, IncompleteRead
from typing import Any, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._registry_auth import Challenge, token_url
from ansible_collections.riscv.k3s.plugins.module_utils._registry_errors import RegistryProblem, refused, unreachable

_MAX_BODY = 8 << 20  # bytes; the specification lets a registry refuse manifests above 4 MiB
_PATIENCE = 60  # seconds that a registry may let one request wait by Retry-After, in all


class Answer(NamedTuple):
    status: int
    headers: Any  # email.message.Message: get() ignores case
    body: bytes


class Connection:
    """How to talk to one registry, ``host`` being host or host:port. Keeps nothing but the token it was given.

    ``credentials`` as of _registry_auth, or None. ``ca_file`` is trusted beside the system's authorities. ``timeout`` (seconds)
    is for a peer that says nothing. Proxies are those of the environment, as for other programs. Tests inject ``sleep``.
    """

    def __init__(self, host, credentials=None, plain_http=False, tls_verify=True, ca_file=None, timeout=60, sleep=time.sleep):
        self.base = "%s://%s" % ("http" if plain_http else "https", host)
        self._host = host
        self._plain_http = plain_http
        self._credentials = credentials
        self._username = credentials.username if credentials else None
        self._timeout = timeout
        self._sleep = sleep
        self._authorization: Optional[str] = None
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=_tls(tls_verify, ca_file)), _Redirects())

    def request(self, method, path, headers=None, data=None, file=None, expect=(200,), into=None):
        """Send a request with the bytes ``data`` or the content of ``file``, logging in when asked to.

        ``path`` is a path at the registry or a whole address. With ``into``, an object with write(bytes), a good answer's body goes there.
        Raises Problem for a status that is not in ``expect``, and when there is no answer.
        """
        url = urllib.parse.urljoin(self.base, path)
        answer = self._send(method, url, headers, data, file, self._own(url), into)
        if answer.status == 401 and self._log_in(answer):
            answer = self._send(method, url, headers, data, file, self._own(url), into)
        if answer.status not in expect:
            raise refused(self.base, method, url, answer, self._username, bool(self._authorization))
        return answer

    def problem(self, what, found, next_step, cause="other"):
        """A Problem that says which registry; ``cause`` as of RegistryProblem."""
        return RegistryProblem(cause, what, found, self.base, next_step)

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
            raise refused(self.base, "GET", url, answer, self._username)
        try:
            said = json.loads(answer.body)
            return said.get("token") or said["access_token"]
        except (ValueError, KeyError, AttributeError) as error:
            raise self.problem("the token server gave no token", "an answer without one from " + url.split("?")[0], "look at the token server's log") from error

    def _send(self, method, url, headers, data, file, authorization, into=None):
        """Send, and again as often as the registry says when to come back, as long as that is soon."""
        patience = _PATIENCE
        while True:
            answer = self._send_once(method, url, headers, data, file, authorization, into)
            wait = _retry_after(answer)
            if wait is None or wait > patience:
                return answer
            self._sleep(wait)
            patience -= wait

    def _send_once(self, method, url, headers, data, file, authorization, into):
        if file is not None:
            with open(file, "rb") as content:
                return self._open(method, url, headers, content, authorization, into)
        return self._open(method, url, headers, data, authorization, into)

    def _open(self, method, url, headers, content, authorization, into):
        request = urllib.request.Request(url, data=content, headers=headers or {}, method=method)
        if authorization:
            request.add_unredirected_header("Authorization", authorization)
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                if into is not None:
                    shutil.copyfileobj(answer, into)
                    _require_all(answer)
                    return Answer(answer.status, answer.headers, b"")
                body = answer.read(_MAX_BODY + 1)
                if len(body) > _MAX_BODY:
                    raise self.problem("the answer is too long", "more than %d bytes from %s" % (_MAX_BODY, url), "is this a manifest or an image's config?")
                _require_all(answer)
                return Answer(answer.status, answer.headers, body)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read(_MAX_BODY))
        except urllib.error.URLError as error:
            raise unreachable(self.base, url, error.reason, self._timeout, self._plain_http) from error
        except (OSError, HTTPException, ValueError) as error:
            raise unreachable(self.base, url, error, self._timeout, self._plain_http) from error


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow a redirect of a read only, as the same method, and never from https to http."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if req.get_method() not in ("GET", "HEAD") or (req.type == "https" and not newurl.startswith("https:")):
            return None  # the redirect itself is then the answer
        kept = {name: value for name, value in req.headers.items() if name.lower() != "host"}
        return urllib.request.Request(newurl, headers=kept, method=req.get_method())


def _require_all(answer):
    # Python takes a body that ends early for a whole one, unless all of it is asked for in one piece.
    if answer.length:
        raise IncompleteRead(b"", answer.length)


def _retry_after(answer):
    """Seconds after which to come back (at least 1), when the registry says so (RFC 9110: a number, or a date); else None."""
    text = answer.headers.get("Retry-After") if answer.status in (429, 503) else None
    if not text:
        return None
    if text.isdigit():
        return max(1, int(text))
    try:
        date = email.utils.parsedate_to_datetime(text)
        return max(1, int((date - datetime.datetime.now(date.tzinfo)).total_seconds()) + 1)
    except (TypeError, ValueError):
        return None


@functools.lru_cache(maxsize=None)  # reading the system's authorities takes a slow board half a second
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
