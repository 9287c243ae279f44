# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that this collection writes on a board and takes back: noted in the journal first, then changed in one step."""

from __future__ import annotations

import os
import re
import stat
from typing import NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import (
    describe,
    make_folder,
    read_bytes,
    remove,
    remove_folder,
    sha256,
    status,
    write_bytes,
)
from ansible_collections.riscv.k3s.plugins.module_utils._journal import undo
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import NAME, OWN_MARK, unread_problem
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

ARCHIVES = "agent/images"
# The kind of an entry that belongs to an installation of k3s.
INSTALL = "install"
_ARCHIVE = re.compile(r"riscv-k3s-[0-9a-f]+\.tar\Z")


class Outcome(NamedTuple):
    """What a run does to a file, or did: its bytes and mode before and after (None: no file)."""

    changed: bool
    before: Optional[bytes]
    after: Optional[bytes]
    mode_before: Optional[str] = None
    mode: Optional[str] = None
    warning: Optional[str] = None


def present(journal, path, data, mode, check_mode=False, kind="file"):
    """Have the file ``path`` hold ``data`` (bytes), with ``mode`` (int) and the owner of this process; its folder is
    made. ``kind`` is that of the journal's entry. Raises Problem.

    A file that holds it already only gets mode and owner: its time tells when k3s had to read it anew. Of an
    installation it is noted all the same, since by its notes it is told which k3s is ours.
    """
    before, found = read_bytes(path), status(path)
    owner = (os.geteuid(), os.getegid())
    as_wanted = (
        (path in journal.files or kind != INSTALL)
        and found
        and before == data
        and stat.S_IMODE(found.st_mode) == mode
        and (found.st_uid, found.st_gid) == owner
    )
    if not as_wanted:
        journal.require_readable("files", path)
    if not as_wanted and not check_mode:
        journal.will_write(path, data, kind)
        journal.save()
        if before == data:
            describe(path, mode, owner)
        else:
            make_folder(os.path.dirname(path))
            write_bytes(path, data, mode=mode, owner=owner)
            journal.was_written(path)
            journal.save()
    return Outcome(not as_wanted, before, data, _mode(found), "%04o" % mode)


def absent(journal, path, pending=False, check_mode=False):
    """Have ``path`` as it was before this collection first wrote it: its bytes, mode and owner, or no file. Raises
    Problem.

    A file that is not in the journal is left alone, as is one that somebody changed since, or whose entry cannot be
    read: these with a warning, and their entries stay. ``pending`` keeps the entry until `settle`, because k3s must be
    restarted first.
    """
    current, found = read_bytes(path), status(path)
    same = Outcome(False, current, current, _mode(found), _mode(found))
    why = journal.why_unread("files", path)
    if why:
        return same._replace(warning=str(unread_problem(path, why, os.path.join(journal.folder, NAME))))
    if path not in journal.files and current is not None and current.startswith(OWN_MARK):
        journal.will_write(path, current)  # of a journal that is lost
    entry = journal.files.get(path)
    if not entry:
        return same
    if entry["kind"] == "archive":
        raise Problem("%s is an archive of images" % path, next_step="remove it with riscv.k3s.k3s_image_archive")
    todo = undo.undo_file(path, entry, sha256(current) if current is not None else None)
    if todo.action == undo.LEAVE:
        return same._replace(warning=todo.warning)
    if todo.action in (undo.FORGET, undo.SETTLE) and _is_as_before(found, entry["before"]):
        if pending and todo.action == undo.SETTLE:
            return same
        if not check_mode:
            journal.forget_file(path)
        return same._replace(changed=True)
    original, before = journal.original(path), entry["before"]
    if not check_mode:
        journal.will_restore(path)
        journal.save()
        if original is None:
            _remove(path, entry)
        else:
            write_bytes(path, original, mode=before["mode"], owner=(before["uid"], before["gid"]))
        if not pending:
            journal.forget_file(path)
    return Outcome(True, current, original, _mode(found), "%04o" % before["mode"] if before else None)


def settle(journal, path, check_mode=False):
    """k3s was restarted and has read ``path``: forget a file that is as it was before, and note what k3s has loaded of
    any other one, written by us or not. Returns whether the journal changes.
    """
    is_archive = bool(_ARCHIVE.match(os.path.basename(path)))
    current = read_bytes(path) if not is_archive else None
    entry, digest = journal.files.get(path), sha256(current) if current is not None else None
    if entry and not is_archive and undo.undo_file(path, entry, digest).action == undo.SETTLE:
        if not check_mode:
            journal.forget_file(path)
        return True
    is_there = status(path) is not None
    if is_there == (path in journal.loaded) and journal.loaded.get(path) == digest:
        return False
    if not check_mode:
        journal.was_loaded(path, digest, is_there)
        journal.save()
    return True


def archive_path(data_dir, name):
    """The path of an archive of images by its file name. Raises Problem for a name that is not ours."""
    if not _ARCHIVE.match(name):
        raise Problem(
            "%r is not an archive of riscv.k3s" % name,
            next_step="name it riscv-k3s-HASH.tar, as the filter riscv.k3s.plan does",
        )
    return os.path.join(data_dir, ARCHIVES, name)


def remove_archive(journal, path, check_mode=False):
    """Remove an archive of images and its entry; returns whether there was one of them."""
    entry, there = journal.files.get(path), status(path) is not None
    if not check_mode:
        if there:
            _remove(path, entry)
        elif entry and entry["folder"]:
            # The run that made it ended before it had placed the archive.
            remove_folder(os.path.dirname(path))
        if entry:
            journal.forget_file(path)
    return bool(entry or there)


def _remove(path, entry):
    remove(path)
    if entry and entry["folder"]:
        remove_folder(os.path.dirname(path))


def _is_as_before(found, before):
    """Whether mode and owner are; the content is known to be."""
    return not before or (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (
        before["mode"],
        before["uid"],
        before["gid"],
    )


def _mode(found):
    return "%04o" % stat.S_IMODE(found.st_mode) if found else None
