# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an archive of images holds already."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from typing import Any, Dict, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._oci import layout
from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import Malformed
from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import read as read_manifest

_CHUNK = 1 << 20
_MAX_INDEX = 16 << 20  # bytes of an index.json


class Held(NamedTuple):
    """What an archive holds: the bytes of its index, names and digests, blobs that are what they are called, and
    whether all of them are, and none is missing.
    """

    listing: Optional[bytes] = None
    names: Dict[str, str] = {}
    blobs: Any = frozenset()
    whole: bool = False


def read(path: str) -> Held:
    """What the archive ``path`` holds; nothing where it is damaged. Raises Problem when it is no archive at all."""
    layout.refuse_other(path)
    if not os.path.exists(path):
        return Held()
    index, whole = None, True
    blobs: Dict[str, tarfile.TarInfo] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if member.name == "index.json":
                    index = _content(tar, member).read(_MAX_INDEX)
                elif member.name.startswith("blobs/"):
                    digest = member.name[len("blobs/") :].replace("/", ":", 1)
                    good = _stream_digest(_content(tar, member)) == digest
                    whole = whole and good
                    if good:
                        blobs[digest] = member
            entries = json.loads(index)["manifests"] if index else []
            names = {entry["annotations"][layout.NAME]: entry["digest"] for entry in entries}
            # Where a header is damaged, tarfile takes that for the end.
            whole = whole and all(_is_complete(tar, blobs, digest) for digest in set(names.values()))
            return Held(index, names, frozenset(blobs), whole)
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Held()  # no archive of ours, or a damaged one: made anew
    except OSError as error:
        raise layout.not_written(path, error) from error


def _is_complete(tar, blobs, digest):
    """Whether a manifest is there, and all that it names. What is no manifest names nothing."""
    if digest not in blobs:
        return False
    try:
        manifest = read_manifest(_content(tar, blobs[digest]).read(_MAX_INDEX))
    except Malformed:
        return True
    return blobs.keys() >= manifest.blobs.keys()


def _content(tar, member):
    stream = tar.extractfile(member)
    if stream is None:
        raise ValueError("%s is no file" % member.name)
    return stream


def _stream_digest(stream):
    digest = hashlib.sha256()
    for chunk in iter(lambda: stream.read(_CHUNK), b""):
        digest.update(chunk)
    return "sha256:" + digest.hexdigest()
