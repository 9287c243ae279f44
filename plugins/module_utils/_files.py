# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that writes files on a board: atomically, fsynced, keeping mode and owner."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import time

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem


def sha256(data):
    """The sha256 of bytes as hexadecimal text."""
    return hashlib.sha256(data).hexdigest()


def read_bytes(path):
    """The bytes of a file, or None when there is none. Raises Problem when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Problem("cannot read %s" % path, found=error.strerror) from error


def write_bytes(path, data, mode=None, backup=False):
    """Replace or make the file ``path`` with ``data`` (bytes) in one step that a power cut cannot halve.

    An existing file keeps its owner, and its mode unless ``mode`` (an int) is given; a new one gets ``mode`` or 0600.
    Returns the path of the backup (named so that k3s's deploy controller ignores it) or None.
    Raises Problem when ``path`` is a symbolic link or no regular file, or when writing fails; nothing is left behind then.
    """
    old = status(path)
    saved = _backup(path) if backup and old else None
    folder = os.path.dirname(path) or "."
    temporary = None
    try:
        # A leading dot: the deploy controller ignores dotfiles, should it look just now.
        handle, temporary = tempfile.mkstemp(prefix=".riscv-k3s-", dir=folder)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode if mode is not None else stat.S_IMODE(old.st_mode) if old else 0o600)
            if old:
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
                _move_mtime_on(file.fileno(), old)
            os.fsync(file.fileno())
        os.replace(temporary, path)
        temporary = None
        _sync_folder(folder)
    except OSError as error:
        raise Problem("cannot write %s" % path, found=error.strerror, next_step="see that its folder exists and that the disk is not full") from error
    finally:
        if temporary:
            os.unlink(temporary)
    return saved


def remove(path):
    """Remove a file; returns whether there was one. Raises Problem when it cannot be removed."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Problem("cannot remove %s" % path, found=error.strerror) from error
    _sync_folder(os.path.dirname(path) or ".")
    return True


def status(path):
    """What os.lstat says of the regular file ``path``, or None when there is nothing. Raises Problem for a symbolic link and all else."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        kind = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "no regular file"
        raise Problem("%s will not be replaced" % path, found="it is " + kind, next_step="look who put it there, and move it away")
    return found


def make_folder(path, mode=0o755):
    """Make the folder ``path``, and those above it, if it is not there; returns whether it was made. ``mode`` is for the last one. Raises Problem."""
    if os.path.isdir(path):
        return False
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.mkdir(path, mode)
        os.chmod(path, mode)
    except OSError as error:
        raise Problem("cannot make the folder %s" % path, found=error.strerror) from error
    _sync_folder(os.path.dirname(path))
    return True


def _move_mtime_on(handle, old):
    # The deploy controller remembers a file's mtime: a change within one tick of the clock must differ, too.
    now = time.time_ns()
    if now <= old.st_mtime_ns:
        now = old.st_mtime_ns + 1
    os.utime(handle, ns=(now, now))


def _backup(path):
    name = "%s.%s.bak" % (path, time.strftime("%Y%m%dT%H%M%S"))
    try:
        shutil.copy2(path, name)
    except OSError as error:
        raise Problem("cannot back up %s" % path, found=error.strerror, where=name) from error
    return name


def _sync_folder(folder):
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
