# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image as a tar that ``ctr images import``, k3s's agent/images folder and ``docker load`` take. No Ansible in here."""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
from typing import NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils._oci_image import INDEX, Spec, build
from ansible_collections.riscv.k3s.plugins.module_utils._oci_layer import file_digest


def write_archive(path, image, **spec):
    """Build an image and write it as an archive to ``path`` under the name ``image``; returns its manifest's digest.

    ``spec`` are the fields of _oci_image.Spec, for example src and entrypoint. Raises Problem.
    """
    with tempfile.TemporaryDirectory(prefix="oci-") as work:
        built = build(Spec(**spec), work)
        save(built, ImageName.parse(image), path)
        return built.top.digest


class Saved(NamedTuple):
    """Digests of the archive file; ``before`` is None when there was none."""

    before: Optional[str]
    after: str


def save(image, name, path, dry_run=False) -> Saved:
    """Write ``image`` (an _oci_image.Image) under ``name`` (an ImageName) to ``path``, which is replaced in one step.

    The same image gives the same bytes, and is then left alone. With ``dry_run`` the file is never touched. Raises Problem.
    """
    folder = os.path.dirname(os.path.abspath(path))
    try:
        handle, fresh = tempfile.mkstemp(dir=None if dry_run else folder, prefix=".oci-")
        try:
            with os.fdopen(handle, "wb") as raw:
                _write(image, name, raw)
                raw.flush()
                os.fsync(raw.fileno())
            saved = Saved(file_digest(path) if os.path.isfile(path) else None, file_digest(fresh))
            if saved.before != saved.after and not dry_run:
                os.chmod(fresh, 0o644)
                os.replace(fresh, path)
            return saved
        finally:
            if os.path.exists(fresh):
                os.unlink(fresh)
    except OSError as error:
        raise Problem(
            "the archive %s cannot be written" % path, found=error.strerror, where=folder, next_step="make that folder, or mend its rights"
        ) from error


def _write(image, name, raw):
    manifest, top = image.manifest, image.top
    named = dict(top.descriptor(), annotations={"io.containerd.image.name": name.full, "org.opencontainers.image.ref.name": name.tag or "latest"})
    docker = [{"Config": _blob_path(image.config), "Layers": [_blob_path(image.layer)], "RepoTags": [name.full]}]
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        _add(tar, "oci-layout", data=_json({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", data=_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}))
        _add(tar, "manifest.json", data=_json(docker))
        blobs = {blob.digest: blob for blob in (image.layer, image.config, manifest, top)}
        for digest in sorted(blobs):
            _add(tar, _blob_path(blobs[digest]), data=blobs[digest].data, path=blobs[digest].path)


def _blob_path(blob):
    return "blobs/" + blob.digest.replace(":", "/")


def _add(tar, name, data=None, path=None):
    member = tarfile.TarInfo(name)
    member.mode = 0o644
    member.size = os.path.getsize(path) if path else len(data)
    with open(path, "rb") if path else io.BytesIO(data) as content:
        tar.addfile(member, content)


def _json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
