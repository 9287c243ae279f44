# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image reference as a value: parsed, checked, and normalised as containerd and the kubelet do it.

Rules: the reference grammar of github.com/distribution/reference. A name without a registry belongs to docker.io,
a docker.io name of one component to library/, and a reference without tag and digest means the tag latest. Of a
reference with tag and digest the digest alone counts: under that name the kubelet looks for it.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

DEFAULT_REGISTRY = "docker.io"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(r"%s(?:/%s)*\Z" % (_COMPONENT, _COMPONENT))
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_REGISTRY = re.compile(r"(?:%s(?:\.%s)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?\Z" % (_LABEL, _LABEL))
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
# A name of this form alone would be an image's ID.
_ID = re.compile(r"[0-9a-f]{64}\Z")
# What containerd and the kubelet call an image that no name is left of.
_BY_ID = "sha256:"
_LONGEST = 255
_HOST_AND_PORT = re.compile(r"(\[.*\]|[^:]*)(?::(\d+))?\Z")
_LAST_PORT, _PORT_DIGITS = 65535, 5
# As in DNS.
_LONGEST_HOST, _LONGEST_LABEL = 253, 63


class ImageName(NamedTuple):
    """A normalised reference; one of ``tag`` and ``digest`` is None."""

    registry: str
    repository: str
    tag: Optional[str]
    digest: Optional[str]

    @classmethod
    def parse(cls, text: object) -> ImageName:
        """Parse and normalise ``text``. Raises Problem that names the part which is wrong."""
        if not isinstance(text, str) or not text:
            raise _bad(text, "it is empty or not text")
        if _ID.match(text):
            raise _bad(text, "64 hexadecimal digits alone are the ID of an image, not a name")
        rest, at, digest = text.partition("@")
        if at and not _DIGEST.match(digest):
            raise _bad(text, "the digest must be sha256: and 64 hexadecimal digits")
        tag: Optional[str]
        head, colon, tag = rest.rpartition(":")
        if not colon or "/" in tag:  # that colon belonged to a port
            head, tag = rest, None
        elif not _TAG.match(tag):
            raise _bad(text, "the tag is not valid")
        registry, repository = _split_registry(head)
        if not _REGISTRY.match(registry):
            raise _bad(text, "the registry is not a host or host:port")
        if not _REPOSITORY.match(repository) or len(registry) + 1 + len(repository) > _LONGEST:
            upper = " (a repository is lower case)" if repository != repository.lower() else ""
            raise _bad(text, "the repository is not valid" + upper)
        return cls(registry, repository, None if digest else tag or "latest", digest or None)

    @property
    def name(self) -> str:
        """Registry and repository, without tag and digest."""
        return "%s/%s" % (self.registry, self.repository)

    @property
    def full(self) -> str:
        """The whole normalised reference, as containerd's CRI stores it and looks for it."""
        return "%s@%s" % (self.name, self.digest) if self.digest else "%s:%s" % (self.name, self.tag)


def normalise(text: object) -> str:
    """The full name for any valid reference, as text. Raises Problem."""
    return ImageName.parse(text).full


def full_or_text(text: str) -> str:
    """The full name, or ``text`` as it is where that is none: an image's ID, and what a pod names that no registry has.

    The API takes any text as an image; the kubelet then says InvalidImageName.
    """
    if text.startswith(_BY_ID):
        return text
    try:
        return normalise(text)
    except Problem:
        return text


def names_tag(text):
    """Whether a reference itself has a tag, where `ImageName.parse` would put latest."""
    return ":" in text.partition("@")[0].rpartition("/")[2]


def is_registry(text):
    """Whether ``text`` is host or host:port, as references have it, and one that can be: others wrap a port round, or
    raise errors of their own.
    """
    found = _HOST_AND_PORT.match(text) if _REGISTRY.match(text) else None
    if not found:
        return False
    host, port = found.groups()
    if port is not None and not (len(port) <= _PORT_DIGITS and 0 < int(port) <= _LAST_PORT):
        return False
    if host.startswith("["):
        try:
            return bool(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            return False
    return len(host) <= _LONGEST_HOST and all(len(label) <= _LONGEST_LABEL for label in host.split("."))


def has_names(registry):
    """Whether names below ``registry`` (host or host:port) belong to it. A word alone, without a dot or a port, is a
    part of names at docker.io.
    """
    return is_registry(registry) and _split_registry(registry + "/a")[0] == registry


def split_prefix(prefix: str) -> tuple[str, str]:
    """The registry and the path of a mirror's prefix, REGISTRY/PATH, or REGISTRY and "". Raises Problem."""
    registry, dummy, path = prefix.strip("/").partition("/")
    if registry == DEFAULT_REGISTRY or not has_names(registry):
        raise Problem(
            "riscv_k3s_mirror_prefix must be a registry, or a registry and a path",
            found=without_login(prefix),
            next_step="write it as 192.168.173.76:6000/stock; a host of one word needs its port",
        )
    return registry, path


def without_login(text):
    """An address for a message: what stands before an @ in it may be a password."""
    text = str(text)
    return "…@" + text.rpartition("@")[2] if "@" in text else text


def is_digest(text: object) -> bool:
    """Whether ``text`` is a digest as references have it, sha256: and 64 hexadecimal digits."""
    return isinstance(text, str) and bool(_DIGEST.match(text))


def _split_registry(head: str) -> tuple[str, str]:
    first, slash, rest = head.partition("/")
    # As docker does: a first component is a registry only when it cannot be a plain name.
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry, repository = first, rest
    else:
        registry, repository = DEFAULT_REGISTRY, head
    if registry == "index.docker.io":
        registry = DEFAULT_REGISTRY
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        repository = "library/" + repository
    return registry, repository


def _bad(text: object, why: str) -> Problem:
    # No digest has a slash: what stands before is a login, then.
    if isinstance(text, str) and "/" in text.partition("@")[2]:
        text = "…@" + text.partition("@")[2]
    return Problem(
        "%r is not an image reference" % (text,),
        found=why,
        next_step="write it as registry/repository:tag, for example docker.io/rancher/mirrored-pause:3.6",
    )


def default_registry_hint(registry: str) -> str:
    """More for the next step of an error about an image of ``registry``: one may have left out one's own registry."""
    if registry != DEFAULT_REGISTRY:
        return ""
    return (
        "; if your private registry is meant, write it in front of the name: without one it means %s" % DEFAULT_REGISTRY
    )
