# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An error as a value: what was done with what, who answered, and the innermost reason; and what that tells. Pure."""

from __future__ import annotations

import functools
import re
from typing import List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._chain import of_cluster, of_images, of_pods
from ansible_collections.riscv.k3s.plugins.module_utils._chain.operations import Operation, operation
from ansible_collections.riscv.k3s.plugins.module_utils._chain.rule import (
    ASKED,
    MIRROR,
    PROXY,
    REGISTRY,
    TOKEN_SERVER,
    UNKNOWN,
    Rule,
)
from ansible_collections.riscv.k3s.plugins.module_utils._chain.split import messages, segments, shortened
from ansible_collections.riscv.k3s.plugins.module_utils._chain.words import KERNEL_WORDS, NETWORK_WORDS
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_WORDS_OF_REGISTRY = "erver message"
# Characters at each end of what a rule looks at: patterns look for words anywhere, and take the square of the length.
_ENDS = 400
# Names in quotes; what begins with a dash is an option, and nobody is called system: but who k3s calls so.
_NAMES = re.compile(r'"(?!-|system:)[^"\s]*"')
# dockerd asks for a token while it sends a request, so what stands right behind the request was said by who gives
# tokens: an answer of the registry itself comes without its request.
_OF_TOKENS = re.compile(r"unauthorized|denied|toomanyrequests|received unexpected HTTP status|error parsing HTTP")
_RUNTIME = re.compile(r'(?:(?:fork/)?exec )?"?(?:\S*/)?(?:runc|crun|containerd-shim[\w-]*)"?')
# What could not be executed may be no program of the image's.
_PROGRAMS = (
    ("exec-format", re.compile(r'(?:exec )?"?/pause"?'), "pause-image-architecture"),
    ("entrypoint-missing", _RUNTIME, "runtime-missing"),
    ("exec-format", _RUNTIME, "runtime-missing"),
)
# k3s's own registry says of an image that no other node has: 500. containerd asks the next one then, and tells only
# of the first that said anything but 404.
_EMBEDDED = re.compile(r"(?:127\.0\.0\.1|\[::1\]):644[34]")
# To bring the pause image again does not help against these.
_OF_DISKS = ("pull-disk-full", "disk-full", "disk-read-only", "disk-fault", "snapshotter-unsupported")


# Words that say nothing by themselves: errors of Linux, and single words, names and addresses.
_BARE = re.compile(r"(?i:%s|%s)|executable file not found in \$PATH|\S+" % (KERNEL_WORDS, NETWORK_WORDS))


class Link(NamedTuple):
    """One segment: its words, and what they name being done, or None."""

    words: str
    done: Optional[Operation]


class Chain(NamedTuple):
    """An error. ``links`` from the outermost to the innermost. ``asked`` is who was asked for something over the
    network (a kind of rule.py), or None, and ``address`` where that stands (host and port), or empty.
    """

    links: Tuple[Link, ...]
    asked: Optional[str]
    address: str

    def object_of(self, *names: str) -> str:
        """What one of these operations was done with: of the innermost one that says it; else empty."""
        done = [link.done for link in self.links[::-1] if link.done and link.done.name in names]
        return next((one.object for one in done if one.object), "")

    def does(self, *names: str) -> bool:
        """Whether one of these operations is in the chain."""
        return any(one.done is not None and one.done.name in names for one in self.links)


class Told(NamedTuple):
    """What an error tells: the id of its ``cause`` (None: not understood), the ``speaker`` (a kind of rule.py),
    ``address`` of it or empty, ``reason`` (the innermost words), whether that is ``sure``, and the chain. ``inner`` is
    the cause without regard to whose image it is, which for the pause image is more than one cause; ``variant`` that of
    the rule.
    """

    cause: Optional[str]
    speaker: str
    address: str
    reason: str
    sure: bool
    chain: Chain
    inner: Optional[str] = None
    variant: str = ""

    @property
    def words(self) -> str:
        """The reason for people: where it says only what the kernel calls it, with what it was said of."""
        links = self.chain.links
        if not links or self.reason != links[-1].words or not _BARE.fullmatch(self.reason):
            return self.reason
        # That it was read from or written to a wire is less than to whom.
        of = next((one.words for one in links[-2::-1] if not one.done or one.done.name != "wire"), "")
        return "%s (%s)" % (self.reason, of) if of else self.reason


def told(text: str, about: Tuple[str, ...] = ()) -> Told:
    """What the last message of a text tells that tells anything.

    ``about`` names operations that are known to be around it: those of a container that waits for its image are
    ("pull",).
    """
    return _of_text(shortened(text), about)


# Diagnose looks at each text once for each cause.
@functools.lru_cache(maxsize=4096)
def _of_text(text: str, about: Tuple[str, ...]) -> Told:
    said: List[Told] = []
    for message in messages(text)[::-1]:
        said.append(_told(message, about))
        if said[-1].cause:
            return said[-1]
    return said[0] if said else Told(None, UNKNOWN, "", "", False, Chain((), None, ""))


def parse(message: str) -> Chain:
    """The Chain of one message."""
    links = tuple(Link(words, operation(words)) for words in segments(message))
    bare = Chain(links, None, "")
    asked, address = _asked(bare)
    return Chain(links, asked, address)


def _told(message: str, about: Tuple[str, ...]) -> Told:
    chain = parse(message)
    links = chain.links
    reason = links[-1].words if links else ""
    is_of_image = chain.does(*of_images.STEPS) or any(step in about for step in of_images.STEPS)
    first = of_pods.INSIDE if chain.does("inside") else of_pods.FIRST + of_images.FIRST * is_of_image
    found = _fitting(first, chain, about, len(links) - 1)
    if found:
        return _as_told(found, chain, reason)
    # What is said of an image is none of the words of k3s, unless it is nothing else: a registry, too, says of somebody
    # that he is not authorized.
    ranks: List[Sequence[Rule]] = [of_images.RULES + of_pods.RULES] * is_of_image
    ranks.append(of_cluster.RULES if is_of_image else of_pods.RULES + of_cluster.RULES)
    for rules in ranks:
        for place in range(len(links) - 1, -1, -1):
            found = _fitting(rules, chain, about, place)
            if found:
                reason = ": ".join(link.words for link in links[place:])
                return _as_told(found, chain, reason)
    last = of_images.LAST * is_of_image + of_pods.LAST + of_cluster.LAST + of_cluster.FATAL * (not is_of_image)
    found = _fitting(last, chain, about, len(links) - 1)
    if found:
        return _as_told(found, chain, reason)
    is_answer = any(_is_of_others(link) for link in links)
    return Told(None, (chain.asked if is_answer else None) or UNKNOWN, chain.address, reason, False, chain)


def _fitting(rules: Sequence[Rule], chain: Chain, about: Tuple[str, ...], place: int) -> Optional[Rule]:
    """The first rule that fits the segment at ``place`` with all behind it."""
    if place < 0:
        return None
    tail = ": ".join(link.words for link in chain.links[place:])
    tail = tail if len(tail) <= 2 * _ENDS else tail[:_ENDS] + " " + tail[-_ENDS:]
    # A rule that looks for words anywhere finds none in names, which tenants choose.
    unnamed = _NAMES.sub('""', tail)
    steps = set(about) | {link.done.name for link in chain.links[: place + 1] if link.done}
    is_quoted = any(_is_of_others(link) for link in chain.links[:place])
    for rule in rules:
        if rule.within and not steps.intersection(rule.within) or steps.intersection(rule.without):
            continue
        # Behind these words stands what a registry wrote: it may say anything of disks and networks.
        if is_quoted and rule.speaker != ASKED:
            continue
        if rule.pattern.match(tail) and (".*" not in rule.pattern.pattern or rule.pattern.match(unnamed)):
            return rule
    return None


def _is_of_others(link: Link) -> bool:
    return link.words.endswith(_WORDS_OF_REGISTRY) or bool(link.done and link.done.name == "status")


def _as_told(rule: Rule, chain: Chain, reason: str) -> Told:
    speaker = (chain.asked or REGISTRY) if rule.speaker == ASKED else rule.speaker
    cause = rule.cause
    for was, program, other in _PROGRAMS:
        if cause == was and any(program.fullmatch(link.words) for link in chain.links):
            cause = other
    digest = chain.object_of("pull", "resolve", "pause").rpartition("@")[2]
    if rule.variant == "part" and digest.startswith("sha256:") and digest in reason:
        # Nothing else was asked for.
        return Told("no-such-image", speaker, chain.address, reason, rule.sure, chain, "no-such-image")
    if cause == "registry-fault" and speaker == MIRROR and _EMBEDDED.fullmatch(chain.address):
        pause = "pause-image-missing" if chain.does("pause", "sandbox") else "no-such-image"
        return Told(pause, speaker, chain.address, reason, False, chain, "no-such-image", "embedded")
    if cause and (chain.does("pause") or chain.does("sandbox") and chain.does("pull")):
        cause = _of_pause(cause)
    if cause and chain.does("helm"):
        cause = "helm-job-failed"
    return Told(cause or None, speaker, chain.address, reason, rule.sure, chain, rule.cause, rule.variant)


def _of_pause(cause: str) -> str:
    """The cause of the pause image that one of any image is: no pod of the board starts without it."""
    if cause == "no-platform":
        return "pause-image-architecture"
    if cause in _OF_DISKS:
        return cause[len("pull-") :] if cause.startswith("pull-") else cause
    return cause if cause.startswith("pause-image-") else "pause-image-missing"


def _asked(chain: Chain) -> Tuple[Optional[str], str]:
    """Who was asked over the network last, and where."""
    if chain.does("proxy"):
        return PROXY, chain.object_of("dial") or chain.object_of("lookup")
    address = chain.object_of("ping", "request", "status")
    host = _host(address)
    if chain.does("token", "authorize") or any("/token?" in one.words for one in chain.links):
        return TOKEN_SERVER, host
    if _is_of_tokens(chain):
        # The request is the registry's; where tokens come from is not said.
        return TOKEN_SERVER, ""
    if not chain.does(*of_images.STEPS):
        return None, host
    image = chain.object_of("resolve") or chain.object_of("pull") or chain.object_of("pause")
    try:
        registry = ImageName.parse(image).registry if image else host
    except Problem:
        registry = host
    # containerd tells a mirror so for whom it is asked; another host without that is where a registry redirects to.
    return (MIRROR if "ns=" in address.partition("?")[2] else REGISTRY), host or registry


def _is_of_tokens(chain: Chain) -> bool:
    pairs = zip(chain.links, chain.links[1:])
    return any(
        one.done and one.done.name in ("ping", "request") and _OF_TOKENS.match(then.words) for one, then in pairs
    )


def _host(url: str) -> str:
    """Host and port of a URL, empty where it is none."""
    scheme, found, rest = url.partition("://")
    return rest.partition("/")[0].rpartition("@")[2] if found and scheme in ("http", "https") else ""
