# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of registries in one archive, under any names: an OCI layout in a tar, which containerd imports name by name.

skopeo fetches each image into a folder of its own, byte for byte (its transport ``dir``: a layout of its own making
would rewrite Docker's manifests, and their digests would no more be those that a lock names). Folders lie beside the
archive until that is whole. Names of files there are digests whose form was checked, never words of a registry.
"""

from __future__ import annotations

import functools
import io
import os
import shutil
import tarfile
from typing import Dict, List, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import RegistryProblem, damaged
from ansible_collections.riscv.k3s.plugins.module_utils._oci import layout
from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import Manifest, Platform
from ansible_collections.riscv.k3s.plugins.module_utils._registry.copy import require
from ansible_collections.riscv.k3s.plugins.module_utils._registry.held import Held
from ansible_collections.riscv.k3s.plugins.module_utils._registry.held import read as read_held
from ansible_collections.riscv.k3s.plugins.module_utils._registry.part import Part
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


class Wanted(NamedTuple):
    """One source and the names (ImageName) that its content gets. ``digest`` is what the source's name must have, or
    None.
    """

    source: ImageName
    targets: List[ImageName]
    digest: Optional[str] = None


class Archived(NamedTuple):
    """``before`` and ``after`` are {name: digest of the manifest}; ``fetched`` digests of blobs; ``size`` and
    ``downloaded`` in bytes.
    """

    before: Dict[str, str]
    after: Dict[str, str]
    changed: bool
    size: int
    fetched: List[str]
    downloaded: int


class _Image(NamedTuple):
    """One image of the archive: its name at the registry, by digest, and its manifest."""

    name: ImageName
    manifest: Manifest

    def is_in(self, digests):
        return set(self.manifest.blobs) <= digests


def write(path: str, wanted: List[Wanted], skopeo: Skopeo, platform: Platform, dry_run: bool = False) -> Archived:
    """Make the archive ``path`` hold what ``wanted`` (a list of Wanted) says, and nothing else; it is replaced in one
    step.

    With ``dry_run`` manifests are read, nothing is fetched or written, and the answer is the same. Raises Problem: a
    source that is missing, of another platform, damaged, or not what its digest says; a file that is no archive.
    """
    layout.refuse_other(path)
    content = _content(skopeo, wanted, platform)
    part = Part(path)
    todo = _todo(path, content, part)
    if todo.changed and not dry_run:
        todo = _replace(path, content, part, skopeo)
    return _archived(content, todo)


class _Content(NamedTuple):
    """What an archive shall hold: digests by name, the index's bytes, and _Image by digest; several sources may be the
    same content.
    """

    names: Dict[str, str]
    listing: bytes
    images: Dict[str, _Image]

    @property
    def size(self):
        """Bytes of all blobs."""
        return sum(_sizes(self.images.values()).values())


class _Todo(NamedTuple):
    held: Held
    changed: bool
    missing: List[_Image]


def _content(skopeo, wanted, platform):
    images = [(item, _find(skopeo, item, platform)) for item in wanted]
    named = {target.full: image.manifest for item, image in images for target in item.targets}
    index = layout.index({name: _descriptor(manifest, platform) for name, manifest in named.items()})
    names = {name: manifest.digest for name, manifest in sorted(named.items())}
    return _Content(names, index, {image.manifest.digest: image for dummy, image in images})


def _todo(path, content, part):
    held = read_held(path)
    images = content.images.values()
    changed = held.listing != content.listing or not held.whole or not all(image.is_in(held.blobs) for image in images)
    missing = [image for image in images if not image.is_in(held.blobs | part.fetched(image))] if changed else []
    return _Todo(held, changed, missing)


def _archived(content, todo):
    fetched = _sizes(todo.missing)
    size = content.size + sum(len(image.manifest.data) for image in content.images.values())
    return Archived(todo.held.names, content.names, todo.changed, size, sorted(fetched), sum(fetched.values()))


def _find(skopeo, item, platform) -> _Image:
    top, image = require(skopeo, item.source, platform)
    if item.digest not in (None, top.digest):
        raise RegistryProblem(
            "content-damaged",
            "%s is not what it should be" % item.source.full,
            "%s, expected is %s" % (top.digest, item.digest),
            item.source.registry,
            "find out who published it again; if that is right, make the lock again with riscv.k3s.lock",
        )
    return _Image(item.source._replace(tag=None, digest=image.digest), image)


def _descriptor(manifest, platform):
    named = {"architecture": platform.architecture, "os": "linux"}
    if platform.variant:
        named["variant"] = platform.variant
    return {"mediaType": manifest.media_type, "digest": manifest.digest, "size": len(manifest.data), "platform": named}


def _sizes(images):
    return {digest: size for image in images for digest, size in image.manifest.blobs.items()}


def _replace(path, content, part, skopeo):
    """Fetch and write; returns what was to be done, which may be nothing by now: another run may have done it."""
    try:
        with part.alone(skopeo.seconds(content.size)):
            todo = _todo(path, content, part)
            for image in todo.missing:
                _fetch(part, image, skopeo)
            if todo.changed:
                with layout.replacing(path) as (raw, dummy):
                    _write(raw, path, part, content, todo.held)
            part.remove()
            return todo
    except OSError as error:
        raise layout.not_written(path, error) from error


def _fetch(part, image, skopeo):
    """Fetch an image; a whole folder takes its place at once, so that what is there is whole or known not to be."""
    folder = part.folder(image)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        skopeo.fetch(image.name, folder, sum(image.manifest.blobs.values()))
    except RegistryProblem as problem:
        if problem.cause == "pull-disk-full":
            raise Problem(problem.what, found=problem.found, where=part.path, next_step=problem.next_step) from problem
        raise
    lacking = sorted(set(image.manifest.blobs) - part.fetched(image))
    if lacking:
        raise damaged(image.name, "%s is missing or another" % ", ".join(lacking))


def _write(raw, path, part, content, held):
    old = tarfile.open(path, "r:") if held.blobs else None
    try:
        blobs = {}
        for image in content.images.values():
            for digest, size in image.manifest.blobs.items():
                blobs[digest] = (size, functools.partial(_open, part.file(image, digest), digest, old))
            data = image.manifest.data
            blobs[image.manifest.digest] = (len(data), functools.partial(io.BytesIO, data))
        layout.write(raw, {"index.json": content.listing}, blobs)
    finally:
        if old:
            old.close()


def _open(file, digest, old):
    return open(file, "rb") if os.path.isfile(file) else old.extractfile(layout.blob_path(digest))
