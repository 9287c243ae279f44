# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring names in containerd's store to the wanted content and pin: decide, check, write, read back."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._containerd import rows as _rows
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.store import UNKNOWN_DIGEST, Refusals, missing
from ansible_collections.riscv.k3s.plugins.module_utils._output.images import pins_supported
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


def pairs(images):
    """The option ``images`` as a list of (source or None, target, the target as it was given), names in full.

    Raises Problem for a target with a digest, one that is asked for twice with different sources, and one that is
    itself the source of another target.
    """
    found = []
    sources: dict = {}
    for entry in images:
        source = ImageName.parse(entry["source"]).full if entry.get("source") else None
        for given in entry["targets"]:
            target = ImageName.parse(given)
            if target.digest:
                raise Problem(
                    "the target %s cannot be made" % given, found="a digest in it", next_step="name a target by its tag"
                )
            if target.full not in sources:
                found.append((source, target.full, given))
            elif sources[target.full] != source:
                raise Problem(
                    "the target %s is listed twice" % target.full,
                    found="the sources %s and %s" % (sources[target.full], source),
                )
            sources[target.full] = source
    for source, name, _given in found:
        if sources.get(source, source) != source:
            raise Problem(
                "%s is a target and, for %s, also the source" % (source, name),
                found="the order of the tags would decide what it gets",
                next_step="name %s as the source of %s, too" % (sources[source], name),
            )
    return found


def short_names(images):
    """{target as given: its full name} for every target that was not given in full."""
    return {given: target for _source, target, given in pairs(images) if given != target}


class Tags:
    """One run over a board's store. ``board`` is a Board of architecture, ``journal`` a Journal."""

    def __init__(self, containerd, cri, board, journal, check_mode=False):
        self._containerd = containerd
        self._cri = cri
        self._board = board
        self._journal = journal
        self._check_mode = check_mode

    def present(self, images, keep=False, pinned=True, expected=()):
        """Give each target its source's content. Returns (rows, warnings), a row a target: see rows.row.

        ``keep`` leaves a target alone that has other content. ``pinned`` also pins each target, or removes its pin.
        ``expected`` names sources (full) that may be missing in check mode, because an earlier task would bring them.
        Nothing is written unless every source is there and of the board's architecture.
        """
        wanted = pairs(images)
        for source, target, _given in wanted:
            if not source:
                raise Problem(
                    "the target %s has no source" % target, next_step="give the source, the image whose content it gets"
                )
        before = self._containerd.images()
        self._check_sources(
            sorted({source for source, _target, _given in wanted}), before, set(expected) if self._check_mode else set()
        )
        rows = [
            _rows.row(target, before.get(target), self._after(source, before.get(target), before, keep, pinned), source)
            for source, target, _given in wanted
        ]
        changes = [row for row in rows if row["changed"]]
        warnings = self._warnings(changes)
        for row in changes:
            self._journal.require_readable("images", row["name"])
        if changes and not self._check_mode:
            self._note(changes, before)
            warnings += self._read_back(changes, self._write(changes, before))
        if not self._check_mode:
            self._note_sources([row for row in rows if row["digest"] == before[row["source"]]["digest"]])
        return rows, warnings

    def absent(self, images):
        """Remove just the targets; pins go with their names. Returns a row a target, as `present`."""
        before = self._containerd.images()
        rows = [_rows.row(target, before.get(target), None, source) for source, target, _given in pairs(images)]
        changes = [row for row in rows if row["changed"]]
        if changes and not self._check_mode:
            self._note(changes, before)
            refused = Refusals()
            refused.remove(self._containerd, [row["name"] for row in changes])
            self._read_back(changes, refused)
        return rows

    def _note(self, changes, before):
        """The journal tells of a change before it is made."""
        for row in changes:
            source = row["source"] if row["source"] != row["name"] else None
            # A pin of ours is ours until it is seen to be gone.
            known = self._journal.images.get(row["name"])
            pinned = row["pinned"] or bool(known and known["pinned"] and row["pinned_before"])
            self._journal.will_set(row["name"], row["digest"], pinned, before.get(row["name"]), source)
        self._journal.save()

    def _note_sources(self, rows):
        """A source of another name that holds the same content is the source all the same. Were that not noted, it
        would be brought again as soon as its name has left the store.
        """
        for row in rows:
            entry = self._journal.images.get(row["name"])
            if entry and row["source"] != row["name"]:
                entry["source"] = row["source"]
        self._journal.save()

    def _check_sources(self, sources, before, expected):
        absent = [source for source in sources if source not in before and source not in expected]
        problems = [missing(before, source) for source in absent]
        if len(problems) == 1:
            raise problems[0]
        if problems:
            raise Problem(
                "%d source images are not in containerd's store; nothing was tagged" % len(problems),
                found="; ".join("%s: %s" % (source, problem.found) for source, problem in zip(absent, problems)),
                next_step=problems[0].next_step,
            )
        if not self._board.architecture:
            return
        here = [source for source in sources if source in before]
        statuses = self._cri.statuses(here)
        for source in here:
            if source not in statuses:
                raise Problem(
                    "the image %s is in containerd's store, but cannot be used" % source,
                    found="the CRI does not know it: its pull broke off, or it holds no content for this board",
                    next_step="pull it again with riscv.k3s.crictl_image_pull",
                )
            self._board.check(source, statuses[source])

    @staticmethod
    def _after(source, row, before, keep, pinned):
        digest = before[source]["digest"] if source in before else UNKNOWN_DIGEST
        if row and keep and row["digest"] != digest:
            return row
        return {"digest": digest, "pinned": pinned}

    def _write(self, changes, before):
        """Returns the Refusals."""
        refused = Refusals()
        # One start of ctr for all targets of a source.
        for source in sorted({row["source"] for row in changes if row["digest"] != row["digest_before"]}):
            targets = [
                row["name"] for row in changes if row["source"] == source and row["digest"] != row["digest_before"]
            ]
            is_there = any(target in before for target in targets)
            refused.attempt(targets, self._containerd.tag, source, targets, is_there)
        # Where ctr ended at one of many names, those after it were not made, and cannot be pinned.
        there = self._containerd.images() if refused.problems else None
        for row in changes:
            if there is not None and there.get(row["name"], {}).get("digest") != row["digest"]:
                continue
            # Pins are set anew after each tag; to be removed they are from what had one, and from a copy of 1.6.
            if row["pinned"] or row["pinned_before"] or before[row["source"]]["pinned"]:
                refused.attempt([row["name"]], self._containerd.pin, row["name"], row["pinned"])
        return refused

    def _read_back(self, changes, refused):
        now = self._containerd.images()
        for row in changes:
            self._journal.is_set(row["name"], now.get(row["name"]))
        self._journal.save()
        if refused.problems:
            _require_written(changes, now, refused)
        return _rows.check(changes, now, "written to containerd's store", self._containerd.pause_image())

    def _warnings(self, changes):
        if not any(row["pinned"] for row in changes):
            return []
        version = self._containerd.version()
        if pins_supported(version):
            return []
        return [
            "containerd %s does not honour pins that are set on an image (that begins with 1.6.25, 1.7.10 and 2.0): "
            "the kubelet may remove these images "
            "when the disk is full. The pins are set anyway, and take effect when containerd is upgraded. Images of "
            "the fix preload come back: "
            "k3s imports its archives at each start." % version
        ]


def _require_written(changes, now, refused):
    """Raise Problem for the names that are not as they were to be, after ctr refused some of it. What counts is what is
    there: a name that another program has given meanwhile is none of them.
    """
    left = _rows.unlike(changes, now, refused.names)
    if left:
        raise _rows.not_done("written to containerd's store", changes, now, left, refused.problems)
