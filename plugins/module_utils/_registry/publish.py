# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring a built image into a registry: say what would change, let skopeo upload what is missing, the manifest last."""

from __future__ import annotations

import os
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import RegistryProblem
from ansible_collections.riscv.k3s.plugins.module_utils._oci.image import Image
from ansible_collections.riscv.k3s.plugins.module_utils._registry import read as reading
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName

_VERSION = "Directory Transport Version: 1.1\n"


class Published(NamedTuple):
    """``before`` and ``config_before`` are the digest and config which the tag had, None when there was none."""

    changed: bool
    digest: str
    size: int  # bytes of layer, config and manifests
    before: Optional[str]
    config_before: Optional[Dict[str, Any]]
    pushed: List[str]  # digests of blobs that the image under this tag does not have
    skipped: List[str]  # and of those that it has


def publish(skopeo: Skopeo, name: ImageName, image: Image, work: str, dry_run: bool = False) -> Published:
    """Make ``name`` (an ImageName with a tag) name ``image``. With ``dry_run`` nothing is uploaded and the answer is
    the same.

    An image in the registry is the same when its config is: the config names the layer by its uncompressed digest, so a
    controller whose zlib compresses otherwise does not upload everything anew. ``work`` is a folder. Raises Problem.
    """
    there = _find(skopeo, name)
    if there and there.config == image.config.digest and there.in_index == image.index:
        return Published(False, there.digest, there.size, there.digest, there.config_json, [], sorted(there.blobs))
    blobs = (image.config, image.layer)
    pushed = [blob.digest for blob in blobs if not there or blob.digest not in there.blobs]
    skipped = [blob.digest for blob in blobs if blob.digest not in pushed]
    if not dry_run:
        folder = os.path.join(work, "publish")
        _write(folder, image)
        skopeo.push(folder, name, image.size, image.index)
        reading.verify(skopeo, name, image.top.digest)
    return Published(
        True,
        image.top.digest,
        image.size,
        there.digest if there else None,
        there.config_json if there else None,
        pushed,
        skipped,
    )


class _There(NamedTuple):
    digest: str
    in_index: bool
    config: Optional[str]  # None: not an image that we could have made
    config_json: Optional[Dict[str, Any]]
    blobs: Dict[str, int]
    size: int


def _find(skopeo, name):
    """What the tag names now as _There, or None when it names nothing."""
    try:
        top = reading.manifest(skopeo, name)
        # An index of several platforms is not ours: replaced, and said so by the digests of before and after.
        inner = (
            top
            if not top.is_index
            else reading.manifest(skopeo, _by_digest(name, top.entries[0].digest))
            if len(top.entries) == 1
            else None
        )
        image = inner if inner and not inner.is_index else None
        config = skopeo.config(_by_digest(name, image.digest)) if image else None
    except RegistryProblem as problem:
        # Not there, or broken there: both are mended by publishing.
        if problem.cause in ("no-such-image", "content-damaged"):
            return None
        raise
    size = (
        len(top.data) + (len(inner.data) if top.is_index and inner else 0) + (sum(inner.blobs.values()) if inner else 0)
    )
    if not image or not image.config or not config:
        return _There(top.digest, top.is_index, None, config, {}, size)
    return _There(top.digest, top.is_index, image.config.digest, config, image.blobs, size)


def _by_digest(name, digest):
    return name._replace(tag=None, digest=digest)


def _write(folder, image):
    """The image in the form of skopeo's transport ``dir``."""
    os.mkdir(folder)
    for blob in (image.config, image.layer):
        path = os.path.join(folder, blob.digest.partition(":")[2])
        if blob.path:
            os.link(blob.path, path)
        else:
            _write_file(path, blob.data)
    if image.index:
        _write_file(
            os.path.join(folder, image.manifest.digest.partition(":")[2] + ".manifest.json"), image.manifest.data
        )
    _write_file(os.path.join(folder, "manifest.json"), image.top.data)
    _write_file(os.path.join(folder, "version"), _VERSION.encode())


def _write_file(path, data):
    with open(path, "wb") as file:
        file.write(data)
