# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder for one process alone: nobody else may read it, and it is gone afterwards.

A process that was killed cannot remove its folder. Each folder is locked by the process that uses it, so the next one
sees which nobody uses any more, and removes them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from typing import Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import make_folder
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_LOCK = "in-use"
NEXT_STEP = "make room there or correct its permissions, or set XDG_CACHE_HOME to another folder"


def cache_folder(name):
    """The path of the folder ``name`` among ours in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "riscv.k3s", name)


class OwnFolder:
    """A context manager; ``path`` is a folder below ``root``, a folder of such folders. Raises Problem when it cannot
    be made.
    """

    def __init__(self, root):
        self.root = root
        self._lock: Optional[int] = None
        self._made: Optional[str] = None

    def __enter__(self):
        try:
            _make_private(self.root)
            # One at a time, or a folder that is just being made would look like one that was left.
            with _held(os.path.join(self.root, _LOCK), fcntl.LOCK_EX):
                _remove_left(self.root)
                self._made = tempfile.mkdtemp(dir=self.root)
                self._lock = _open_locked(os.path.join(self.path, _LOCK), fcntl.LOCK_EX)
        except OSError as error:
            self.__exit__()
            raise not_made(self.root, error.strerror) from error
        return self

    def __exit__(self, *_error):
        if self._made:
            shutil.rmtree(self._made, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)

    @property
    def path(self) -> str:
        if self._made is None:
            raise RuntimeError("there is a folder only inside of `with`")
        return self._made


def not_made(root, why):
    """The Problem for a folder of ours in which nothing can be written."""
    return Problem("nothing can be written into %s" % root, found=why, where=root, next_step=NEXT_STEP)


def _make_private(path):
    try:
        make_folder(path, 0o700)
    except Problem as problem:
        raise not_made(path, problem.found) from problem
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise Problem(
            "nothing secret is written into %s" % path,
            found="it is not a folder that this user alone can read",
            next_step="remove it, or give it to this user with mode 0700",
        )


def _open_locked(path, how):
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, how)
    except OSError:
        os.close(handle)
        raise
    return handle


@contextlib.contextmanager
def _held(path, how):
    handle = _open_locked(path, how)
    try:
        yield
    finally:
        os.close(handle)


def _remove_left(root):
    """Remove folders that nobody uses: those of runs that were killed."""
    for entry in os.scandir(root):
        if entry.is_dir(follow_symlinks=False):
            with contextlib.suppress(OSError), _held(os.path.join(entry.path, _LOCK), fcntl.LOCK_EX | fcntl.LOCK_NB):
                shutil.rmtree(entry.path, ignore_errors=True)
