# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that writes files on a board: atomically, fsynced, keeping mode and owner."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
import time
from typing import IO, Any, Iterator, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# The deploy controller ignores dotfiles, should it look just now.
_TEMPORARY = ".riscv-k3s-"
_OLD_SECONDS = 3600
# No statement about what stands in a file.
ANYTHING: Any = object()


class Changed(Problem):
    """A file is not what was decided on: somebody else, k3s at its start perhaps, has written it meanwhile."""


def sha256(data: bytes) -> str:
    """The sha256 of bytes as hexadecimal text."""
    return hashlib.sha256(data).hexdigest()


def read_bytes(path: str) -> Optional[bytes]:
    """The bytes of a regular file, or None when there is none. Raises Problem when it cannot be read, and for a pipe or
    device, which might never end.
    """
    try:
        # Without O_NONBLOCK the mere opening of a pipe waits for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # ValueError: a path with a NUL
        raise Problem("cannot read %s" % path, found=getattr(error, "strerror", None) or str(error)) from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Problem(
                "cannot read %s" % path,
                found="it is not a regular file",
                next_step="find out who made it, and move it away",
            )
        with open(handle, "rb", closefd=False) as file:
            return file.read()
    except OSError as error:
        raise Problem("cannot read %s" % path, found=error.strerror) from error
    finally:
        os.close(handle)


def write_bytes(
    path: str,
    data: bytes,
    mode: Optional[int] = None,
    backup: bool = False,
    expected: Optional[bytes] = ANYTHING,
    owner: Optional[tuple[int, int]] = None,
) -> Optional[str]:
    """Replace or make the file ``path`` with ``data`` (bytes) in one step that a power cut cannot halve.

    An existing file keeps its owner unless ``owner`` (uid, gid) is given, and its mode unless ``mode`` (an int) is; a
    new one gets ``mode`` or 0600. ``expected`` is what must stand there right before it is replaced (bytes, None for no
    file), else Changed is raised. Returns the path of the backup (named so that k3s's deploy controller ignores it) or
    None. Raises Problem when ``path`` is a symbolic link or no regular file, or when writing fails; nothing is left
    behind then.
    """
    old = status(path)
    try:
        with fresh_file(os.path.dirname(path) or ".") as (file, fresh):
            file.write(data)
            _describe(file, old, mode, owner)
            sync(file)
            check_unchanged(path, expected)
            saved = _backup(path) if backup and old else None
            put(fresh, path)
    except OSError as error:
        raise Problem(
            "cannot write %s" % path,
            found=error.strerror,
            next_step="check that its folder exists and that the disk is not full",
        ) from error
    return saved


def describe(path: str, mode: int, owner: Tuple[int, int]) -> None:
    """Give the regular file ``path`` a mode and an owner, and leave its content and its time. Raises Problem."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchown(handle, *owner)
            os.fchmod(handle, mode)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise Problem("cannot set mode and owner of %s" % path, found=error.strerror) from error


@contextlib.contextmanager
def fresh_file(folder: Optional[str]) -> Iterator[Tuple[IO[bytes], str]]:
    """A new file in ``folder`` (None: the system's for temporary files), as (file, its path). It is gone at the end
    unless `put` gave it a name. What writes that were killed have left in the folder makes room first.
    """
    if folder:
        _remove_left(folder)
    handle, fresh = tempfile.mkstemp(prefix=_TEMPORARY, dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, fresh
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)


def sync(file: IO[bytes]) -> None:
    """Have all that was written to a file on the disk."""
    file.flush()
    os.fsync(file.fileno())


def put(fresh: str, path: str) -> None:
    """Give a file that is synced the name ``path``, in one step that a power cut cannot halve. Raises OSError."""
    os.replace(fresh, path)
    _sync_folder(os.path.dirname(path) or ".")


def remove(path: str, expected: Optional[bytes] = ANYTHING) -> bool:
    """Remove a file; returns whether there was one. ``expected`` as for `write_bytes`. Raises Problem when it cannot be
    removed.
    """
    check_unchanged(path, expected)
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Problem("cannot remove %s" % path, found=error.strerror) from error
    _sync_folder(os.path.dirname(path) or ".")
    return True


def check_unchanged(path: str, expected: Optional[bytes]) -> None:
    """Raise Changed when ``path`` does not hold ``expected`` (bytes, None for no file, or ANYTHING)."""
    if expected is not ANYTHING and read_bytes(path) != expected:
        raise Changed(
            "%s was just changed by somebody else" % path,
            found="another text than the one that the plan was made from",
            next_step="run again when k3s has started and nobody else works on this board",
        )


def remove_folder(path: str) -> bool:
    """Remove a folder if it is empty; returns whether it was removed."""
    try:
        os.rmdir(path)
    except OSError:
        return False
    _sync_folder(os.path.dirname(path))
    return True


def status(path: str) -> Optional[os.stat_result]:
    """What os.lstat says of the regular file ``path``, or None when there is nothing. Raises Problem for a symbolic
    link and all else.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem("cannot look at %s" % path, found=error.strerror) from error
    if not stat.S_ISREG(found.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "no regular file"
        raise Problem(
            "%s will not be replaced" % path, found="it is " + kind, next_step="find out who made it, and move it away"
        )
    return found


def make_folder(path: str, mode: int = 0o755) -> bool:
    """Make the folder ``path``, and those above it, if it is not there; returns whether it was made. ``mode`` is for
    the last one. Raises Problem.
    """
    if os.path.isdir(path):
        return False
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mkdir(path, mode)
        os.chmod(path, mode)
    except FileExistsError as error:
        if os.path.isdir(path):  # another process was quicker
            return False
        raise Problem("cannot make the folder %s" % path, found=error.strerror) from error
    except OSError as error:
        raise Problem("cannot make the folder %s" % path, found=error.strerror) from error
    _sync_folder(os.path.dirname(path))
    return True


def _remove_left(folder: str) -> None:
    """Remove what is so old that no other write may be at work with it, and not another user's."""
    for entry in os.scandir(folder):
        if entry.name.startswith(_TEMPORARY):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                if entry.stat(follow_symlinks=False).st_mtime < time.time() - _OLD_SECONDS:
                    os.unlink(entry.path)


def _describe(
    file: IO[bytes], old: Optional[os.stat_result], mode: Optional[int], owner: Optional[Tuple[int, int]]
) -> None:
    """Give a new file mode and owner, those of the ``old`` one where none are asked for."""
    file.flush()
    if old:
        mode, owner = stat.S_IMODE(old.st_mode) if mode is None else mode, owner or (old.st_uid, old.st_gid)
        _move_mtime_on(file.fileno(), old)
    os.fchmod(file.fileno(), 0o600 if mode is None else mode)
    if owner:
        os.fchown(file.fileno(), *owner)


def _move_mtime_on(handle: int, old: os.stat_result) -> None:
    # The deploy controller remembers a file's mtime: a change within one tick of the clock must differ, too.
    now = time.time_ns()
    if now <= old.st_mtime_ns:
        now = old.st_mtime_ns + 1
    os.utime(handle, ns=(now, now))


def _backup(path: str) -> str:
    name = "%s.%s.bak" % (path, time.strftime("%Y%m%dT%H%M%S"))
    try:
        shutil.copy2(path, name)
    except OSError as error:
        raise Problem("cannot back up %s" % path, found=error.strerror, where=name) from error
    return name


def _sync_folder(folder: str) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
