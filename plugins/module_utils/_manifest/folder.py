# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files of the manifests folder change, and in which order, for each mode and state. Decides; writes nothing."""

from __future__ import annotations

import glob
import os
from typing import NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import check_unchanged, read_bytes, sha256
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.document import patch_manifest
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


class Change(NamedTuple):
    """One file: what it holds and what it shall hold (None: no file). ``shown`` is the text to show it against.

    ``touched``: it is written even if it holds that already, since the deploy controller passes over a file whose mtime
    it knows.
    """

    path: str
    before: Optional[bytes]
    after: Optional[bytes]
    shown: Optional[bytes] = None
    touched: bool = False

    @property
    def changed(self):
        return self.before != self.after


class Decision:
    """Changes in the order to make them, warnings, and {Addon: sha256} that proves that k3s took them.

    ``forgotten`` are Addons which must lose their checksum before, so that k3s applies a text that it has applied
    already.
    """

    def __init__(self):
        self.changes = []
        self.warnings = []
        self.proofs = {}
        self.deleted_charts = []
        self.forgotten = []

    @property
    def changed(self):
        return any(change.changed for change in self.changes)

    def add(self, other):
        self.changes += other.changes
        self.warnings += [warning for warning in other.warnings if warning not in self.warnings]
        self.proofs.update(other.proofs)
        self.deleted_charts += other.deleted_charts
        self.forgotten += other.forgotten

    def warn_unknown(self, addons):
        """Warn where the API could not tell whether k3s would take a text for one that it has applied already."""
        if not addons.known:
            self.warnings.append(
                "The API did not tell what k3s has applied last (%s). If these overlays were removed before and k3s "
                "has not restarted since, restart k3s once." % (addons.problem.found or addons.problem.what)
            )


class Folder:
    """The manifests folder: reads files by their path in it. Raises Problem when it is none, or through a link.

    ``seen`` is what was read: {path: bytes or None}. What is decided from it is right only as long as it is all still
    there.
    """

    def __init__(self, path):
        self.path = path
        self.seen = {}
        if not os.path.isdir(path):
            raise Problem(
                "there is no manifests folder on this machine",
                found=path,
                next_step="run this on a server of k3s that has started once, or name the folder in manifests_dir",
            )

    def full(self, name):
        return os.path.join(self.path, name)

    def read(self, name):
        """A file's bytes or None. A symbolic link on the way is refused: what it leads to is not k3s's."""
        steps = name.split("/")
        for count in range(1, len(steps) + 1):
            step = self.full("/".join(steps[:count]))
            if os.path.islink(step):
                raise Problem(
                    "a symbolic link in the manifests folder is not patched",
                    found="%s -> %s" % (step, os.readlink(step)),
                    next_step="replace it by a real file or folder",
                )
        self.seen[name] = read_bytes(self.full(name))
        return self.seen[name]

    def check_unchanged(self):
        """Raise Changed when a file that was read holds something else by now: k3s writes its manifests again when it
        starts.
        """
        for name, data in self.seen.items():
            check_unchanged(self.full(name), data)

    def read_packaged(self, name):
        """A packaged manifest's bytes. Raises Problem that lists what is there instead."""
        _overlay.check_manifest_name(name)
        data = self.read(name)
        if data is None:
            there = self.names()
            raise Problem(
                "the manifest %s is not there" % name,
                found=", ".join(there) or "no manifests at all",
                where=self.path,
                next_step="take the name from this list; a component that k3s was told to disable has no manifest",
            )
        return data

    def names(self):
        """The manifests in the folder and its sub-folders, sorted."""
        found = []
        for folder, dummy, files in os.walk(self.path):
            found += [
                os.path.relpath(os.path.join(folder, name), self.path)
                for name in files
                if name.endswith((".yaml", ".yml"))
            ]
        return sorted(found)


def overlay_present(folder, manifest, patches, addons):
    """Make or renew the overlay of a packaged manifest, then its .skip.

    In this order, because a .skip without an overlay would leave the component without upgrades, silently; an overlay
    without .skip is what was before, as the packaged file is applied last. Raises Problem before anything is written.
    """
    decision = Decision()
    packaged = folder.read_packaged(manifest)
    path, skip = _overlay.overlay_path(manifest), _overlay.skip_path(manifest)
    current, skipped = folder.read(path), folder.read(skip)
    refuse_foreign(folder, path, current)
    texts = _overlay.make_overlays(packaged, manifest, patches)
    after = current
    if current not in texts.values() or skipped is None:
        _check_first_apply(packaged, manifest, addons)
        after = texts[_overlay.choose_install(texts, current, addons.checksum(_overlay.addon_name(path)))]
        decision.warn_unknown(addons)
    decision.changes.append(Change(path, current, after, packaged if current is None else None))
    decision.changes.append(Change(skip, skipped, _overlay.SKIP_TEXT if skipped is None else skipped))
    decision.proofs[_overlay.addon_name(path)] = sha256(after)
    return decision


def overlay_absent(folder, manifest, addons):
    """Remove an overlay and its .skip, and see to it that k3s applies the packaged file again, byte for byte as k3s
    wrote it.

    The deploy controller would skip a text whose checksum its Addon has, so that checksum goes first, and the file is
    written anew for its mtime; then the .skip goes, then the overlay: a run that was cut short is finished by the next
    one. Where the API does not answer, a comment line makes the text another one; the next run takes the line away, or
    k3s's next start.
    """
    _overlay.check_manifest_name(manifest)
    decision = Decision()
    path, skip = _overlay.overlay_path(manifest), _overlay.skip_path(manifest)
    current, skipped = folder.read(path), folder.read(skip)
    refuse_foreign(folder, path, current)
    ours = skipped == _overlay.SKIP_TEXT
    if skipped is not None and not ours:
        decision.warnings.append(
            "%s was not written by riscv.k3s and stays: k3s does not deploy %s while it is there."
            % (folder.full(skip), manifest)
        )
    packaged = folder.read(manifest)
    stock = _overlay.stock_text(packaged or b"")
    is_there = current is not None or ours
    if not is_there and ((packaged or b"") == stock or not addons.known):
        return decision
    if packaged is not None:
        name, after = _overlay.addon_name(manifest), stock if addons.known else packaged
        if not addons.known:
            after = _overlay.make_different(packaged)
        if addons.known and addons.checksum(name) == sha256(stock):
            decision.forgotten.append(name)
        decision.changes.append(Change(manifest, packaged, after, touched=True))
        if skipped is None or ours:
            decision.proofs[name] = sha256(after)
    if ours:
        decision.changes.append(Change(skip, skipped, None))
    decision.changes.append(Change(path, current, None))
    return decision


def in_place_present(folder, manifest, patches):
    """Edit the packaged file itself: k3s applies it within 15 seconds and writes the stock text at its next start."""
    decision = Decision()
    packaged = folder.read_packaged(manifest)
    skip = _overlay.skip_path(manifest)
    if folder.read(skip) is not None:
        raise Problem(
            "an edit of %s in place would have no effect" % manifest,
            found="%s keeps k3s from deploying it" % folder.full(skip),
            next_step="use mode overlay, or remove the overlay first (mode overlay, state absent)",
        )
    patched = patch_manifest(packaged, patches, manifest)
    change = Change(manifest, packaged, patched)
    if change.changed:
        decision.warnings.append(
            "%s is edited in place: k3s writes its stock text again at its next start. Mode overlay lasts."
            % folder.full(manifest)
        )
    decision.changes.append(change)
    decision.proofs[_overlay.addon_name(manifest)] = sha256(patched)
    return decision


def in_place_absent(folder, manifest, patches):
    """Put back the newest backup that these patches turn into the file that is there. Raises Problem without one."""
    decision = Decision()
    packaged = folder.read_packaged(manifest)
    if patch_manifest(packaged, patches, manifest) != packaged:
        return decision  # k3s has written its own text since, or it never was patched
    backups = sorted(glob.glob(glob.escape(folder.full(manifest)) + ".*.bak"), reverse=True)
    for backup in backups:
        original = read_bytes(backup)
        if original not in (None, packaged) and patch_manifest(original, patches, backup) == packaged:
            decision.changes.append(Change(manifest, packaged, original))
            decision.proofs[_overlay.addon_name(manifest)] = sha256(original)
            return decision
    raise Problem(
        "%s is patched in place, and there is no backup to restore" % manifest,
        found="no backup that these patches turn into this file" if backups else "no backup next to it",
        where=folder.path,
        next_step="restart k3s: it rewrites every packaged manifest when it starts",
    )


def refuse_foreign(folder, path, current):
    """Raise Problem when a file at an overlay's path was not written by riscv.k3s."""
    if current is not None and _overlay.read_header(current) is None:
        raise Problem(
            "%s was not written by riscv.k3s and is left alone" % folder.full(path),
            found="its first lines are not those of an overlay",
            next_step="move it away (to a name that ends neither in .yaml nor .yml nor .json) if it is no longer "
            "wanted",
        )


def _check_first_apply(packaged, manifest, addons):
    """The overlay leaves out the Services: they must be there before k3s stops to deploy the packaged file."""
    services = _overlay.leaves_out(packaged, manifest)
    name = _overlay.addon_name(manifest)
    if services and addons.known and not addons.checksum(name):
        raise Problem(
            "k3s has not applied %s yet, and its overlay leaves out a Service" % manifest,
            found="the Addon %s has no checksum, so the Service %s may not exist" % (name, ", ".join(services)),
            next_step="wait until k3s has applied it (a pass takes 15 seconds), then run again",
        )
