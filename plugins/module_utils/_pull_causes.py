# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a registry did not give an image: one table from the text of an error to a cause.

containerd on a board, skopeo on the controller and the kubelet's events all pass on what Go's network, TLS and HTTP libraries
and the registry itself say, so one table serves pulls, questions to registries and diagnose. Pure.
What to do about a cause depends on where it was met: see _cri_errors (a board) and _skopeo_errors (the controller).
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Cause(NamedTuple):
    """One cause. ``id`` is its name everywhere: in results of modules, in tables, in diagnose.

    ``why`` is a sentence with a place for {registry}. ``may_pass``: trying again can help.
    ``of_registry``: it holds for everything that would be asked of the same registry.
    """

    id: str
    sign: str
    why: str
    may_pass: bool = False
    of_registry: bool = False


# The first sign that is found decides, so one that may stand inside another message comes later.
CAUSES = (
    Cause("registry-proxy", r"proxyconnect tcp: |Proxy Authentication Required", "the proxy in front of {registry} refuses", of_registry=True),
    Cause(
        "plain-http",
        r"server gave HTTP response to HTTPS client",
        "{registry} speaks plain http and is asked by https",
        of_registry=True,
    ),
    Cause(
        "registry-clock",
        r"x509: certificate has expired or is not yet valid",
        "the certificate of {registry} is not valid at the time which this machine's clock shows",
        of_registry=True,
    ),
    Cause(
        "tls-authority",
        r"x509: |tls: failed to verify certificate|certificate signed by unknown authority|remote error: tls: |tls: bad certificate",
        "the certificate of {registry} is not trusted",
        of_registry=True,
    ),
    Cause(
        "https-on-http",
        r"tls: first record does not look like a TLS handshake|Client sent an HTTP request to an HTTPS server",
        "one side speaks http and the other https",
        of_registry=True,
    ),
    Cause(
        "registry-timeout",
        r"lookup \S+(?: on \S+)?: i/o timeout",
        "the name server did not answer in time when it was asked for {registry}",
        may_pass=True,
        of_registry=True,
    ),
    Cause(
        "registry-name",
        r"no such host|server misbehaving|Temporary failure in name resolution|lookup \S+(?: on \S+)?: ",
        "the address of {registry}, or of the mirror that stands for it, cannot be found (DNS)",
        of_registry=True,
    ),
    Cause(
        "registry-refused",
        r"connect: connection refused",
        "nothing listens at the address of {registry}, or of the mirror that stands for it",
        of_registry=True,
    ),
    Cause(
        "registry-unreachable",
        r"network is unreachable|no route to host|host is down|cannot assign requested address",
        "there is no route to {registry}, or to the mirror that stands for it",
        of_registry=True,
    ),
    Cause("registry-rate-limit", r"429 Too Many Requests|[Tt]oo [Mm]any [Rr]equests|TOOMANYREQUESTS|toomanyrequests", "{registry} asks to come less often", may_pass=True),
    Cause(
        "no-platform",
        r"no match for platform in manifest|no image found in (?:manifest list|image index) for architecture",
        "it holds no content for this architecture",
    ),
    Cause(
        "registry-timeout",
        r"i/o timeout|DeadlineExceeded|deadline exceeded|TLS handshake timeout|Client\.Timeout|connection timed out",
        "{registry} did not answer in time",
        may_pass=True,
        of_registry=True,
    ),
    # Lost content of the machine's own store: the registry was not even asked.
    Cause(
        "store-not-whole",
        r"failed to get reader from content store|content digest \S+: not found|parent snapshot \S+ does not exist",
        "content of it is missing in the board's own store",
    ),
    Cause("pull-disk-full", r"no space left on device|disk quota exceeded", "the disk is full"),
    # Before the refusals: a token that cannot be fetched since the connection breaks is no refusal.
    Cause("registry-broken", r"connection reset by peer|broken pipe|unexpected EOF|: EOF|http2: .*GOAWAY", "the connection to {registry} broke off", may_pass=True),
    Cause(
        "registry-auth",
        r"401 Unauthorized|403 Forbidden|[Uu]nauthorized|UNAUTHORIZED|authorization failed|insufficient_scope|pull access denied|access to the resource is denied"
        r"|DENIED|: denied|authentication required|invalid username/password|failed to fetch (?:anonymous|oauth) token|no basic auth credentials|unable to retrieve auth token",
        "{registry} wants a login, or does not let this one have it; some registries answer so for a name that does not exist",
    ),
    Cause(
        "no-registry",
        r"content descriptor \S+ \(text/html[^)]*\)|media type \S*text/html",
        "what answers as {registry} is not a registry, it sends a web page",
        of_registry=True,
    ),
    Cause(
        "no-registry",
        r"malformed (?:HTTP|MIME) |invalid status code from registry 404|net/http: HTTP/1\.x transport connection broken",
        "what answers as {registry} is not a registry, or does not keep to HTTP",
        of_registry=True,
    ),
    Cause(
        "content-damaged",
        r"failed size validation|unexpected commit (?:digest|size)|does not match (?:provided manifest )?digest|Digest did not match|[Ss]ize mismatch",
        "what {registry} gives of it is damaged",
        may_pass=True,
    ),
    Cause("content-damaged", r"failed to read expected number of bytes", "what {registry} sends of it ends too early", may_pass=True),
    Cause(
        "no-such-image",
        r"code = NotFound|: not found|404 Not Found|StatusCode: 404|\b404\b.*Not Found|[Mm]anifest unknown|MANIFEST_UNKNOWN|NAME_UNKNOWN|name unknown|blob unknown|BLOB_UNKNOWN",
        "{registry} has no such name",
    ),
    Cause(
        "registry-fault",
        r"\b50\d (?:Internal|Bad|Service|Gateway|Insufficient)|status(?: code)?:? (?:\[[^]]*\]: )?5\d\d|StatusCode: 5\d\d",
        "{registry} has a fault",
        may_pass=True,
    ),
)
UNKNOWN = Cause("unknown", "", "the reason stands below")
_COMPILED = tuple((re.compile(cause.sign), cause) for cause in CAUSES)
IDS = tuple(dict.fromkeys(cause.id for cause in CAUSES))
# These hold for everything that would be asked of the same registry.
OF_THE_REGISTRY = frozenset(cause.id for cause in CAUSES if cause.of_registry)


def find(text) -> Cause:
    """The Cause of an error's ``text``; UNKNOWN when no sign of the table stands in it."""
    for sign, cause in _COMPILED:
        if sign.search(text):
            return cause
    return UNKNOWN
