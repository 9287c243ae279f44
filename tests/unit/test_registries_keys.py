# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of a registries.yaml that k3s passes over: named with their lines at every level and in each style of YAML, and
no value leaves the board.
"""

from __future__ import annotations

import pathlib
import random
import shlex
import subprocess

import pytest
import yaml
from fake_board import SHELLS, TOKEN, FakeBoard
from fake_fleet import FakeFleet

from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import observe
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.registries_keys import judge

pytestmark = pytest.mark.programs

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "plugins/plugin_utils/_observe"
PARTS = ("registries",)
# Each text, and (line, key, what k3s knows in its place). Values have the word secret in them.
CASES = {
    "a misspelt section": (
        'mirrros:\n  registry.example:\n    endpoint:\n      - "http://secret"\n',
        [(1, "mirrros", "mirrors")],
    ),
    "flow style": ('mirrors: {docker.io: {endpoints: ["http://secret"]}}\n', [(1, "endpoints", "endpoint")]),
    "flow over lines, as JSON": (
        '{"mirrors": {\n "docker.io": {"endpoints":\n ["http://secret"],\n'
        '"rewrites": {"a": "secret"}}},\n"config":{}}\n',
        [(2, "endpoints", "endpoint"), (4, "rewrites", "rewrite"), (5, "config", "configs")],
    ),
    "below auth and tls": (
        "configs:\n  r:\n    auth:\n      username: secret\n      token: secret\n      pass: secret\n"
        "    tls: {insecure-skip-verify: true, ca: /secret}\n    password: secret\n",
        [
            (5, "token", None),
            (6, "pass", "password"),
            (7, "insecure-skip-verify", "insecure_skip_verify"),
            (7, "ca", "ca_file"),
            (8, "password", None),
        ],
    ),
    "another case of letters": (
        "Mirrors: {}\nmirrors:\n  r.x:\n    Endpoint: []\n",
        [(1, "Mirrors", None), (4, "Endpoint", "endpoint")],
    ),
    "a mirror of a URL": (
        'mirrors:\n  "https://h:5000":\n    endpoint: ["https://secret"]\n  docker.io/library: {}\n  "*": {}\n',
        [(2, "https://h:5000", "h:5000"), (4, "docker.io/library", "docker.io")],
    ),
    # k3s-io/k3s#13255: logins are for hosts, too.
    "a login for a URL": (
        'mirrors:\n  "https://h:5000": {}\nconfigs:\n  "https://h:5000": {tls: {insecure_skip_verify: true}}\n'
        '  "https://h": {}\n',
        [(2, "https://h:5000", "h:5000"), (4, "https://h:5000", "h:5000"), (5, "https://h", None)],
    ),
    "mirrors of what no image is from": (
        "mirrors:\n  docker-registry: {endpoint: ['http://secret']}\n  rancher: {}\n  'team/app': {}\n"
        "  index.docker.io: {}\n  $REGISTRY: {}\n  localhost: {}\n  registry:5000: {}\n  _default: {}\n"
        "configs:\n  docker-registry: {auth: {username: secret}}\n",
        [
            (2, "docker-registry", None),
            (3, "rancher", None),
            (4, "team/app", None),
            (5, "index.docker.io", None),
            (6, "$REGISTRY", None),
        ],
    ),
    # k3s-io/k3s#10135
    "logins one level too deep": (
        'mirrors:\n  r.example:\n    endpoint: ["https://secret"]\n  configs:\n    "r.example:443":\n      auth:\n'
        "        username: secret\n      tls:\n        insecure_skip_verify: TRUE\n",
        [(4, "configs", None)],
    ),
    "what no list of misspellings has": ("mirrors:\n  r.x:\n    zzz: secret\n    endpoint: []\n", [(3, "zzz", None)]),
    "in quotes, with blanks": ("'mirrors' :\n  r.x:\n    \"end points\" : [secret]\n", [(3, "end points", "endpoint")]),
    "a whole file that is right": (
        'mirrors:\n  "*":\n    endpoint: ["https://secret"]\n    rewrite: {"^a/(.*)": "secret/$1"}\n'
        'configs:\n  "h:5000":\n'
        "    auth: {username: secret, password: secret, auth: secret, identity_token: secret}\n"
        "    tls: {ca_file: secret, cert_file: secret, key_file: secret, insecure_skip_verify: true}\n"
        "auths: {x: {username: secret}}\n",
        [],
    ),
    "a password that looks like keys": (
        "configs:\n  r:\n    auth:\n      username: secret: b\n      password: |\n        secret: one\n"
        "         secret: two\n\n"
        '        secret: three\n      auth: "secret: a\n        secret: b\n        secret"\n'
        "      identity_token: 'secret\n"
        "        it''s: secret'\n",
        [],
    ),
    "a key beside the one that was meant": (
        "mirrors:\n  r.a: {}\nmirorrs:\n  b: {endpoint: [secret], endpoints: [secret]}\n",
        [(3, "mirorrs", None)],
    ),
    "anchors and merges": (
        "mirrors:\n  r.a: &secret {endpoints: [secret]}\n  r.b: *secret\n  r.c:\n    <<: *secret\n    rewrit: {}\n",
        [(2, "endpoints", "endpoint"), (6, "rewrit", "rewrite")],
    ),
    # To k3s the name is, from there on, that of the second.
    "an anchor that is given twice": (
        "mirrors:\n  r.a: &secret {}\n  r.b: &secret {endpoints: [secret]}\n  r.c: *secret\n",
        [(3, "endpoints", "endpoint")],
    ),
    "comments": ("# endpoints: secret\nmirrors: # secret: x\n  r.a: {endpoint: [a]} # endpoints: secret\n", []),
    "a login in the name of a host": ("configs:\n  u:secret@h:\n    auths: {}\n", [(3, "auths", "auth")]),
    "the second document": ("mirrors: {}\n---\nmirror: secret\n", []),
    "the byte order mark and Windows": (
        "\ufeffmirrors:\r\n  r.a:\r\n    endpoints: [secret]\r\n",
        [(3, "endpoints", "endpoint")],
    ),
    "nothing": ("", []),
    "no mapping": ("- secret\n- a: secret\n", []),
}


@pytest.fixture(name="look", params=SHELLS, ids=lambda shell: shell[0])
def _look(request, tmp_path):
    board = FakeBoard(tmp_path)

    def look(text):
        board.file("etc/registries.yaml", text)
        output = board.run(PARTS, request.param)
        assert "secret" not in output.replace(str(tmp_path), "")
        seen = observe(output, TOKEN, PARTS)
        assert seen["errors"] == []
        return seen["registries"]["mistakes"]

    return look


@pytest.mark.parametrize("text, expected", CASES.values(), ids=CASES.keys())
def test_keys_that_k3s_passes_over(look, text, expected):
    found = look(text)
    assert [(row["line"], row["key"], row["instead"]) for row in found["wrong_keys"]] == expected
    assert (found["wrong_rewrites"], found["unread"]) == ([], None)
    assert found["wrong_values"] == ([] if text != CASES["no mapping"][0] else [dict(NOTHING, wanted="a mapping")])


NOTHING = {"line": 1, "key": "", "above": ""}
# Files with which k3s does not start: (line, key, what it wants), or the line in which YAML ends.
UNREAD = {
    "a text for a list": ('mirrors:\n  r.a:\n    endpoint: "http://secret"\n', [(3, "endpoint", "a list of texts")]),
    "a list for a mapping": ("mirrors:\n  - r.a:\n      endpoint: [secret]\n", [(1, "mirrors", "a mapping")]),
    # kairos-io/kairos#3738
    "a text for a mapping": (
        'mirrors:\n  registry.example"\n  - https://secret/v2\nconfigs: {}\n',
        [(1, "mirrors", "a mapping")],
    ),
    "a mapping for a text": (
        "configs:\n  r: {auth: {username: {a: secret}, password: [secret]}, tls: secret}\n",
        [(2, "username", "a text"), (2, "password", "a text"), (2, "tls", "a mapping")],
    ),
    "items with more in them": ("mirrors: {r.a: {endpoint: [{url: secret}]}}\n", [(1, "endpoint", "a list of texts")]),
    "rewrites as a list": ("mirrors:\n  r.a:\n    rewrite:\n    - '^a': secret\n", [(3, "rewrite", "a mapping")]),
    # PyratLabs/ansible-role-k3s#197, and rancher/rke2#4744
    "a key where a value goes on": (
        "mirrors:\n  docker.io:\n    endpoint:\n    - http://secret\n      rewrite:\n        (.*): secret/$1\n",
        5,
    ),
    "a key without its colon": ("mirrors:\n  docker.io\n    endpoint:\n      - secret\n", 3),
}
# What k3s takes for nothing.
EMPTY = "mirrors:\n  docker.io:\n  r.a: ~\n  r.b: {endpoint: null}\nconfigs: ~\nauths: null\n"


@pytest.mark.parametrize("text, expected", UNREAD.values(), ids=UNREAD.keys())
def test_files_with_which_k3s_does_not_start(look, text, expected):
    found = look(text)
    rows = [(row["line"], row["key"], row["wanted"]) for row in found["wrong_values"]]
    assert (rows, found["unread"]) == (([], expected) if isinstance(expected, int) else (expected, None))


@pytest.mark.parametrize("text", [EMPTY, "mirrors:\n  r.a:\n    endpoint: [a]\u0085 x\n", "~\n", "---\n"])
def test_nothing_is_said_of_what_says_nothing_or_was_not_read(look, text):
    found = look(text)
    assert (found["wrong_keys"], found["wrong_values"], found["unread"]) == ([], [], None)


def test_rewrites_that_containerd_passes_over(look):
    text = 'mirrors:\n  docker.io:\n    rewrite:\n      "^(?!library/)(.*)": "secret/$1"\n      ^rancher/(.*): secret\n'
    found = look(text)
    assert [(row["line"], row["pattern"]) for row in found["wrong_rewrites"]] == [(4, "^(?!library/)(.*)")]
    assert "look-ahead" in found["wrong_rewrites"][0]["why"]


@pytest.mark.parametrize(
    "text",
    [
        "configs: {r: {auth: {password: secret",
        "configs: {r: {auth: {password: a: secret}}}",
        "a\n  b: secret\n c: secret\n",
        'configs: "secret\n',
        "configs:\n\tr: secret\n",
        "? secret\n: secret\n",
        "configs: *secret\n",
        "configs: {password: x secret: secret}\n",
        "configs: !secret secret\n",
        "configs: @secret\n",
    ],
)
def test_what_is_no_yaml_leaks_nothing(look, text):
    look(text)


def _keys(node, found):
    """(line, key) of all mappings of a document."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            found.append((key.start_mark.line + 1, key.value))
            _keys(value, found)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            _keys(one, found)
    return found


def _document(chance, depth=0):
    kind = chance.choice("mmls" if depth < 4 else "s")
    if kind == "m":
        return {chance.choice(KEYS): _document(chance, depth + 1) for dummy in range(chance.randint(0, 4))}
    if kind == "l":
        return [_document(chance, depth + 1) for dummy in range(chance.randint(0, 3))]
    return chance.choice(VALUES)


KEYS = [
    "mirrors",
    "docker.io",
    "h:5000",
    "endpoint",
    "a b",
    "it's",
    '"x"',
    "^(?!a)(.*)$",
    "#k",
    "é",
    "true",
    "{",
    "- a",
    "x: y",
]
VALUES = [
    "secret", "secret: x", "# secret", "it's secret", '"secret"', "se\ncret: secret\n  - secret\n", "secret " * 30, "",
    None, True, 12, "|secret", "&secret", "*secret", "secret,secret]}", "secret\n\n\nsecret: a", "'secret", "\tsecret",
]  # fmt: skip


def test_keys_and_lines_are_those_that_a_real_parser_finds(tmp_path):
    """For documents that chance made, in each style of YAML: all keys arrive, no value does."""
    chance = random.Random(13)
    board = FakeBoard(tmp_path)
    texts = []
    for dummy in range(150):
        style = {"default_flow_style": chance.choice([True, False, None]), "width": chance.choice([20, 80])}
        style["default_style"] = chance.choice([None, None, '"', "'", "|"])
        texts.append(yaml.safe_dump({"root": _document(chance)}, allow_unicode=True, sort_keys=False, **style))
    script = tmp_path / "masked.sh"
    script.write_text((FOLDER / "masked.sh").read_text() + 'for file in "$@"; do masked "$file" >"$file.out"; done\n')
    for number, text in enumerate(texts):
        board.file("%d.yaml" % number, text)
    paths = [str(tmp_path / ("%d.yaml" % number)) for number in range(len(texts))]
    subprocess.run([*SHELLS[0], str(script), *paths], check=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    for text, path in zip(texts, paths):
        with open(path + ".out", encoding="utf-8") as file:
            masked = file.read()
        assert "secret" not in masked, text
        assert _keys(yaml.compose(masked), []) == _keys(yaml.compose(text), []), text


@pytest.mark.parametrize("name", [name for name, (dummy, keys) in CASES.items() if any(key[2] for key in keys)])
def test_the_command_of_the_finding_mends_what_it_can(tmp_path, name):
    text, expected = CASES[name]
    path = tmp_path / "registries.yaml"
    path.write_bytes(text.encode())
    script = tmp_path / "masked.sh"
    script.write_text((FOLDER / "masked.sh").read_text() + 'masked "$1"\n')

    def judged():
        done = subprocess.run(["sh", str(script), str(path)], capture_output=True, check=True)
        return judge(done.stdout.decode())["wrong_keys"]

    fleet = FakeFleet()
    fleet.agent["registries"]["path"] = str(path)
    fleet.agent["registries"]["mistakes"] = {"wrong_keys": judged()}
    (finding,) = fleet.document()["findings"]
    if any(" " in key or "/" in key for dummy, key, dummy in expected):
        assert finding["command"] is None
        return
    edit, restart = finding["command"].split(" && ")
    assert restart == "systemctl restart k3s-agent"
    subprocess.run(["sh", "-c", edit], check=True)
    assert [(row["line"], row["key"]) for row in judged()] == [row[:2] for row in expected if not row[2]], shlex.split(
        edit
    )


@pytest.mark.parametrize(
    "text",
    [
        "# from the web\u2028\nmirrors:\n  a.b:\n    endpoint: [x]\n",
        "mirrors:\n  # a\x85\nconfigs: {}\n",
        "mirrors: {}\r\r\nconfigs: {}\n",
        "mirrors: {%s}\nconfigs: {}\n" % ", ".join("r%d.x: {endpoint: [x]}" % number for number in range(1000)),
        "mirrors:\n  r.x:\n    rewrite:\n      ? ^%s(.*)$\n      : x/$1\n" % ("a" * 130),
        "? mirrors\n: r.x:\n",
    ],
)
def test_what_cannot_be_shown_line_by_line_is_not_judged(look, text):
    found = look(text)
    assert (found["wrong_keys"], found["wrong_values"], found["unread"]) == ([], [], None)


def test_merges_of_merges_end():
    rows = ["a0: &a0 {x: y}"] + [
        "a%d: &a%d {<<: [%s]}" % (number, number, ", ".join(["*a%d " % (number - 1)] * 9)) for number in range(1, 13)
    ]
    assert len(judge("\n".join(["mirrors:", *("  " + row for row in rows), ""]))["wrong_keys"]) > 1
    assert judge("mirrors: &a1\n  <<: [*a1 ,*a1 ]\n")["unread"] is None
