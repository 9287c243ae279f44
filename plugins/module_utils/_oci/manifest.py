# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manifests and indexes as values, checked before anything is done with what they say. Pure.

Formats: the OCI image specification 1.1 (manifest, index, descriptor) and Docker's image manifest version 2, schema 2.
Their digests become names of files, in skopeo and here: what is no digest in form is refused (CVE-2024-3727 is about
that).
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._oci.layer import bytes_digest
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import is_digest

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPES = (OCI_INDEX, "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFEST_TYPES = (OCI_MANIFEST, "application/vnd.docker.distribution.manifest.v2+json")
# Far above what any image has; what is asked for each entry of an index costs a question.
_MAX_ENTRIES = 1000
_MAX_SIZE = 1 << 40  # bytes of one blob
# Go, in which skopeo and containerd are written, takes a key in any case: who reads it otherwise checks something else.
_KEYS = {
    key.casefold(): key
    for key in ["mediaType", "config", "layers", "manifests", "digest", "size", "urls", "data", "platform"]
}
# Keys of manifests of other kinds: with those it would be two things at once (CVE-2021-41190).
_OTHERS = {"manifests": ("config", "layers", "fsLayers", "history"), "layers": ("manifests", "fsLayers", "history")}
# containerd takes what uname says, too, and variants without their letter (containerd/platforms): the OCI name and,
# where the name says it, the variant.
_OTHER_NAMES = {
    "aarch64": ("arm64", None),
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "i386": ("386", None),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
# What runs where the plain variant does; for all others only the plain one does.
_PLAIN = {"arm64": ("", "v8"), "amd64": ("", "v1"), "arm": ("", "v7", "v6", "v5")}


class Malformed(ValueError):
    """A manifest that is not what the specification says; the text says why."""


class Platform(NamedTuple):
    """What is wanted: Linux of one architecture (OCI names), and the plain variant unless another is named."""

    architecture: str
    variant: Optional[str] = None

    def __str__(self) -> str:
        return "/".join(filter(None, self))

    def rank(self, platform: Mapping[str, Any]) -> Optional[int]:
        """How well a platform of a descriptor or an image's config fits (0 is best), or None when it does not."""
        variants = (self.variant,) if self.variant else _PLAIN.get(self.architecture, ("",))
        architecture, variant = _normalised(platform.get("architecture"), platform.get("variant") or "")
        # To containerd letters may be capitals, and where no system is named it is its own.
        system = str(platform.get("os") or "linux").lower()
        if (system, architecture) != ("linux", self.architecture) or variant not in variants:
            return None
        return variants.index(variant)


class Descriptor(NamedTuple):
    """What a manifest or index says of one of its parts. ``platform`` is None where an index does not say it."""

    media_type: str
    digest: str
    size: int  # bytes
    platform: Optional[Dict[str, Any]] = None
    # A layer of Windows as a rule, which a client is to fetch from addresses that the manifest names.
    is_elsewhere: bool = False

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEX_TYPES


class Manifest(NamedTuple):
    """A manifest (``config`` and ``layers``) or an index (``entries``); ``digest`` is that of ``data``, the bytes."""

    media_type: str
    digest: str
    data: bytes
    entries: List[Descriptor]
    config: Optional[Descriptor]
    layers: List[Descriptor]

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEX_TYPES

    @property
    def blobs(self) -> Dict[str, int]:
        """{digest: size in bytes} of the config and the layers."""
        return {blob.digest: blob.size for blob in ([self.config] if self.config else []) + self.layers}


def read(data: bytes) -> Manifest:
    """The Manifest that the bytes ``data`` are. Raises Malformed."""
    try:
        # As text: from bytes Python takes UTF-16 as well.
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_once)
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed(_no_json(data, error)) from error
    if not isinstance(value, dict):
        raise Malformed("no JSON object")
    _check_keys(value)
    media_type = _media_type(value)
    if media_type in INDEX_TYPES:
        _check_kind(value, "manifests")
        entries = [_descriptor(entry, "manifests") for entry in _list(value, "manifests")]
        return Manifest(media_type, bytes_digest(data), data, entries, None, [])
    if media_type in MANIFEST_TYPES:
        _check_kind(value, "layers")
        layers = [_descriptor(layer, "layers") for layer in _list(value, "layers")]
        return Manifest(media_type, bytes_digest(data), data, [], _descriptor(value.get("config"), "config"), layers)
    raise Malformed("%s, which is of a kind that containerd does not run" % (media_type or "no media type"))


def platform_text(platform: Mapping[str, Any]) -> str:
    """``linux/arm/v7`` from the platform of a descriptor or from an image's config."""
    return "/".join(str(platform[key]) for key in ("os", "architecture", "variant") if platform.get(key))


def _normalised(architecture, variant):
    """(OCI name of an architecture, its variant) from what a descriptor or config says, which may be of any type."""
    architecture, variant = str(architecture).lower(), str(variant).lower()
    name, implied = _OTHER_NAMES.get(architecture, (architecture, None))
    if name in ("arm", "arm64") and variant.isdigit():
        variant = "v%s" % variant
    return name, implied or variant


def _once(pairs):
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Malformed("a key that occurs twice, in an object with the keys %s" % ", ".join(sorted(value)))
    return value


def _check_keys(value):
    for key in value:
        if _KEYS.get(key.casefold(), key) != key:
            raise Malformed("the key %s, which some read as %s" % (key, _KEYS[key.casefold()]))


def _check_kind(value, kind):
    if any(key in value for key in _OTHERS[kind]):
        raise Malformed("a manifest and an index at once, or one of two kinds")


def _media_type(value: Dict[str, Any]) -> str:
    """What it calls itself; OCI's documents need not, and are then known by their keys."""
    said = value.get("mediaType")
    if said is not None:
        return said if isinstance(said, str) else ""
    if "manifests" in value:
        return OCI_INDEX
    return OCI_MANIFEST if "config" in value and "layers" in value else "schema %r" % value.get("schemaVersion")


def _list(value: Dict[str, Any], key: str) -> List[Any]:
    found = value.get(key)
    if not isinstance(found, list) or len(found) > _MAX_ENTRIES:
        raise Malformed("%s is not a list of at most %d" % (key, _MAX_ENTRIES))
    return found


def _descriptor(value: object, key: str) -> Descriptor:
    if not isinstance(value, dict):
        raise Malformed("%s holds something that is not a descriptor" % key)
    _check_keys(value)
    digest, size, platform = value.get("digest"), value.get("size"), value.get("platform")
    if not isinstance(digest, str) or not is_digest(digest):
        raise Malformed("%s names %r, which is not a sha256 digest" % (key, digest))
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= _MAX_SIZE:
        raise Malformed("%s says %r for the size of %s" % (key, size, digest))
    if platform is not None and not isinstance(platform, dict):
        raise Malformed("the platform of %s is %r" % (digest, platform))
    media_type = value.get("mediaType")
    kind = media_type if isinstance(media_type, str) else ""
    return Descriptor(kind, digest, size, platform or None, bool(value.get("urls")))


def _no_json(data: bytes, error: Exception) -> str:
    if data.lstrip()[:1] == b"<":
        return "a web page in place of a manifest"
    return "no JSON (%s)" % (str(error) or type(error).__name__)
