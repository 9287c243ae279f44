# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watches over a skopeo that runs: what a registry could go on with for ever is ended."""

from __future__ import annotations

import os
import time

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import damaged, timed_out

# Bytes a second that the slowest link which still makes sense brings.
SLOWEST = 50_000
# Bytes beside the blobs of an image: manifests, the transport's own file.
BESIDE = 8 << 20
# skopeo holds all pages of tags in memory, of at most 4 MiB each.
_PAGES = 50


class Pages:
    """Watches a list of tags. ``limit``: it writes no files."""

    limit = BESIDE

    def __init__(self, name):
        self._name = name

    def __call__(self, log):
        if log.count("/tags/list") > _PAGES:
            raise damaged(self._name, "more than %d pages of tags" % _PAGES)


class Growth:
    """Watches a folder while it is filled: ends it when more comes than ``limit`` (bytes), when nothing comes for
    ``patience`` seconds, or when so little comes, time and again, that it would last for days.
    """

    def __init__(self, folder, limit, patience, name):
        self._folder, self.limit, self._patience, self._name = folder, limit, patience, name
        self._begin = time.monotonic()
        self._size, self._since = 0, time.monotonic()

    def __call__(self, log):
        size, now = _size(self._folder), time.monotonic()
        if size > self.limit:
            raise damaged(self._name, "more than the %d bytes that were announced" % self.limit)
        if size != self._size:
            self._size, self._since = size, now
        if now - min(self._since, self._begin + size / SLOWEST) > self._patience:
            raise timed_out("%s cannot be fetched" % self._name.full, self._name, log, self._patience)


def _size(folder):
    try:
        return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder))
    except OSError:  # not made yet, or a file that went just now
        return 0
