# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What skopeo reads of logins and certificates: one folder that nobody else may read, and that is gone afterwards.

A run that was killed cannot remove its folder. Each folder is locked by the process that uses it, so the next run sees
which ones nobody uses any more, and removes them. Formats: containers-auth.json(5), containers-certs.d(5).
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import shutil
import stat
import tempfile

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import make_folder
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_LOCK = "in-use"


def default_root():
    """The folder of such folders: below the user's cache folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "riscv.k3s", "logins")


class Logins:
    """A context manager around everything that is asked with ``accesses``, a dictionary {host: Access}. Raises Problem
    when it cannot be written.
    """

    def __init__(self, accesses, root=None):
        self._accesses = accesses
        self._root = root or default_root()
        self._folder = None
        self._lock = None

    def __enter__(self):
        _make_private(self._root)
        try:
            # One at a time, or a folder that is just being made would look like one that was left.
            with _held(os.path.join(self._root, _LOCK), fcntl.LOCK_EX):
                _remove_left(self._root)
                self._folder = tempfile.mkdtemp(dir=self._root)
                self._lock = _open_locked(os.path.join(self._folder, _LOCK), fcntl.LOCK_EX)
            self._write("registries.conf", b"")
            for number, access in enumerate(self._accesses.values()):
                self._write_access(str(number), access)
        except OSError as error:
            self.__exit__()
            next_step = "make room there, or set XDG_CACHE_HOME"
            raise Problem(
                "logins cannot be written for skopeo", found=error.strerror, where=self._root, next_step=next_step
            ) from error
        return self

    def __exit__(self, *_error):
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)

    def options(self, host, side=""):
        """Options of a skopeo command for the registry ``host``; ``side`` is ``src-`` or ``dest-`` for a copy."""
        access = self._accesses.get(host)
        if access is None:
            return []
        number = str(list(self._accesses).index(host))
        found = ["--%stls-verify=false" % side] if access.plain_http or not access.tls_verify else []
        if access.has_login:
            found += ["--%sauthfile" % side, os.path.join(self._folder, number + ".json")]
        if access.files:
            found += ["--%scert-dir" % side, os.path.join(self._folder, number)]
        return found

    @property
    def no_configuration(self):
        """Path of an empty registries.conf: what the inventory says of a registry is not to be changed by this
        machine's own.
        """
        return os.path.join(self._folder, "registries.conf")

    def _write_access(self, number, access):
        if access.has_login:
            self._write(number + ".json", _auth_file(access))
        if access.files:
            os.mkdir(os.path.join(self._folder, number), 0o700)
        for option, path in access.files.items():
            name = {"ca_file": "ca.crt", "cert_file": "client.cert", "key_file": "client.key"}[option]
            with open(path, "rb") as file:
                self._write(os.path.join(number, name), file.read())

    def _write(self, name, data):
        handle = os.open(os.path.join(self._folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)


def _auth_file(access):
    login = "%s:%s" % (access.username or "token", access.password or "")
    entry = {"auth": base64.b64encode(login.encode()).decode()}
    if access.identity_token:
        entry["identitytoken"] = access.identity_token
    return json.dumps({"auths": {access.host: entry}}).encode()


def _make_private(path):
    make_folder(path, 0o700)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise Problem(
            "logins are not written into %s" % path,
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
