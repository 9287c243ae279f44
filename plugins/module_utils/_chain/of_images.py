# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reasons why an image did not come: those of networks, TLS, registries, and of the board's own store. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._chain.rule import (
    ASKED,
    CONTAINERD,
    DNS,
    KERNEL,
    KUBELET,
    MIRROR,
    NETWORK,
    NOTHING,
    PROXY,
    STORE,
    rule,
)

# These rules are for errors in which one of these steps was taken: what else uses a network has the same words.
STEPS = (
    "pull",
    "resolve",
    "pause",
    "unpack",
    "stored",
    "copy",
    "bytes",
    "authorize",
    "token",
    "ping",
    "pinging",
    "said",
)
# The number of a status, after "unexpected status: " or by itself.
_STATUS = (
    r"(?:(?:StatusCode|[Ss]tatus(?: code)?|(?:invalid|unexpected) status code from registry|response code"
    r"|.*unexpected HTTP status|error parsing HTTP):? )?(?:from registry )?"
)

# These steps decide by themselves, whatever stands behind them.
FIRST = (
    # containerd itself does not answer: nobody was asked for the image.
    rule(NOTHING, CONTAINERD, r"", ("socket",)),
    rule("registry-proxy", PROXY, r"", ("proxy",)),
    rule("registry-name", DNS, r"no such host|server misbehaving|Name ", ("lookup",)),
    rule("registry-name", DNS, r"", ("lookup",), variant="silent"),
)
RULES = (
    # The sandbox: the pause image is that of every pod. A name without a domain is one that no store has in full.
    rule("pause-image-short-name", STORE, r'image "(?![^"/]*[.:][^"/]*/)[^"]*":? not found', ("pause",)),
    rule("pause-image-missing", STORE, r'image "[^"]*":? not found', ("pause", "sandbox")),
    rule(
        "pause-image-broken",
        STORE,
        r"content digest \S+: not found|failed to get reader from content store"
        r"|(?:parent )?snapshot \S+ does not exist|unexpected media type ",
        ("sandbox",),
        ("pull",),
    ),
    # The store of the machine itself: the registry was not asked, or did what it should.
    rule("pull-disk-full", KERNEL, r"no space left on device|disk quota exceeded"),
    rule("disk-fault", KERNEL, r"[Ii]nput/output error|structure needs cleaning"),
    rule("pull-disk-full", KERNEL, r"[^:]*: (?:no space left on device|disk quota exceeded)"),
    rule("store-not-whole", STORE, r"content digest \S+: not found|failed to get reader from content store"),
    rule("store-not-whole", STORE, r"blob \S+ expected at /"),
    rule("store-not-whole", STORE, r"(?:parent )?snapshot \S+ does not exist|missing parent \S+ bucket"),
    rule("store-media-type", STORE, r"unexpected media type \S+ for ", ("stored",)),
    rule("no-registry", ASKED, r"unexpected media type text/html for \S+", ("pull", "copy"), variant="page"),
    rule("image-media-type", CONTAINERD, r"unexpected media type application/vnd\.docker\.distribution\.manifest\.v1"),
    rule("store-media-type", STORE, r"unexpected media type \S+ for \S+: not found"),
    rule(
        "snapshotter-unsupported",
        KERNEL,
        r"(?:invalid argument|no such device|operation not supported)",
        ("unpack",),
        ("callback",),
        sure=False,
    ),
    rule("content-damaged", ASKED, r"unexpected commit (?:digest|size) |.*failed size validation"),
    rule("content-damaged", ASKED, r"unexpected EOF|EOF", ("bytes",), variant="short"),
    rule("content-damaged", ASKED, r"failed to read expected number of bytes", variant="short"),
    rule(
        "content-damaged",
        ASKED,
        r"wrong diff id|mismatched|(?:filesystem layer|image config) verification failed",
        variant="layer",
    ),
    rule(
        "content-damaged",
        ASKED,
        r"(?:(?:gzip|zstd|flate|archive/tar): )?(?:invalid (?:header|checksum|tar header|input)"
        r"|corrupt input|magic number mismatch)",
        variant="layer",
    ),
    rule(
        "content-damaged",
        ASKED,
        r"Digest did not match|.*[Ss]ize mismatch|.*does not match (?:provided manifest )?digest",
    ),
    rule("no-registry", ASKED, r"could not fetch content descriptor \S+ \(text/html[^)]*\)", variant="page"),
    rule(
        "image-media-type",
        CONTAINERD,
        r"could not fetch content descriptor \S+ \(application/vnd\.docker\.distribution\.manifest\.v1\+",
    ),
    rule(
        "content-damaged",
        ASKED,
        r"could not fetch content descriptor |content at \S+ not found|(?:[Bb]lob unknown|unknown blob)"
        r"|BLOB_UNKNOWN",
        variant="part",
        sure=False,
    ),
    # A status without its number is what a proxy answered to CONNECT.
    rule(
        "registry-proxy",
        PROXY,
        r"(?:Proxy Authentication Required|Forbidden|Bad Gateway|Service Unavailable"
        r"|Gateway Time-?[Oo]ut|Method Not Allowed)$",
        ("request", "ping"),
        ("status",),
    ),
    # The request was not even sent. An image may name another address for a layer, which is none of the board's.
    rule(
        "registry-address",
        CONTAINERD,
        r"(?:unsupported|missing) protocol scheme|no Host in request URL|first path segment in URL"
        r"|invalid (?:port |URL escape |userinfo|character \S+ in (?:host name|port))",
        (),
        ("copy",),
    ),
    # Names. A name server that does not answer has the words of any other that does not.
    rule(
        "registry-name",
        DNS,
        r"no such host|Name or service not known|Name does not resolve",
    ),
    rule("registry-name", DNS, r"server misbehaving|Temporary failure in name resolution|Try again", variant="silent"),
    # The way.
    rule("registry-refused", NETWORK, r"connection refused|[Cc]onnectex: No connection could be made"),
    rule(
        "registry-unreachable",
        NETWORK,
        r"network is (?:unreachable|down)|no route to host|host is down"
        r"|cannot assign requested address",
    ),
    rule(
        "registry-timeout",
        NETWORK,
        r"i/o timeout|TLS handshake timeout|timeout awaiting response headers"
        r"|(?:connection|operation) timed out|request canceled(?: while waiting)?",
    ),
    rule("registry-timeout", NETWORK, r"[^:]*\(?Client\.Timeout"),
    rule("registry-broken", NETWORK, r"(?:connection reset by peer|broken pipe|unexpected EOF|EOF)$"),
    rule(
        "registry-broken",
        NETWORK,
        r"(?:HTTP/1\.x )?transport connection broken|server sent GOAWAY|stream error"
        r"|use of closed network connection|server closed idle connection|client connection (?:lost|force closed)",
    ),
    # TLS.
    rule("registry-clock", ASKED, r"(?:x509: )?certificate has expired|current time \S+ is "),
    rule("plain-http", ASKED, r"server gave HTTP response to HTTPS client"),
    rule("https-on-http", ASKED, r"first record does not look like a TLS handshake"),
    rule("https-on-http", ASKED, r"(?:400 Bad Request\n)?Client sent an HTTP request to an HTTPS server"),
    rule(
        "tls-authority",
        ASKED,
        r"(?:x509: )?(?:certificate is (?:not )?valid for|cannot validate certificate for)",
        variant="name",
    ),
    rule("tls-authority", ASKED, r"certificate (?:signed by unknown authority|relies on legacy)|x509: "),
    rule(
        "registry-tls",
        ASKED,
        r"(?:tls: )?(?:bad certificate|(?:handshake|decode) failure|certificate required"
        r"|protocol version|no application protocol|unrecognized name|internal error|unknown certificate"
        r"|access denied|server selected unsupported|oversized record|unsupported SSLv2)",
        ("tls",),
    ),
    # What answers is no registry, or not this one's HTTP.
    rule("no-registry", ASKED, r".*(?:media|MIME) type \S*text/html", variant="page"),
    # A page with a refusal or a fault may be that of what stands before a registry.
    rule("no-registry", ASKED, r"invalid character '<' looking for beginning", (), ("unread",), variant="page"),
    rule(
        "no-registry",
        ASKED,
        r"invalid character '.{1,8}' (?:looking for|after|in )|unexpected end of JSON input",
        (),
        ("unread",),
        sure=False,
    ),
    # A warning of TLS, read as HTTP.
    rule("https-on-http", ASKED, r'malformed HTTP [\w ]*"\\x15\\x03'),
    rule("no-registry", ASKED, r"malformed (?:HTTP|MIME) |http2: frame too large"),
    rule(
        "no-registry",
        ASKED,
        r"This does not look like a Registry server|missing or empty Content-(?:Type|Length) header"
        r"|could not resolve digest for ",
    ),
    rule("no-registry", ASKED, _STATUS + r"404\b", ("pinging",)),
    rule(
        "no-registry",
        ASKED,
        r"(?:error )?pinging .*(?:response code|StatusCode:) 404"
        r"|invalid status code from registry 404",
    ),
    # What a registry says. Faults come before refusals: a token that something broke on its way is no refusal.
    rule(
        "registry-rate-limit",
        ASKED,
        _STATUS + r"429\b|[Tt]oo [Mm]any [Rr]equests|TOOMANYREQUESTS|toomanyrequests\b"
        r"|[^:]*pull rate limit",
    ),
    rule(
        "no-platform",
        CONTAINERD,
        r"no match for platform in manifest|no supported platform found"
        r"|no image found in (?:manifest list|image index) for |no matching manifest for",
    ),
    rule(
        "registry-fault",
        ASKED,
        _STATUS + r"5\d\d\b|(?:unavailable|UNAVAILABLE)$|"
        r"(?:unavailable|UNAVAILABLE): ",
    ),
    rule("registry-proxy", PROXY, _STATUS + r"407\b"),
    rule("registry-auth", ASKED, r"error parsing HTTP 40[13]\b", sure=False),
    rule(
        "registry-auth",
        ASKED,
        _STATUS + r"40[13]\b|(?:unauthorized|denied|UNAUTHORIZED|DENIED)(?:: |$)"
        r"|authorization failed|insufficient_scope|pull access denied|.*access to the resource is denied"
        r"|[Aa]uthentication (?:is )?required|(?:invalid|incorrect) username|no basic auth credentials|unauthenticated"
        r"|unable to retrieve auth token",
    ),
    # A token that is not given says nothing of the name.
    rule("registry-auth", ASKED, _STATUS + r"404\b", ("token", "authorize"), sure=False, variant="token"),
    rule("no-such-image", ASKED, r"(?:[\w.:/@-]+|failed to resolve (?:reference|image)\b.*): not found$", ("resolve",)),
    rule(
        "no-such-image",
        ASKED,
        _STATUS + r"404\b|[Mm]anifest unknown|MANIFEST_UNKNOWN|NAME_UNKNOWN|name unknown\b"
        r"|repository name not known to registry|manifest for \S+ not found"
        r"|trying next host - response was http\.StatusNotFound|unknown: [Nn]ot [Ff]ound$"
        r"|(?:unknown: )?(?:artifact|repository|project) \S+ not found"
        r"|.*was deleted or has expired",
    ),
    rule("no-such-image", ASKED, r"rpc error NotFound: \S+/\S+: not found$"),
    rule("no-such-image", ASKED, r"no available registry endpoint: .*not found"),
    # k3s's embedded registry (spegel): no other node has it.
    rule(
        "no-such-image",
        MIRROR,
        r"mirror (?:resolve retries exhausted for key|with image component \S+ could not be found)",
    ),
    rule(
        "image-media-type",
        CONTAINERD,
        r"application/vnd\.\S+ not supported"
        r"|no processor for media-type"
        r"|(?:unsupported|unexpected|unknown) (?:media ?type|manifest (?:media ?type|schema))"
        r"|.*schema 1|mediaType in manifest should be|media type \S+ is no longer supported",
    ),
    # Names that are none.
    rule(
        "image-name-invalid",
        KUBELET,
        r'(?:[Ff]ailed to apply default image tag "|couldn\'t parse image (?:name|reference) )',
    ),
    rule("image-name-invalid", KUBELET, r"invalid reference format|failed to parse reference |invalid checksum digest"),
    # What may come with any of the reasons above comes last.
    rule(
        "registry-timeout",
        NETWORK,
        r"(?:context )?(?:deadline exceeded|canceled)",
        (),
        ("network", "exec", "shim"),
        variant="late",
    ),
    rule(
        "registry-timeout",
        NETWORK,
        r"rpc error (?:DeadlineExceeded|Canceled|4): ",
        (),
        ("network", "exec", "shim"),
        variant="late",
    ),
)
# Who gives no token for a reason that is not known says nothing of the name.
LAST = (
    rule("pause-image-missing", CONTAINERD, r"", ("pause",)),
    rule("registry-auth", ASKED, r"", ("token", "authorize"), sure=False, variant="token"),
    # Whatever a proxy calls its status: Go passes on the words alone.
    rule(
        "registry-proxy",
        PROXY,
        r"[A-Z][A-Za-z-]+(?: [A-Z][A-Za-z-]+)*\.?$",
        ("request", "ping"),
        ("status", "dial", "tls", "wire"),
        sure=False,
    ),
    rule("no-registry", ASKED, r".*text/html", variant="page", sure=False),
    rule(
        "registry-name",
        DNS,
        r".*(?:no such host|[Nn]ame resolution|not resolve (?:host|name|')|getaddrinfo)",
        sure=False,
    ),
)
