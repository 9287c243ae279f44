# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a registry did not give an image: one table from the text of an error to a cause.

containerd on a board, skopeo on the controller and the kubelet's events all pass on what Go's network, TLS and HTTP
libraries and the registry itself say, so one table serves pulls, questions to registries and diagnose. Pure.
What to do about a cause depends on where it was met: see _containerd/pull_errors (a board) and _failure/steps
(the controller).
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Cause(NamedTuple):
    """One cause. ``id`` is its name everywhere: in results of modules, in tables, in diagnose.

    ``why`` is a sentence with a place for {registry}; it claims no more than its sign proves. ``may_pass``: trying
    again can help. ``of_registry``: it holds for everything that would be asked of the same registry.
    """

    id: str
    sign: str
    why: str
    may_pass: bool = False
    of_registry: bool = False


# The message that is usual for a code is left out by skopeo 1.9; then the code's own words stand at the end.
_BARE = r"|(?:\A|: )(?:%s)\s*\Z"
_WRONG_TYPE = "the machine's own store recorded a wrong media type for it"
# How Go programs lead up to the number of a status.
_STATUS = r"(?:[Ss]tatus(?: code)?|StatusCode|status code from registry|response code)(?: \[[^]]*\])?:? "

# The first sign that is found decides, so one that may stand inside another message comes later.
# Names and addresses are taken out of a text before (see _bare), for an image may be called anything.
CAUSES = (
    # The store of the machine itself: the registry was not even asked, or did what it should.
    Cause("pull-disk-full", r"no space left on device|disk quota exceeded", "the disk is full"),
    Cause(
        "store-not-whole",
        r"failed to get reader from content store|content digest \S+: not found|snapshot \S+ does not exist",
        "part of its content is missing in the machine's own store",
    ),
    Cause("store-media-type", r"error unpacking image: [^\n]*unexpected media type", _WRONG_TYPE),
    # A proxy stands before any registry. A status without its number is what it answered to CONNECT.
    Cause(
        "registry-proxy",
        r"proxyconnect tcp: |Proxy Authentication Required|https://…(?:\\?\")?: (?:Forbidden|Bad Gateway"
        r"|Service Unavailable|Gateway Time-?[Oo]ut|Method Not Allowed)\b",
        "the proxy in front of {registry} cannot be reached, or refuses",
        of_registry=True,
    ),
    Cause(
        "plain-http",
        r"server gave HTTP response to HTTPS client",
        "{registry} speaks plain http and is asked by https",
        of_registry=True,
    ),
    Cause(
        "registry-clock",
        r"x509: certificate has expired or is not yet valid",
        "the certificate of {registry} is not valid at the time of the machine that asks",
        of_registry=True,
    ),
    Cause(
        "tls-authority",
        r"x509: (?!certificate is (?:not )?valid for|cannot validate certificate for)"
        r"|certificate signed by unknown authority",
        "the certificate of {registry} is not trusted",
        of_registry=True,
    ),
    Cause(
        "tls-authority",
        r"x509: certificate is (?:not )?valid for|x509: cannot validate certificate for",
        "the certificate of {registry} is for another name",
        of_registry=True,
    ),
    Cause(
        "https-on-http",
        r"tls: first record does not look like a TLS handshake|Client sent an HTTP request to an HTTPS server",
        "one side speaks http and the other https",
        of_registry=True,
    ),
    Cause(
        "registry-tls",
        r"(?:remote|local) error: tls: |tls: (?:server selected|protocol version|no supported)",
        "{registry} and the machine that asks do not agree on TLS, or it requires a client certificate",
        of_registry=True,
    ),
    Cause(
        "registry-name",
        r"no such host",
        "the address of {registry}, or of its mirror, cannot be found (DNS)",
        of_registry=True,
    ),
    # A name server that does not answer says "i/o timeout" and "connection refused" too.
    Cause(
        "registry-name",
        r"lookup \S+(?: on \S+)?: (?:(?:read|write|dial) \S+ \S+: (?:\w+: )?)?"
        r"(?:i/o timeout|Try again|connection refused)|server misbehaving|Temporary failure in name resolution",
        "the address of {registry}, or of its mirror, cannot be found: no name server answers (DNS)",
        may_pass=True,
        of_registry=True,
    ),
    Cause(
        "registry-name",
        r"lookup \S+(?: on \S+)?: ",
        "the address of {registry}, or of its mirror, cannot be found (DNS)",
        of_registry=True,
    ),
    Cause(
        "registry-refused",
        r"(?:connect|getsockopt|dial tcp \S+): connection refused",
        "nothing listens at the address of {registry}, or of its mirror",
        of_registry=True,
    ),
    Cause(
        "registry-unreachable",
        r"network is (?:unreachable|down)|no route to host|host is down|cannot assign requested address",
        "there is no route to {registry}, or to its mirror",
        of_registry=True,
    ),
    Cause(
        "registry-timeout",
        r"i/o timeout|TLS handshake timeout|timeout awaiting response headers|Client\.Timeout"
        r"|request canceled while waiting|(?:connection|operation) timed out",
        "{registry} did not answer in time",
        may_pass=True,
        of_registry=True,
    ),
    # What a registry says. Faults come before refusals: a token that something broke on its way is no refusal.
    Cause(
        "registry-rate-limit",
        _STATUS
        + r"429\b|[Tt]oo [Mm]any [Rr]equests|TOOMANYREQUESTS|\btoomanyrequests: |pull rate limit"
        + _BARE % "toomanyrequests",
        "{registry} limits the number of requests",
        may_pass=True,
    ),
    Cause(
        "no-platform",
        r"no match for platform in manifest|no image found in (?:manifest list|image index) for "
        r"|no matching manifest for",
        "it holds no content for this architecture",
    ),
    Cause(
        "content-damaged",
        r"failed size validation|unexpected commit (?:digest|size)|does not match (?:provided manifest )?digest"
        r"|Digest did not match|[Ss]ize mismatch",
        "the content that {registry} sent is damaged",
        may_pass=True,
    ),
    # Before the broken connection, which it ends in.
    Cause(
        "content-damaged",
        r"failed to read expected number of bytes",
        "the content that {registry} sends ends too early",
        may_pass=True,
    ),
    Cause(
        "no-registry",
        r"content descriptor \S+ \(text/html[^)]*\)|(?:media|MIME) type \S*text/html",
        "what answers as {registry} is not a registry, it sends a web page",
        of_registry=True,
    ),
    Cause(
        "no-registry",
        r"malformed (?:HTTP|MIME) |invalid status code from registry 404|response code 404"
        r"|pinging (?:container|docker) registry \S+ StatusCode: 404",
        "what answers as {registry} is not a registry, or does not keep to HTTP",
        of_registry=True,
    ),
    Cause(
        "registry-broken",
        r"connection reset by peer|broken pipe|unexpected EOF|: EOF\b|GOAWAY|http2: client connection "
        r"|stream error: stream ID|use of closed network connection|transport connection broken"
        r"|server closed idle connection",
        "the connection to {registry} broke off",
        may_pass=True,
    ),
    Cause(
        "registry-fault",
        _STATUS
        + r"5\d\d\b|\b5\d\d \(?(?:Internal|Bad|Service|Gateway|Insufficient|Not Implemented|HTTP Version)"
        + _BARE % "unavailable",
        "{registry} has a fault",
        may_pass=True,
    ),
    Cause(
        "content-damaged",
        r"gzip: invalid|archive/tar: invalid tar header|flate: corrupt input|zstd: invalid|magic number mismatch",
        "a layer of it cannot be unpacked: the published image is damaged",
    ),
    # The name is there, and what it stands for is not.
    Cause(
        "content-damaged",
        r"could not fetch content descriptor [^\n]* from remote: not found|content at \S+ not found: not found"
        r"|blob unknown|BLOB_UNKNOWN",
        "{registry} lacks a part of it",
        may_pass=True,
    ),
    Cause(
        "registry-auth",
        _STATUS + r"40[13]\b|\b401 Unauthorized|\b403 Forbidden|\b40[13] \((?:Unauthorized|Forbidden)"
        r"|(?<![/:.\w-])(?:unauthorized|denied): |\b(?:UNAUTHORIZED|DENIED)\b|authorization failed|insufficient_scope"
        r"|pull access denied|access to the resource is denied|authentication required|invalid username/password"
        r"|no basic auth credentials|unable to retrieve auth token" + _BARE % "unauthorized|denied",
        "{registry} requires a login, or denies access to this one; some say so of a name that does not exist",
    ),
    # For a reason that is not known: a token that is not given says nothing of the name.
    Cause(
        "registry-auth",
        r"failed to fetch (?:anonymous|oauth) token|failed to authorize: ",
        "{registry} gives no access to it; some do so for a name that does not exist",
    ),
    # "not found" alone is no sign, containerd says it of its own leases and content, too.
    Cause(
        "no-such-image",
        r"failed to resolve (?:reference|image)\b[^\n]*: not found|code = NotFound desc = \S+/\S+: not found"
        r"|no available registry endpoint: [^\n]*not found|\b404 Not Found|" + _STATUS + r"404\b|[Mm]anifest unknown"
        r"|MANIFEST_UNKNOWN|NAME_UNKNOWN|\bname unknown: |name not known to registry|manifest for \S+ not found"
        r"|unknown: (?:artifact|repository|project) \S+ not found|Tag \S+ was deleted or has expired"
        + _BARE
        % "name unknown",
        "{registry} has no such name",
    ),
    # What may come with any of the reasons above comes last.
    Cause(
        "registry-timeout",
        r"DeadlineExceeded|deadline exceeded|code = Canceled|context canceled",
        "its pull did not finish in time",
        may_pass=True,
        of_registry=True,
    ),
    Cause("store-media-type", r"unexpected media type \S+ for sha256:", _WRONG_TYPE),
)
UNKNOWN = Cause("unknown", "", "for an unknown reason")
_COMPILED = tuple((re.compile(cause.sign), cause) for cause in CAUSES)
IDS = tuple(dict.fromkeys(cause.id for cause in CAUSES))
# The registry was asked and answered, and the answer is no.
ANSWERED_NO = frozenset(("no-such-image", "no-platform"))
# These hold for everything that would be asked of the same registry.
OF_THE_REGISTRY = frozenset(cause.id for cause in CAUSES if cause.of_registry)

# A quoted word with a slash or a colon is a name or an address; so is what follows "image". A URL keeps its scheme.
_QUOTED = re.compile(r'\\?"(?!https?:)\w[^"\s\\]*[/:][^"\s\\]*\\?"|(?<=image )\\?"[^"\s\\]*\\?"')
_URL = re.compile(r'(https?)://[^\s"\\]*[^\s"\\:,;]')

# Characters of a longer text that are looked at, at its beginning and at its end: a registry may say megabytes.
_ENDS = 4000

_PROXY = re.compile(r"proxyconnect tcp: (?:dial tcp(?:: lookup)? )?(\S+?):? ")
_TOKEN = re.compile(
    r"(?:failed to fetch (?:anonymous|oauth) token|unable to retrieve auth token|failed to authorize)"
    r'[^\n]{0,400}?https?://([^/\s"\\?]+)'
)


def find(text: str) -> Cause:
    """The Cause of an error's ``text``; UNKNOWN when no sign of the table stands in it."""
    bare = _bare(text)
    for sign, cause in _COMPILED:
        if sign.search(bare):
            return cause
    return UNKNOWN


def why(cause: Cause, text: str, registry: str) -> str:
    """The sentence of a cause for people, with whose error it is: the ``registry``'s, a proxy's, a token server's."""
    text = _short(text)
    proxy, token = _PROXY.search(text), _TOKEN.search(text)
    if cause.id == "registry-proxy" and proxy:
        return cause.why.replace("the proxy", "the proxy " + proxy.group(1)).format(registry=registry)
    if token and token.group(1) != registry:
        registry = "%s, the token server of %s," % (token.group(1), registry)
    return cause.why.format(registry=registry)


def _bare(text):
    """``text`` without names of images and addresses, which may hold any word."""
    return _QUOTED.sub('"…"', _URL.sub(r"\1://…", _short(text)))


def _short(text):
    return text if len(text) <= 2 * _ENDS else text[:_ENDS] + "\n" + text[-_ENDS:]
