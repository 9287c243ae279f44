# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The observing script among names that mean something to a shell, and its output broken in any way."""

import functools
import hashlib
import os
import pathlib
import tempfile
import time

import hypothesis
import pytest
from fake_board import SHELLS, TOKEN, FakeBoard
from hostile import ANY_TEXT, COUNTS, HALF_CHARACTER, NASTY, many, outcome, st
from manifest_cases import MUTATED

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import klipper as _demand_klipper
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import demand
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import split_output
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import EXTRAS, PARTS, observe
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.files import split_files
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.manifests import split_texts

pytestmark = pytest.mark.programs

ALL = PARTS + tuple(EXTRAS)
DEPLOYMENT = (
    "kind: Deployment\nmetadata: {name: %s}\nspec: {template: {spec: {containers: [{name: c, image: 'a/b:1'}]}}}\n"
)
# A part of a file's name, in which each would start a program named pwned, if a shell read it.
WORDS = [
    "$(pwned)", "`pwned`", ";pwned", "|pwned", "&pwned", "\\$(pwned)", "'$(pwned)'", '"$(pwned)"', "-x", "--help",
    "-exec pwned ;", "*", "?", "[a]", "~", "!", "#", "%s", "\\n", "\\", "a b", "a  b", "\ta", "\u00e9", "\x1b[2J",
]  # fmt: skip


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def shell(request):
    return request.param


@pytest.fixture
def board(tmp_path):
    board = FakeBoard(tmp_path)
    board.program("pwned", "#!/bin/sh\n: >%s\n" % (tmp_path / "was-pwned"))
    yield board
    assert not (tmp_path / "was-pwned").exists(), "a word was run as a program"


def test_files_whose_names_mean_something_to_a_shell(board, shell):
    texts = {}
    for number, word in enumerate(WORDS):
        for name in (word + ".yaml", "x" + word + ".yaml"):
            texts[name] = DEPLOYMENT % ("a%d" % number)
            (board.manifests / name).write_text(texts[name])
    folder = board.manifests / "-x $(pwned)"
    folder.mkdir()
    (folder / "--help.yaml").write_text(DEPLOYMENT % "b")
    texts["-x $(pwned)/--help.yaml"] = DEPLOYMENT % "b"
    found = observe(board.run(PARTS, shell, whole=list(texts)), TOKEN, PARTS)
    assert found["errors"] == []
    assert {row["path"]: row["text"] for row in found["manifests"]} == texts
    shown = observe(board.run(PARTS, shell), TOKEN, PARTS)
    assert (
        shown["errors"] == [] and shown["demand"] == found["demand"] and len(shown["demand"][0]["where"]) > len(WORDS)
    )
    assert not [row for row in shown["manifests"] if row["whole"]]
    for row in found["manifests"]:
        assert row["sha256"] == hashlib.sha256(texts[row["path"]].encode()).hexdigest() and row["mtime"]


def test_a_line_end_in_a_name_is_told(board, shell):
    (board.manifests / "a\nb.yaml").write_text(DEPLOYMENT % "a")
    found = observe(board.run(PARTS, shell), TOKEN, PARTS)
    assert found["manifests"] is None and [error["section"] for error in found["errors"]] == ["texts", "sums", "stats"]


def test_what_is_no_file_is_passed_by(board, shell):
    os.mkfifo(board.manifests / "pipe.yaml")
    os.mkdir(board.manifests / "folder.yaml")
    (board.manifests / "nowhere.yaml").symlink_to("/not/there")
    (board.manifests / "loop.yaml").symlink_to("loop.yaml")
    (board.manifests / "a.yaml").write_text(DEPLOYMENT % "a")
    begin = time.monotonic()
    found = observe(board.run(PARTS, shell), TOKEN, PARTS)
    assert time.monotonic() - begin < 10 and [row["path"] for row in found["manifests"]] == ["a.yaml"]


@pytest.mark.parametrize("word", WORDS)
def test_options_that_mean_something_to_a_shell(board, word):
    programs = dict.fromkeys(("k3s", "crictl", "ctr", "kubectl", "containerd_address"), word)
    for options in ({"programs": programs}, {"data_dir": word}, {"programs": {"k3s": str(board.home / "bin" / word)}}):
        text = board.run(ALL, ["sh"], events=True, **options)
        outcome(lambda: observe(text, TOKEN, ALL, explicit="ctr" in options.get("programs", {})))


@pytest.mark.parametrize("text", NASTY + [b"\xff\xfe\x00", "kind: Deployment\n" * 20000, "[" * 5000])
def test_manifests_of_any_bytes(board, text):
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    (board.manifests / "a.yaml").write_bytes(data)
    (board.manifests / "b.yaml").write_text(DEPLOYMENT % "b")
    found = observe(board.run(PARTS, ["sh"]), TOKEN, PARTS)
    assert [row["sha256"] for row in found["manifests"]][0] == hashlib.sha256(data).hexdigest()
    assert [row["image"] for row in found["demand"]] == ["docker.io/a/b:1"]


MARKS = st.sampled_from(["\n", TOKEN, "\n%s<" % TOKEN, "\n%s>\u00b2\n" % TOKEN])


@functools.cache
def sample():
    with tempfile.TemporaryDirectory() as folder:
        board = FakeBoard(pathlib.Path(folder))
        board.file("etc/k3s.yaml", "")
        (board.manifests / "a.yaml").write_text(DEPLOYMENT % "a")
        return board.run(ALL, ["sh"], events=True)


@many(0.5)
@hypothesis.given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 40), st.one_of(ANY_TEXT, MARKS)), max_size=3)
)
def test_output_of_the_script_broken_in_any_way(changes):
    COUNTS["outputs of programs"] += 1
    text = sample()
    for start, length, new in changes:
        start %= len(text)
        new = new.replace(HALF_CHARACTER, "\udcff")  # Ansible hands over bytes that are no text so
        text = text[:start] + new + text[start + length :]
    outcome(lambda: observe(text, TOKEN, ALL))


# What, function, arguments
REFUSED = [
    ("a status that is no number", split_output, ("%s<user\n0\n%s>\u00b2\n" % (TOKEN, TOKEN), TOKEN)),
    ("a line without a path", split_files, ("", "3 600")),
    ("a time that is no number", split_files, ("", "x 600 a.yaml")),
]


@pytest.mark.parametrize("function,args", [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(function, args):
    assert isinstance(outcome(function, *args), Problem)


def test_names_that_sha256sum_escapes():
    assert split_files("\\%s  ./a\\\\b.yaml\n" % ("0" * 64), "5 600 ./a\\b.yaml\n") == {
        "a\\b.yaml": {"sha256": "0" * 64, "mtime": 5, "mode": "0600"}
    }
    assert split_texts("%s=" % TOKEN, TOKEN) == ({"": ("", True)}, {}, {})


def rows(*texts):
    return [
        {"path": "%d.yaml" % number, "text": text, "skip": False, "sha256": "0" * 64}
        for number, text in enumerate(texts)
    ]


@many(0.5)
@hypothesis.given(MUTATED)
def test_demand_of_a_manifest_with_something_wrong_in_it(text):
    COUNTS["manifests"] += 1
    found, problems = demand(rows(text.replace("kind: Service", "kind: HelmChart"), DEPLOYMENT % "b"))
    assert "docker.io/a/b:1" in [row["image"] for row in found], "what is well formed counts"
    assert all(isinstance(problem, str) for problem in problems)
    _demand_klipper.klipper("v1.30.0+k3s1", rows(text))


CHART = "kind: HelmChart\nmetadata: {name: x}\nspec:\n  valuesContent: |-\n    %s\n"
LAUGHS = ["a: &a [x]"] + [
    "%s: &%s [%s]" % (chr(98 + i), chr(98 + i), ", ".join(["*" + chr(97 + i)] * 10)) for i in range(20)
]
# Whether the text is a Problem for demand.
HARMFUL = [
    ("billion laughs in values", CHART % "\n    ".join(LAUGHS), False),
    ("itself in values", CHART % "a: &a {image: {b: *a}}", True),
    ("deep values", CHART % ("a: " + "[" * 500 + "]" * 500), True),
    ("wide aliases of wide lists", CHART % ("a: &a [%s]\n    b: [%s]" % ("x, " * 9999, "*a, " * 9999)), False),
    (
        "a setting thousands of levels deep",
        "kind: HelmChart\nmetadata: {name: x}\nspec:\n  set:\n    ? %s\n    : x\n" % ".".join("a" * 5000),
        False,
    ),
    ("deep", "kind: Pod\nx: " + "[" * 500 + "]" * 500, True),
    ("deep without an end", "kind: Pod\nx: " + "[" * 100000, True),
    ("billion laughs", "kind: Pod\n" + "\n".join(LAUGHS), True),
    ("itself", "kind: Pod\nspec: &a {containers: [*a]}", True),
    ("kind is a list", "kind: [Pod]\nx: {kind: Pod}", False),
    ("kind is a mapping", "kind: {kind: Pod}", False),
    (
        "name is a list",
        "kind: HelmChartConfig\nmetadata: {name: [x], namespace: {a: b}}\nspec: {valuesContent: 'a: b'}",
        False,
    ),
    ("keys that are no words", "kind: Pod\n? [a]\n: b", True),
    ("a program to run", "kind: Pod\nx: !!python/object/apply:os.system [reboot]", False),
    ("half a character", "kind: Pod\nx: \ud800", True),
    ("a header of thousands of digits", "# riscv.k3s-install: " + "9" * 5000 + "\nkind: Pod", False),
]


@pytest.mark.parametrize("text,told", [case[1:] for case in HARMFUL], ids=[case[0] for case in HARMFUL])
def test_manifests_meant_to_harm(text, told):
    begin = time.monotonic()
    found, problems = demand(rows(text, DEPLOYMENT % "b"))
    _demand_klipper.klipper("v1.30.0+k3s1", rows(text))
    assert time.monotonic() - begin < 10
    assert [row["image"] for row in found] == ["docker.io/a/b:1"] and bool(problems) == told
