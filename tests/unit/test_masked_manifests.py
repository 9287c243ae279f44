# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leaves a board of its manifests: enough to know each image that k3s asks for, and no value beside."""

from __future__ import annotations

import random
import time

import pytest
from fake_board import SHELLS, TOKEN, FakeBoard
from manifest_cases import SNIPPETS, SOUND, mutate

from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import normalise_patches
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import demand
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.klipper import charts
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.verdict import _unread
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import observe

pytestmark = pytest.mark.programs

SECRET = "hunter2"
POD = "kind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n"
# Manifests with a password in each place where people have one, and the images that k3s asks for by them.
PLANTED = {
    "env": (
        POD + "  - name: a\n    image: reg.example/a:1 # hunter2\n    env:\n    - {name: PW, value: hunter2}\n"
        "    - name: DB\n      value: postgres://u:hunter2@db/x\n    args: [--password, hunter2]\n"
        "    command:\n    - sh\n    - -c\n    - login hunter2\n",
        ["reg.example/a:1"],
    ),
    "annotations": (
        "kind: Deployment\nmetadata:\n  name: d\n  annotations:\n    note: |\n      image: hunter2\n"
        "    other: >-\n      hunter2: x\n  labels: {pw: hunter2}\nspec: {template: {spec: {containers: [{name: a,\n"
        "  image: 'b:2', env: [{name: hunt, value: \"hunter2\"}]}]}}}\n",
        ["docker.io/library/b:2"],
    ),
    "values of a chart": (
        "kind: HelmChart\nmetadata: {name: c}\nspec:\n  authSecret: {x: hunter2}\n  chartContent: hunter2hunter2\n"
        "  set:\n    adminPassword: hunter2\n    image.tag: v2\n  valuesContent: |-\n    # hunter2\n"
        "    admin:\n      password: hunter2\n    image:\n      repository: rancher/c\n      tag: v1\n"
        "    config: |\n      image: hunter2\n    extra: {image: {repository: rancher/d, tag: 3.10, pw: hunter2}}\n"
        "    ---x: hunter2\n  values: {token: hunter2, other: {image: {repository: e, tag: '1'}}}\n"
        "  jobImage: rancher/klipper-helm:v1\n",
        [
            "docker.io/library/e:1",
            "docker.io/rancher/c:v2",
            "docker.io/rancher/d:3.10",
            "docker.io/rancher/klipper-helm:v1",
        ],
    ),
    "a registry that is left empty, as in k3s's own chart of traefik": (
        'kind: HelmChart\nmetadata: {name: c}\nspec:\n  set:\n    global.systemDefaultRegistry: ""\n'
        "    adminPassword: hunter2\n  valuesContent: |-\n    global: {systemDefaultRegistry: ''}\n"
        '    image:\n      name: "rancher/t"\n      tag: "2.6.2"\n',
        ["docker.io/rancher/t:2.6.2"],
    ),
    "what a text within leaves open ends with it": (
        "kind: HelmChart\nmetadata: {name: c}\nspec:\n  valuesContent: |\n    a: {b: [hunter2\n    c: 'hunter2\n"
        "  jobImage: rancher/klipper-helm:v1\n",
        ["docker.io/rancher/klipper-helm:v1"],
    ),
    "files in a ConfigMap": (
        "kind: ConfigMap\nmetadata: {name: m}\ndata:\n  app.conf: |\n    image: hunter2\n    password=hunter2\n"
        '  app.json: |-\n    {"nodes": ["hunter2"], "image": "hunter2 x"}\n  helperPod.yaml: |-\n    ---\n'
        "    apiVersion: v1\n    kind: Pod\n    metadata:\n      name: h\n    spec:\n      containers:\n"
        "      - name: h\n        image: busybox:1.37.0\n        env: [{name: a, value: hunter2}]\n"
        "  password: hunter2\n",
        ["docker.io/library/busybox:1.37.0"],
    ),
    "JSON": (
        '{"kind":"List","items":[{"kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"a",'
        '"image":"a:1","env":[{"name":"x","value":"hunter2: hunter2"}],"args":["hunter2","--a=hunter2"]}]}}]}',
        ["docker.io/library/a:1"],
    ),
    "anchors and merges": (
        "kind: Pod\nmetadata: {name: p}\nx: &hunter2 {name: a, image: a:1, pw: hunter2}\nspec:\n  containers:\n"
        "  - *hunter2\n  - {<<: *hunter2, image: b:1}\n",
        ["docker.io/library/a:1", "docker.io/library/b:1"],
    ),
    "tabs": (
        POD + "  - name:\ta\n    image: &i\ta:1\t# hunter2\n    x:\t!hunter2\thunter2\n"
        "  - {name: b,\timage: *i\t}\n  - {name: c, image:\tc:1}\n",
        ["docker.io/library/a:1", "docker.io/library/c:1"],
    ),
    "an anchor twice": (
        POD + "  - {name: a, image: a:1, x: &i hunter2, y: &i hunter2}\n  - {name: b, image: &i b:1, x: *i}\n",
        ["docker.io/library/a:1", "docker.io/library/b:1"],
    ),
    "a login in what should be an image": (
        POD + "  - {name: a, image: 'https://u:hunter2@reg/a:1'}\n",
        [],
    ),
}


@pytest.fixture(name="see", params=SHELLS, ids=lambda shell: shell[0])
def _see(request, tmp_path):
    """Looks at a board with these manifests; returns its rows and what it wrote."""
    board = FakeBoard(tmp_path)

    def see(texts, whole=()):
        for path, text in texts.items():
            board.file("data/server/manifests/" + path, text)
        output = board.run(["manifests"], request.param, whole=whole)
        seen = observe(output, TOKEN, ["manifests"])
        # What cannot be understood is told with the demand.
        assert {row["section"] for row in seen["errors"]} <= {"demand"}
        return seen["manifests"], output

    return see


@pytest.mark.parametrize("text, images", PLANTED.values(), ids=PLANTED.keys())
def test_no_planted_secret_leaves_the_board(see, text, images):
    rows, output = see({"a.yaml": text})
    assert SECRET not in output, [line for line in output.splitlines() if SECRET in line]
    found, dummy = demand(rows)
    assert [row["image"] for row in found] == images
    assert found == demand([dict(rows[0], text=text)])[0] or "login" in text


def test_what_does_not_look_like_an_image_is_told(see):
    rows, dummy = see({"a.yaml": POD + "  - {name: a, image: 'u:hunter2@reg/a:1'}\n"})
    found, problems = demand(rows)
    assert found == [] and "Pod/p container a: the image's name does not look like one" in problems[0]


@pytest.mark.parametrize(
    "text",
    [
        'kind: HelmChart\nmetadata: {name: c}\nspec: {valuesContent: "image:\\n  repository: a\\n"}\n',
        '{"kind":"ConfigMap","metadata":{"name":"c"},"data":{"helperPod.yaml":"kind: Pod\\nimage: hunter2"}}',
    ],
)
def test_a_text_in_quotes_stays_and_is_told(see, text):
    rows, output = see({"a.yaml": text})
    assert SECRET not in output
    assert "manifests/a.yaml %s/c: images in a text that is written in quotes are not known" % (
        "HelmChart" if "Chart" in text else "ConfigMap"
    ) in str(demand(rows)[1])


CONTAINER = "  containers:\n  - {name: a, image: 'a:1'}\n"
# Valid YAML whose image k3s runs: what hides it must be told.
UNSEEN = {
    "a block as kind": "kind: |-\n  Pod\nspec:\n" + CONTAINER,
    "an escape in kind": 'kind: "P\\x6fd"\nspec:\n' + CONTAINER,
    "an escape in a key": '"ki\\x6ed": Pod\nspec:\n' + CONTAINER,
    "kind over two lines": "kind:\n  >-\n  Pod\nspec:\n" + CONTAINER,
    "an anchor at kind": "kind: &k Pod\nspec: &s\n" + CONTAINER,
    "kind by an alias": "x: &k Pod\nkind: *k\nspec:\n" + CONTAINER,
    "an explicit key": "? kind\n: Pod\nspec:\n" + CONTAINER,
    "an explicit key further down": "kind: Pod\nspec:\n  ? containers\n  : - {name: a, image: 'a:1'}\n",
    "an alias as a key": "x: &c containers\nkind: Pod\nspec:\n  *c : [{name: a, image: 'a:1'}]\n",
    "a merge of what is not known": "kind: Pod\nspec:\n  <<: {? containers : [{name: a, image: 'a:1'}]}\n",
    "items": "kind: List\nitems:\n- ? kind\n  : Pod\n  spec: {containers: [{name: a, image: 'a:1'}]}\n",
    "values of a chart": "kind: HelmChart\nspec:\n  valuesContent: |\n    ? image\n    : {repository: a/b, tag: '1'}\n",
    "an image as a block in values": "kind: HelmChart\nspec:\n  valuesContent: |\n    image: >-\n      a/b:1\n",
    "a pod in a ConfigMap": "kind: ConfigMap\ndata:\n  a.yaml: |\n    kind: >-\n      Pod\n    spec:\n"
    "      containers:\n      - {name: a, image: 'a:1'}\n",
    "ends of lines that only YAML knows": "# x\rkind: Pod\rspec: {containers: [{name: a, image: 'a:1'}]}\n",
    "a long line of JSON": '{"kind":"Pod","spec":{"containers":[{"name":"a","image":"a:1","args":[%s"x"]}]}}'
    % ('"x",' * 5000),
}


@pytest.mark.parametrize("text", UNSEEN.values(), ids=UNSEEN.keys())
def test_an_image_that_is_not_seen_is_told(see, text):
    rows, dummy = see({"a.yaml": text})
    (row,) = rows
    if row["text"] is None:
        texts = _unread({"manifests": rows})
        assert row["left_out"] == "lines" and "manifests/a.yaml has lines" in texts[0]
    else:
        images, problems = demand(rows)
        assert problems or _names(images) == ["docker.io/library/a:1"]


LEAKS = {
    "a bare CR": "a:\r- hunter2\r- x: y\n",
    "NEL": "- hunter2\x85  a: b\n",
    "quotes that somebody forgot": POD + "  - name: a\n    args:\n    - curl -H hunter2 -u Authorization: x\n",
    "a comment with a quote within braces": "a: {\n  # don't\n  b: 'x', c: 'd:\n  image: hunter2'}\n",
    "a comment with quotes within brackets": 'a: [\n  # "\n  "x: {image: hunter2}",\n  "y {image: hunter2}"]\n',
    "what stands after a name in broken braces": "a: {image: 'x' hunter2, b: [name: 'x' 'hunter2']}\n",
}


@pytest.mark.parametrize("text", LEAKS.values(), ids=LEAKS.keys())
def test_what_is_no_key_stays(see, text):
    dummy, output = see({"a.yaml": text, "b.yaml": "kind: Pod\n"})
    assert SECRET not in output


def test_no_manifest_takes_long(see):
    """A line that is long takes an old awk the square of its length."""
    started = time.monotonic()
    see({"a.yaml": "a:\n- %s\n" % ("QUJD" * 32000), "b.yaml": '{"a": [%s1]}' % ("1," * 60000)})
    assert time.monotonic() - started < 5


def test_whole_where_it_is_asked_for(see):
    text = POD + "  - {name: a, image: a:1, args: [x]}\n"
    rows, dummy = see({"a.yaml": text, "sub/b.yaml": text, "c d.yaml": text}, ["a.yaml", "c d.yaml"])
    assert [(row["path"], row["whole"], row["text"] == text) for row in rows] == [
        ("a.yaml", True, True),
        ("c d.yaml", True, True),
        ("sub/b.yaml", False, False),
    ]


def test_files_without_a_line(see):
    rows, dummy = see({"a.yaml": "", "b.yaml": "kind: Pod\n", "c.yaml": "", "d.yaml": ""})
    assert [row["text"].strip() for row in rows] == ["", "kind: Pod", "", ""]


@pytest.mark.parametrize("version", ["v1.24.2", "v1.30.0", "v1.36.3"])
def test_the_demand_of_packaged_manifests_is_the_same(see, k3s_manifests, version):
    folder = k3s_manifests / version
    texts = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.yaml")}
    _same(see, texts)


def test_odd_texts_give_the_same_demand_or_a_problem(see):
    """Never another image than the whole text names, and none fewer without a word."""
    random_ = random.Random(13)
    operations = ["insert"] * 4 + ["insert at a line", "delete", "double the line", "swap lines", "cut off"]
    texts = {}
    for number in range(1500):
        mutations = [
            (random_.choice(operations), random_.randrange(len(SOUND)), random_.choice(SNIPPETS))
            for dummy in range(random_.randint(1, 3))
        ]
        texts["m%04d.yaml" % number] = mutate(SOUND, mutations).replace("\x00", "")
    rows, dummy = see(texts)
    differ = []
    for row in rows:
        images, problems = demand([row])
        whole, whole_problems = demand([dict(row, text=texts[row["path"]])])
        if _names(images) != _names(whole) and not problems and not whole_problems and not row["left_out"]:
            differ.append((texts[row["path"]], row["text"], images, whole))
    assert differ == []


def _names(rows):
    return [row["image"] for row in rows]


def _same(see, texts):
    rows, dummy = see(texts)
    whole = [dict(row, text=texts[row["path"]]) for row in rows]
    assert demand(rows) == demand(whole)
    assert charts(rows) == charts(whole)
    assert demand(whole)[0]


def test_an_overlay_is_known_as_one(see):
    patch = {"manifest": "a.yaml", "kind": "Deployment", "name": "d", "container": "c", "image": "x:1"}
    packaged = (
        "kind: Deployment\nmetadata: {name: d}\nspec:\n  template:\n    spec:\n      containers:\n      - name: c\n"
    )
    packaged += "        image: y:1\n"
    overlay = _overlay.make_overlays(packaged.encode(), "a.yaml", normalise_patches([patch]))[1].decode()
    rows, dummy = see({"a-riscv64.yaml": overlay, "b.yaml": _overlay.UNDO_COMMENT + "\n" + packaged})
    assert _overlay.read_header(rows[0]["text"]) == _overlay.read_header(overlay)
    assert rows[1]["text"].startswith(_overlay.UNDO_COMMENT)
