# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A page of the pictures that `make browser` took, where it did: tools/site/screenshots.py SOURCE-OF-THE-SITE."""

from __future__ import annotations

import pathlib
import shutil
import sys

TAKEN = pathlib.Path(__file__).resolve().parents[2] / "build/screenshots"
# name: (heading, what is seen)
PICTURES = {
    "plan": ("riscv.k3s.plan", "What would be done, on three boards that lack their images. Nothing is changed."),
    "site": ("riscv.k3s.site", "The end of the run that does it."),
    "light-1280": ("The page of riscv.k3s.diagnose", "One file, which opens without a network."),
    "thousand": ("A thousand boards", "The same page, with 8,000 pods."),
}
HEAD = """Screenshots
===========

Taken by the tests (``make browser``): of runs on simulated boards, and of the page in Chromium with an example's data.
"""
ENTRY = "   guide/docs/supply\n"


def page(names):
    """The page's text for these pictures."""
    parts = [HEAD]
    for name in names:
        heading, seen = PICTURES[name]
        parts += [heading, "-" * len(heading), "", seen, "", ".. image:: screenshots/%s.png" % name]
        parts += ["   :alt: %s" % heading, "   :width: 100%", ""]
    return "\n".join(parts)


def main(source, taken=TAKEN):
    """Copy what was taken, and put its page behind the first guides."""
    names = [name for name in PICTURES if (taken / (name + ".png")).is_file()]
    if not names:
        return
    (source / "screenshots").mkdir()
    for name in names:
        shutil.copy(taken / (name + ".png"), source / "screenshots")
    (source / "screenshots.rst").write_text(page(names), encoding="utf-8")
    index = (source / "index.rst").read_text(encoding="utf-8")
    assert index.count(ENTRY) == 1
    (source / "index.rst").write_text(index.replace(ENTRY, ENTRY + "   screenshots\n"), encoding="utf-8")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
