# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who we are to a registry: credentials, where they are found, and the challenge a registry answers with.

Protocol: RFC 7235 (challenges), the distribution project's token authentication.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import urllib.parse
from typing import Dict, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem

_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


class Credentials(NamedTuple):
    username: str
    password: str

    def basic(self):
        """The value of an Authorization header."""
        return "Basic " + base64.b64encode(("%s:%s" % (self.username, self.password)).encode()).decode()


class Challenge(NamedTuple):
    """A WWW-Authenticate header: ``scheme`` in lower case (basic or bearer), and its parameters."""

    scheme: str
    parameters: Dict[str, str]

    @classmethod
    def parse(cls, header):
        """None for a header that is missing."""
        if not header:
            return None
        scheme, _sep, rest = header.strip().partition(" ")
        return cls(scheme.lower(), {key.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain for key, quoted, plain in _PARAMETER.findall(rest)})


def token_url(challenge, registry_scheme, where):
    """Address to ask for a token.

    Raises Problem for a challenge that names none, or that would send the password unencrypted where the registry itself is encrypted.
    """
    realm = challenge.parameters.get("realm", "")
    parts = urllib.parse.urlsplit(realm)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Problem(
            "the registry asks for a token but does not say where", found="realm %r" % realm, where=where, next_step="mend the registry's auth.token.realm"
        )
    if registry_scheme == "https" and parts.scheme == "http":
        raise Problem(
            "the registry wants the password sent unencrypted",
            found="token server %s" % realm,
            where=where,
            next_step="give the token server (auth.token.realm) an https address",
        )
    asked = [(key, challenge.parameters[key]) for key in ("service", "scope") if challenge.parameters.get(key)]
    return urllib.parse.urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urllib.parse.urlencode(asked))))))


def find_credentials(registry, username=None, password=None, environ=None):
    """Credentials for ``registry`` (host or host:port), or None.

    The given ones come first, then the files in which docker, podman and skopeo keep what a login stored:
    REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR/containers/auth.json, DOCKER_CONFIG or ~/.docker, config.json. Credential
    helpers are programs and are not run. Raises Problem for a half pair or a file that is no JSON.
    """
    if username or password:
        if not (username and password):
            given, missing = ("username", "password") if username else ("password", "username")
            raise Problem("%s is set but %s is not" % (given, missing), where=registry, next_step="set both, or neither to use the file of docker login")
        return Credentials(username, password)
    for path in _files(os.environ if environ is None else environ):
        found = _from_file(path, registry)
        if found:
            return found
    return None


def _files(environ):
    if environ.get("REGISTRY_AUTH_FILE"):
        yield environ["REGISTRY_AUTH_FILE"]
    if environ.get("XDG_RUNTIME_DIR"):
        yield os.path.join(environ["XDG_RUNTIME_DIR"], "containers", "auth.json")
    yield os.path.join(environ.get("DOCKER_CONFIG") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".docker"), "config.json")


def _from_file(path, registry):
    try:
        with open(path, encoding="utf-8") as handle:
            auths = json.load(handle).get("auths") or {}
            entries = {_host(key): entry for key, entry in auths.items() if isinstance(entry, dict)}
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, AttributeError) as error:
        # Never the text of the file: it holds passwords.
        raise Problem("%s cannot be read" % path, found=type(error).__name__, next_step="log in again, or give username and password") from error
    # docker login stores Docker Hub under a name of old times.
    found = entries.get(registry) or (entries.get("index.docker.io") if registry == "docker.io" else None)
    return _credentials(found or {}, path, registry)


def _credentials(entry, path, registry):
    if entry.get("username") and entry.get("password"):
        return Credentials(entry["username"], entry["password"])
    if not entry.get("auth"):
        return None
    try:
        username, colon, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, TypeError):
        colon = ""
    if not colon:
        raise Problem("the entry for %s in %s is not valid" % (registry, path), found="an auth that is no base64 of user:password", next_step="log in again")
    return Credentials(username, password)


def _host(key) -> Optional[str]:
    # docker login writes the key as host, host:port or https://host/v1/
    return key.split("://", 1)[-1].split("/", 1)[0]
