# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies the guides into the source of the site: tools/site/guides.py FOLDER.

They keep their places, so that links between them hold. Links to other files of the repository become their words.
"""

from __future__ import annotations

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ("README.md", "README.zh-CN.md", "CHANGELOG.md", "docs/*.md", "docs/zh-CN/*.md")
_LINK = re.compile(r"\[([^]]*)\]\(([^)#:\s]+)((?:#[^)]*)?)\)")


def pages():
    """{place: text} of all guides."""
    found = [path for pattern in PAGES for path in sorted(ROOT.glob(pattern))]
    return {path.relative_to(ROOT): _only_pages(path, set(found)) for path in found}


def _only_pages(path, found):
    def replaced(link):
        target = (path.parent / link[2]).resolve()
        if target in found:
            return link[0]
        if not target.exists():
            sys.exit("%s links to %s, which is not there" % (path.relative_to(ROOT), link[2]))
        return link[1] if link[1].startswith("`") or "/" not in link[1] else "`%s`" % link[1]

    return _LINK.sub(replaced, path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    for place, text in pages().items():
        target = pathlib.Path(sys.argv[1]) / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
