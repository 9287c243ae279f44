# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was made before: a folder an item, keyed by all that went into it, beside a file that says what is in it.

An item is made in a folder beside its place and then renamed, so that one which was interrupted is never taken for a
whole one. Its facts hold the checksum of its content: what was damaged since is made again.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from typing import Any, Callable, Dict, Iterator, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.own_folder import not_made
from ansible_collections.riscv.k3s.plugins.module_utils._program.go_errors import MAKE_ROOM
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

FACTS = "facts.json"
_KEY_LENGTH = 16
_KEEP_SECONDS = 60 * 24 * 3600
_POLL_SECONDS = 0.5
_CHUNK = 1 << 20


class Store:
    """Items below ``root``; each has a ``name``, and a key that says what it was made from."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(os.path.expanduser(root))

    def place(self, name: str, key: str) -> str:
        """The folder of an item, whether it is there or not."""
        return os.path.join(self.root, "%s-%s" % (name, key[:_KEY_LENGTH]))

    def find(self, name: str, key: str) -> Optional[Dict[str, Any]]:
        """The facts of an item that is there and whole, or None."""
        place = self.place(name, key)
        try:
            with open(os.path.join(place, FACTS), encoding="utf-8") as file:
                facts = json.load(file)
            whole = facts["key"] == key and facts["content"] == content_sum(place)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if whole:
            with contextlib.suppress(OSError):  # a cache that others fill is of use, too
                os.utime(place)
        return facts if whole else None

    def make(
        self, name: str, key: str, seconds: float, fill: Callable[[str], Dict[str, Any]], anew: bool = False
    ) -> Dict[str, Any]:
        """The facts of an item, which is made where it is not there, or is to be made ``anew``.

        ``fill(folder)`` writes its files and returns facts. One at a time: a second run waits at most ``seconds`` and
        takes what the first one made. Raises Problem.
        """
        with self._locked(name, seconds), self._errors(name):
            found = None if anew else self.find(name, key)
            if found:
                return found
            work = tempfile.mkdtemp(prefix=".%s~" % name, dir=self.root)
            try:
                return self._fill(work, self.place(name, key), key, fill)
            finally:
                shutil.rmtree(work, ignore_errors=True)
                self._remove_old(name)

    def _fill(self, work: str, place: str, key: str, fill: Callable[[str], Dict[str, Any]]) -> Dict[str, Any]:
        facts = dict(fill(work), key=key)
        facts["content"] = content_sum(work)
        with open(os.path.join(work, FACTS), "w", encoding="utf-8") as file:
            json.dump(facts, file, indent=1, sort_keys=True)
        os.chmod(work, 0o755)
        shutil.rmtree(place, ignore_errors=True)
        os.rename(work, place)
        return facts

    @contextlib.contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise Problem(
                "there is no room for %s" % name if full else "%s cannot be kept" % name,
                found=error.strerror or str(error),
                where=self.root if full else error.filename or self.root,
                next_step=MAKE_ROOM if full else "correct the permissions there, or name another folder in cache",
            ) from error

    @contextlib.contextmanager
    def _locked(self, name: str, seconds: float) -> Iterator[None]:
        try:
            os.makedirs(self.root, exist_ok=True)
            handle = os.open(os.path.join(self.root, ".%s.lock" % name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise not_made(self.root, error.strerror) from error
        try:
            try:
                _wait_for(handle, name, self.root, seconds)
            except OSError as error:  # a file system of a network may know no locks
                raise not_made(self.root, error.strerror) from error
            yield
        finally:
            os.close(handle)

    def _remove_old(self, name: str) -> None:
        """What nobody used for two months makes room, and what runs that were killed have left."""
        for entry in os.scandir(self.root):
            same = entry.name[: -_KEY_LENGTH - 1] == name or entry.name.startswith(".%s~" % name)
            with contextlib.suppress(OSError):
                age = time.time() - entry.stat(follow_symlinks=False).st_mtime
                if same and entry.is_dir(follow_symlinks=False) and (entry.name[0] == "." or age > _KEEP_SECONDS):
                    shutil.rmtree(entry.path, ignore_errors=True)


def _wait_for(handle: int, name: str, where: str, seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() > end:
                raise Problem(
                    "another run has been making %s for %d seconds" % (name, seconds),
                    where=where,
                    next_step="wait until it has ended, or give more seconds by timeout",
                ) from error
        time.sleep(_POLL_SECONDS)


def content_sum(folder: str) -> str:
    """The sha256 of all files below ``folder`` (but its facts): their names, modes, link targets and bytes."""
    digest = hashlib.sha256()
    for path in _paths(folder):
        full = os.path.join(folder, path)
        link = os.path.islink(full)
        mode = 0 if link else os.stat(full).st_mode & 0o7777
        content = os.readlink(full) if link else "" if os.path.isdir(full) else file_sum(full)
        digest.update(("%s\0%o\0%s\0" % (path, mode, content)).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _paths(folder: str) -> Iterator[str]:
    found = []
    for parent, names, files in os.walk(folder):
        found += [os.path.relpath(os.path.join(parent, name), folder) for name in names + files]
    return iter(sorted(path for path in found if path != FACTS))


def file_sum(path: str) -> str:
    """The sha256 of a file's bytes, as hexadecimal text."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        for chunk in iter(lambda: handle.read(_CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()
