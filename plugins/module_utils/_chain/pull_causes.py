# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a registry did not give an image: one table of the causes, for who asks and for who is asked.

containerd on a board, skopeo on the controller and the kubelet's events all pass on what Go's network, TLS and HTTP
libraries and the registry itself say, so one table serves pulls, questions to registries and diagnose. Which words
tell which cause stands in the room _chain. Pure.
What to do about a cause depends on where it was met: see _containerd/pull_errors (a board) and _failure/steps
(the controller).
"""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.riscv.k3s.plugins.module_utils._chain.chain import told
from ansible_collections.riscv.k3s.plugins.module_utils._chain.rule import PROXY, REGISTRY, TOKEN_SERVER


class Cause(NamedTuple):
    """One cause. ``id`` is its name everywhere: in results of modules, in tables, in diagnose.

    ``why`` is a sentence with a place for {registry}; it claims no more than the words prove that tell the cause (see
    _chain/of_images). ``may_pass``: trying again can help. ``of_registry``: it holds for everything that would be
    asked of the same registry. ``variant`` tells apart what has another sentence.
    """

    id: str
    why: str
    may_pass: bool = False
    of_registry: bool = False
    variant: str = ""


_NOT_FOUND = "the address of {registry}, or of its mirror, cannot be found"
# Where docker.io answers.
_DOCKER = ("registry-1.docker.io", "index.docker.io", "registry.docker.io")
_DAMAGED = "the content that {registry} sent is damaged"
CAUSES = (
    # The machine itself.
    Cause("pull-disk-full", "the disk is full"),
    Cause("disk-read-only", "the disk can only be read"),
    Cause("snapshotter-unsupported", "the kernel refuses the file system that holds the layers of images"),
    Cause("store-not-whole", "part of its content is missing in the machine's own store"),
    Cause("store-media-type", "the machine's own store recorded a wrong media type for it"),
    # The way to the registry.
    Cause("registry-proxy", "the proxy in front of {registry} cannot be reached, or refuses", of_registry=True),
    Cause(
        "registry-address",
        "an address of {registry} or of its mirror, or one that they name, is no URL",
        of_registry=True,
    ),
    Cause("registry-name", _NOT_FOUND + " (DNS)", of_registry=True),
    Cause(
        "registry-name",
        _NOT_FOUND + ": no name server answers (DNS)",
        may_pass=True,
        of_registry=True,
        variant="silent",
    ),
    Cause("registry-refused", "nothing listens at the address of {registry}, or of its mirror", of_registry=True),
    Cause("registry-unreachable", "there is no route to {registry}, or to its mirror", of_registry=True),
    Cause("registry-timeout", "{registry} did not answer in time", may_pass=True, of_registry=True),
    Cause("registry-timeout", "its pull did not finish in time", may_pass=True, of_registry=True, variant="late"),
    Cause("registry-broken", "the connection to {registry} broke off", may_pass=True),
    # TLS.
    Cause("plain-http", "{registry} speaks plain http and is asked by https", of_registry=True),
    Cause("https-on-http", "one side speaks http and the other https", of_registry=True),
    Cause(
        "registry-clock",
        "the certificate of {registry} is not valid at the time of the machine that asks",
        of_registry=True,
    ),
    Cause("tls-authority", "the certificate of {registry} is not trusted", of_registry=True),
    Cause("tls-authority", "the certificate of {registry} is for another name", of_registry=True, variant="name"),
    Cause(
        "registry-tls",
        "{registry} and the machine that asks do not agree on TLS, or it requires a client certificate",
        of_registry=True,
    ),
    # What answers.
    Cause("no-registry", "what answers as {registry} is not a registry, or does not keep to HTTP", of_registry=True),
    Cause(
        "no-registry",
        "what answers as {registry} is not a registry, it sends a web page",
        of_registry=True,
        variant="page",
    ),
    Cause("registry-rate-limit", "{registry} limits the number of requests", may_pass=True),
    Cause("registry-fault", "{registry} has a fault", may_pass=True),
    Cause(
        "registry-auth",
        "{registry} requires a login, or denies access to this one; some say so of a name that does not exist",
    ),
    Cause(
        "registry-auth",
        "{registry} gives no access to it; some do so for a name that does not exist",
        variant="token",
    ),
    Cause("no-such-image", "{registry} has no such name"),
    Cause(
        "no-such-image",
        "no other node gives it to {registry}, k3s's embedded registry, and no other registry does",
        may_pass=True,
        variant="embedded",
    ),
    Cause("no-platform", "it holds no content for this architecture"),
    Cause("image-media-type", "its manifest is of a kind that is not supported"),
    Cause("content-damaged", _DAMAGED, may_pass=True),
    Cause("content-damaged", "the content that {registry} sends ends too early", may_pass=True, variant="short"),
    Cause("content-damaged", "{registry} lacks a part of it", may_pass=True, variant="part"),
    Cause(
        "content-damaged",
        "a layer of it cannot be unpacked: the published image is damaged",
        variant="layer",
    ),
)
UNKNOWN = Cause("unknown", "for an unknown reason")
_BY_RULE = {(cause.id, cause.variant): cause for cause in CAUSES}
IDS = tuple(dict.fromkeys(cause.id for cause in CAUSES))
# The registry was asked and answered, and the answer is no.
ANSWERED_NO = frozenset(("no-such-image", "no-platform"))
# These hold for everything that would be asked of the same registry.
OF_THE_REGISTRY = frozenset(cause.id for cause in CAUSES if cause.of_registry)


def find(text: str) -> Cause:
    """The Cause that the ``text`` of a pull's error tells; UNKNOWN where it is not understood."""
    said = told(text, ("pull",))
    return _BY_RULE.get((said.inner or "", said.variant), UNKNOWN)


def why(cause: Cause, text: str, registry: str) -> str:
    """The sentence of a cause for people, with whose error it is: the ``registry``'s, a proxy's, a token server's."""
    said = told(text, ("pull",))
    if cause.id == "registry-proxy" and said.address and said.chain.asked == PROXY:
        return cause.why.replace("the proxy", "the proxy " + said.address).format(registry=registry)
    if said.chain.asked == TOKEN_SERVER and said.address not in ("", registry):
        registry = "%s, the token server of %s," % (said.address, registry)
    elif said.chain.asked == TOKEN_SERVER and not said.address:
        registry = "the token server of %s" % registry
    elif said.chain.asked == REGISTRY and said.address and not _is_of(said.address, registry):
        registry = "%s, asked for %s," % (said.address, registry)
    return cause.why.format(registry=registry)


def _is_of(address: str, registry: str) -> bool:
    """Whether that is the address of a registry itself, and no other one to which it sends those who ask."""
    plain = [one[: -len(":443")] if one.endswith(":443") else one for one in (address, registry)]
    return plain[0] == plain[1] or plain[1] == "docker.io" and plain[0] in _DOCKER
