# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of registries in one archive, under any names: an OCI layout in a tar, which containerd imports name by name.

skopeo fetches each image into a folder of its own, byte for byte (its transport ``dir``: a layout of its own making
would
rewrite Docker's manifests, and their digests would no more be those that a lock names). Folders lie beside the archive
until that is whole. Names of files there are digests whose form was checked, never words of a registry.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import shutil
import tarfile
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._oci import layout
from ansible_collections.riscv.k3s.plugins.module_utils._oci.layer import file_digest
from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import Manifest
from ansible_collections.riscv.k3s.plugins.module_utils._registry.copy import require
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.errors import RegistryProblem, damaged
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_CHUNK = 1 << 20
_MAX_INDEX = 16 << 20  # bytes of an index.json


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


def write(path, wanted, skopeo, platform, dry_run=False) -> Archived:
    """Make the archive ``path`` hold what ``wanted`` (a list of Wanted) says, and nothing else; it is replaced in one
    step.

    With ``dry_run`` manifests are read, nothing is fetched or written, and the answer is the same. Raises Problem: a
    source
    that is missing, of another platform, damaged, or not what its digest says.
    """
    images = [(item, _find(skopeo, item, platform)) for item in wanted]
    named = {target.full: image.manifest for item, image in images for target in item.targets}
    index = layout.index({name: _descriptor(manifest, platform) for name, manifest in named.items()})
    # Several sources may be the same content.
    by_digest = {image.manifest.digest: image for dummy, image in images}
    held = _held(path)
    after = {name: manifest.digest for name, manifest in sorted(named.items())}
    changed = held.index != index or not held.whole or not all(image.is_in(held.blobs) for image in by_digest.values())
    missing = (
        [image for image in by_digest.values() if not image.is_in(held.blobs | _fetched(path, image))]
        if changed
        else []
    )
    if changed and not dry_run:
        _replace(path, index, list(by_digest.values()), missing, held, skopeo)
    blobs = _sizes(by_digest.values())
    fetched = _sizes(missing)
    size = sum(blobs.values()) + sum(len(image.manifest.data) for image in by_digest.values())
    return Archived(held.names, after, changed, size, sorted(fetched), sum(fetched.values()))


def _find(skopeo, item, platform) -> _Image:
    found = require(skopeo, item.source, platform)
    if item.digest not in (None, found.top.digest):
        raise RegistryProblem(
            "content-damaged",
            "%s is not what it should be" % item.source.full,
            "%s, wanted is %s" % (found.top.digest, item.digest),
            item.source.registry,
            "look who published it anew; if that is right, make the lock anew with riscv.k3s.lock",
        )
    return _Image(item.source._replace(tag=None, digest=found.image.digest), found.image)


def _descriptor(manifest, platform):
    named = {"architecture": platform.architecture, "os": "linux"}
    if platform.variant:
        named["variant"] = platform.variant
    return {"mediaType": manifest.media_type, "digest": manifest.digest, "size": len(manifest.data), "platform": named}


def _sizes(images):
    return {digest: size for image in images for digest, size in image.manifest.blobs.items()}


class _Held(NamedTuple):
    """What an archive holds: its index's bytes, names and digests, blobs that are what they are called, and whether all
    of them are.
    """

    index: Optional[bytes] = None
    names: Dict[str, str] = {}
    blobs: Any = frozenset()
    whole: bool = False


def _held(path) -> _Held:
    if not os.path.exists(path):
        return _Held()
    index, blobs, whole = None, set(), True
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if member.name == "index.json":
                    index = tar.extractfile(member).read(_MAX_INDEX)
                elif member.name.startswith("blobs/"):
                    digest = member.name[len("blobs/") :].replace("/", ":", 1)
                    good = _stream_digest(tar.extractfile(member)) == digest
                    whole = whole and good
                    blobs |= {digest} if good else set()
        entries = json.loads(index)["manifests"] if index else []
        names = {entry["annotations"][layout.NAME]: entry["digest"] for entry in entries}
        return _Held(index, names, frozenset(blobs), whole and set(names.values()) <= blobs)
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError):
        return _Held()  # no archive of ours, or a damaged one: made anew
    except OSError as error:
        raise layout.not_written(path, error) from error


def _stream_digest(stream):
    digest = hashlib.sha256()
    for chunk in iter(lambda: stream.read(_CHUNK), b""):
        digest.update(chunk)
    return "sha256:" + digest.hexdigest()


def _part(path, image=None, digest=None):
    """The folder beside the archive, that of an image in it, or the file of one of its blobs there."""
    parts = [one.partition(":")[2] for one in (image and image.manifest.digest, digest) if one]
    return os.path.join(path + ".part", *parts)


def _fetched(path, image):
    """Digests of an image's blobs that an earlier run, which was interrupted, has fetched."""
    blobs = image.manifest.blobs.items()
    return frozenset(digest for digest, size in blobs if _is_good(_part(path, image, digest), digest, size))


def _is_good(file, digest, size):
    return os.path.isfile(file) and os.path.getsize(file) == size and file_digest(file) == digest


def _replace(path, index, images, missing, held, skopeo):
    try:
        os.makedirs(_part(path), mode=0o755, exist_ok=True)
        for image in missing:
            _fetch(path, image, skopeo)
        with layout.replacing(path) as (raw, dummy):
            _write(raw, path, index, images, held)
        shutil.rmtree(_part(path))
    except OSError as error:
        raise layout.not_written(path, error) from error


def _fetch(path, image, skopeo):
    """Fetch an image; a whole folder takes its place at once, so that what is there is whole or known not to be."""
    folder = _part(path, image)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        skopeo.fetch(image.name, folder, sum(image.manifest.blobs.values()))
    except RegistryProblem as problem:
        if problem.cause == "pull-disk-full":
            raise Problem(
                problem.what, found=problem.found, where=_part(path), next_step=problem.next_step
            ) from problem
        raise
    lacking = sorted(set(image.manifest.blobs) - _fetched(path, image))
    if lacking:
        raise damaged(image.name, "%s is missing or another" % ", ".join(lacking))


def _write(raw, path, index, images, held):
    old = tarfile.open(path, "r:") if held.blobs else None
    try:
        blobs = {}
        for image in images:
            for digest, size in image.manifest.blobs.items():
                blobs[digest] = (size, functools.partial(_open, path, image, digest, old))
        for image in images:
            data = image.manifest.data
            blobs[image.manifest.digest] = (len(data), functools.partial(io.BytesIO, data))
        layout.write(raw, {"index.json": index}, blobs)
    finally:
        if old:
            old.close()


def _open(path, image, digest, old):
    file = _part(path, image, digest)
    return open(file, "rb") if os.path.isfile(file) else old.extractfile(layout.blob_path(digest))
