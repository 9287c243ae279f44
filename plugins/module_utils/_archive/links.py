# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where paths lead through symbolic links.

Every link is followed once, so the time grows with their number alone, and no loop holds it up.
"""

from __future__ import annotations

import posixpath
from typing import Dict, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._archive import limits


class TooManyLinks(Exception):
    """A loop of links, or a chain that is too long for the kernel; ``path`` is one of its links."""

    def __init__(self, path):
        super().__init__(path)
        self.path = path
        self.why = "a loop of links (or more than %d in a row)" % limits.MAX_LINKS


class Links:
    """The links among ``entries`` ({path in the image: Entry}), which must not change meanwhile.

    With ``strict`` a way over what is not in ``entries`` leads nowhere; without it, folders need not be stated.
    """

    def __init__(self, entries, strict=True):
        self._entries = entries
        self._strict = strict
        # A link's path: where it leads (None: nowhere), and over how many links.
        self._known: Dict[str, Tuple[Optional[str], int]] = {}

    def follow(self, path):
        """The path without links that ``path`` leads to, or None. Raises TooManyLinks."""
        return self._walk("/", path, 0)[0]

    def _walk(self, here, path, nested):
        links = 0
        for part in [part for part in path.split("/") if part not in ("", ".")]:
            here = posixpath.dirname(here) if part == ".." else posixpath.join(here, part)
            entry = self._entries.get(here)
            if entry is None and self._strict and here != "/":
                return None, links
            if entry is not None and entry.link:
                here, more = self._link(entry, nested + 1)
                links += more
                if links > limits.MAX_LINKS:
                    raise TooManyLinks(entry.path)
                if here is None:
                    return None, links
        return here, links

    def _link(self, entry, nested):
        if nested > limits.MAX_LINKS:
            raise TooManyLinks(entry.path)
        if entry.path not in self._known:
            start = "/" if entry.link.startswith("/") else posixpath.dirname(entry.path)
            where, links = self._walk(start, entry.link, nested)
            self._known[entry.path] = where, links + 1
        return self._known[entry.path]
