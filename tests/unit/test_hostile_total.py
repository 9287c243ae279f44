# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The number of hostile cases that were generated. It runs after the others by its name; without them there is nothing
to count.
"""

import hypothesis
from hostile import COUNTS
from prerequisites import missing

# Asked when the files are collected, as the tests do: while tests run it is no longer what the profile said.
ALL = hypothesis.settings().max_examples >= 1000


def test_ten_thousand_references_and_manifests(capsys):
    if not (COUNTS["references"] and COUNTS["manifests"]):
        missing("the tests of hostile references and manifests did not run before this one")
    # Where only code of boards is tested, the inventory's kinds are not among them.
    counted = ", ".join("%d %s" % (COUNTS[kind], kind) for kind in sorted(COUNTS) if COUNTS[kind])
    with capsys.disabled():
        print("\nhostile input: %s generated: none corrupted, none raised a traceback" % counted)
    if ALL:
        assert COUNTS["references"] + COUNTS["manifests"] >= 10000
