# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests for property tests: generated from segments that may change and segments that may not, or a sound one with
something wrong put in.
"""

import hypothesis
import yaml

st = hypothesis.strategies
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

COMMENTS = st.sampled_from(["", "", " # why: 'so'", '  # "quoted" &a *b', " # \u00e9\U0001f600"])
BLANKS = st.sampled_from(["", "", "\n", "# a line of its own\n", "\n  # indented\n\n"])
WORDS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="%"), max_size=12)
OLD = st.sampled_from(
    [
        "a/b:1",
        '"a/b:1"',
        "'a/b'",
        "!!str a/b",
        "&x a/b",
        "",
        "~",
        "%{REG}%a/b",
        ">-\n{i}  a/b\n",
        "|\n{i}  a/b\n\n",
        "{}",
        "8",
    ]
)
LISTS = st.sampled_from(
    [
        "[]",
        "[a, 'b']",
        "\n{i}- a\n{i}- 'b' # two",
        "\n{i}  - a\n{i}  # mid\n{i}  - |\n{i}    text\n",
        "~",
        "",
        "&l [a]",
        "*n",
        "\n{i}- - a\n{i}  - b",
    ]
)
ENVS = st.sampled_from(
    [
        "[]",
        "\n{i}- name: A\n{i}  value: x # x",
        "\n{i}- name: A\n{i}  valueFrom:\n{i}    f: 1\n{i}- {name: B}",
        "[{name: B, value: y}]",
        "",
        "*n",
    ]
)


@st.composite
def containers(draw, indent):
    """A container as segments (key or None, text): a segment with a key may change when that key is patched."""
    inner = " " * indent
    pairs = [("name", draw(st.sampled_from(["c"] * 9 + ["&n c"])))]
    for key, values in (
        ("image", OLD),
        ("imagePullPolicy", OLD),
        ("command", LISTS),
        ("args", LISTS),
        ("env", ENVS),
        ("tty", st.just("true")),
    ):
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
    before = draw(
        st.sampled_from(
            ["", "kind: Service\nmetadata: {name: s}\n---\n", "--- # first\nx: %{CLUSTER_DNS}%\n...\n---\n"]
        )
    )
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
FIELDS = st.sets(st.sampled_from(sorted(VALUES)), min_size=1).flatmap(
    lambda names: st.fixed_dictionaries({name: VALUES[name] for name in sorted(names)})
)
KEYS = {"image": "image", "image_pull_policy": "imagePullPolicy", "command": "command", "args": "args", "env": "env"}


# Like one of k3s's: documents before and after, comments, a text in a text, two containers and a Service.
SOUND = """\
# about this file
apiVersion: v1
kind: ConfigMap
metadata:
  name: coredns
  namespace: kube-system
data:
  Corefile: |
    .:53 {
        errors   # no comment of YAML
    }
---
kind: Deployment
apiVersion: apps/v1
metadata: {name: coredns, namespace: kube-system}
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: coredns
        image: "rancher/mirrored-coredns-coredns:1.9.1"  # stock
        imagePullPolicy: IfNotPresent
        args: [ "-conf", "/etc/coredns/Corefile" ]
        env:
        - name: A
          value: x
        - {name: B, value: 'y'}
      - name: other
        image: 'a/b'
      volumes:
      - name: v
        emptyDir: {}
---
apiVersion: v1
kind: Service
metadata:
  name: kube-dns
spec:
  clusterIP: %{CLUSTER_DNS}%
"""
SNIPPETS = [
    "\t", "\r", "\r\n", "\n", "\n\n", "\x85", "\u2028", "\u2029", "\ufeff", "\x00", "\x07", "\u00e9", "\U0001f600",
    "\ue0f1", "%{X}%", " ", "    ",
    "&a ", "*a", "*a\n", "<<: *a\n", "<<: {image: x/y}\n", "!!binary ", "!!python/object/apply:os.system [x] ",
    "!x ", "!!str ", "!!int ", "! ", "&x !!str ",
    "---\n", "--- # c\n", "...\n", "--- |\n", "%YAML 1.1\n---\n", "%TAG ! x:\n---\n",
    "# c\n", " # c", "#", ": ", ":", "- ", "? ", "? [a]\n: b\n",
    "{", "}", "[", "]", ",", "'", '"',
    "|\n", ">-\n", "|+\n", "|2\n", "~", "null", "=", "0x1F", "\\", "@", "`",
    "name: coredns\n", "- name: coredns\n", "image: a/b\n", "kind: Service\n", "env: []\n", "{a: b}", "[a, b]",
]  # fmt: skip
OPERATIONS = st.sampled_from(
    ["insert", "insert", "insert", "insert at a line", "delete", "double the line", "swap lines", "cut off"]
)
MUTATIONS = st.lists(
    st.tuples(OPERATIONS, st.integers(0, len(SOUND) - 1), st.sampled_from(SNIPPETS)), min_size=1, max_size=3
)
MUTATED = st.builds(
    lambda mutations, newline: mutate(SOUND, mutations).replace("\n", newline),
    MUTATIONS,
    st.sampled_from(["\n"] * 6 + ["\r\n", "\r", "\x85"]),
)


def mutate(text, mutations):
    for operation, place, snippet in mutations:
        place %= len(text) + 1
        line = text.rfind("\n", 0, place) + 1
        end = text.find("\n", place) + 1 or len(text)
        if operation == "insert":
            text = text[:place] + snippet + text[place:]
        elif operation == "insert at a line":
            indent = text[line:end][: len(text[line:end]) - len(text[line:end].lstrip(" "))]
            text = text[:line] + indent + snippet + text[line:]
        elif operation == "delete":
            text = text[:place] + text[place + len(snippet) :]
        elif operation == "double the line":
            text = text[:end] + text[line:end] + text[end:]
        elif operation == "swap lines":
            after = text.find("\n", end) + 1 or len(text)
            text = text[:line] + text[end:after] + text[line:end] + text[after:]
        else:
            text = text[:place]
    return text


class GoLoader(yaml.SafeLoader):
    """Takes an anchor that is given twice, as k3s does: from there on the name is that of the second."""

    def compose_node(self, parent, index):
        if not self.check_event(yaml.AliasEvent):
            self.anchors.pop(self.peek_event().anchor, None)
        return super().compose_node(parent, index)


def load(text):
    text = text.replace("%{", "xx").replace("}%", "xx")
    try:
        return list(yaml.load_all(text, Loader=LOADER))
    except yaml.composer.ComposerError:
        return list(yaml.load_all(text, Loader=GoLoader))


def expected(documents, fields, kind="Pod", name="c"):
    """The documents as a plain YAML tool would change them."""
    spec = [d for d in documents if isinstance(d, dict) and d.get("kind") == kind][0]["spec"]
    container = [
        one
        for one in (spec["template"]["spec"] if "template" in spec else spec)["containers"]
        if isinstance(one, dict) and one.get("name") == name
    ]
    assert len(container) == 1, "no single container of that name"
    container = container[0]
    for field, key in KEYS.items():
        if field in fields and key != "env":
            container[key] = fields[field]
    if "env" in fields:
        entries = list(container.get("env") or [])
        for variable, value in fields["env"].items():
            new = {"name": variable, "value": value}
            names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
            entries = (
                [new if one == variable else entry for one, entry in zip(names, entries)]
                if variable in names
                else entries + [new]
            )
        container["env"] = entries
    return documents
