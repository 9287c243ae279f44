# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection did to a board and what stood there before, in DATA_DIR/riscv-k3s/journal.json.

An entry is written before the change it tells of. A run that is cut short between the two leaves an entry whose
"before" is what is there, which is harmless to take back; the other way round, a change would be lost to undo.
The first "before" of a path or name stays, however many runs follow. Nothing secret stands in the journal: of a file
it holds checksums, the bytes themselves lie beside it (0600, in a folder of mode 0700).

An entry that cannot be read is that entry's problem: it stays as it is, what it tells of is left alone, and the others
go on. A journal that cannot be read at all stops every change on its board.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import time

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import (
    make_folder,
    read_bytes,
    remove,
    sha256,
    status,
    write_bytes,
)
from ansible_collections.riscv.k3s.plugins.module_utils._host.moment import moment
from ansible_collections.riscv.k3s.plugins.module_utils._journal import entries as _entries
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

FOLDER = "riscv-k3s"
NAME = "journal.json"
VERSION = 1
LOCK_SECONDS = 120
# The digest of a name that is being pulled: known after the pull.
ANY = "any"
# How every file begins that this collection writes.
OWN_MARK = b"# Written by riscv.k3s"
_KINDS = ("files", "images", "loaded", "system", "programs")
# Written only where there is something, which is in few journals.
_OPTIONAL = ("system", "programs")


class Journal:
    """One board's journal, a dict in ``data`` as from `parse`. Made by `opened`."""

    def __init__(self, folder, data):
        self.folder = folder
        self.data = data
        self._saved = _text(data)
        self._told = _tells(data)

    @property
    def files(self):
        """{path: entry}, an entry as `will_write` and `will_place` make it."""
        return self.data["files"]

    @property
    def images(self):
        """{full name: entry}, an entry as `will_set` makes it."""
        return self.data["images"]

    @property
    def system(self):
        """{"KIND NAME": entry} of the board's own settings, an entry as `will_change` makes it."""
        return self.data["system"]

    @property
    def programs(self):
        """{path: entry} of k3s programs, an entry as _binary/placed makes it."""
        return self.data["programs"]

    @property
    def loaded(self):
        """{path: checksum} of files that k3s had loaded when a run of ours had restarted it; None for an archive."""
        return self.data["loaded"]

    @property
    def lease(self):
        """Who works on the fleet, or None: see lease.py."""
        return self.data["lease"]

    @lease.setter
    def lease(self, lease):
        self.data["lease"] = lease
        if lease:
            self.data["unread"] = [row for row in self.data["unread"] if row["kind"] != "lease"]

    def why_unread(self, kind, name=""):
        """Why the entry of ``name`` cannot be read, None when it can or there is none; ``kind`` is a key of `data`."""
        rows = [row for row in self.data["unread"] if (row["kind"], row["name"]) == (kind, name)]
        return rows[0]["why"] if rows else None

    def require_readable(self, kind, name):
        """Raise Problem for something whose entry cannot be read, so that it could not be noted what changes."""
        why = self.why_unread(kind, name)
        if why:
            raise unread_problem(name, why, os.path.join(self.folder, NAME))

    def will_change(self, name, value, before):
        """Note that a setting of the board's system, ``name`` as "KIND NAME", is about to be ``value``.

        The entry: ``value`` and, of the first run, ``before``, both texts. Raises Problem for an entry that cannot be
        read.
        """
        self.require_readable("system", name)
        self.system.setdefault(name, {"value": value, "before": before})["value"] = value

    def forget_change(self, name):
        """The setting is as it was before: nothing of ours is there any more."""
        self.system.pop(name, None)
        self.save()

    def will_write(self, path, data, kind="file"):
        """Note that ``path`` is about to get ``data`` (bytes). What stands there now is kept unless an earlier run kept
        it.

        The entry: ``sha256`` of what we write (None: no file), ``previous`` that of ours which it replaces, ``before``
        (None: no file, else sha256, mode, uid, gid), ``folder`` (whether its folder is made for it), ``kind`` file,
        system for one that k3s does not read, install for one with which k3s was installed, ``pending`` (see
        `will_restore`), ``written`` (see `was_written`). Raises Problem for an entry that cannot be read.
        """
        self.require_readable("files", path)
        digest = sha256(data)
        current, found = read_bytes(path), status(path)
        known = self.files.get(path)
        held = sha256(current) if current is not None else None
        if held != digest:
            self.loaded.pop(path, None)
        if known:
            # A run that is cut short before the change leaves what an earlier one wrote: that is ours, too.
            if held != digest and held in (known["sha256"], known["previous"]):
                known["previous"] = held
            if held != digest or known["sha256"] != digest:
                known["written"] = _begun()
            known.update(sha256=digest, pending=False)
            return
        before = None
        # A file with our mark is ours, from before there was a journal, or of one that is lost.
        if current is not None and found and not current.startswith(OWN_MARK):
            write_bytes(self.kept(path), current, mode=0o600)
            before = {
                "sha256": sha256(current),
                "mode": found.st_mode & 0o7777,
                "uid": found.st_uid,
                "gid": found.st_gid,
            }
        self.files[path] = _file_entry(kind, digest, before, not os.path.isdir(os.path.dirname(path)))
        if current is not None and before is None:
            self.files[path]["previous"] = held
        if held != digest:
            self.files[path]["written"] = _begun()

    def was_written(self, path):
        """Note when ``path`` got what `will_write` noted: k3s has loaded it if it was started later than that.

        ``written`` is that moment {boot, uptime}, without an uptime while it is not done, and None for a file that held
        the same before us.
        """
        if self.files[path]["written"]:
            now = moment()
            self.files[path]["written"] = {"boot": now.boot, "uptime": now.uptime}

    def was_loaded(self, path, digest, is_there=True):
        """Note that k3s has been restarted and has read ``path``, where it ``is_there``; ``digest`` is the checksum,
        None for an archive.
        """
        self.data["unread"] = [row for row in self.data["unread"] if (row["kind"], row["name"]) != ("loaded", path)]
        self.loaded.pop(path, None)
        if is_there:
            self.loaded[path] = digest

    def will_place(self, path):
        """Note that an archive of images is about to be placed at ``path``: its name says that it is ours, its bytes
        are not read.

        Raises Problem for an entry that cannot be read. When it will be there is not known, so ``written`` has no
        uptime: k3s has loaded it when the run that placed it has restarted k3s.
        """
        self.require_readable("files", path)
        if path not in self.files:
            self.files[path] = _file_entry("archive", None, None, not os.path.isdir(os.path.dirname(path)))
        self.loaded.pop(path, None)
        self.files[path]["written"] = _begun()

    def will_restore(self, path):
        """Note that ``path`` is about to be as it was before.

        The entry stays, pending, until k3s was restarted and reads it: a run may be cut short between.
        """
        entry = self.files[path]
        entry.update(
            previous=entry["sha256"], sha256=entry["before"]["sha256"] if entry["before"] else None, pending=True
        )

    def kept(self, path):
        """Where the bytes lie that ``path`` had before the first run."""
        return os.path.join(self.folder, "before" + path.replace("/", "%2F"))

    def original(self, path):
        """The bytes that ``path`` had before the first run, or None when there was no file. Raises Problem when they
        are lost.
        """
        before = self.files[path]["before"]
        if before is None:
            return None
        data = read_bytes(self.kept(path))
        if data is None or sha256(data) != before["sha256"]:
            raise Problem(
                "%s cannot be brought back" % path,
                found="what it held before is gone"
                if data is None
                else "what was kept of it is not what it held before",
                where=self.kept(path),
                next_step="write the file by hand, then remove its entry from %s" % os.path.join(self.folder, NAME),
            )
        return data

    def forget_file(self, path):
        """The file is as it was before: nothing of ours is there any more."""
        self.files.pop(path, None)
        self.loaded.pop(path, None)
        self.save()
        remove(self.kept(path))

    def will_set(self, name, digest, pinned, now, source=None):
        """Note that an image name is about to get ``digest`` (None: to be removed, ANY: what a pull brings) and a pin
        or none.

        ``now`` is its row of the store, or None for no such name; ``source`` the name or archive that its content is
        from. The entry:
        ``digest``, ``previous`` (that of ours which it replaces), ``pinned``, ``source``, ``before`` (None: no such
        name, else digest,
        pinned, labels), ``beside`` (names by digest alone that stood for the content before us; else they go with the
        name). Raises Problem for an entry that cannot be read.
        """
        self.require_readable("images", name)
        known = self.images.get(name)
        if known is None:
            before = {"digest": now["digest"], "pinned": now["pinned"], "labels": now["labels"]} if now else None
            known = self.images[name] = {"previous": None, "before": before, "beside": [], "source": None}
        elif (
            now
            and now["digest"] != digest
            and (known["digest"] == ANY or now["digest"] in (known["digest"], known["previous"]))
        ):
            known["previous"] = now["digest"]
        known.update(digest=digest, pinned=pinned, source=source or known["source"])

    def is_set(self, name, now):
        """Note what a name really got: ``now`` as in `will_set`. One that is as before the first run is forgotten.

        A pin that nobody asked for is not ours: containerd 2 pins the pause image by itself.
        """
        entry = self.images.get(name)
        if entry is None:
            return
        before = entry["before"]
        if (now is None) == (before is None) and (
            now is None or (now["digest"], now["pinned"]) == (before["digest"], before["pinned"])
        ):
            del self.images[name]
            return
        entry["pinned"] = bool(entry["pinned"] and now and now["pinned"])
        if now:
            entry["digest"] = now["digest"]

    def save(self):
        """Write the journal if it differs from what is on the disk; remove it, with its folder, when nothing is left to
        tell.
        """
        if self._told and not _tells(self.data):
            self.data["loaded"] = {}  # worth nothing once all is as it was before us
        text = _text(self.data)
        if text == self._saved:
            return
        path = os.path.join(self.folder, NAME)
        if self.data == empty():
            remove(path)
        else:
            write_bytes(path, text, mode=0o600)
        self._saved = text


@contextlib.contextmanager
def opened(data_dir, check_mode=False, timeout=LOCK_SECONDS):
    """A Journal which no other program of ours can open meanwhile; what is not saved by `Journal.save` is forgotten.

    In check mode nothing is locked, and nothing may be saved. ``timeout``: seconds to wait for another module.
    Raises Problem when that does not end, or the journal is not readable.
    """
    folder = os.path.join(data_dir, FOLDER)
    if not os.path.isabs(data_dir):
        raise Problem("the data folder must be a whole path", found=data_dir, next_step="correct riscv_k3s_data_dir")
    _require_own(folder, check_mode)
    if check_mode:
        yield Journal(folder, read(data_dir))
        return
    make_folder(data_dir)
    # The folder above, since the own one goes with its last entry, and the file is replaced with each change.
    try:
        handle = os.open(data_dir, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Problem(
            "cannot open %s" % data_dir,
            found=error.strerror,
            next_step="set become: true for the play, or connect as root",
        ) from error
    try:
        _lock(handle, data_dir, timeout)
        make_folder(folder, mode=0o700)
        _require_own(folder)
        try:
            yield Journal(folder, read(data_dir))
        finally:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
    finally:
        os.close(handle)


def _require_own(folder, check_mode=False):
    """Raise Problem for a folder that somebody else owns: what is written there may hold passwords, and what is read
    there is believed. One that others may enter is closed.
    """
    try:
        found = os.stat(folder)
    except FileNotFoundError:
        return
    if found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022:
        raise Problem(
            "the journal is not believed: others may write into its folder",
            found="it is of the user %d, with mode %04o" % (found.st_uid, stat.S_IMODE(found.st_mode)),
            where=folder,
            next_step="see who did that and what is in it, then give it to root alone (mode 0700)",
        )
    if found.st_mode & 0o077 and found.st_uid == os.geteuid() and not check_mode:
        os.chmod(folder, 0o700)


def read(data_dir):
    """The journal's data, empty for none. Raises Problem for what is no journal, or one of a newer version."""
    path = os.path.join(data_dir, FOLDER, NAME)
    text = read_bytes(path)
    if text is None:
        return empty()
    return parse(text, path)


def parse(text, path):
    """The data of a journal's text (bytes or str) of ``path``: lease, files, images, loaded, and ``unread``, a row
    {kind, name, why, entry} for each entry that cannot be read. Raises Problem as `read`.
    """
    if not text:
        raise unreadable("it is empty (0 bytes), as a crash or a full disk may leave a file", path)
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise unreadable("it breaks off, or is no JSON: %s" % error, path) from error
    if not isinstance(raw, dict):
        raise unreadable("it is no dictionary", path)
    version = raw.get("version")
    if isinstance(version, int) and version > VERSION:
        raise Problem(
            "the journal was written by a newer riscv.k3s",
            found="version %d, this one knows %d" % (version, VERSION),
            where=path,
            next_step="install that version of the collection on this controller, too; until then nothing can be "
            "changed or taken back on this board",
        )
    wrong = _wrong_parts(raw)
    if wrong:
        raise unreadable("not what riscv.k3s writes: %s" % ", ".join(wrong), path)
    return _sorted_out(raw)


def unread_problem(name, why, path):
    """The Problem of what an entry tells of, which is left alone since the entry cannot be read for the reason
    ``why``.
    """
    return Problem(
        "%s is left as it is, neither changed nor taken back: its entry in the journal cannot be read"
        % (name or "the lease"),
        found=why,
        where=path,
        next_step="if a newer riscv.k3s wrote it, install that version on this controller, too; else correct the entry "
        "or take it out of the file: undo then does not know what was there before",
    )


def _wrong_parts(raw):
    keys = {key for key in empty() if key != "unread"}
    wrong = ["no %s" % key for key in sorted(keys - set(raw) - set(_OPTIONAL))]
    wrong += ["an unknown %s" % key for key in sorted(set(raw) - keys)]
    wrong += ["%s is no dictionary" % kind for kind in _KINDS if kind in raw and not isinstance(raw[kind], dict)]
    return wrong + (["version %r" % (raw["version"],)] if raw.get("version", VERSION) != VERSION else [])


def _sorted_out(raw):
    data = empty()
    for kind in _KINDS:
        for name, entry in raw.get(kind, {}).items():
            _take_in(data, kind, name, entry)
    if raw["lease"] is not None:
        _take_in(data, "lease", "", raw["lease"])
    return data


def _take_in(data, kind, name, entry):
    why = _entries.why_unread(kind, name, entry)
    if why:
        data["unread"].append({"kind": kind, "name": name, "why": why, "entry": entry})
    elif kind == "lease":
        data["lease"] = entry
    else:
        data[kind][name] = entry


def unreadable(found, path):
    """The Problem of a journal that cannot be read, for the reason ``found``: it stops every change on its board."""
    return Problem(
        "the journal cannot be read, so nothing can be changed or taken back on this board",
        found=found,
        where=path,
        next_step="bring it back from a backup, or move it away; without it undo does not know what was there before",
    )


def _file_entry(kind, digest, before, folder):
    return {
        "kind": kind,
        "sha256": digest,
        "previous": None,
        "before": before,
        "folder": folder,
        "pending": False,
        "written": None,
    }


def _begun():
    return {"boot": moment().boot, "uptime": None}


def _lock(handle, data_dir, timeout):
    deadline = time.monotonic() + timeout
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Problem(
                    "another module of riscv.k3s works on this board",
                    found="it has not ended for %d seconds" % timeout,
                    where=data_dir,
                    next_step="wait for the other run, then run again",
                ) from None
        time.sleep(0.1)


def empty():
    """The data of a board without a journal."""
    return {"version": VERSION, "lease": None, "unread": [], **{kind: {} for kind in _KINDS}}


def _tells(data):
    """Whether there is anything that undo, or the next run, must know."""
    return any(data[kind] for kind in ("lease", "files", "images", "system", "programs", "unread"))


def _text(data):
    written = {key: dict(value) if key in _KINDS else value for key, value in data.items() if key != "unread"}
    for row in data["unread"]:
        if row["kind"] == "lease":
            written["lease"] = row["entry"]
        else:
            written[row["kind"]][row["name"]] = row["entry"]
    written = {key: value for key, value in written.items() if value or key not in _OPTIONAL}
    return (json.dumps(written, indent=1, sort_keys=True) + "\n").encode()
