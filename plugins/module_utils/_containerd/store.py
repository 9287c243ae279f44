# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images by name in containerd's store: list, tag, pin, remove, mount. Works with containerd 1.6 to 2.x.

Each start of ctr costs some 0.3 s on a board, so every call takes as many names as the program allows.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager

from ansible_collections.riscv.k3s.plugins.module_utils._containerd import mirrors as _mirrors
from ansible_collections.riscv.k3s.plugins.module_utils._host.command import last_lines, shown
from ansible_collections.riscv.k3s.plugins.module_utils._output.images import (
    PIN_LABEL,
    PIN_VALUE,
    is_tagged,
    parse_image_list,
    parse_version,
)
from ansible_collections.riscv.k3s.plugins.module_utils._output.silence import ctr_is_silent, is_late
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName, default_registry_hint
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# What a diff shows for the digest of an image that check mode did not pull.
UNKNOWN_DIGEST = "known after the pull"


class Refused(Problem):
    """What ctr refused. containerd answered, so the next command may go well."""


class Refusals:
    """What ctr refused in one run. The rest is done all the same: one odd name stops no other one.

    ``problems`` are the Refused in their order, ``names`` those that were refused by themselves.
    """

    def __init__(self):
        self.problems = []
        self.names = set()

    def attempt(self, names, call, *words, **options):
        """``call`` is to do something to ``names``, with the other arguments."""
        try:
            call(*words, **options)
        except Refused as problem:
            self.problems.append(problem)
            if len(names) == 1:
                self.names.update(names)

    def remove(self, containerd, names):
        """Remove names by one start of ctr, and where it refuses that, those that are left one by one."""
        try:
            containerd.remove(names)
        except Refused:
            there = containerd.images()
            for name in names:
                if name in there:
                    self.attempt([name], containerd.remove, [name])


class Containerd:
    """The image store of a board. ``programs`` is a Programs."""

    def __init__(self, programs):
        self._programs = programs

    def images(self):
        """Every name in the store with its row of parse_image_list, by one call of ctr."""
        return {row["name"]: row for row in parse_image_list(self._ctr("images", "ls").out)}

    def version(self):
        """The version of the containerd that runs, for instance ``1.6.20``."""
        return parse_version(self._ctr("version").out)

    def pause_image(self):
        """The full name of the image that containerd 2 pins by itself, the pause image; None when it is not known."""
        return _mirrors.pause_image(self._programs.data_dir)

    def tag(self, source, targets, replace=False):
        """Give the content of the name ``source`` the names ``targets``, too.

        ``replace`` when one of the targets may exist. containerd 1.6 refuses an existing name without it, and copies
        the source's labels; since 1.7 an existing name is replaced in any case, with all its labels gone. So compare
        digests first, and set or remove the pin afterwards.
        """
        self._ctr("images", "tag", *(["--force"] if replace else []), source, *targets)

    def pin(self, name, pinned=True):
        """Set or remove the label that keeps the kubelet's garbage collection away.

        No other label is touched: k3s clears the pins of images that carry its own label at each start.
        """
        self._ctr("images", "label", name, "%s=%s" % (PIN_LABEL, PIN_VALUE if pinned else ""))

    def label(self, name, labels):
        """Set labels of a name; an empty value takes one away."""
        self._ctr("images", "label", name, *["%s=%s" % pair for pair in sorted(labels.items())])

    def remove(self, names):
        """Remove just these names; content stays as long as another name or a container uses it.

        Never by ``crictl rmi``, which removes every name of the image.
        """
        self._ctr("images", "rm", *names)

    @contextmanager
    def mounted(self, name):
        """The filesystem of an image, read only, at a private folder which exists for the time of the block."""
        folder = tempfile.mkdtemp(prefix="riscv-k3s-image-")
        try:
            self._ctr("images", "mount", name, folder)
            try:
                yield folder
            finally:
                # --rm removes the snapshot and its lease, too; else containerd does so when the lease ends.
                self._ctr("images", "unmount", "--rm", folder)
        finally:
            if not os.path.ismount(folder):
                os.rmdir(folder)

    def _ctr(self, *args):
        result = self._programs.ctr(*args, check=False)
        if result.rc == 0:
            return result
        if ctr_is_silent(result.err):
            raise silent_containerd(result.err)
        raise Refused(
            "`%s` failed with exit status %d" % (shown(result.argv), result.rc),
            found=last_lines(result.err) or "no message",
        )


def silent_containerd(message):
    """The Problem of a containerd that does not answer, for ctr's or crictl's ``message``."""
    found = last_lines(message, 1)
    if is_late(message):
        return Problem(
            "containerd on this board does not answer in time",
            found=found,
            next_step="see what keeps the board busy (its load, its disk), and run again. When it stays so on a board "
            "that is idle, see `systemctl status k3s` or k3s-agent and its log",
        )
    return Problem(
        "containerd on this board does not answer",
        found=found,
        next_step="see `systemctl status k3s` or k3s-agent and its log, start it, and run again",
    )


def alike(names, wanted):
    """The names of the store that a user may have meant by ``wanted`` (a full name): those of the same repository,
    else those whose last path component is the same. Sorted.
    """
    asked = ImageName.parse(wanted)
    known = [(name, ImageName.parse(name)) for name in sorted(names) if is_tagged(name) and is_full(name)]
    same = [name for name, parsed in known if parsed.name == asked.name]
    last = asked.repository.rpartition("/")[2]
    return same or [name for name, parsed in known if parsed.repository.rpartition("/")[2] == last]


def is_full(name):
    """Whether a name of the store is one that the kubelet finds: containerd itself keeps short names, too."""
    try:
        return ImageName.parse(name).full == name
    except Problem:
        return False


def missing(names, wanted):
    """The Problem of an image ``wanted`` that is not in the store, which lists what is there instead."""
    there = alike(names, wanted)
    return Problem(
        "the image %s is not in containerd's store" % wanted,
        found="there is " + ", ".join(there) if there else "nothing under %s" % ImageName.parse(wanted).name,
        next_step=("use one of these names, or " if there else "")
        + "pull the image first with riscv.k3s.crictl_image_pull"
        + default_registry_hint(ImageName.parse(wanted).registry),
    )
