# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests that are odd, broken or meant to harm, each with what becomes of it: the exact edit, or the words of the
refusal.
"""

import time

import pytest
from hostile import NASTY, outcome
from manifest_cases import load

from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.document import identities, patch_manifest
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import normalise_patches
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

HEAD = "kind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
POD = HEAD + "  - name: c\n    image: a/b\n"
WHOLE = "kind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: a/b}]}\n"
LAUGHS = "a: &a [x]\n" + "".join(
    "%s: &%s [%s]\n" % (chr(98 + i), chr(98 + i), ", ".join(["*" + chr(97 + i)] * 10)) for i in range(9)
)


def patches(**fields):
    return normalise_patches(
        [
            dict(
                {"manifest": "x.yaml", "kind": "Pod", "name": "p", "container": "c"},
                **(fields or {"image": "r.io/n:1"}),
            )
        ]
    )


# what, text before; the only change is a/b to r.io/n:1
EDITED = [
    ("carriage returns", POD.replace("\n", "\r\n")),
    ("lone carriage returns", POD.replace("\n", "\r")),
    ("next-line characters", POD.replace("\n", "\x85")),
    ("line separators", POD.replace("\n", "\u2028")),
    ("paragraph separators in a text", "x: |\n  one\u2029  two\n---\n" + POD),
    ("mixed line ends", POD.replace("\n", "\r\n", 2)),
    ("byte order mark", "\ufeff" + POD),
    ("no final line end", POD.rstrip("\n")),
    ("explicit ends", "---\n" + POD + "...\n---\n...\n"),
    ("ends and comments", "x: 1\n...\n# between\n---\n" + POD + "...\n# the end\n"),
    ("empty documents", "---\n---\n# nothing\n---\n" + POD + "---\n---\n"),
    ("directives", "%YAML 1.1\n---\n" + POD + "...\n%TAG ! tag:example.org,2000:\n---\nx: !y z\n"),
    ("anchors elsewhere", "x: &a [1]\ny: *a\n---\n" + POD),
    ("a merge key elsewhere in the document", POD + "x: &a {b: 1}\ny: {<<: *a}\n"),
    ("tags that run programs elsewhere", POD + "x: !!python/object/apply:os.system [reboot]\n"),
    ("binary elsewhere", "x: !!binary aGVsbG8=\n---\n" + POD),
    ("a key twice elsewhere", "x: 1\nx: 2\n---\n" + POD),
    ("quoted keys", POD.replace("image:", '"image":').replace("name: c", "'name': \"c\"").replace("kind:", "'kind' :")),
    ("keys with a question mark", POD.replace("    image: a/b", "    ? image\n    : a/b")),
    (
        "comments everywhere",
        POD.replace("\n", " # image: a/b?\n").replace("a/b?", "no") + "# image: x\n    # image: y\n",
    ),
    ("a text that looks like a container", "x: |\n  - name: c\n    image: x/y\n---\n" + POD),
    ("a hundred levels deep, nearly", "x: " + "[" * 97 + "]" * 97 + "\n---\n" + POD),
    ("a template variable at the start", "x: %{CLUSTER_DNS}%\n---\n" + POD),
    ("all in braces", WHOLE),
    ("as JSON", '{"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "a/b"}]}}'),
]


@pytest.mark.parametrize("text", [case[1] for case in EDITED], ids=[case[0] for case in EDITED])
def test_edited(text):
    assert text.count("a/b") == 1
    assert patch_manifest(text.encode(), patches(), "x.yaml").decode() == text.replace("a/b", "r.io/n:1")


# what, text (or bytes) before, what the refusal says
REFUSED = [
    ("nothing", "", "no Pod named p. Found: no objects"),
    ("only a comment", "# x\n", "no objects"),
    ("UTF-16", POD.encode("utf-16"), "not UTF-8 text. Found: byte 0xff at offset 0"),
    ("UTF-16 without mark", POD.encode("utf-16-le"), "not valid YAML"),
    ("Latin-1", POD.replace("a/b", "a/b # \u00e9").encode("latin-1"), "byte 0xe9"),
    ("half a character", POD.encode() + b"# \xe2\x82", "byte 0xe2"),
    ("a surrogate", b"# \xed\xa0\x80\n" + POD.encode(), "byte 0xed"),
    ("NUL", POD.replace("a/b", "a\x00b"), "not valid YAML"),
    ("escape sequences of a terminal", POD + "# \x1b[2J\n", "not valid YAML"),
    ("two byte order marks", "\ufeff\ufeff" + POD, "byte order mark inside"),
    ("a byte order mark inside", "x: 1\n---\n\ufeff" + POD, "byte order mark inside"),
    ("a tab as indentation", POD.replace("    image", "\timage"), "for a tab in it"),
    ("an anchor on the value", POD.replace("a/b", "&x a/b"), "it has a YAML anchor"),
    ("an alias as value", "x: &x a/b\n" + POD.replace("a/b", "*x"), "image is a YAML alias"),
    ("an alias as container", "x: &x {name: c, image: a/b}\n" + HEAD + "  - *x\n", "YAML alias"),
    (
        "an alias of the list",
        "x: &x\n  - name: c\n    image: a/b\n" + HEAD.replace("containers:\n", "containers: *x\n"),
        "alias",
    ),
    (
        "an anchor that another place uses",
        POD.replace("- name", "- &x\n    name") + "x: *x\n",
        "other values would have changed",
    ),
    ("a merge key in the container", "x: &x {image: a/b}\n" + POD.replace("    image: a/b", "    <<: *x"), "merge key"),
    ("a merge key at the top", "<<: {x: 1}\n" + POD, "not certain which object.*merge key"),
    ("image twice", POD + "    image: x/y\n", "key image twice"),
    ("kind twice", "kind: Service\n" + POD, "not certain which object.*key kind twice"),
    ("name twice", POD.replace("{name: p}", "{name: q, name: p}"), "key name twice"),
    ("spec twice", POD + "spec: {}\n", "key spec twice"),
    ("two containers of that name", POD + "  - name: c\n", "container c is not unique"),
    ("two documents of that name", POD + "---\n" + POD, "more than one Pod named p"),
    ("kind is a list", POD.replace("kind: Pod", "kind: [Pod]"), "no objects"),
    ("kind is binary", POD.replace("kind: Pod", "kind: !!binary Pod"), "no objects"),
    ("key is binary", POD.replace("kind: Pod", "!!binary kind: Pod"), "no objects"),
    ("containers is a mapping", HEAD + "    name: c\n", "no containers at all"),
    ("spec is text", "kind: Pod\nmetadata: {name: p}\nspec: x\n", "no containers at all"),
    ("cut in the middle of a quote", POD.replace("a/b\n", '"a/'), "not valid YAML"),
    ("not closed", WHOLE[:-4], "not valid YAML"),
    ("deep", "x: " + "[" * 200 + "]" * 200 + "\n---\n" + POD, "nested more than 100 levels deep"),
    ("deep without an end", "[" * 100000, "nested more than 100 levels deep"),
    ("deep by indentation", "".join(" " * i + "a:\n" for i in range(300)), "nested more than 100 levels deep"),
    ("deep by dashes", "- " * 5000 + "x", "nested more than 100 levels deep"),
    ("billion laughs", LAUGHS + "---\n" + POD, "multiply"),
    (
        "many small laughs",
        ("a: &a [x, x, x]\nb: &b [%s]\nc: [%s]\n---\n" % (", ".join(["*a"] * 99), ", ".join(["*b"] * 99))) * 200 + POD,
        "multiply",
    ),
    ("itself inside", "x: &x [*x]\n---\n" + POD, "contain themselves"),
    ("an alias of nothing", "x: *nothing\n---\n" + POD, "not valid YAML"),
    ("a version of a thousand digits", "%YAML 1." + "9" * 10000 + "\n---\n" + POD, "not valid YAML"),
    ("a character that does not exist", 'x: "\\UFFFFFFFF"\n---\n' + POD, "not valid YAML"),
    ("larger than any", "# " + "x" * 10**7 + "\n" + POD, "too large to be patched. Found: 100000.. bytes"),
    ("a hundred kilobytes of aliases", "a: &a x\nb: [" + "*a, " * 30000 + "]\n---\n" + POD, "|$"),
]


@pytest.mark.parametrize("text,message", [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(text, message):
    data = text if isinstance(text, bytes) else text.encode()
    begin = time.monotonic()
    found = outcome(patch_manifest, data, patches(), "x.yaml")
    assert time.monotonic() - begin < 30, "a board would be busy for minutes"
    if message.endswith("|$"):
        return  # valid, and large: only the time counts
    with pytest.raises(Problem, match=message):
        raise found


def test_keys_that_are_no_words():
    env = "    env:\n    - ? [a]\n      : b\n      name: A\n"
    after = outcome(patch_manifest, (POD + env).encode(), patches(env={"A": "1"}), "x.yaml")
    assert isinstance(after, Problem) or b"? [a]" not in after
    flow = WHOLE.replace("{name: c,", "{[a]: b, name: c,")
    assert load(patch_manifest(flow.replace("[a]", "1").encode(), patches(command=["/x"]), "x.yaml").decode())[0][
        "spec"
    ]["containers"][0]["command"] == ["/x"]
    assert b'command: ["/x"]' in patch_manifest(flow.encode(), patches(command=["/x"]), "x.yaml")


@pytest.mark.parametrize("word", NASTY)
def test_words_that_a_patch_puts_in_come_out_as_they_are(word):
    fields = {"command": [word, "x"], "env": {"A": word}}
    made = outcome(lambda: patches(**fields))
    if isinstance(made, Problem):
        assert "half of a character" in made.what
        return
    after = patch_manifest((POD + "    env:\n    - name: A\n      value: 'x'\n").encode(), made, "x.yaml").decode()
    if word != "%{X}%":  # k3s fills that in; the comparison masks it
        assert load(after)[0]["spec"]["containers"] == [
            {"name": "c", "image": "a/b", "command": [word, "x"], "env": [{"name": "A", "value": word}]}
        ]


def test_the_comment_of_an_undo_changes_no_text_that_keeps_its_line_ends():
    for text in ("x: |+\n  a\n\n", "x: |\n  a", "--- |\n a\n", "x: >+\n  a\n\n\n", "\ufeffx: 1", ""):
        assert load(_overlay.make_different(text.encode()).decode()) == load(text)


BAD_NAMES = [
    ".x.yaml",
    "a/.x.yaml",
    "a b.yaml",
    "a\n.yaml",
    "a\x00.yaml",
    "..",
    "a/../b.yaml",
    "/a.yaml",
    "a\u2028.yaml",
    "\u202ea.yaml",
]


@pytest.mark.parametrize("name", NASTY + BAD_NAMES)
def test_names_that_no_manifest_has(name):
    for manifest in (name, "a/" + name, name + ".yaml"):
        found = outcome(_overlay.check_manifest_name, manifest)
        assert (
            isinstance(found, Problem)
            or manifest.isprintable()
            and " " not in manifest
            and not manifest.startswith("/")
        )


def test_a_header_of_thousands_of_digits_is_none():
    text = _overlay.make_overlays(POD.encode(), "x.yaml", patches())[1].replace(
        b"install: 1", b"install: 1" + b"9" * 5000
    )
    assert _overlay.read_header(text) is None


def test_objects_are_told_from_text():
    text = (
        b"kind: 3\nmetadata: {name: x}\n---\nkind: A\nmetadata: {name: 3}\n---\n"
        b"kind: A\nmetadata: {name: x, namespace: [y]}\n---\n- 1\n"
    )
    assert identities(text, "") == [("A", None, "x")]
