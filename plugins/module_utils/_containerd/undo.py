# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring names in containerd's store back to what they were before this collection touched them, by the journal."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._containerd import rows as _rows
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.store import Refusals
from ansible_collections.riscv.k3s.plugins.module_utils._journal import undo
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import ANY
from ansible_collections.riscv.k3s.plugins.module_utils._output.images import PIN_LABEL, PIN_VALUE, is_tagged
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


def restored(containerd, journal, names, check_mode=False):
    """Take back what the journal tells of ``names`` (full names; others are left alone). Returns (rows, warnings,
    changed).

    A row is as of Tags.present, without a source. What a person or the kubelet moved since is left, with a warning, and
    its entry stays. With a name go those that containerd made for it: name@digest and, when nothing else stands for the
    content, the bare digest. An entry goes when all that it tells of is seen to be as before. Raises Problem, also for
    what ctr refuses, after all else is done.
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
    done = {name: entry for name, entry in entries.items() if todo[name].action != undo.LEAVE}
    if not done or check_mode:
        return rows, warnings, bool(done)
    _note_pulled(journal, done, store)
    try:
        warnings += _take_back(containerd, journal, done, todo, store, [row for row in rows if row["name"] in done])
    except Problem as problem:
        # What was done all the same is told now, and only that: the next run does not know of it.
        problem.warnings = [
            todo[name].warning
            for name in entries
            if todo[name].warning and (name not in done or name not in journal.images)
        ]
        raise
    return rows, warnings, any(row["changed"] for row in rows) or any(name not in journal.images for name in done)


def _note_pulled(journal, done, store):
    """What a pull brought that was cut short is told while its name still tells: were this run cut short, too, the next
    one would not know which names containerd made for it.
    """
    for name, entry in done.items():
        if entry["digest"] == ANY and name in store:
            entry["digest"] = store[name]["digest"]
    journal.save()


def _take_back(containerd, journal, done, todo, store, rows):
    """Returns warnings. ``done`` are the entries to take back, ``rows`` theirs."""
    refused = Refusals()
    there = _give_back(containerd, done, todo, store, refused)
    kept = {other for entry in journal.images.values() for other in entry["beside"]}
    made = _remove(containerd, done, todo, there, kept, refused)
    now, pause_image = containerd.images(), containerd.pause_image()
    unlike = _rows.unlike(rows, now, refused.names)
    left = [
        name
        for name, entry in done.items()
        if name in unlike
        or any(other in now for other in made[name])
        or (name in refused.names and _labels_to_give(entry["before"], now.get(name)))
    ]
    pinned = [row["name"] for row in rows if _rows.still_pinned(row, now) and row["name"] != pause_image]
    for name in done:
        if name not in left and name not in pinned:
            del journal.images[name]
    journal.save()
    if left and refused.problems:
        raise _rows.not_done("brought back to what they were before", rows, now, left, refused.problems)
    warnings = _rows.check(rows, now, "before", pause_image)
    warnings += ["the entry of %s stays in the journal" % name for name in pinned]
    return warnings + [
        "what containerd made for %s is still there, though ctr did not refuse to remove it. Its entry stays in the "
        "journal" % name
        for name in left
    ]


def _give_back(containerd, done, todo, store, refused):
    """Content, then labels. It comes first: content may be held by a name which is about to go. Returns the store."""
    changing = [name for name in done if todo[name].action == undo.RESTORE]
    for name in changing:
        digest = done[name]["before"]["digest"]
        holders = [other for other in store if store[other]["digest"] == digest]
        # One that gets other content itself may hold it no more.
        holder = min(holders, key=lambda other: (other in changing, other))
        refused.attempt([name], containerd.tag, holder, [name], replace=True)
    there = containerd.images() if changing else store
    for name, entry in done.items():
        # Also where content and pin are as before: a run that was cut short may have given just these.
        if entry["before"] and there.get(name, {}).get("digest") == entry["before"]["digest"]:
            changes = _labels_to_give(entry["before"], there[name])
            if changes:
                refused.attempt([name], containerd.label, name, changes)
    return there


def _remove(containerd, done, todo, there, kept, refused):
    """Remove what was not there before, but for the names ``kept``. Returns {name of ``done``: the names that
    containerd made for it}.
    """
    gone = [name for name in done if todo[name].action in (undo.REMOVE, undo.DROP) and name in there]
    digests = {name: row["digest"] for name, row in there.items()}
    made, going = {}, list(gone)
    for name, entry in done.items():
        brought = {entry["digest"], entry["previous"]} - {entry["before"] and entry["before"]["digest"]}
        made[name] = [other for other in _made(name, brought, digests, going) if other not in kept]
        going += made[name]
    needed = {
        done[name]["before"]["digest"]
        for name in done
        if todo[name].action == undo.RESTORE and digests.get(name) != done[name]["before"]["digest"]
    }
    # The name itself last: as long as it is there, the journal's entry finds the others.
    going = [other for names in made.values() for other in names] + gone
    for digest in needed:
        holders = {other for other in digests if digests[other] == digest}
        if holders.issubset(going):  # with these, the next run could not give it back
            going = [other for other in going if other not in holders]
    if going:
        refused.remove(containerd, going)
    return made


def _made(name, brought, digests, gone):
    """The names that containerd made beside ours when we ``brought`` these digests, and that mean nothing without it.

    ``digests`` is {name: digest} of the store, ``gone`` what of it is about to go.
    """
    repository = ImageName.parse(name).name
    found = []
    for digest in brought:
        rest = [other for other in sorted(digests) if digests[other] == digest and other not in gone]
        by_digest = "%s@%s" % (repository, digest)
        if by_digest in rest and not any(
            is_tagged(other) and ImageName.parse(other).name == repository for other in rest
        ):
            found.append(by_digest)
            rest.remove(by_digest)
        if all(other.startswith("sha256:") for other in rest):
            found += rest
    return found


def _labels_to_give(before, now):
    """{label: value}, empty for one to take away, so that a name has those that it had, and none of those that came
    with us: the pin, or what a tag of containerd 1.6 copied. ``now`` is its row of the store, or None.
    """
    if not before or not now:
        return {}
    wanted, held = dict(before["labels"]), now["labels"]
    if before["pinned"]:
        wanted[PIN_LABEL] = PIN_VALUE
    changes = {key: value for key, value in wanted.items() if held.get(key) != value}
    changes.update({key: "" for key in held if key not in wanted})
    return changes


def _row(name, entry, now, action):
    after = now
    if action in (undo.REMOVE, undo.DROP):
        after = None
    elif action in (undo.RESTORE, undo.PIN):
        after = entry["before"]
    return _rows.row(name, now, after)
