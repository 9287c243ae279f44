# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one writer of archives: an OCI image layout (specification 1.1) in a tar, as ``ctr images import`` and k3s's
agent/images take it.

The same content under the same names gives the same bytes.
"""

from __future__ import annotations

import contextlib
import filecmp
import io
import json
import os
import tarfile
from typing import IO, Any, Callable, Iterator, Mapping, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._archive.tar import is_tar
from ansible_collections.riscv.k3s.plugins.module_utils._host.files import fresh_file, put, sync
from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import OCI_INDEX
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# What containerd's import takes an image's name from, of old and new ones alike.
# The size of a blob in bytes, and what opens it.
Blob = Tuple[int, Callable[[], IO[bytes]]]
NAME = "io.containerd.image.name"
_TAG = "org.opencontainers.image.ref.name"
_BLOCK = 512  # bytes of a tar's header
_MARK = b'{"imageLayoutVersion":"1.0.0"}'


def index(named: Mapping[str, Mapping[str, Any]]) -> bytes:
    """The bytes of index.json for ``named``, {full name: descriptor as a dictionary}; several names may be the same
    content.
    """
    entries = [
        dict(descriptor, annotations={NAME: name, _TAG: ImageName.parse(name).tag or "latest"})
        for name, descriptor in sorted(named.items())
    ]
    return to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})


def to_json(value: object) -> bytes:
    """The bytes of a value, always the same for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def blob_path(digest: str) -> str:
    """Where a layout has the blob of a digest."""
    return "blobs/" + digest.replace(":", "/", 1)


def write(raw: IO[bytes], texts: Mapping[str, bytes], blobs: Mapping[str, Blob]) -> None:
    """Write a layout to the file ``raw``. ``texts`` {name: bytes} are files beside the blobs, such as index.json;
    ``blobs`` is
    {digest: Blob}, where the stream is read to that size.
    """
    # What is small and says what the rest is comes first.
    files = sorted(dict(texts, **{"oci-layout": _MARK}).items())
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files:
            _add(tar, name, io.BytesIO(data), len(data))
        for digest, (size, opened) in sorted(blobs.items()):
            with opened() as content:
                _add(tar, blob_path(digest), content, size)


@contextlib.contextmanager
def replacing(path: str, keep_old: bool = False) -> Iterator[Tuple[IO[bytes], str]]:
    """A new file beside ``path`` to write to, which then takes its place in one step, and is gone after an error.

    Yields (file, its path); with ``keep_old`` it is made elsewhere and thrown away. Raises Problem when it cannot be
    written.
    """
    try:
        with fresh_file(None if keep_old else os.path.dirname(os.path.abspath(path))) as (raw, fresh):
            yield raw, fresh
            sync(raw)
            # A file that is as it should be keeps its time and inode.
            if not keep_old and not (os.path.isfile(path) and filecmp.cmp(fresh, path, shallow=False)):
                os.chmod(fresh, 0o644)
                put(fresh, path)
    except OSError as error:
        raise not_written(path, error) from error


def refuse_other(path: str) -> None:
    """Raise Problem when ``path`` is something else than an archive, which is not to be replaced by one."""
    if os.path.isdir(path) or path.endswith("/"):
        raise _other(path, "it is a folder", "name a file in it")
    if os.path.lexists(path) and not (os.path.isfile(path) and _may_be_ours(path)):
        raise _other(path, "what is there is not a tar archive", "name another path, or move that away")


def _may_be_ours(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            start = file.read(_BLOCK)
    except OSError as error:
        raise not_written(path, error) from error
    return not start or is_tar(start)


def _other(path: str, found: str, next_step: str) -> Problem:
    return Problem("the archive %s is not written" % path, found=found, where=path, next_step=next_step)


def not_written(path: str, error: OSError) -> Problem:
    """The Problem for an OSError while ``path`` was written."""
    found = error.strerror or str(error)
    return Problem(
        "the archive %s cannot be written" % path,
        found=found,
        next_step="make its folder, make room there, or correct its permissions",
    )


def _add(tar: tarfile.TarFile, name: str, content: IO[bytes], size: int) -> None:
    member = tarfile.TarInfo(name)
    member.mode, member.size = 0o644, size
    tar.addfile(member, content)
