# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring names in containerd's store back to what they were before this collection touched them, by the journal."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._containerd import rows as _rows
from ansible_collections.riscv.k3s.plugins.module_utils._journal import undo
from ansible_collections.riscv.k3s.plugins.module_utils._output.images import PIN_LABEL, PIN_VALUE, is_tagged
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName


def restored(containerd, journal, names, check_mode=False):
    """Take back what the journal tells of ``names`` (full names; others are left alone). Returns (rows, warnings,
    changed).

    A row is as of Tags.present, without a source. What a person or the kubelet moved since is left, with a warning, and
    its entry stays; all other entries go. With a name go those that containerd made for it: name@digest and, when
    nothing else stands for the content, the bare digest. Raises Problem.
    """
    entries = {name: journal.images[name] for name in names if name in journal.images}
    store = containerd.images()
    held = {row["digest"] for row in store.values()}
    todo = {
        name: undo.undo_image(name, entry, store.get(name), bool(entry["before"]) and entry["before"]["digest"] in held)
        for name, entry in entries.items()
    }
    rows = [_row(name, entries[name], store.get(name), todo[name].action) for name in entries]
    warnings = [todo[name].warning for name in entries if todo[name].warning]
    done = [name for name in entries if todo[name].action != undo.LEAVE]
    if done and not check_mode:
        kept = {other for entry in journal.images.values() for other in entry["beside"]}
        _write(containerd, entries, todo, store, kept)
        warnings = warnings + _rows.check(rows, containerd.images(), "before")
        for name in done:
            del journal.images[name]
        journal.save()
    return rows, warnings, bool(done)


def _write(containerd, entries, todo, store, kept):
    """What gets content back comes first: it may be held by a name which is about to go."""
    for name, entry in entries.items():
        if todo[name].action == undo.RESTORE:
            holders = [other for other in sorted(store) if store[other]["digest"] == entry["before"]["digest"]]
            containerd.tag(holders[0], [name], replace=True)
        if todo[name].action in (undo.RESTORE, undo.PIN):
            _give_labels(containerd, name, entry["before"])
    after = {name: row["digest"] for name, row in store.items()}
    after.update(
        {name: entry["before"]["digest"] for name, entry in entries.items() if todo[name].action == undo.RESTORE}
    )
    gone = [name for name in entries if todo[name].action in (undo.REMOVE, undo.DROP) and name in store]
    for name, entry in entries.items():
        if todo[name].action in (undo.REMOVE, undo.DROP, undo.RESTORE):
            brought = {entry["digest"], entry["previous"]} | ({store[name]["digest"]} if name in store else set())
            _add_made(name, brought - {entry["before"] and entry["before"]["digest"]}, after, gone)
    gone = [name for name in gone if name not in kept]
    if gone:
        containerd.remove(gone)


def _add_made(name, brought, after, gone):
    """Add to ``gone`` the names that containerd made beside ours when we ``brought`` these digests, and that mean
    nothing without it.

    ``after`` is {name: digest} of the store but for what is ``gone``.
    """
    repository = ImageName.parse(name).name
    for digest in brought:
        rest = [other for other in sorted(after) if after[other] == digest and other not in gone]
        by_digest = "%s@%s" % (repository, digest)
        if by_digest in rest and not any(
            is_tagged(other) and ImageName.parse(other).name == repository for other in rest
        ):
            gone.append(by_digest)
            rest.remove(by_digest)
        if all(other.startswith("sha256:") for other in rest):
            gone += rest


def _give_labels(containerd, name, before):
    """Those that it had, and none of those that came with us: the pin, or what a tag of containerd 1.6 copied."""
    wanted = dict(before["labels"])
    if before["pinned"]:
        wanted[PIN_LABEL] = PIN_VALUE
    held = containerd.images()[name]["labels"]
    changes = {key: value for key, value in wanted.items() if held.get(key) != value}
    changes.update({key: "" for key in held if key not in wanted})
    if changes:
        containerd.label(name, changes)


def _row(name, entry, now, action):
    after = now
    if action in (undo.REMOVE, undo.DROP):
        after = None
    elif action in (undo.RESTORE, undo.PIN):
        after = entry["before"]
    return _rows.row(name, now, after)
