# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rewrites by Go's rules: cases, and what Go itself says of them and of many patterns that chance made."""

from __future__ import annotations

import json
import random
import shutil
import subprocess

import pytest
from prerequisites import missing

from ansible_collections.riscv.k3s.plugins.plugin_utils.go_regexp import fault, foreign_group, missing_group

pytestmark = pytest.mark.programs

# What Python takes and Go does not (the first is of rke2's issue 3227), and what says so.
REFUSED = [
    ("^(?!library/)(.*)", "look-ahead"),
    ("^(?=rancher)(.*)", "look-ahead"),
    ("(?<!x)y", "look-behind"),
    ("(?<=x)y", "look-behind"),
    (r"(a)\1", "back-ref"),
    ("(?P<n>a)(?P=n)", "does not know"),
    ("(?>a)", "does not know"),
    ("(a)(?(1)b|c)", "does not know"),
    ("(?x)a", "does not know"),
    ("(?#said)a", "does not know"),
    ("(?a)a", "does not know"),
    ("a*+", "repeated"),
    ("a++", "repeated"),
    ("a?+", "repeated"),
    ("a{2}+", "repeated"),
    (r"a\Z", "does not know"),
    ("a{1001}", "repetition"),
    ("a{2,1}", "repetition"),
    ("a{%s}" % ("9" * 5000), "repetition"),
    ("(a{100}){11}", "multiply"),
    ("(?P<1é>a)", "does not know"),
    ("(", ") is missing"),
    (")", "too much"),
    ("[a", "] is missing"),
    ("[z-a]", "range"),
    ("[[:nothing:]]", "class"),
    ("*a", "nothing to repeat"),
    ("a|*", "nothing to repeat"),
    ("(?i)*", "nothing to repeat"),
    ("\\", "at the end"),
    (r"\é", "does not know"),
    (r"\8", "back-ref"),
    (r"[\b]", "does not know"),
    (r"\x{110000}", "does not know"),
    (r"\pé", "does not know"),
]
# What Go takes, some of which Python does not.
TAKEN = [
    "^rancher/(.*)$", "^(?P<name>[a-z]+)/", "(?<name>a)", "a(?i)b", "(?i-s:a)", "(?U)a*", r"\Qa+b\E", r"\Qa(", r"\pL",
    r"\p{Greek}", r"\P{^Lu}", "[[:alpha:]]", "[[:^digit:]x]", r"\z", r"\A", "a{,2}", "a{", "a{1,}", "a{0}",
    "(a{0}){1000}", "(a{10}){100}", "a{2}?", "(?:a|b)*?", "[]a]", "[^]a]", "[a-]", "[-a]", r"[\d-z]", r"\_", r"\/",
    r"\012", r"\12", r"\x41", r"\x{1F600}", "", "()", "(|a)*", "^*", "$+", r"\b?", "a(?i)*", "[[:a]", "(?)", "(?:)",
    "é+",
]  # fmt: skip
_PROGRAM = """package main
import ("encoding/json"; "os"; "regexp")
func main() {
  var patterns []string
  if json.NewDecoder(os.Stdin).Decode(&patterns) != nil { os.Exit(1) }
  taken := []bool{}
  for _, one := range patterns { _, err := regexp.Compile(one); taken = append(taken, err == nil) }
  json.NewEncoder(os.Stdout).Encode(taken)
}
"""
_PIECES = list("ab(()))[]|*+?{}^$.\\-:,09") + [
    "(?", "(?:", "(?P<a>", "(?<b>", "(?i)", "(?-", "(?=", "(?<!", "{2}", "{3,}", "{1001}", "{40,50}", "[^", "[:alpha:]",
    "[[:digit:]]", "\\Q", "\\E", "\\d", "\\b", "\\z", "\\Z", "\\1", "\\x41", "\\x{", "\\pL", "\\p{Lu}", "\\k<a>", "é",
]  # fmt: skip


def go_says(patterns, folder):
    """Whether Go takes each of these patterns."""
    if not shutil.which("go"):
        missing("needs Go: tools/lab-go, or a package of the system")
    (folder / "main.go").write_text(_PROGRAM)
    environment = dict(GOFLAGS="-mod=mod", GO111MODULE="off", GOCACHE=str(folder / "cache"), HOME=str(folder))
    done = subprocess.run(
        [shutil.which("go"), "run", str(folder / "main.go")],
        input=json.dumps(patterns), env=environment, cwd=folder, text=True, capture_output=True, timeout=300,
        check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


@pytest.mark.parametrize("pattern, words", REFUSED, ids=[pattern[:20] for pattern, dummy in REFUSED])
def test_what_go_refuses(pattern, words):
    assert words in (fault(pattern) or "")


@pytest.mark.parametrize("pattern", TAKEN)
def test_what_go_takes(pattern):
    assert fault(pattern) is None


def test_half_a_character():
    assert fault("\ud800") == "it is no UTF-8"


def test_deep_ones_end():
    assert "deeply" in fault("(" * 2000 + "a" + ")" * 2000)
    assert fault("(" * 200 + "a" + ")" * 200) is None


@pytest.mark.parametrize("text, found", [(r"b/\1", r"\1"), (r"\g<1>", r"\g<"), ("b/$1", None), ("${name}/x", None)])
def test_groups_of_another_language(text, found):
    assert foreign_group(text) == found


@pytest.mark.parametrize(
    "pattern, text, found",
    [
        # k3s-io/k3s#11191
        ("cp/se-data-center-edge", "se-next-gen/$1", "$1"),
        ("(a)/(b)", "$2/$1/${0}", None),
        ("(a)", "x/${2}", "${2}"),
        # The whole word is the name.
        ("(a)", "$1_x/$1-x", "$1_x"),
        ("(?P<name>a)(?:b)", "$name/$1/$$9", None),
        ("(?P<name>a)", "$names", "$names"),
        # What only Go takes is not counted.
        (r"\pN(a)", "$9", None),
        ("[[:alpha:]]/(.*)", "x/$1", None),
        ("a", "b", None),
    ],
)
def test_groups_that_are_not_there(pattern, text, found, recwarn):
    assert missing_group(pattern, text) == found and not recwarn.list


def test_go_agrees(tmp_path):
    chance = random.Random(13)
    patterns = [pattern for pattern, dummy in REFUSED] + TAKEN
    patterns += ["".join(chance.choices(_PIECES, k=chance.randint(1, 7))) for dummy in range(20000)]
    taken = go_says(patterns, tmp_path)
    ours = [fault(pattern) is None for pattern in patterns]
    # Neither all nor nothing: else the pieces are no good.
    assert 2000 < sum(taken) < len(patterns) - 2000
    assert [row for row in zip(patterns, taken, ours) if row[1] != row[2]] == []
