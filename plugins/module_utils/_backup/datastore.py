# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The data of a server of k3s, saved before what cannot be undone.

Embedded etcd is saved by k3s itself, while it runs. sqlite is copied while k3s is stopped, with the token by which what
lies in it is encrypted. Another database is somebody else's to save.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import Any, Dict, List, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Runner, last_lines
from ansible_collections.riscv.k3s.plugins.module_utils._host.files import make_folder
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

ETCD, SQLITE, EXTERNAL = "etcd", "sqlite", "external"
FOLDER = "riscv-k3s/backups"
_SNAPSHOTS = "server/db/snapshots"
_PREFIX = "riscv-k3s"
# A snapshot of a large cluster on a slow disk.
_SECONDS = 600
_NAME = re.compile(r"(\d{4})-(.+)\Z")
# What of server/ is copied: without the token nobody reads the secrets in it.
_BESIDE = ("token",)


class Datastore:
    """The data of the server whose k3s keeps it in ``data_dir``. ``label`` says before what it is saved; one that was
    saved under it counts where the run that saved it is only continued (``resumed``).
    """

    def __init__(self, data_dir: str, label: str, keep: int = 3, resumed: bool = False) -> None:
        self.data_dir = data_dir
        self.label = re.sub(r"[^A-Za-z0-9.-]", "-", label)
        self.keep = keep
        self.resumed = resumed
        self.kind = self._kind()

    def _kind(self) -> str:
        if os.path.isdir(self._path("server/db/etcd/member")):
            return ETCD
        return SQLITE if os.path.isfile(self._path("server/db/state.db")) else EXTERNAL

    def _path(self, name: str) -> str:
        return os.path.join(self.data_dir, name)

    def save_running(self, runner: Runner, k3s: str, check_mode: bool = False) -> Dict[str, Any]:
        """{changed, kind, path, stop, told} of what is saved while k3s runs. ``stop`` tells that k3s must be stopped,
        and then `save_stopped` called. Raises Problem.
        """
        if self.kind == EXTERNAL:
            told = "k3s keeps its data in a database of its own kind (datastore-endpoint): nobody saved it, see to that"
            return _told(False, self.kind, None, False, told)
        if self.kind == SQLITE:
            known = self._known()
            return _told(False, self.kind, known, known is None, self._where(known) if known else "")
        known = self._snapshot() if self.resumed else None
        if known:
            return _told(False, self.kind, known, False, self._where(known))
        if check_mode:
            return _told(True, self.kind, None, False, "")
        path = self._save_snapshot(runner, k3s)
        return _told(True, self.kind, path, False, self._where(path))

    def save_stopped(self, check_mode: bool = False) -> Dict[str, Any]:
        """The same for what is copied while k3s is stopped. Raises Problem."""
        known = self._known()
        if self.kind != SQLITE or known:
            return _told(False, self.kind, known, False, self._where(known) if known else "")
        folder = self._path(FOLDER)
        path = os.path.join(folder, "%04d-%s" % (self._next(), self.label))
        if not check_mode:
            # Of a run that was cut short: it may hold the room that is needed now.
            self._clear()
            self._require_room()
            make_folder(os.path.dirname(folder), 0o700)
            make_folder(folder, 0o700)
            self._copy(path)
            self._prune()
        return _told(True, self.kind, path, False, self._where(path))

    def _where(self, path):
        if self.kind == ETCD:
            return (
                "the snapshot from before is %s; docs.k3s.io/cli/etcd-snapshot says how to restore it, with the k3s of "
                "before" % path
            )
        return (
            "the data from before is in %s; to restore it, stop k3s, put the k3s of before in place, and copy db and "
            "token from there to %s" % (path, self._path("server"))
        )

    # Embedded etcd

    def _save_snapshot(self, runner, k3s):
        before = set(self._snapshots())
        command = [k3s, "etcd-snapshot"]
        # Where config.yaml names another folder, k3s saves there; and one that is named it does not make.
        folder = self._path(_SNAPSHOTS)
        make_folder(folder, 0o700)
        given = ["--data-dir", self.data_dir, "--etcd-snapshot-dir", folder]
        done = runner.run([*command, "save", "--name", "%s-%s" % (_PREFIX, self.label), *given], timeout=_SECONDS)
        new = [name for name in self._snapshots() if name not in before]
        if not new:
            raise Problem(
                "k3s says that it saved a snapshot, and there is none",
                found=last_lines(done.out or done.err, 2) or "no message",
                where=folder,
                next_step="save one by hand (k3s etcd-snapshot save), and see what it says",
            )
        prune = ["prune", "--name", _PREFIX, "--snapshot-retention", str(self.keep)]
        # More of them than needed harm nobody.
        runner.run([*command, *prune, *given], timeout=_SECONDS, check=False)
        return os.path.join(folder, sorted(new)[-1])

    def _snapshots(self) -> List[str]:
        try:
            names = os.listdir(self._path(_SNAPSHOTS))
        except FileNotFoundError:
            return []
        # etcd writes a .part first, which stays where it is killed.
        whole = [name for name in names if not name.endswith((".part", ".tmp"))]
        return sorted(name for name in whole if name.startswith("%s-%s" % (_PREFIX, self.label)))

    def _snapshot(self) -> Optional[str]:
        found = self._snapshots()
        return os.path.join(self._path(_SNAPSHOTS), found[-1]) if found else None

    # sqlite

    def _saved(self):
        """[(number, name)] of those that are whole."""
        try:
            names = os.listdir(self._path(FOLDER))
        except FileNotFoundError:
            return []
        matches = [(name, _NAME.match(name)) for name in names]
        return sorted((int(match.group(1)), name) for name, match in matches if match and not name.endswith(".part"))

    def _next(self):
        saved = self._saved()
        return saved[-1][0] + 1 if saved else 1

    def _known(self):
        saved = self._saved()
        if not (self.resumed and saved and saved[-1][1] == "%04d-%s" % (saved[-1][0], self.label)):
            return None
        return os.path.join(self._path(FOLDER), saved[-1][1])

    def _require_room(self):
        size = sum(
            os.lstat(os.path.join(folder, name)).st_size
            for folder, dummy, names in os.walk(self._path("server/db"))
            for name in names
        )
        found = os.statvfs(self.data_dir)
        free = found.f_bavail * found.f_frsize
        if free < size:
            raise Problem(
                "there is no room to save the data of k3s",
                found="%d MB are free, %d MB are needed" % (free >> 20, (size >> 20) + 1),
                where=self.data_dir,
                next_step="make room on this board, then run again",
            )

    def _copy(self, path):
        part = path + ".part"
        try:
            shutil.rmtree(part, ignore_errors=True)
            os.mkdir(part, 0o700)
            shutil.copytree(
                self._path("server/db"), os.path.join(part, "db"), ignore=shutil.ignore_patterns("snapshots", "*.sock")
            )
            for name in _BESIDE:
                if os.path.exists(self._path("server/" + name)):
                    shutil.copy2(self._path("server/" + name), os.path.join(part, name))
            _sync(part)
            os.rename(part, path)
        except (OSError, shutil.Error) as error:
            # k3s is started again, and needs what room there is.
            self._clear()
            raise Problem("the data of k3s cannot be saved", found=str(error), where=part) from error

    def _clear(self):
        """Copies that are not whole go."""
        folder = self._path(FOLDER)
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if name.endswith(".part"):
                shutil.rmtree(os.path.join(folder, name), ignore_errors=True)

    def _prune(self):
        folder = self._path(FOLDER)
        for dummy, name in self._saved()[: -self.keep]:
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def _sync(folder):
    for root, dummy, names in os.walk(folder):
        for path in [root, *(os.path.join(root, name) for name in names)]:
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _told(changed, kind, path, stop, told):
    return {"changed": changed, "kind": kind, "path": path, "stop": stop, "told": told}
