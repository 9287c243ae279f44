# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For any manifest and any patch: the result says what was asked and keeps every other byte, or the patch is refused."""

import pytest
import yaml
from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import patch_manifest
from ansible_collections.riscv.k3s.plugins.module_utils._manifest_patch import normalise_patches

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

COMMENTS = st.sampled_from(["", "", " # why: 'so'", '  # "quoted" &a *b', " # \u00e9\U0001f600"])
BLANKS = st.sampled_from(["", "", "\n", "# a line of its own\n", "\n  # indented\n\n"])
WORDS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="%"), max_size=12)
OLD = st.sampled_from(["a/b:1", '"a/b:1"', "'a/b'", "!!str a/b", "&x a/b", "", "~", "%{REG}%a/b", ">-\n{i}  a/b\n", "|\n{i}  a/b\n\n", "{}", "8"])
LISTS = st.sampled_from(
    ["[]", "[a, 'b']", "\n{i}- a\n{i}- 'b' # two", "\n{i}  - a\n{i}  # mid\n{i}  - |\n{i}    text\n", "~", "", "&l [a]", "*n", "\n{i}- - a\n{i}  - b"]
)
ENVS = st.sampled_from(
    ["[]", "\n{i}- name: A\n{i}  value: x # x", "\n{i}- name: A\n{i}  valueFrom:\n{i}    f: 1\n{i}- {name: B}", "[{name: B, value: y}]", "", "*n"]
)


@st.composite
def containers(draw, indent):
    """A container as segments (key or None, text): a segment with a key may change when that key is patched."""
    inner = " " * indent
    pairs = [("name", draw(st.sampled_from(["c"] * 9 + ["&n c"])))]
    for key, values in (("image", OLD), ("imagePullPolicy", OLD), ("command", LISTS), ("args", LISTS), ("env", ENVS), ("tty", st.just("true"))):
        if draw(st.booleans()):
            pairs.append((key, draw(values).replace("{i}", inner)))
    if draw(st.booleans()):
        pairs = draw(st.permutations(pairs))
    segments = [(None, " " * (indent - 2) + "- ")]
    for number, (key, value) in enumerate(pairs):
        segments.append((None, (inner if number else "") + key))
        body = value.rstrip("\n")
        segments.append((key, ":" + ("" if value.startswith("\n") or not value else " ") + body))
        ends = [value[len(body) :]] if body != value else [draw(COMMENTS), "\n"]
        segments += [(None, text) for text in ends + [draw(BLANKS)]]
    return segments


@st.composite
def manifests(draw):
    before = draw(st.sampled_from(["", "kind: Service\nmetadata: {name: s}\n---\n", "--- # first\nx: %{CLUSTER_DNS}%\n...\n---\n"]))
    before += draw(BLANKS) + "kind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n"
    after = draw(st.sampled_from(["", "---\nkind: Secret # last", "---\n- 1\n"]))
    segments = [(None, before)] + draw(containers(draw(st.integers(4, 9)))) + [(None, after)]
    newline, bom = draw(st.sampled_from(["\n", "\r\n"])), draw(st.sampled_from(["", "\ufeff"]))
    return [(None, bom)] + [(key, text.replace("\n", newline)) for key, text in segments]


VALUES = {
    "image": st.sampled_from(["r.io/n:1", "10.0.0.1:5000/x/y@sha256:" + "0" * 64]),
    "image_pull_policy": st.sampled_from(["Never", "IfNotPresent"]),
    "command": st.lists(WORDS, max_size=3),
    "args": st.lists(WORDS, max_size=3),
    "env": st.dictionaries(st.sampled_from(["A", "B", "yes"]), WORDS, min_size=1),
}
FIELDS = st.sets(st.sampled_from(sorted(VALUES)), min_size=1).flatmap(lambda names: st.fixed_dictionaries({name: VALUES[name] for name in sorted(names)}))
KEYS = {"image": "image", "image_pull_policy": "imagePullPolicy", "command": "command", "args": "args", "env": "env"}


def load(text):
    return list(yaml.safe_load_all(text.replace("%{", "xx").replace("}%", "xx")))


def expected(documents, fields):
    """The documents as a plain YAML tool would change them."""
    container = [d for d in documents if isinstance(d, dict) and d.get("kind") == "Pod"][0]["spec"]["containers"][0]
    for field, key in KEYS.items():
        if field in fields and key != "env":
            container[key] = fields[field]
    if "env" in fields:
        entries = list(container.get("env") or [])
        for name, value in fields["env"].items():
            new = {"name": name, "value": value}
            entries = [new if entry["name"] == name else entry for entry in entries] if name in [e["name"] for e in entries] else entries + [new]
        container["env"] = entries
    return documents


@hypothesis.given(manifests(), FIELDS)
@hypothesis.settings(max_examples=300, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
def test_edit_or_refusal(segments, fields):
    text = "".join(text for key, text in segments)
    patches = normalise_patches([dict({"manifest": "x", "kind": "Pod", "name": "p", "container": "c"}, **fields)])
    try:
        after = patch_manifest(text.encode(), patches, "x")
    except Problem:
        hypothesis.event("refused")
        return
    hypothesis.event("edited")
    assert load(after.decode()) == expected(load(text), patches[0])
    assert patch_manifest(after, patches, "x") == after
    position = 0
    for key, kept in segments:
        if key not in {KEYS.get(field) for field in fields}:
            found = after.decode().find(kept, position)
            assert found >= position, "%r was changed" % kept
            position = found + len(kept)
