# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images of registries in one archive, under any names: an OCI layout in a tar, which containerd imports name by name.

The same content under the same names gives the same bytes. What was fetched lies beside the archive until that is whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from typing import Any, Dict, List, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils._oci_image import INDEX
from ansible_collections.riscv.k3s.plugins.module_utils._oci_layer import file_digest
from ansible_collections.riscv.k3s.plugins.module_utils._registry_copy import Tree, read
from ansible_collections.riscv.k3s.plugins.module_utils._registry_errors import RegistryProblem

# What containerd's import takes an image's name from, of old and new ones alike.
_NAME = "io.containerd.image.name"
_TAG = "org.opencontainers.image.ref.name"
_CHUNK = 1 << 20


class Wanted(NamedTuple):
    """One source and the names (ImageName) that its content gets. ``digest`` is what the source's name must have, or None."""

    source: ImageName
    targets: List[ImageName]
    digest: Optional[str] = None


class Archived(NamedTuple):
    """``before`` and ``after`` are {name: digest of the manifest}; ``fetched`` digests of blobs; ``size`` and ``downloaded`` in bytes."""

    before: Dict[str, str]
    after: Dict[str, str]
    changed: bool
    size: int
    fetched: List[str]
    downloaded: int


def write(path, wanted, connect, architecture, dry_run=False) -> Archived:
    """Make the archive ``path`` hold what ``wanted`` (a list of Wanted) says, and nothing else; it is replaced in one step.

    ``connect`` makes the Registry for a host. With ``dry_run`` manifests are read, nothing is fetched or written, and the answer
    is the same. Raises Problem: a source that is missing, of another architecture, damaged, or not what its digest says.
    """
    trees = [(item, _read(connect(item.source.registry), item, architecture)) for item in wanted]
    named = {target.full: tree for item, tree in trees for target in item.targets}
    index = _index(named, architecture)
    texts = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index}
    texts.update((_blob_path(tree.top.digest), tree.top.data) for tree in named.values())
    blobs = {digest: (item.source, blob) for item, tree in trees for digest, blob in tree.blobs.items()}
    before = _held(path)
    after = {name: tree.top.digest for name, tree in sorted(named.items())}
    changed = before.index != index or not before.whole or not set(blobs) <= before.blobs
    fetched = sorted(set(blobs) - _ready(path, blobs, before)) if changed else []
    if changed and not dry_run:
        _replace(path, texts, blobs, fetched, before, connect)
    downloaded = sum(blobs[digest][1]["size"] for digest in fetched)
    return Archived(before.names, after, changed, _size(texts, blobs), fetched, downloaded)


def _read(registry, item, architecture) -> Tree:
    tree = read(registry, item.source, architecture)
    if item.digest not in (None, tree.named):
        raise RegistryProblem(
            "other",
            "%s is not what it should be" % item.source.full,
            "%s, wanted is %s" % (tree.named, item.digest),
            item.source.registry,
            "look who published it anew; if that is right, make the lock anew with riscv.k3s.lock",
        )
    return tree


def _index(named, architecture):
    """One entry for each name, sorted; several of them may be the same content."""
    entries = []
    for name, tree in sorted(named.items()):
        entries.append(
            {
                "mediaType": tree.top.media_type,
                "digest": tree.top.digest,
                "size": len(tree.top.data),
                "platform": {"architecture": architecture, "os": "linux"},
                "annotations": {_NAME: name, _TAG: ImageName.parse(name).tag},
            }
        )
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}, sort_keys=True, separators=(",", ":")).encode()


class _Held(NamedTuple):
    """What an archive holds: its index's bytes, names and digests, blobs that are what they are called, and whether all of them are."""

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
                    index = tar.extractfile(member).read()
                elif member.name.startswith("blobs/"):
                    digest = member.name[len("blobs/") :].replace("/", ":", 1)
                    good = _stream_digest(tar.extractfile(member)) == digest
                    whole = whole and good
                    blobs |= {digest} if good else set()
        entries = json.loads(index)["manifests"] if index else []
        names = {entry["annotations"][_NAME]: entry["digest"] for entry in entries}
        return _Held(index, names, frozenset(blobs), whole and set(names.values()) <= blobs)
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError):
        return _Held()  # no archive of ours, or a damaged one: made anew
    except OSError as error:
        raise _not_written(path, error) from error


def _stream_digest(stream):
    digest = hashlib.sha256()
    for chunk in iter(lambda: stream.read(_CHUNK), b""):
        digest.update(chunk)
    return "sha256:" + digest.hexdigest()


def _ready(path, blobs, before):
    """Digests that need not be fetched: the archive holds them, or an earlier run was interrupted after it had fetched them."""
    found = set(before.blobs)
    for digest, (_source, blob) in blobs.items():
        part = _part(path, digest)
        if os.path.isfile(part) and os.path.getsize(part) == blob["size"] and file_digest(part) == digest:
            found.add(digest)
    return found


def _part(path, digest=None):
    folder = path + ".part"
    return os.path.join(folder, digest.replace(":", "-")) if digest else folder


def _replace(path, texts, blobs, fetched, before, connect):
    folder = os.path.dirname(path)
    try:
        os.makedirs(_part(path), mode=0o755, exist_ok=True)
        for digest in fetched:
            source, blob = blobs[digest]
            connect(source.registry).pull_blob(source.repository, digest, blob["size"], _part(path, digest))
        handle, fresh = tempfile.mkstemp(dir=folder, prefix=".archive-")
        try:
            with os.fdopen(handle, "wb") as raw:
                _write(raw, path, texts, blobs, before)
                raw.flush()
                os.fsync(raw.fileno())
            os.chmod(fresh, 0o644)
            os.replace(fresh, path)
        finally:
            if os.path.exists(fresh):
                os.unlink(fresh)
        shutil.rmtree(_part(path))
    except OSError as error:
        raise _not_written(path, error) from error


def _write(raw, path, texts, blobs, before):
    old = tarfile.open(path, "r:") if before.blobs else None
    try:
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
            names = sorted(texts) + sorted(_blob_path(digest) for digest in blobs)
            # What is small and says what the rest is comes first.
            for name in sorted(names, key=lambda name: (name.startswith("blobs/"), name)):
                if name in texts:
                    _add(tar, name, io.BytesIO(texts[name]), len(texts[name]))
                    continue
                digest = name[len("blobs/") :].replace("/", ":", 1)
                part = _part(path, digest)
                with open(part, "rb") if os.path.isfile(part) else old.extractfile(name) as content:
                    _add(tar, name, content, blobs[digest][1]["size"])
    finally:
        if old:
            old.close()


def _add(tar, name, content, size):
    member = tarfile.TarInfo(name)
    member.mode, member.size = 0o644, size
    tar.addfile(member, content)


def _size(texts, blobs):
    return sum(map(len, texts.values())) + sum(blob["size"] for _source, blob in blobs.values())


def _blob_path(digest):
    return "blobs/" + digest.replace(":", "/")


def _not_written(path, error):
    return Problem(
        "the archive %s cannot be written" % path, found=error.strerror or str(error), next_step="make its folder, make room there, or mend its rights"
    )
