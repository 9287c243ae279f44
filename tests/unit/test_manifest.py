# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of one container: for each layout the text before, the patch, and the text after."""

import json

import pytest
import yaml

from ansible_collections.riscv.k3s.plugins.module_utils._manifest import yaml_text as _manifest_yaml
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.document import identities, patch_manifest
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import normalise_patches
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

POD = "kind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
NEVER = {"image_pull_policy": "Never"}


def patch(data, container="c", kind="Pod", name="p", **fields):
    patches = normalise_patches(
        [dict({"manifest": "x.yaml", "kind": kind, "name": name, "container": container}, **fields)]
    )
    return patch_manifest(data if isinstance(data, bytes) else data.encode(), patches, "x.yaml").decode()


# what, text of the containers list, patch, text after
CASES = [
    (
        "plain",
        "  - name: c\n    image: a/b:1  # why\n",
        {"image": "r.io/b:2"},
        "  - name: c\n    image: r.io/b:2  # why\n",
    ),
    (
        "double quotes",
        '  - name: c\n    image: "a/b:1"\n',
        {"image": "r.io/b:2"},
        '  - name: c\n    image: "r.io/b:2"\n',
    ),
    (
        "single quotes",
        "  - name: c\n    image: 'a/b:1'\n",
        {"image": "r.io/b:2"},
        "  - name: c\n    image: 'r.io/b:2'\n",
    ),
    (
        "equal already",
        "  - {name: c, image: 'r.io/b:2'}\n",
        {"image": "r.io/b:2"},
        "  - {name: c, image: 'r.io/b:2'}\n",
    ),
    ("flow mapping", "  - {name: c, image: a/b}\n", {"image": "r.io/b:2"}, "  - {name: c, image: r.io/b:2}\n"),
    ("insert into flow", "  - {name: c, image: a/b}\n", NEVER, '  - {name: c, image: a/b, imagePullPolicy: "Never"}\n'),
    (
        "insert into JSON",
        '  - {"name": "c", "image": "a/b"}\n',
        NEVER,
        '  - {"name": "c", "image": "a/b", "imagePullPolicy": "Never"}\n',
    ),
    (
        "folded block",
        "  - name: c\n    image: >-\n      a/b:1\n    tty: true\n",
        {"image": "r.io/b:2"},
        '  - name: c\n    image: "r.io/b:2"\n    tty: true\n',
    ),
    (
        "no value",
        "  - name: c\n    image: # none yet\n",
        {"image": "r.io/b:2"},
        "  - name: c\n    image: r.io/b:2 # none yet\n",
    ),
    (
        "token",
        "  - name: c\n    image: %{SYSTEM_DEFAULT_REGISTRY}%a/b:1\n    env: %{X}%\n",
        {"image": "r.io/b:2"},
        "  - name: c\n    image: r.io/b:2\n    env: %{X}%\n",
    ),
    (
        "insert after image",
        "  - name: c\n    image: a/b # why\n\n    # more\n    tty: true\n",
        NEVER,
        "  - name: c\n    image: a/b # why\n    imagePullPolicy: Never\n\n    # more\n    tty: true\n",
    ),
    (
        "insert at the end",
        "  - name: c\n    image: a/b",
        NEVER,
        "  - name: c\n    image: a/b\n    imagePullPolicy: Never",
    ),
    (
        "three at one place",
        "  - image: a/b\n    name: c\n",
        {"command": ["/x"], "args": [], "image_pull_policy": "Never"},
        '  - image: a/b\n    imagePullPolicy: Never\n    command: ["/x"]\n    args: []\n    name: c\n',
    ),
    (
        "deep indentation",
        "        -   name: c\n            image: a/b\n",
        NEVER,
        "        -   name: c\n            image: a/b\n            imagePullPolicy: Never\n",
    ),
    (
        "block list",
        "  - name: c\n    command:\n    - a\n    - b # two\n    # after\n    tty: true\n",
        {"command": ["/x", "--y=1"]},
        '  - name: c\n    command:\n    - /x\n    - "--y=1" # two\n    # after\n    tty: true\n',
    ),
    (
        "indented block list",
        "  - name: c\n    args:\n      - a\n",
        {"args": ["1", "yes"]},
        '  - name: c\n    args:\n      - "1"\n      - "yes"\n',
    ),
    (
        "flow list",
        "  - name: c\n    args: [ a,\n      b ] # args\n",
        {"args": ["c: d"]},
        '  - name: c\n    args: ["c: d"] # args\n',
    ),
    (
        "block list emptied",
        "  - name: c\n    args:\n    - a\n    tty: true\n",
        {"args": []},
        "  - name: c\n    args: []\n    tty: true\n",
    ),
    (
        "null list",
        "  - name: c\n    args:\n    tty: true\n",
        {"args": ["a"]},
        '  - name: c\n    args: ["a"]\n    tty: true\n',
    ),
    (
        "env inserted",
        "  - name: c\n    tty: true\n",
        {"env": {"A": 1, "B": True}},
        '  - name: c\n    env:\n    - name: "A"\n      value: "1"\n'
        '    - name: "B"\n      value: "true"\n    tty: true\n',
    ),
    (
        "env value",
        "  - name: c\n    env:\n    - name: A\n      value: old\n    - {name: B, value: '2'}\n",
        {"env": {"B": "3", "A": "new"}},
        "  - name: c\n    env:\n    - name: A\n      value: \"new\"\n    - {name: B, value: '3'}\n",
    ),
    (
        "env appended",
        "  - name: c\n    env:\n      - name: A\n        value: x # x\n    tty: true\n",
        {"env": {"B": "2"}},
        "  - name: c\n    env:\n      - name: A\n        value: x # x\n"
        '      - name: "B"\n        value: "2"\n    tty: true\n',
    ),
    (
        "env valueFrom",
        "  - name: c\n    env:\n    - name: A\n      valueFrom:\n        fieldRef: {fieldPath: x}\n    tty: true\n",
        {"env": {"A": "1"}},
        '  - name: c\n    env:\n    - name: "A"\n      value: "1"\n    tty: true\n',
    ),
    (
        "env without value",
        "  - name: c\n    env:\n    - name: A\n",
        {"env": {"A": "1", "B": "2"}},
        '  - name: c\n    env:\n    - name: A\n      value: "1"\n    - name: "B"\n      value: "2"\n',
    ),
    (
        "env flow",
        "  - name: c\n    env: [{name: A, value: b}]\n",
        {"env": {"B": "2"}},
        '  - name: c\n    env: [{name: A, value: b}, {"name": "B", "value": "2"}]\n',
    ),
    (
        "env empty flow",
        "  - name: c\n    env: []\n",
        {"env": {"B": "2"}},
        '  - name: c\n    env: [{"name": "B", "value": "2"}]\n',
    ),
    (
        "other container",
        "  - name: d\n    image: a/b\n  - name: c\n    image: a/b\n",
        {"image": "r.io/c:1"},
        "  - name: d\n    image: a/b\n  - name: c\n    image: r.io/c:1\n",
    ),
    (
        "strange text",
        "  - name: c\n    args: []\n",
        {"args": ['q"\\\n\t', "\u2028\ue0f1", "\U0001f600 %{X}%"]},
        '  - name: c\n    args: ["q\\"\\\\\\n\\t", "\\u2028\\ue0f1", "\U0001f600 %{X}%"]\n',
    ),
]


@pytest.mark.parametrize("before,fields,after", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("bom", ["", "\ufeff"], ids=["", "bom"])
def test_edit(before, fields, after, newline, bom):
    texts = [(bom + POD + text).replace("\n", newline) for text in (before, after)]
    assert patch(texts[0], **fields) == texts[1]
    assert patch(texts[1], **fields) == texts[1], "a second patch changes nothing"


REFUSED = [
    ("anchor", "  - name: c\n    image: &i a/b\n", {"image": "x/y"}, "anchor"),
    ("alias", "  - name: &i c\n    image: *i\n", {"image": "x/y"}, "image is a YAML alias"),
    (
        "shared list",
        "  - name: c\n    env: &e\n    - {name: A}\n  initContainers:\n  - {name: d, env: *e}\n",
        {"env": {"A": "1"}},
        "other values",
    ),
    ("aliased list", "  - &x {name: d}\n  - *x\n  - name: c\n", NEVER, "its list has a YAML alias"),
    ("merge key", "  - name: c\n    <<: {image: a/b}\n", {"image": "x/y"}, "merge key"),
    ("key twice", "  - name: c\n    image: a/b\n    image: a/b\n", {"image": "x/y"}, "key image twice"),
    ("a mapping for a value", "  - name: c\n    image: {a: b}\n", {"image": "x/y"}, "not a single value"),
    ("variable twice", "  - name: c\n    env: [{name: A}, {name: A}]\n", {"env": {"A": "1"}}, "occurs twice"),
    ("tab", "  - name: c\n\timage: a/b\n", {"image": "x/y"}, "cannot start any token"),
    (
        "no such container",
        "  - name: d\n    image: a/b\n  initContainers: [{name: e}]\n",
        NEVER,
        "init container e, container d",
    ),
    ("no containers", "    []\n", NEVER, "no containers at all"),
    ("same name twice", "  - name: c\n  - name: c\n", NEVER, "container c, container c"),
    ("deep", "  - name: c\n    x: " + "[" * 2000 + "]" * 2000, NEVER, "nested more than 100 levels deep"),
    ("private characters", "  - name: c # \ue0f2\n", NEVER, "U+E0F1"),
]


@pytest.mark.parametrize("text,fields,message", [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(text, fields, message):
    with pytest.raises(Problem) as caught:
        patch(POD + text, **fields)
    assert message in str(caught.value)


# Tabs where k3s reads them as blanks, and PyYAML does not (yaml/pyyaml#450); what of it is a value stays one.
TABS = [
    "  - name: c\t# ours\n    image: a/b:1\t\n",
    "  - name: c\n    image:\ta/b:1\n    args:\t\n    - x\t# why\n",
    '  - "name":\t"c"\n    image: \t "a/b:1"\t\t# ours\n',
    "  - {name: c,\timage: a/b:1\t}\n",
    "  - name: c\t\n    image: a/b:1\n    args: ['x\ty', \"z\t\"]\n  - name: d\n    args:\n    - |\n      \tb\n",
]


@pytest.mark.parametrize("text", [*TABS, *(text.replace("\n", "\r\n") for text in TABS)])
def test_tabs_between_words_stay(text):
    for before in (POD + text, "---\t# first\n" + POD.replace("containers:", "containers:\t") + text):
        after = before.replace("a/b:1", "r.io/b:2")
        assert patch(before, image="r.io/b:2") == after
        assert patch(after, image="r.io/b:2") == after
        more = patch(before, **NEVER)
        assert more.count("\t") == before.count("\t") and patch(more, **NEVER) == more


def test_tabs_before_lines_of_json_stay():
    before = json.dumps(yaml.safe_load(POD + "  - name: c\n    image: a/b:1\n"), indent="\t") + "\n"
    after = before.replace("a/b:1", "r.io/b:2")
    assert "\n\t\t" in before and patch(before, image="r.io/b:2") == after == patch(after, image="r.io/b:2")


def test_an_anchor_that_is_given_twice_is_the_second_one():
    """To k3s; PyYAML calls it an error (ansible-collections/kubernetes.core#189)."""
    text = POD + "  - name: &a b\n    image: x/y:1\n  - name: &a c\n    image: a/b:1\n"
    assert patch(text, image="r.io/b:2") == text.replace("a/b:1", "r.io/b:2")
    with pytest.raises(Problem, match="alias"):
        patch(text.replace("- name: &a c\n    image: a/b:1", "- &a {name: c}\n  - *a"), image="r.io/b:2")


def test_a_tab_in_a_value_is_part_of_it():
    text = POD + "  - name: c\t\n    args: ['x\ty']\n"
    assert patch(text, args=["x\ty"]) == text
    assert '"x y"' in patch(text, args=["x y"])


@pytest.mark.parametrize(
    "text", ["  -\tname: c\n    image: a/b\n", "  - name: c\n\t\n    image: a/b\n", "  - name: c\n    args: [x\ty]\n"]
)
def test_who_cannot_read_a_tab_is_named(text):
    """k3s does not take the first two either, the third one it does."""
    with pytest.raises(Problem, match="PyYAML cannot read the manifest, for a tab in it.*put blanks in place"):
        patch(POD + text, **NEVER)


def test_bytes_that_are_no_utf8_are_refused():
    with pytest.raises(Problem, match="0xff at offset 0"):
        patch(b"\xff\xfek\0i\0", **NEVER)


def test_alias_bomb_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"] + [
        "a%d: &a%d [%s]" % (n, n, ", ".join(["*a%d" % (n - 1)] * 10)) for n in range(1, 12)
    ]
    with pytest.raises(Problem, match="multiply"):
        patch("\n".join(lines) + "\n---\n" + POD + "  - name: c\n", **NEVER)


def test_every_container_that_has_the_field():
    text = POD + "  - {name: a, image: x/y}\n  - {name: b}\n  initContainers: [{name: c, image: x/z}]\n"
    assert patch(text, "*", image="r.io/n:1") == text.replace("x/y", "r.io/n:1").replace("x/z", "r.io/n:1")
    with pytest.raises(Problem, match="has the field command"):
        patch(text, "*", command=["/x"])


KINDS = [
    ("Pod", "spec:\n  {}"),
    ("Deployment", "spec:\n  template:\n    spec:\n      {}"),
    ("ReplicaSet", "spec:\n  template:\n    spec:\n      {}"),
    ("CronJob", "spec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          {}"),
]


@pytest.mark.parametrize("kind,layout", KINDS)
def test_kinds(kind, layout):
    text = "kind: %s\nmetadata: {name: p}\n%s\n" % (kind, layout.format("containers: [{name: c, image: a/b}]"))
    assert patch(text, kind=kind, image="r.io/n:1") == text.replace("a/b", "r.io/n:1")


def test_documents_are_told_apart_by_namespace():
    text = "".join(
        "---\nkind: Pod\nmetadata: {name: p, namespace: %s}\nspec: {containers: [{name: c, image: a/b}]}\n" % name
        for name in "xy"
    )
    assert patch(text, namespace="y", image="r.io/n:1") == "r.io/n:1".join(text.rsplit("a/b", 1))
    with pytest.raises(Problem, match="more than one Pod named p.*documents 1: Pod x/p, 2: Pod y/p"):
        patch(text, image="r.io/n:1")


def test_unknown_document_lists_what_is_there(k3s_manifests):
    data = (k3s_manifests / "v1.36.3" / "coredns.yaml").read_bytes()
    with pytest.raises(Problem) as caught:
        patch(data, kind="DaemonSet", name="coredns", image="r.io/n:1")
    assert "5: Deployment kube-system/coredns, 6: Service kube-system/kube-dns" in caught.value.found


def test_two_patches_of_one_field_are_refused():
    patches = normalise_patches(
        [{"manifest": "x", "kind": "Pod", "name": "p", "container": name, "image": "r.io/n:1"} for name in "c*"]
    )
    with pytest.raises(Problem, match="two patches change the same part"):
        patch_manifest((POD + "  - {name: c, image: a/b}\n").encode(), patches, "x")


def test_missing_pyyaml_names_the_package(monkeypatch):
    monkeypatch.setattr(_manifest_yaml, "yaml", None)
    with pytest.raises(Problem, match="python3-yaml .*python3-pyyaml .*py3-yaml"):
        patch(POD, **NEVER)


def test_identities():
    text = (
        "# only a comment\n---\n---\n- 1\n---\nkind: A\nmetadata: {name: n}\n---\n"
        "kind: B\nmetadata: {name: m, namespace: s}\n"
    )
    assert identities(text.encode(), "x") == [("A", None, "n"), ("B", "s", "m")]


# manifest, kind, name, container
REAL = [
    ("coredns.yaml", "Deployment", "coredns", "coredns"),
    ("local-storage.yaml", "Deployment", "local-path-provisioner", "local-path-provisioner"),
    ("metrics-server/metrics-server-deployment.yaml", "Deployment", "metrics-server", "metrics-server"),
]


@pytest.mark.parametrize("version", ["v1.24.2", "v1.30.0", "v1.36.3"])
@pytest.mark.parametrize("manifest,kind,name,container", REAL)
def test_real_manifests_change_in_the_meant_lines_only(k3s_manifests, version, manifest, kind, name, container):
    data = (k3s_manifests / version / manifest).read_bytes()
    after = patch(data, container, kind, name, image="r.io/n:1", image_pull_policy="Never")
    kept = [line for line in data.decode().splitlines() if line in after.splitlines()]
    gone = [line.split()[0] for line in data.decode().splitlines() if line not in kept]
    assert set(gone) <= {"image:", "imagePullPolicy:"} and 1 <= len(gone) <= 2
    assert len(after.splitlines()) - len(data.decode().splitlines()) in (0, 1)
