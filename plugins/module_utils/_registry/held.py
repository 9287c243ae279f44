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

_CHUNK = 1 << 20
_MAX_INDEX = 16 << 20  # bytes of an index.json


class Held(NamedTuple):
    """What an archive holds: the bytes of its index, names and digests, blobs that are what they are called, and
    whether all of them are.
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
    index, blobs, whole = None, set(), True
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                if member.name == "index.json":
                    index = _content(tar, member).read(_MAX_INDEX)
                elif member.name.startswith("blobs/"):
                    digest = member.name[len("blobs/") :].replace("/", ":", 1)
                    good = _stream_digest(_content(tar, member)) == digest
                    whole = whole and good
                    blobs |= {digest} if good else set()
        entries = json.loads(index)["manifests"] if index else []
        names = {entry["annotations"][layout.NAME]: entry["digest"] for entry in entries}
        return Held(index, names, frozenset(blobs), whole and set(names.values()) <= blobs)
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError):
        return Held()  # no archive of ours, or a damaged one: made anew
    except OSError as error:
        raise layout.not_written(path, error) from error


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
