# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A built image as an archive that ``ctr images import``, k3s's agent/images folder and ``docker load`` take. No
Ansible in here.
"""

from __future__ import annotations

import functools
import io
import os
from typing import IO, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._oci import layout
from ansible_collections.riscv.k3s.plugins.module_utils._oci.image import Blob, Image
from ansible_collections.riscv.k3s.plugins.module_utils._oci.layer import file_digest
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName


class Saved(NamedTuple):
    """Digests of the archive file; ``before`` is None when there was none."""

    before: Optional[str]
    after: str


def save(image: Image, name: ImageName, path: str, dry_run: bool = False) -> Saved:
    """Write ``image`` (an image.Image) under ``name`` (an ImageName) to ``path``, which is replaced in one step.

    The same image gives the same bytes. With ``dry_run`` the file is never touched. Raises Problem.
    """
    layout.refuse_other(path)
    before = file_digest(path) if os.path.isfile(path) else None
    with layout.replacing(path, keep_old=dry_run) as (raw, fresh):
        _write(image, name, raw)
        raw.flush()
        return Saved(before, file_digest(fresh))


def _write(image: Image, name: ImageName, raw: IO[bytes]) -> None:
    docker = [
        {
            "Config": layout.blob_path(image.config.digest),
            "Layers": [layout.blob_path(image.layer.digest)],
            "RepoTags": [name.full],
        }
    ]
    texts = {"index.json": layout.index({name.full: image.top.descriptor()}), "manifest.json": layout.to_json(docker)}
    blobs = {blob.digest: blob for blob in (image.layer, image.config, image.manifest, image.top)}
    layout.write(raw, texts, {digest: (blob.size, functools.partial(_open, blob)) for digest, blob in blobs.items()})


def _open(blob: Blob) -> IO[bytes]:
    return open(blob.path, "rb") if blob.path else io.BytesIO(blob.data or b"")
