# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring images into a board's store, all of the board's architecture: look, pull what is missing, check, read back."""

from __future__ import annotations

import time

from ansible_collections.riscv.k3s.plugins.module_utils._containerd.pull_errors import PullProblem
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.rows import as_diff
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.store import UNKNOWN_DIGEST, alike
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import ANY
from ansible_collections.riscv.k3s.plugins.module_utils._output.images import is_tagged
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


class Pulls:
    """One run over a board's store. ``board`` is a Board of architecture; tests inject ``clock``.

    ``journals()`` opens the board's Journal: for a moment each time, since pulls take minutes and others want it
    meanwhile.
    """

    def __init__(self, containerd, cri, board, journals, deep=False, check_mode=False, clock=time.monotonic):
        self._journals = journals
        self._containerd = containerd
        self._cri = cri
        self._board = board
        self._deep = deep
        self._check_mode = check_mode
        self._clock = clock

    def present(self, names, always=False, retries=3, timeout=900, digests=None):
        """Have each of ``names`` (full names) in the store. Returns (rows, digests before), a row an
        image in the order of ``names``: see `_row`.

        ``always`` pulls what is there already, too. ``retries`` and ``timeout`` (seconds) are for each image, as in
        Cri.pull. ``digests`` {name: digest} is what names must stand for: other content under one of them is as good as
        none. An image of another architecture is a Problem: one that was there before any pull, one that this run
        pulled after it has been taken away again. A pull that fails does not stop the others, unless their registry is
        out of reach.
        """
        names = list(dict.fromkeys(names))
        digests = digests or {}
        before = self._containerd.images()
        # A name whose pull broke off once stands in the list, but the CRI does not know it: it is missing, too.
        there = self._cri.statuses([name for name in names if name in before])
        old = {name: before[name]["digest"] for name in there}
        right = [name for name in there if digests.get(name, old[name]) == old[name]]
        if not always:
            for name in right:
                self._check(name, there[name])
        wanted = [name for name in names if always or name not in right]
        if self._check_mode:
            self._require_readable(wanted)
            return [
                _row(name, before[name], there[name]) if name in right else _planned(name, digests.get(name))
                for name in names
            ], old
        after = before
        if wanted:
            self._note(wanted, before)
        seconds, failures = self._pull(wanted, retries, timeout, before)
        if wanted:
            after = self._containerd.images()
            there.update(self._cri.statuses(seconds))
            failures += self._settle(seconds, before, after, there, digests)
            for name in wanted:
                # containerd 2.x leaves the name of a pull that failed, with content that cannot run.
                if name not in seconds:
                    self._take_back(name, before, after)
            if failures or any(name in before and before[name]["pinned"] for name in seconds):
                self._note_brought(wanted, before, self._containerd.images())
            else:
                self._note_brought(wanted, before, after)
        _raise(failures, len(names))
        rows = [
            _row(name, after[name], there[name], old.get(name) != after[name]["digest"], seconds.get(name, 0.0))
            for name in names
        ]
        broken = {before[name]["digest"] for name in names if name in before and name not in old}
        _count({image["digest"] for image in before.values()} - broken, rows)
        return rows, old

    def _require_readable(self, wanted):
        """What a real run refuses when it notes its changes, check mode refuses, too."""
        with self._journals(check_mode=True) as journal:
            for name in wanted:
                journal.require_readable("images", name)

    def _note(self, wanted, before):
        """The journal tells of a change before it is made; what a pull brings is not known then."""
        with self._journals() as journal:
            for name in wanted:
                now = before.get(name)
                journal.will_set(name, ANY, bool(now and now["pinned"]), now)
            journal.save()

    def _note_brought(self, wanted, before, after):
        with self._journals() as journal:
            known = {
                digest for name, entry in journal.images.items() for digest in (entry["digest"], entry["previous"])
            }
            for name in wanted:
                journal.is_set(name, after.get(name))
                if name in journal.images and name in after and after[name]["digest"] not in known:
                    held = [
                        other
                        for other in sorted(before)
                        if before[other]["digest"] == after[name]["digest"] and not is_tagged(other)
                    ]
                    journal.images[name]["beside"] = held
            journal.save()

    def _pull(self, wanted, retries, timeout, before):
        seconds, failures, lost = {}, [], set()
        for name in wanted:
            registry = ImageName.parse(name).registry
            if registry in lost:
                continue
            started = self._clock()
            try:
                self._cri.pull(name, retries, timeout)
            except PullProblem as problem:
                failures.append(_with_known(problem, name, before))
                if problem.unreachable:
                    lost.add(registry)
                continue
            seconds[name] = round(self._clock() - started, 1)
        return seconds, failures

    def _check(self, name, status):
        if self._deep:
            self._board.check_deep(name, status, self._containerd)
        else:
            self._board.check(name, status)

    def _settle(self, pulled, before, after, there, digests):
        """Check what was pulled; take wrong ones back. Returns a Problem for each of these."""
        failures = []
        for name in pulled:
            try:
                if name not in after or name not in there:
                    raise Problem(
                        "%s is not in the store after its pull" % name,
                        found="crictl said that it is",
                        next_step="see the log of containerd; the kubelet may have removed it, because the disk is "
                        "full",
                    )
                if digests.get(name, after[name]["digest"]) != after[name]["digest"]:
                    raise _moved(name, after[name]["digest"], digests[name])
                self._check(name, there[name])
            except Problem as problem:
                failures.append(problem)
                self._take_back(name, before, after)
            else:
                # A pull over an existing name drops its labels, and with them the pin (seen with containerd 1.6).
                if name in before and before[name]["pinned"]:
                    self._containerd.pin(name)
        return failures

    def _take_back(self, name, before, after):
        """Leave nothing of a wrong pull: remove the names which it made (its own, name@digest, the image's ID).

        A name that had other content gets that back; when that content is gone the name is removed, for it must not
        stand for content that cannot run. No other name that was there before is touched.
        """
        if name not in after:
            return
        digest = after[name]["digest"]
        made = [other for other in sorted(after) if other not in before and after[other]["digest"] == digest]
        if name in before and before[name]["digest"] != digest:
            same = [other for other in sorted(after) if after[other]["digest"] == before[name]["digest"]]
            if same:
                self._containerd.tag(same[0], [name], replace=True)
                if before[name]["pinned"]:
                    self._containerd.pin(name)
            else:
                made.append(name)
        if made:
            self._containerd.remove(made)


def _with_known(problem, name, before):
    known = alike(before, name) if problem.cause == "no-such-image" else []
    if known:
        problem.found = "%s; in the board's store there is %s" % (problem.found, ", ".join(known))
    return problem


def _moved(name, found, wanted):
    return Problem(
        "%s is not the expected content" % name,
        found="the registry has %s, expected is %s" % (found, wanted),
        where=ImageName.parse(name).registry,
        next_step="find out who published it again; when the new content is right, lock it with riscv.k3s.lock or "
        "state its digest, "
        "else publish the old one again",
    )


def _raise(failures, asked):
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise Problem(
            "%d of %d images could not be brought to the board" % (len(failures), asked),
            found=" ".join("(%d) %s" % (number, problem) for number, problem in enumerate(failures, 1)),
            next_step="correct these, then run again: the others are there",
        )


def _row(name, image, status, changed=False, seconds=0.0):
    return {
        "name": name,
        "digest": image["digest"],
        "architecture": status["architecture"],
        "size": status["size"],
        "seconds": seconds,
        "changed": changed,
        "downloaded": 0,
    }


def _planned(name, digest):
    return {
        "name": name,
        "digest": digest,
        "architecture": None,
        "size": None,
        "seconds": 0.0,
        "changed": True,
        "downloaded": None,
    }


def _count(held, rows):
    """Set ``downloaded`` of each row: its size, when no name stood for its content (a set of digests) before; each
    content once.

    Layers that another image has already are not downloaded again but counted here, so this is never too little.
    """
    for row in rows:
        if row["digest"] not in held:
            row["downloaded"] = row["size"]
            held.add(row["digest"])


def diff(rows, before):
    """The images that change as ``before`` and ``after`` texts for Ansible's diff mode; ``before`` as from
    Pulls.present.
    """
    changes = [row for row in rows if row["changed"]]
    return as_diff(
        [(row["name"], before.get(row["name"]), False) for row in changes],
        [(row["name"], row["digest"] or UNKNOWN_DIGEST, False) for row in changes],
    )
