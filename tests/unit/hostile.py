# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of hostile input share: how many cases are generated, and what each of them may end in.

The cases are the same in each run. On Pythons beside the main one there are fifty times fewer: see
tests/unit/conftest.py.
"""

import collections

import hypothesis

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

st = hypothesis.strategies

# How many cases of each kind were run; test_hostile_total.py prints it.
COUNTS = collections.Counter()
HALF_CHARACTER = "\ud800"
NASTY = [
    "-x", "--help", "$(reboot)", "`reboot`", "; reboot", "| reboot", "&& reboot", "'", '"', "\\", "a b",
    "a\nb", "a\tb", "\r", "\x00", "\x1b[2J", "*", "~", "..", "../../etc/passwd",
    "%{X}%", "%s", "%2e", "{{ x }}", "\u00e9", "\u0130", "\u212a", "\uff21", "\u0663", "\u00b2", "\u200b", "\u202e",
    "\ufeff", "\x85", "\u2028", "\U0001f600",
    HALF_CHARACTER, "x" * 5000, "9" * 5000,
]  # fmt: skip
ANY_TEXT = st.one_of(st.sampled_from(NASTY), st.text(st.characters(blacklist_categories=()), max_size=20))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT, st.dates())
# What a YAML file can hold, so also what an inventory can.
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(ANY_TEXT, st.integers(), st.none()), inner, max_size=3)
    ),
    max_leaves=6,
)


def many(thousands):
    """Settings for a property test of so many thousand cases."""
    return hypothesis.settings(max_examples=int(thousands * hypothesis.settings().max_examples))


def outcome(function, *args):
    """What the function returns, or its Problem; any other exception is the test's failure. A Problem can be told in
    some lines.
    """
    try:
        return function(*args)
    except Problem as problem:
        assert problem.what and len(str(problem)) < 3000, str(problem)[:3000]
        return problem
