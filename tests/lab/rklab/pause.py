# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image that board-1 starts with: pause under its stock name, as somebody who cured one board by hand left it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile


def write_archive(program, image, path):
    """Write an OCI archive at ``path`` that holds the riscv64 program pause, a path, under the full name ``image``."""
    with open(program, "rb") as file:
        content = file.read()
    layer = _tar({"pause": (content, 0o755)})
    packed = gzip.compress(layer, mtime=0)
    config = json.dumps(
        {
            "architecture": "riscv64",
            "os": "linux",
            "config": {"Entrypoint": ["/pause"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", packed)],
        }
    ).encode()
    entry = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest)
    entry["annotations"] = {
        "io.containerd.image.name": image,
        "org.opencontainers.image.ref.name": image.rpartition(":")[2],
    }
    files = {
        "oci-layout": (b'{"imageLayoutVersion":"1.0.0"}', 0o644),
        "index.json": (json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode(), 0o644),
    }
    for blob in (packed, config, manifest):
        files["blobs/" + _digest(blob).replace(":", "/")] = (blob, 0o644)
    path.write_bytes(_tar(files))


def _digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _descriptor(kind, data):
    return {"mediaType": kind, "digest": _digest(data), "size": len(data)}


def _tar(files):
    """A tar archive of ``files``, by path: content and mode."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, (content, mode) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
