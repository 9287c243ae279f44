# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""upgrade_check's decisions by tables of cases: what a version wants, who serves it, and whether that is safe."""

import pathlib

import pytest
from ansible.errors import AnsibleLookupError

from ansible_collections.riscv.k3s.plugins.lookup.manifests import LookupModule
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.defaults import default_catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.publication import publication
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.table import upgrade_table
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.wanted import upgrade_images

PAUSE = "docker.io/rancher/mirrored-pause:3.10.2"
SOURCE, MIRROR = "reg:5000/riscv64/pause:3.10", "reg:5000/riscv64/rancher/mirrored-pause:3.10.2"
CATALOGUE = [{"stock": "docker.io/rancher/mirrored-pause", "source": SOURCE}]
CHART = "kind: HelmChart\nmetadata: {name: traefik}\nspec: {chart: x}\n"
WORKLOAD = "kind: Deployment\nmetadata: {name: n}\nspec: {template: {spec: {containers: [{name: c, image: '%s'}]}}}\n"


def names(wanted):
    return [(row["image"] or row["name"] + ":?").rpartition("/")[2] for row in wanted["rows"]]


@pytest.mark.parametrize("version", ["v1.24.2", "v1.30.0", "v1.36.3"])
def test_with_and_without_manifests_it_is_the_version_s_list(k3s_manifests, version):
    manifests = LookupModule().run([str(k3s_manifests / version)])
    listed = (k3s_manifests / version / "image-list.txt").read_text().split()
    for wanted in (upgrade_images(version, [], manifests), upgrade_images(version, [])):
        assert [row["image"] for row in wanted["rows"]] == listed
        assert {row["sure"] for row in wanted["rows"]} == {"exact"}
        assert wanted["problems"] == []


@pytest.mark.parametrize(
    "version, settings, expected",
    [
        (
            "v1.36.3+k3s1",
            {"disable": ["traefik", "servicelb", "metrics-server"]},
            [
                "local-path-provisioner:v0.0.37",
                "mirrored-coredns-coredns:1.14.6",
                "mirrored-library-busybox:1.37.0",
                "mirrored-pause:3.10.2",
            ],
        ),
        (
            "v1.36.3+k3s1",
            {"disable": ["local-storage", "coredns", "traefik"]},
            ["klipper-lb:v0.4.17", "mirrored-metrics-server:v0.9.0", "mirrored-pause:3.10.2"],
        ),
        (
            "v1.36.3+k3s1",
            {
                "manifests": [("coredns.yaml", WORKLOAD % "%{SYSTEM_DEFAULT_REGISTRY}%rancher/c:1")],
                "disable": ["servicelb"],
            },
            ["c:1", "mirrored-pause:3.10.2"],
        ),
        (
            "v1.36.3+k3s1",
            {
                "manifests": [("coredns.yaml", WORKLOAD % "c:1"), ("m/a.yaml", WORKLOAD % "m:1")],
                "disable": ["coredns", "servicelb", "m"],
            },
            ["mirrored-pause:3.10.2"],
        ),
        (
            "v1.36.3+k3s1",
            {"manifests": [("traefik.yaml", CHART)], "disable": ["servicelb"]},
            ["klipper-helm:v0.13.3-build20260727", "mirrored-pause:3.10.2"],
        ),
        (
            "v1.36.3+k3s1",
            {"manifests": [("traefik.yaml", CHART)], "disable": ["traefik"]},
            ["klipper-lb:v0.4.17", "mirrored-pause:3.10.2"],
        ),
        (
            "v1.37.1+k3s1",
            {"disable": ["coredns", "metrics-server"]},
            [
                "klipper-helm:?",
                "klipper-lb:?",
                "local-path-provisioner:v0.0.37",
                "mirrored-library-busybox:?",
                "mirrored-library-traefik:3.7.13",
                "mirrored-pause:3.10.2",
            ],
        ),
        (
            "v1.37.1+k3s1",
            {
                "disable": ["coredns", "metrics-server", "local-storage", "traefik"],
                "images": ["docker.io/rancher/klipper-lb:v0.5.0", "", "# a comment"],
            },
            ["klipper-lb:v0.5.0", "mirrored-pause:3.10.2"],
        ),
    ],
)
def test_what_is_wanted(version, settings, expected):
    if "manifests" in settings:
        settings = dict(
            settings, manifests=[{"path": path, "text": text, "skip": False} for path, text in settings["manifests"]]
        )
    assert names(upgrade_images(version, [], **settings)) == expected


def test_what_is_asked_of_registries():
    wanted = upgrade_images(
        "v1.36.3",
        CATALOGUE,
        disable=["coredns", "local-storage", "metrics-server", "servicelb", "traefik"],
        mirror_prefix="reg:5000/riscv64/",
    )
    assert wanted["references"] == sorted([PAUSE, SOURCE, MIRROR])


def test_what_is_no_version():
    with pytest.raises(Problem):
        upgrade_images("latest", [])


def answer(image, cause=None, platforms=None):
    """A row of registry_image_info; what has another platform is for arm64."""
    held = platforms or {None: ["linux/riscv64"], "no-platform": ["linux/arm64"]}.get(cause, [])
    message = "%s: %s." % (image, cause)
    return {"image": image, "has_architecture": cause is None, "cause": cause, "message": message, "platforms": held}


def row(**changes):
    found = {
        "image": PAUSE,
        "name": PAUSE.rpartition(":")[0],
        "where": ["x"],
        "sure": "exact",
        "source": SOURCE,
        "mirror": MIRROR,
    }
    return dict(
        found,
        **dict({"patch": False, "instead": None, "third_party": False, "recipe": None, "required": True}, **changes),
    )


COPY = {"source": SOURCE, "target": MIRROR}


@pytest.mark.parametrize(
    "changes, source, mirror, stock, fix, copy, missing",
    [
        pytest.param({}, None, None, None, "mirror", None, None, id="all serve it"),
        pytest.param({}, None, "no-such-image", "registry-name", "tag", COPY, None, id="only the source"),
        pytest.param({}, "no-such-image", None, "registry-name", "mirror", None, None, id="only the mirror"),
        pytest.param(
            {},
            "no-such-image",
            "no-such-image",
            None,
            "stock",
            {"source": PAUSE, "target": MIRROR},
            None,
            id="only the stock name",
        ),
        pytest.param(
            {}, "no-such-image", "no-such-image", "registry-name", None, None, SOURCE + ": no-such-image.", id="nothing"
        ),
        pytest.param({}, None, "no-platform", "no-platform", "tag", None, None, id="mirror has other content"),
        pytest.param({}, None, "registry-refused", "registry-name", "tag", None, None, id="mirror is down"),
        pytest.param(
            {"source": None, "mirror": None},
            None,
            None,
            "no-platform",
            None,
            None,
            "has no entry for it",
            id="no source",
        ),
        pytest.param(
            {"source": PAUSE},
            None,
            "no-such-image",
            None,
            "stock",
            {"source": PAUSE, "target": MIRROR},
            None,
            id="stock has it by now",
        ),
        pytest.param({"mirror": None}, None, None, "registry-name", "tag", None, None, id="no mirror"),
        pytest.param(
            {"sure": "approximate"},
            None,
            "no-such-image",
            "registry-name",
            "tag",
            COPY,
            None,
            id="approximate tag from a source",
        ),
        pytest.param(
            {"sure": "approximate"},
            None,
            None,
            "registry-name",
            "mirror",
            None,
            "the tag is approximate",
            id="approximate tag in the mirror",
        ),
        pytest.param(
            {"image": None, "source": None, "mirror": None, "sure": "unknown"},
            None,
            None,
            None,
            None,
            None,
            "its tag is not known",
            id="unknown tag",
        ),
    ],
)
def test_judgement(changes, source, mirror, stock, fix, copy, missing):
    wanted = {"rows": [row(**changes)], "problems": []}
    table = upgrade_table(wanted, [answer(MIRROR, mirror), answer(PAUSE, stock), answer(SOURCE, source)])
    assert (table["rows"][0]["fix"], table["safe"]) == (fix, missing is None)
    assert publication({"riscv64": table})["copies"] == ([copy] if copy else [])
    assert missing is None or missing in table["missing"][0]
    assert table["lines"][-1].startswith("SAFE" if missing is None else "NOT SAFE")


@pytest.mark.parametrize(
    "fixes, answers, fix",
    [
        (["mirror"], {MIRROR: "no-such-image", SOURCE: None, PAUSE: "registry-name"}, None),
        (["preload"], {MIRROR: None, SOURCE: None, PAUSE: "registry-name"}, "preload"),
        (["flag", "tag"], {MIRROR: None, SOURCE: None, PAUSE: "registry-name"}, "flag"),
        (["tag", "mirror"], {MIRROR: None, SOURCE: None, PAUSE: "registry-name"}, "tag"),
    ],
)
def test_only_fixes_that_may_be_used_count(fixes, answers, fix):
    wanted = {"rows": [row()], "problems": []}
    table = upgrade_table(wanted, [answer(*pair) for pair in answers.items()], fixes=fixes)
    assert (table["rows"][0]["fix"], table["safe"]) == (fix, fix is not None)


BOTH = ["linux/arm64", "linux/riscv64"]


def tables(**answers):
    """The tables of two architectures; an answer is (cause, platforms) of source, mirror and stock by architecture."""
    found = {}
    for architecture, said in answers.items():
        rows = [answer(name, *said[key]) for key, name in (("source", SOURCE), ("mirror", MIRROR), ("stock", PAUSE))]
        found[architecture] = upgrade_table({"rows": [row()], "problems": []}, rows, architecture=architecture)
    return found


NOTHING, DOWN = ("no-such-image",), ("registry-refused",)


@pytest.mark.parametrize(
    "fleet, copy, words",
    [
        # One source serves both.
        ([((None, BOTH), NOTHING, DOWN), ((None, BOTH), NOTHING, DOWN)], COPY, None),
        # What is there for arm64 would be lost.
        (
            [((None, ["linux/riscv64"]), ("no-platform", ["linux/arm64"]), DOWN)],
            None,
            "left as it is: it holds linux/arm64",
        ),
        # Both are served already.
        ([((None, BOTH), (None, BOTH), DOWN), ((None, BOTH), (None, BOTH), DOWN)], None, None),
        # The mirror has one of the two, and the source both.
        (
            [((None, BOTH), (None, ["linux/riscv64"]), DOWN), ((None, BOTH), ("no-platform", ["linux/riscv64"]), DOWN)],
            COPY,
            None,
        ),
        # It has another platform besides, which the source lacks.
        (
            [
                ((None, BOTH), (None, ["linux/riscv64", "linux/s390x"]), DOWN),
                ((None, BOTH), ("no-platform", ["linux/riscv64", "linux/s390x"]), DOWN),
            ],
            None,
            "linux/s390x",
        ),
        # Each architecture has a source of its own, and one name serves both.
        (
            [
                ((None, ["linux/riscv64"]), NOTHING, ("no-platform",)),
                (("no-platform", ["linux/riscv64"]), NOTHING, (None, ["linux/arm64"])),
            ],
            None,
            "no source serves arm64 and riscv64 alike",
        ),
        # Whoever does not answer has not said that it lacks anything.
        ([((None, ["linux/riscv64"]), DOWN, DOWN)], None, "the mirror cannot be asked"),
        ([((None, ["linux/riscv64"]), ("registry-auth",), DOWN)], None, "the mirror cannot be asked"),
    ],
)
def test_what_is_published(fleet, copy, words):
    keys = ("source", "mirror", "stock")
    said = {name: dict(zip(keys, answers)) for name, answers in zip(("riscv64", "arm64"), fleet)}
    planned = publication(tables(**said), planned=True)
    assert planned["copies"] == ([copy] if copy else [])
    assert (planned["missing"] == []) if words is None else (words in planned["missing"][0])
    # What was not copied in the end is missing.
    assert bool(publication(tables(**said))["missing"]) == bool(copy or words)


def test_an_approximate_tag_is_published_and_told():
    table = upgrade_table(
        {"rows": [row(sure="approximate")], "problems": []}, [answer(SOURCE), answer(MIRROR, "no-such-image")]
    )
    planned = publication({"riscv64": table}, planned=True)
    assert planned["copies"] == [COPY] and "the tag is approximate" in planned["missing"][0]


def test_a_mirror_that_cannot_be_asked_is_told_once_and_lacks_nothing():
    other = dict(row(required=False), image=PAUSE + "-x", mirror=MIRROR + "-x")
    rows = [row(recipe="pause"), other]
    table = upgrade_table({"rows": rows, "problems": []}, [answer(MIRROR, DOWN[0]), answer(MIRROR + "-x", DOWN[0])])
    planned = publication({"riscv64": table}, planned=True)
    assert len(planned["missing"]) == 1 and not planned["later"] and not planned["builds"]
    assert planned["missing"][0].startswith("the mirror cannot be asked (2 of 2 images): ")
    assert [line.split()[1:] for line in planned["lines"][1:]] == [["not", "known", "-"]] * 2


def test_what_every_source_denies_is_served_by_nothing():
    table = upgrade_table({"rows": [row()], "problems": []}, [answer(name, NOTHING[0]) for name in (SOURCE, MIRROR)])
    planned = publication({"riscv64": table}, planned=True)
    assert "nothing serves it" in planned["lines"][1] and "nothing serves it for riscv64" in planned["missing"][0]


BUILD = {"stock": PAUSE.rpartition(":")[0], "source": MIRROR, "architecture": "riscv64", "build": {"recipe": "pause"}}
STOCK_COPY = {"source": PAUSE, "target": MIRROR}


@pytest.mark.parametrize(
    "third_party, recipe, source, stock, how, what",
    [
        # What the project offers needs no build.
        (False, "pause", None, DOWN[0], "copies", COPY),
        (False, "pause", NOTHING[0], None, "copies", STOCK_COPY),
        (True, "pause", None, None, "copies", STOCK_COPY),
        # What only a third party offers is built, and taken from there where there is no recipe.
        (True, "pause", None, "no-platform", "builds", BUILD),
        (True, None, None, "no-platform", "copies", COPY),
        # Nobody needs to be reached for what is built.
        (True, "pause", DOWN[0], DOWN[0], "builds", BUILD),
        (False, "pause", DOWN[0], "no-platform", "builds", BUILD),
        (True, None, DOWN[0], DOWN[0], None, None),
    ],
)
def test_the_cheapest_honest_source(third_party, recipe, source, stock, how, what):
    wanted = {"rows": [row(third_party=third_party, recipe=recipe)], "problems": []}
    table = upgrade_table(wanted, [answer(SOURCE, source), answer(MIRROR, NOTHING[0]), answer(PAUSE, stock)])
    planned = publication({"riscv64": table}, planned=True)
    expected = dict({"copies": [], "builds": []}, **({how: [what]} if how else {}))
    assert {key: planned[key] for key in expected} == expected
    assert bool(planned["missing"]) == (how is None)
    # Whoever did not answer has not said that it lacks it.
    assert ("not known: a source cannot be asked" in planned["lines"][1]) == (how is None)
    assert "nothing serves" not in " ".join(planned["lines"] + planned["missing"])
    later = publication({"riscv64": dict(table, rows=[dict(table["rows"][0], required=False)])}, planned=True)
    assert (later["missing"], later["later"]) == ([], planned["missing"])
    # Until it is done it is missing, and the second run finds nothing to do.
    assert publication({"riscv64": table})["missing"]
    done = upgrade_table(wanted, [answer(SOURCE, source), answer(MIRROR), answer(PAUSE, stock)])
    after = publication({"riscv64": done})
    assert (after["copies"], after["builds"], after["missing"]) == ([], [], []) and "yes" in after["lines"][1]


def test_a_name_for_several_architectures_is_not_built_for_one():
    said = {"riscv64": row(recipe="pause"), "arm64": row(recipe="pause")}
    made = {
        name: upgrade_table(
            {"rows": [one], "problems": []},
            [answer(SOURCE, DOWN[0]), answer(MIRROR, NOTHING[0]), answer(PAUSE, DOWN[0])],
            architecture=name,
        )
        for name, one in said.items()
    }
    planned = publication(made, planned=True)
    assert planned["builds"] == [] and planned["missing"]


# The six that no project publishes for riscv64 for each of these: a third party is needed for none of them.
SIX = ("mirrored-pause", "mirrored-coredns-coredns", "local-path-provisioner", "mirrored-metrics-server")
SIX += ("mirrored-library-busybox", "klipper-lb")


@pytest.mark.parametrize("version", ["v1.24.2", "v1.30.0", "v1.36.3"])
def test_no_third_party_is_needed_for_the_six(version):
    wanted = upgrade_images(version, default_catalogue(), mirror_prefix="reg:5000/stock")
    rows = {row["name"].rpartition("/")[2]: row for row in wanted["rows"]}
    assert set(SIX) <= set(rows)
    assert {name: rows[name]["recipe"] for name in SIX if not rows[name]["recipe"]} == {}
    # And it says of each source that is one.
    for one in rows.values():
        assert one["third_party"] == ("carvicsforth" in (one["source"] or "")), one


def test_what_boards_ask_for_needs_no_version():
    own = "192.168.173.76:6000/own/app:1"
    wanted = upgrade_images(
        "",
        default_catalogue(),
        mirror_prefix="reg:5000/stock",
        asked=[{"image": PAUSE, "required": True}, {"image": own, "required": False}],
    )
    assert names(wanted) == ["app:1", "mirrored-pause:3.10.2"]
    assert [row["mirror"] for row in wanted["rows"]] == [None, "reg:5000/stock/rancher/mirrored-pause:3.10.2"]
    assert {row["sure"] for row in wanted["rows"]} == {"exact"}
    assert [row["required"] for row in wanted["rows"]] == [False, True]


@pytest.mark.parametrize("prefix", ["reg:5000/stock", "reg:5000"])
def test_where_k3s_asks_the_private_registry_itself_images_are_published_under_those_names(prefix):
    """system-default-registry, as k3s's guide for machines without internet has it (k3s 5259)."""
    image = "reg:5000/rancher/mirrored-metrics-server:v0.5.2"
    row = {"image": image, "required": True, "below": "reg:5000"}
    wanted = upgrade_images("", default_catalogue(), mirror_prefix=prefix, asked=[row])
    [one] = wanted["rows"]
    assert (one["mirror"], one["recipe"], one["elsewhere"]) == (image, "metrics-server-0.5", None)
    found = publication(
        {"riscv64": upgrade_table(wanted, [answer(name, "no-such-image") for name in wanted["references"]])}
    )
    [build] = found["builds"]
    assert (build["source"], build["build"]) == (image, {"recipe": "metrics-server-0.5"})
    held = [answer(name, None if name == image else "no-such-image") for name in wanted["references"]]
    found = publication({"riscv64": upgrade_table(wanted, held)})
    assert found["missing"] == found["builds"] == []


def test_nothing_is_published_to_a_registry_of_somebody_else_that_k3s_asks():
    image = "registry.cn/rancher/mirrored-pause:3.6"
    row = {"image": image, "required": True, "below": "registry.cn"}
    wanted = upgrade_images("", default_catalogue(), mirror_prefix="reg:5000/stock", asked=[row])
    found = publication(
        {"riscv64": upgrade_table(wanted, [answer(name, "no-such-image") for name in wanted["references"]])}
    )
    assert found["builds"] == found["copies"] == []
    [said] = found["missing"]
    assert "k3s asks registry.cn for it (system-default-registry), where nothing is published" in said
    # What the fix tag brings needs no registry of one's own.
    own = wanted["rows"][0]["source"]
    source = [answer(name, None if name == own else "no-such-image") for name in wanted["references"]]
    assert publication({"riscv64": upgrade_table(wanted, source)})["missing"] == []


INSTEAD = "docker.io/carvicsforth/pause:3.10.2"


@pytest.mark.parametrize("cause, fix", [(None, "patch"), ("no-such-image", None)])
def test_an_image_that_a_patch_names_instead(cause, fix):
    """What the stock name's source and mirror hold does not matter then."""
    patch = {"manifest": "c.yaml", "kind": "Deployment", "name": "n", "container": "c", "image": INSTEAD}
    wanted = upgrade_images(
        "v1.36.3+k3s1",
        [dict(CATALOGUE[0], patch=patch)],
        disable=["traefik", "servicelb"],
        mirror_prefix="reg:5000/riscv64",
    )
    [pause] = [row for row in wanted["rows"] if row["image"] == PAUSE]
    assert pause["instead"] == INSTEAD and INSTEAD in wanted["references"]
    table = upgrade_table(
        {"rows": [pause], "problems": []},
        [answer(INSTEAD, cause), answer(MIRROR, "no-such-image"), answer(SOURCE), answer(PAUSE)],
    )
    assert (table["rows"][0]["fix"], table["safe"]) == (fix, cause is None)
    assert publication({"riscv64": table})["copies"] == []
    assert cause is None or INSTEAD in table["missing"][0]


def test_the_table():
    lines = upgrade_table(
        {"rows": [row(patch=True), row(image=None, sure="unknown")], "problems": ["x is not valid YAML"]},
        [answer(MIRROR, "no-such-image"), answer(PAUSE, "registry-name"), answer(SOURCE)],
    )["lines"]
    assert lines[0].split() == ["IMAGE", "SOURCE", "MIRROR", "STOCK", "FIX", "NAMED", "IN"]
    assert lines[1].split() == [PAUSE, "riscv64", "no-such-image", "registry-name", "tag", "+", "patch", "x"]
    assert lines[3] == "MISSING: x is not valid YAML"
    assert lines[-1] == "NOT SAFE: 2 to resolve before the upgrade."


def test_manifests_of_a_folder(tmp_path):
    for path, text in {"b.yaml": "b", "sub/a.YML": "a", "b.yaml.skip": "", "x.bak": "", ".hidden.yaml": ""}.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert LookupModule().run([str(tmp_path)]) == [
        {"path": "b.yaml", "text": "b", "skip": True},
        {"path": "sub/a.YML", "text": "a", "skip": False},
    ]


@pytest.mark.parametrize(
    "content, message",
    [(None, "does not exist"), ({}, "There is no manifest"), ({"a.yaml": b"\xff"}, "cannot be read")],
)
def test_a_folder_that_will_not_do(tmp_path, content, message):
    folder = pathlib.Path(tmp_path, "f")
    if content is not None:
        folder.mkdir()
        for name, data in content.items():
            (folder / name).write_bytes(data)
    with pytest.raises(AnsibleLookupError) as caught:
        LookupModule().run([str(folder)])
    assert message in str(caught.value)
