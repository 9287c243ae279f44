# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy an image from one name to another, in one registry or between two. The tag comes last, so that it never names
half an image.

What crosses from one registry to another passes through a folder, where it is seen how much of it comes.
"""

from __future__ import annotations

import os
import shutil
from typing import Any, List, NamedTuple, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import (
    RegistryProblem,
    damaged,
    no_architecture,
)
from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import Manifest, Platform
from ansible_collections.riscv.k3s.plugins.module_utils._registry import read as reading
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName

ALL = "all"
# Each costs a question; those of Docker's own images have some twenty.
_MAX_IMAGES = 100


class Copied(NamedTuple):
    """``before`` is the digest that the target named, None when it named nothing; lists hold digests of blobs."""

    digest: str
    before: Optional[str]
    copied: List[str]
    skipped: List[str]
    size: int  # bytes of the blobs in ``copied``


class Planned(NamedTuple):
    """A copy that is decided on: both sides were read, nothing was sent. ``size`` is that of all blobs in bytes."""

    source: ImageName
    target: ImageName
    is_index: bool
    size: int
    outcome: Copied


def plan(skopeo: Skopeo, source: ImageName, target: ImageName, platform: Any) -> Planned:
    """How ``target`` is made to name what ``source`` names (ImageName both), for one ``platform`` (a Platform) or ALL.

    For one platform of an index its bare manifest is copied. Raises RegistryProblem.
    """
    top, images = _wanted(skopeo, source, platform)
    if source.registry != target.registry:
        _refuse_elsewhere(source, images)
    before, known = _held(skopeo, target)
    blobs = {digest: size for image in images for digest, size in image.blobs.items()}
    # A target that names it already lacks nothing, also where it is an index, whose blobs were not looked at.
    copied = [] if before == top.digest else sorted(set(blobs) - known)
    skipped = sorted(set(blobs) - set(copied))
    outcome = Copied(top.digest, before, copied, skipped, sum(blobs[digest] for digest in copied))
    pinned = source._replace(tag=None, digest=top.digest)
    return Planned(pinned, target, top.is_index, sum(blobs.values()), outcome)


def carry_out(skopeo: Skopeo, planned: Planned) -> None:
    """Publish what was planned, unless the target names it already. Raises RegistryProblem."""
    if planned.outcome.before != planned.outcome.digest:
        _send(skopeo, planned)
        reading.verify(skopeo, planned.target, planned.outcome.digest)


def require(skopeo: Skopeo, name: ImageName, platform: Platform) -> Tuple[Manifest, Manifest]:
    """What ``name`` stands for, and the manifest of its image for ``platform``. Raises RegistryProblem when there is
    none.
    """
    try:
        found = reading.find(skopeo, name, platform)
    except RegistryProblem as problem:
        raise (reading.not_found(skopeo, name, problem) if problem.cause == "no-such-image" else problem) from problem
    if found.image is None:
        raise no_architecture(name, found.platforms, platform)
    _refuse_elsewhere(name, [found.image])
    return found.top, found.image


def _refuse_elsewhere(name, images):
    """On its way through a folder, skopeo would ask any address that a layer names."""
    found = [layer.digest for image in images for layer in image.layers if layer.is_elsewhere]
    if found:
        raise RegistryProblem(
            "content-damaged",
            "%s is not taken: it has layers that lie at other addresses than its registry" % name.full,
            ", ".join(found),
            name.registry,
            "name an architecture of Linux, or take another source",
        )


def _wanted(skopeo, source, platform):
    """(the manifest or index that the target shall name, the manifests of its images)."""
    if platform != ALL:
        dummy, image = require(skopeo, source, platform)
        return image, [image]
    top = reading.manifest(skopeo, source)
    if not top.is_index:
        return top, [top]
    if len(top.entries) > _MAX_IMAGES:
        found = "an index of %d images, which is more than %d" % (len(top.entries), _MAX_IMAGES)
        raise damaged(source, found, "name an architecture")
    images = [reading.manifest(skopeo, source._replace(tag=None, digest=entry.digest)) for entry in top.entries]
    if any(image.is_index for image in images):
        raise damaged(
            source,
            "an index within an index, which skopeo does not copy",
            "name an architecture, or copy the inner one by its digest",
        )
    return top, images


def _held(skopeo, target):
    """(digest that the target names now or None, digests of the blobs that it then has)."""
    try:
        found = reading.manifest(skopeo, target)
    except RegistryProblem as problem:
        if problem.cause in ("no-such-image", "content-damaged"):
            return None, set()
        raise
    return found.digest, set(found.blobs)


def _send(skopeo, planned):
    source, target, everything, size = planned.source, planned.target, planned.is_index, planned.size
    if source.registry == target.registry:
        skopeo.copy(source, target, size, everything)
        return
    folder = os.path.join(skopeo.work, "image")
    try:
        skopeo.fetch(source, folder, size, everything)
        skopeo.push(folder, target, size, everything)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
