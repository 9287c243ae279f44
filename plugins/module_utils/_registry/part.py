# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder beside an archive that takes what is fetched for it, and is kept until that is whole: ARCHIVE.part.

One run at a time has it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from typing import Iterator

from ansible_collections.riscv.k3s.plugins.module_utils._oci.layer import file_digest
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_LOOK_AGAIN = 0.2  # seconds


class Part:
    """That of the archive ``path``. Images are such as archive has them."""

    def __init__(self, path: str) -> None:
        self.path = path + ".part"
        self._archive = path

    def folder(self, image):
        """The folder of an image in it. Its name is a digest, never a registry's words."""
        return os.path.join(self.path, _hexadecimal(image.manifest.digest))

    def file(self, image, digest):
        """The file of one of the image's blobs."""
        return os.path.join(self.folder(image), _hexadecimal(digest))

    def fetched(self, image):
        """Digests of an image's blobs that are there, also from an earlier run that was interrupted."""
        blobs = image.manifest.blobs.items()
        return frozenset(digest for digest, size in blobs if _is_good(self.file(image, digest), digest, size))

    def remove(self) -> None:
        shutil.rmtree(self.path)

    @contextlib.contextmanager
    def alone(self, seconds: float) -> Iterator[None]:
        """Make the folder, and keep other runs away from it meanwhile; wait ``seconds`` for one that has it. Raises
        Problem when that does not end, and OSError.
        """
        end = time.monotonic() + seconds
        handle = self._try()
        while handle is None:
            if time.monotonic() > end:
                raise self._taken(seconds)
            time.sleep(_LOOK_AGAIN)
            handle = self._try()
        try:
            yield
        finally:
            os.close(handle)

    def _try(self):
        """The folder's handle, locked; None when another run has it."""
        os.makedirs(self.path, mode=0o755, exist_ok=True)
        handle = os.open(self.path, os.O_RDONLY)
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The run before may have removed it, and one more may have made it anew.
            if os.path.samestat(os.fstat(handle), os.stat(self.path)):
                return handle
        os.close(handle)
        return None

    def _taken(self, seconds):
        return Problem(
            "the archive %s is not written" % self._archive,
            found="another run writes this archive, and has not ended within %d s" % seconds,
            where=self.path,
            next_step="wait for that run, then run again",
        )


def _hexadecimal(digest):
    return digest.partition(":")[2]


def _is_good(file, digest, size):
    return os.path.isfile(file) and os.path.getsize(file) == size and file_digest(file) == digest
