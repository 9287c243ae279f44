# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The k3s program of a board: put there in one step, the one before it kept, and taken back.

It is noted in the journal before it changes. The entry: ``sha256`` and ``version`` of ours, ``previous`` what it
replaced, until it is known that k3s runs well with ours (`settled`), ``before`` what stood there before us at all (both
None for no file, else sha256, version, mode, uid, gid), ``links`` the commands beside it that are ours. What
``previous`` and ``before`` tell of lies beside the journal, under a name made from its checksum.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from typing import Any, Dict, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._binary.program import (
    checksum,
    examine,
    package_of,
    require_program,
    require_version,
    version_of,
)
from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Runner, find_program
from ansible_collections.riscv.k3s.plugins.module_utils._host.files import (
    fresh_file,
    make_folder,
    put,
    remove,
    status,
    sync,
)
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import Journal
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

FOLDER = "programs"
LINKS = ("kubectl", "crictl", "ctr")
_MODE = 0o755


class Asked(NamedTuple):
    """What shall be a board's k3s: its checksum, a version or None, what ``uname -m`` says there, whether a program
    that is not ours is replaced, whether the commands beside it are made, its size in bytes or None.
    """

    sha256: str
    version: Optional[str]
    architecture: str
    replace: bool = False
    links: bool = False
    size: Optional[int] = None


class Outcome(NamedTuple):
    """Whether anything changes, and what stands there before and after ({sha256, version}, None for no program)."""

    changed: bool
    before: Optional[Dict[str, Any]]
    after: Optional[Dict[str, Any]]
    warning: Optional[str] = None


class Place:
    """The place of a board's k3s, ``path``. A symbolic link is followed: what it leads to is replaced, and it stays."""

    def __init__(self, journal: Journal, path: str, data_dir: str, runner: Runner, find=find_program) -> None:
        self.journal = journal
        self.path = os.path.realpath(path)
        self.data_dir = data_dir
        self._runner = runner
        self._find = find
        self.sha256 = checksum(self.path)

    @property
    def entry(self) -> Any:
        """The journal's entry, None for none."""
        return self.journal.programs.get(self.path)

    @property
    def upload(self) -> str:
        """Where a program is put before it is placed: on a board, and away from what others start."""
        return os.path.join(self.journal.folder, "upload-k3s")

    def is_ours(self) -> bool:
        """Whether what stands there was put there by us."""
        return bool(self.entry and self.sha256 and self.sha256 == self.entry["sha256"])

    def announced(self, asked: Asked, check_mode: bool = False) -> bool:
        """Whether the program must be uploaded; then there is a place for it. Raises Problem where it may not be."""
        if self.sha256 == asked.sha256:
            return False
        self._require_replaceable(asked)
        if not check_mode:
            # It stays for the upload: the journal's own folder goes when it is empty.
            make_folder(os.path.join(self.journal.folder, FOLDER), 0o700)
        self._require_room(asked.size)
        return True

    def present(self, asked: Asked, src: Optional[str], check_mode: bool = False) -> Outcome:
        """Have the program that was ``asked`` for there; ``src`` is where it lies until then. Raises Problem."""
        before = self.described()
        if self.sha256 == asked.sha256:
            changed = self._confirmed(asked, check_mode)
            self._cleared(check_mode)
            return Outcome(changed, before, before)
        self._require_replaceable(asked)
        version = asked.version
        if src is not None and os.path.exists(src) or not check_mode:
            examine(src or "", asked.sha256, asked.architecture)
            version = require_version(self._runner, src or "", self.data_dir, asked.version)
        if not check_mode:
            self._note(asked.sha256, version, before)
            self._put(src, asked.sha256, _MODE, None)
            self._confirmed(asked, check_mode)
            self._cleared(check_mode)
        return Outcome(True, before, {"sha256": asked.sha256, "version": version})

    def previous(self, check_mode: bool = False) -> Outcome:
        """Have the program there that ours replaced; nothing where that is so, or was settled. Raises Problem."""
        current = self.described()
        back = self.entry and self.entry["previous"]
        if not back:
            return Outcome(False, current, current)
        changed = self.sha256 != back["sha256"]
        if not check_mode:
            self.entry.update(sha256=back["sha256"], version=back["version"])
            self.journal.save()
            if changed:
                self._put(self._kept(back["sha256"]), back["sha256"], back["mode"], (back["uid"], back["gid"]))
        return Outcome(changed, current, {"sha256": back["sha256"], "version": back["version"]})

    def settled(self, check_mode: bool = False) -> Outcome:
        """k3s runs well with the program that stands there: the one that it replaced is not needed any more."""
        current = self.described()
        changed = bool(self.entry and self.entry["previous"])
        if changed and not check_mode:
            self.entry["previous"] = None
            if self._is_as_before():
                self._forget()
            self.journal.save()
        self._cleared(check_mode)
        return Outcome(changed, current, current)

    def absent(self, check_mode: bool = False) -> Outcome:
        """Have there what stood there before us. A program that is not ours stays, with a warning if ours was there."""
        current = self.described()
        if not self.entry:
            self._cleared(check_mode)
            return Outcome(False, current, current)
        before, known = self.entry["before"], [row["sha256"] for row in self._known()]
        if self.sha256 is not None and self.sha256 not in known:
            text = "%s is left as it is: somebody replaced it since riscv.k3s put it there" % self.path
            return Outcome(False, current, current, text + ". Its entry stays in the journal")
        if self.sha256 is not None:
            # What a journal says that somebody wrote does not make another file one of ours.
            require_program(self.path, before and before["sha256"] == self.sha256 and before["version"] or None)
        if not check_mode:
            if before and self.sha256 != before["sha256"]:
                kept = self._kept(before["sha256"])
                self._put(kept, before["sha256"], before["mode"], (before["uid"], before["gid"]))
            elif not before:
                remove(self.path)
            self._forget()
            self.journal.save()
            self._cleared(check_mode)
        return Outcome(True, current, before and {"sha256": before["sha256"], "version": before["version"]})

    def _known(self):
        """Programs of which the entry tells."""
        return [row for row in (self.entry, self.entry["previous"], self.entry["before"]) if row]

    def _is_as_before(self):
        before = self.entry["before"]
        return before is not None and before["sha256"] == self.entry["sha256"]

    def described(self):
        """What stands there, for people; a program that does not run has no version."""
        if self.sha256 is None:
            return None
        for row in self._known() if self.entry else ():
            if row["sha256"] == self.sha256:
                return {"sha256": self.sha256, "version": row["version"]}
        version = None
        with contextlib.suppress(Problem):
            version = version_of(self._runner, self.path, self.data_dir)
        return {"sha256": self.sha256, "version": version}

    def _require_replaceable(self, asked):
        self.journal.require_readable("programs", self.path)
        if self.sha256 is None:
            return
        is_ours = bool(self.entry) and self.sha256 in [row["sha256"] for row in self._known()]
        if not is_ours:
            package = package_of(self._runner, self.path, self._find)
            if package:
                raise Problem(
                    "%s is not replaced" % self.path,
                    found="a package brought it, as %s says: %s" % (package.manager, package.said),
                    next_step="upgrade the package, or remove it and run riscv.k3s.install with riscv_k3s_binary",
                )
        if not is_ours and not asked.replace:
            raise Problem(
                "%s is not replaced" % self.path,
                found="another k3s is there, which riscv.k3s did not put there",
                next_step="upgrade it with riscv.k3s.upgrade, or move it away",
            )
        if not is_ours:
            # Where a link leads to anything else, such as /etc/passwd.
            require_program(self.path, self.described()["version"])

    def _require_room(self, size):
        for folder in (self.data_dir, os.path.dirname(self.path)) if size else ():
            while not os.path.isdir(folder):
                folder = os.path.dirname(folder)
            found = os.statvfs(folder)
            free = found.f_bavail * found.f_frsize
            # Uploaded, and once more beside the place.
            if free < 2 * size:
                raise Problem(
                    "there is no room for another k3s in %s" % folder,
                    found="%d MB are free, %d MB are needed" % (free >> 20, 2 * size >> 20),
                    next_step="make room on this board",
                )

    def _note(self, digest, version, current):
        """Before anything changes: what is about to stand there, and what stands there now, which is kept."""
        held = None
        found = status(self.path)
        if current and found:
            held = dict(current, mode=stat.S_IMODE(found.st_mode), uid=found.st_uid, gid=found.st_gid)
            self._keep(current["sha256"])
        if not self.entry:
            self.journal.programs[self.path] = {"before": held, "links": [], "previous": None, "sha256": digest}
        elif self.entry["previous"] and self.sha256 == self.entry["sha256"]:
            # It is not known that k3s runs well with it: the one before it is that which comes back.
            held = self.entry["previous"]
        self.entry.update(sha256=digest, version=version, previous=held)
        self.journal.save()

    def _keep(self, digest):
        kept = self._kept(digest)
        if checksum(kept) == digest:
            return
        make_folder(os.path.dirname(kept), 0o700)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(kept)
        try:
            # What stands there is replaced and never written to, so that one more name for it is enough.
            os.link(self.path, kept)
        except OSError:
            self._copy(self.path, kept, digest, _MODE, None)

    def _put(self, source, digest, mode, owner):
        self._copy(source, self.path, digest, mode, owner)
        self.sha256 = checksum(self.path)
        if self.sha256 != digest:
            raise Problem("%s did not become what was put there" % self.path, found="its sha256 is %s" % self.sha256)

    @staticmethod
    def _copy(source, target, digest, mode, owner):
        """In one step that a power cut cannot halve, and only what has the checksum."""
        try:
            make_folder(os.path.dirname(target))
            with open(source, "rb") as program, fresh_file(os.path.dirname(target)) as (file, fresh):
                shutil.copyfileobj(program, file, 1 << 20)
                os.fchmod(file.fileno(), mode)
                if owner:
                    os.fchown(file.fileno(), *owner)
                sync(file)
                found = checksum(fresh)
                if found != digest:
                    raise Problem("%s is not the program that was kept" % source, found="its sha256 is %s" % found)
                put(fresh, target)
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise Problem(
                "cannot write %s" % target,
                found="%s: %s" % (error.strerror or error, error.filename or target),
                next_step="make room there"
                if full
                else "see what is wrong with that file, or its folder (lsattr, mount)",
            ) from error

    def _kept(self, digest):
        return os.path.join(self.journal.folder, FOLDER, "k3s-" + digest[:16])

    def _confirmed(self, asked, check_mode):
        """The program that was asked for stands there: have its commands beside it. Returns whether anything changes;
        a program that somebody else put there gets none.
        """
        if not self.entry:
            return False
        noted = dict(self.entry, links=list(self.entry["links"]))
        if self.entry["sha256"] != asked.sha256:
            # A run that was about to place another one, or to bring the one before back, was cut short. What it would
            # have brought back still is what comes back.
            back = self.entry["previous"]
            kept = back if back and back["sha256"] != asked.sha256 else None
            self.entry.update(sha256=asked.sha256, version=asked.version, previous=kept)
        missing = [name for name in LINKS if asked.links and not self._find(name) and not self._has_beside(name)]
        self.entry["links"] += missing
        if not check_mode:
            self.journal.save()
            for name in missing:
                os.symlink(os.path.basename(self.path), os.path.join(os.path.dirname(self.path), name))
        return noted != self.entry

    def _has_beside(self, name):
        return os.path.lexists(os.path.join(os.path.dirname(self.path), name))

    def _forget(self):
        for name in set(self.entry["links"]) & set(LINKS):
            link = os.path.join(os.path.dirname(self.path), name)
            if os.path.islink(link) and os.readlink(link) == os.path.basename(self.path):
                os.unlink(link)
        del self.journal.programs[self.path]

    def _cleared(self, check_mode):
        """What nobody needs any more goes: an upload, programs of which no entry tells."""
        folder = os.path.join(self.journal.folder, FOLDER)
        if check_mode:
            return
        remove(self.upload)
        needed = {
            os.path.basename(self._kept(row["sha256"]))
            for entry in self.journal.programs.values()
            for row in (entry["previous"], entry["before"])
            if row
        }
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            if name not in needed:
                remove(os.path.join(folder, name))
        with contextlib.suppress(OSError):
            os.rmdir(folder)
