# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a pull failed, in plain words, from what containerd says through crictl. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._image_name import ImageName, default_registry_hint


class PullProblem(Problem):
    """A pull that failed. ``kind`` is a word for the cause, ``may_pass`` whether trying again can help,
    ``unreachable`` whether other images of the same registry would fail, too.
    """

    def __init__(self, cause, name, message):
        registry = ImageName.parse(name).registry
        super().__init__(
            "%s cannot be pulled: %s" % (name, cause.why.format(registry=registry)),
            found=_core(message),
            where="registry %s" % registry,
            next_step=cause.next_step.format(registry=registry) + default_registry_hint(registry),
        )
        self.kind = cause.kind
        self.may_pass = cause.may_pass
        self.unreachable = cause.unreachable


class _Cause(NamedTuple):
    kind: str
    sign: str
    why: str
    next_step: str
    may_pass: bool = False
    unreachable: bool = False


_RETRY = "run again; when it stays so, look at the registry's log and at the board's network"

# The first sign that is found decides, so a sign that may stand inside another message comes later.
_CAUSES = (
    _Cause(
        "plain-http",
        r"server gave HTTP response to HTTPS client",
        "{registry} speaks plain http, and containerd asks by https",
        "list it in registries.yaml under its own name, mirrors: {{'{registry}': {{endpoint: ['http://{registry}']}}}}, and restart k3s",
        unreachable=True,
    ),
    _Cause(
        "clock",
        r"x509: certificate has expired or is not yet valid",
        "the certificate of {registry} is not valid at the time which the board's clock shows",
        "compare `date` on the board with the certificate: a board without a battery starts in the past until NTP has set its clock",
        unreachable=True,
    ),
    _Cause(
        "certificate",
        r"x509: |tls: failed to verify certificate|certificate signed by unknown authority",
        "the certificate of {registry} is not trusted by the board",
        "name the registry's authority in registries.yaml, configs: {{'{registry}': {{tls: {{ca_file: ...}}}}}}, and restart k3s",
        unreachable=True,
    ),
    _Cause(
        "https-on-http",
        r"tls: first record does not look like a TLS handshake|Client sent an HTTP request to an HTTPS server",
        "one side speaks http and the other https",
        "make the scheme of the endpoint in registries.yaml that of the registry, and restart k3s",
        unreachable=True,
    ),
    _Cause(
        "name",
        r"no such host|server misbehaving|Temporary failure in name resolution|lookup \S+(?: on \S+)?: ",
        "the board cannot find the address of {registry} or of the mirror that stands for it (DNS)",
        "check the name, /etc/resolv.conf and the network of the board, or give the registry by its address in registries.yaml",
        unreachable=True,
    ),
    _Cause(
        "refused",
        r"connect: connection refused",
        "nothing listens at the address of {registry} or of the mirror that stands for it",
        "start the registry, and check host and port in the image name and in registries.yaml",
        unreachable=True,
    ),
    _Cause(
        "no-route",
        r"network is unreachable|no route to host",
        "the board has no route to {registry} or to the mirror that stands for it",
        "check the board's network and the firewall of the registry's host",
        unreachable=True,
    ),
    _Cause("too-many", r"429 Too Many Requests|toomanyrequests|TOOMANYREQUESTS", "{registry} asks to come less often", _RETRY, may_pass=True),
    _Cause(
        "no-platform",
        r"no match for platform in manifest",
        "it holds no content for the board's architecture",
        "look what the name holds with riscv.k3s.registry_image_info, and push an image of the board's architecture under it",
    ),
    _Cause(
        "denied",
        r"401 Unauthorized|403 Forbidden|authorization failed|insufficient_scope|pull access denied"
        r"|failed to fetch (?:anonymous|oauth) token|no basic auth credentials",
        "{registry} does not let the board have it; some registries answer so for a name that does not exist",
        "check the name, and give user and password in registries.yaml, configs: {{'{registry}': {{auth: ...}}}}, and restart k3s",
    ),
    _Cause(
        "no-registry",
        r"content descriptor \S+ \(text/html[^)]*\)|media type \S*text/html",
        "what answers as {registry} is not a registry, it sends a web page",
        "open it in a browser: it may be the sign-in page of a network, or a proxy; let the board reach the registry itself",
        unreachable=True,
    ),
    _Cause(
        "no-registry",
        r"malformed (?:HTTP|MIME) ",
        "what answers as {registry} is not a registry, it does not keep to HTTP",
        "check host and port; it may be another service, or a proxy that answers in its place: let the board reach the registry itself",
        unreachable=True,
    ),
    _Cause(
        "not-found",
        r"code = NotFound|: not found|404 Not Found|manifest unknown|MANIFEST_UNKNOWN|NAME_UNKNOWN",
        "{registry} has no such name",
        "check repository and tag, or push the image first with riscv.k3s.oci_image_build",
    ),
    _Cause("server", r"\b50[0234] (?:Internal|Bad|Service|Gateway)|status code \[[^]]*\]: 5\d\d", "{registry} has a fault", _RETRY, may_pass=True),
    _Cause(
        "disk-full",
        r"no space left on device",
        "the board's disk is full",
        "make room under k3s's data folder, for instance with `k3s crictl rmi --prune`, which leaves pinned images",
    ),
    _Cause(
        "broken",
        r"failed to read expected number of bytes",
        "what {registry} sends of it ends too early",
        "run again; when it stays so, a blob may be cut in the registry's storage: publish the image anew, and look at the registry's log",
        may_pass=True,
    ),
    _Cause(
        "server",
        r"failed size validation|unexpected commit (?:digest|size)",
        "what {registry} gives of it is damaged",
        "run again; when it stays so, publish the image anew, and look at the registry's storage",
        may_pass=True,
    ),
    _Cause(
        "time-out",
        r"i/o timeout|DeadlineExceeded|deadline exceeded|TLS handshake timeout|Client\.Timeout",
        "{registry} did not answer in time",
        _RETRY,
        may_pass=True,
        unreachable=True,
    ),
    _Cause("broken", r"connection reset by peer|broken pipe|unexpected EOF|: EOF", "the connection to {registry} broke off", _RETRY, may_pass=True),
)
# containerd asks its mirrors first, then the registry itself by https, and tells only what the last one said. What that is when
# it speaks plain http depends on the registry's server.
_ASKED_BY_HTTPS = re.compile(r"server gave HTTP response to HTTPS client|tls: first record does not look like a TLS handshake")
_NOT_IN_MIRROR = _Cause(
    "not-found",
    "",
    "{registry} has no such name (containerd then asked by https, in vain)",
    "check repository and tag, or push the image first with riscv.k3s.oci_image_build",
)
_UNANSWERED = _Cause(
    "time-out",
    "",
    "{registry} did not send it in time",
    "look whether the registry hangs or is only slow; for a slow one give a longer timeout, what has come is kept",
    unreachable=True,
)
_UNKNOWN = _Cause("unknown", "", "containerd says why", "see the log of k3s on the board")

_FATAL = re.compile(r'level=fatal msg="(.*)"\s*\Z')
_WRAPPING = re.compile(
    r'^(?:pulling image:? |failed: |rpc error: code = \w+ desc = |failed to pull and unpack image "[^"]*": '
    r'|failed to resolve reference "[^"]*": |failed to resolve image: |get image config descriptor: |pull access denied[^:]*: )+'
)


def classify(name, message, has_http_mirror=False):
    """The PullProblem for what crictl printed (``message``) when it could not pull ``name`` (a full name).

    ``has_http_mirror`` is whether the board's containerd knows that the registry of this name speaks plain http.
    """
    for cause in _CAUSES:
        if re.search(cause.sign, message):
            return PullProblem(_NOT_IN_MIRROR if has_http_mirror and _ASKED_BY_HTTPS.search(message) else cause, name, message)
    return PullProblem(_UNKNOWN, name, message)


def unanswered(name, seconds):
    """The PullProblem for a pull of ``name`` that was ended after ``seconds``."""
    return PullProblem(_UNANSWERED, name, "no end after %d s" % seconds)


def _core(message):
    """The innermost reason: crictl logs the same error twice, wrapped in the name of each layer it passed."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    fatal = [match.group(1) for match in map(_FATAL.search, lines) if match]
    text = (fatal + lines[-1:] + ["no message"])[0].replace('\\"', '"')
    return _WRAPPING.sub("", text)
