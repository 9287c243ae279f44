# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring an image into a registry: say what would change, upload only what is missing, and the manifest last."""

from __future__ import annotations

import json
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._oci_image import MANIFEST, Image
from ansible_collections.riscv.k3s.plugins.module_utils._registry import INDEX_TYPES, Registry


class Published(NamedTuple):
    """``before`` and ``config_before`` are the digest and config which the tag had, None when there was none."""

    changed: bool
    digest: str
    size: int  # bytes of layer, config and manifests
    before: Optional[str]
    config_before: Optional[Dict[str, Any]]
    pushed: List[str]  # digests of blobs
    skipped: List[str]


def publish(registry: Registry, name, image: Image, dry_run=False) -> Published:
    """Make ``name`` (an ImageName with a tag) name ``image``. With ``dry_run`` nothing is uploaded and the answer is the same.

    An image in the registry is the same when its config is: the config names the layer by its uncompressed digest, so a
    controller whose zlib compresses otherwise does not upload everything anew. Raises Problem.
    """
    registry.check()
    repository = name.repository
    there = _find(registry, repository, name.tag, image.architecture)
    if there and there.config == image.config.digest and there.index == image.index:
        if all(registry.has_blob(repository, digest) for digest in there.blobs):
            return Published(False, there.digest, there.size, there.digest, image.config_json, [], there.blobs)
    config_before = json.loads(registry.blob(repository, there.config)) if there and registry.has_blob(repository, there.config) else None
    pushed, skipped = [], []
    for blob in (image.config, image.layer):
        if registry.has_blob(repository, blob.digest):
            skipped.append(blob.digest)
            continue
        pushed.append(blob.digest)
        if not dry_run:
            registry.push_blob(repository, blob.digest, blob.size, data=blob.data, file=blob.path)
    if not dry_run:
        if image.index:
            registry.push_manifest(repository, image.manifest.digest, MANIFEST, image.manifest.data)
        registry.push_manifest(repository, name.tag, image.top.media_type, image.top.data)
    return Published(True, image.top.digest, image.size, there.digest if there else None, config_before, pushed, skipped)


class _There(NamedTuple):
    digest: str
    index: bool
    config: Optional[str]  # None: not an image that we could have made
    blobs: List[str]
    size: int


def _find(registry, repository, tag, architecture):
    """What the tag names now as _There, or None when it names nothing."""
    top = registry.manifest(repository, tag)
    if top is None:
        return None
    index, inner, size = top.media_type in INDEX_TYPES, top, len(top.data)
    if index:
        digests = [item["digest"] for item in top.json().get("manifests", []) if item.get("platform", {}).get("architecture") == architecture]
        # An index of several platforms is not ours: replaced, and said so by the digests of before and after.
        inner = registry.manifest(repository, digests[0]) if len(digests) == len(top.json().get("manifests", [])) == 1 else None
        size += len(inner.data) if inner else 0
    image = inner.json() if inner else {}
    blobs = [image["config"]] + image.get("layers", []) if "config" in image else []
    return _There(top.digest, index, blobs[0]["digest"] if blobs else None, [blob["digest"] for blob in blobs], size + sum(blob["size"] for blob in blobs))
