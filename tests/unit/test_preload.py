# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive in agent/images by tables of cases: when one is wanted, what it holds, when k3s is restarted for it."""

from __future__ import annotations

import copy

import pytest
from planning import wanting

from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import plan as _plan
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import preload as _preload
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock

PAUSE = "docker.io/rancher/mirrored-pause:3.6"
COREDNS = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
PAUSE_SOURCE = "reg:5000/riscv64/pause:3.10"
COREDNS_SOURCE = "reg:5000/riscv64/coredns:1.12.1"
CATALOGUE = [
    {"stock": PAUSE.rpartition(":")[0], "source": PAUSE_SOURCE},
    {"stock": COREDNS.rpartition(":")[0], "source": COREDNS_SOURCE},
]
BOTH = [
    {"source": COREDNS_SOURCE, "targets": [COREDNS], "digest": None},
    {"source": PAUSE_SOURCE, "targets": [PAUSE], "digest": None},
]
ARCHIVE = _preload.archive_name(BOTH, "riscv64")
OLD = "riscv-k3s-000000000000.tar"
DIGEST = "sha256:" + "1" * 64


def held(name, platforms=("linux/riscv64",), pinned=True, digest="sha256:1"):
    return {"name": name, "digest": digest, "platforms": list(platforms), "pinned": pinned, "size": 1}


def observed(images=(), preloads=(), demand=(PAUSE, COREDNS)):
    return {
        "architecture": "riscv64",
        "k3s": {"version": "v1.24.2+k3s2"},
        "config": {"disable": ["servicelb"]},
        "containerd": {"version": "1.6.6", "pins": False},
        "pause_image": PAUSE,
        "registries": {"present": False, "sha256": "", "mode": None, "stale": False},
        "images": list(images),
        "preloads": [{"name": name, "stale": stale} for name, stale in preloads],
        "manifests": [],
        "demand": [{"image": image, "where": ["somewhere"], "required": True} for image in demand],
        "errors": [],
    }


def decide(board, **wanted):
    settings = dict({"catalogue": _catalogue.read(CATALOGUE), "fixes": ["preload"]}, **wanted)
    return _plan.plan(board, wanting(**settings), _plan.Cluster([board]))


THERE = [held(PAUSE), held(COREDNS)]
MIRROR = {"fixes": ["mirror", "preload"], "mirror": "reg:5000/riscv64"}


@pytest.mark.parametrize(
    "images, preloads, wanted, archive, change, restart, obsolete, reason",
    [
        pytest.param([], [], {}, ARCHIVE, True, True, [], "there is none", id="broken"),
        pytest.param(THERE, [(ARCHIVE, False)], {}, ARCHIVE, False, False, [], "as wanted", id="converged"),
        pytest.param(
            [held(PAUSE, pinned=False), held(COREDNS, pinned=False)],
            [(ARCHIVE, False)],
            {},
            ARCHIVE,
            False,
            False,
            [],
            "as wanted",
            id="not pinned by an old k3s",
        ),
        pytest.param(
            THERE,
            [],
            {},
            ARCHIVE,
            True,
            True,
            [],
            "there is none",
            id="images are there, but nothing that outlives the store",
        ),
        pytest.param(
            [held(PAUSE)],
            [(ARCHIVE, False)],
            {},
            ARCHIVE,
            False,
            True,
            [],
            "k3s has not imported " + COREDNS,
            id="an image was lost",
        ),
        pytest.param(
            THERE,
            [(ARCHIVE, True)],
            {},
            ARCHIVE,
            False,
            True,
            [],
            "not restarted",
            id="placed, and the run was interrupted",
        ),
        pytest.param(
            THERE, [(OLD, False)], {}, ARCHIVE, True, True, [OLD], "another one is needed", id="after an upgrade"
        ),
        pytest.param(
            THERE,
            [(OLD, False), (ARCHIVE, False)],
            {},
            ARCHIVE,
            True,
            False,
            [OLD],
            "nothing in it is needed",
            id="an older one was left",
        ),
        pytest.param(
            [held(PAUSE)],
            [(OLD, False), (ARCHIVE, False)],
            {},
            ARCHIVE,
            True,
            True,
            [OLD],
            "has not imported",
            id="both",
        ),
        pytest.param(
            THERE,
            [(OLD, False)],
            {"fixes": ["tag"]},
            None,
            True,
            False,
            [OLD],
            "nothing in it is needed",
            id="the fix is not used any more",
        ),
        pytest.param(THERE, [], {"fixes": ["tag"]}, None, False, False, [], "as wanted", id="not used"),
        pytest.param([], [], {"fixes": ["tag", "preload"]}, None, False, False, [], "as wanted", id="tag goes first"),
        pytest.param([], [], {"catalogue": []}, None, False, False, [], "as wanted", id="nothing to put in"),
        pytest.param(
            [],
            [],
            {"architecture": "amd64"},
            None,
            False,
            False,
            [],
            "as wanted",
            id="another architecture is left to k3s",
        ),
        pytest.param(
            THERE,
            [(OLD, False)],
            MIRROR,
            None,
            False,
            False,
            [],
            "as wanted",
            id="a mirror goes first, nothing is missing",
        ),
        pytest.param(
            THERE, [(OLD, True)], MIRROR, None, False, True, [], "not restarted", id="a mirror goes first, interrupted"
        ),
        pytest.param(
            [held(PAUSE)],
            [(OLD, False)],
            MIRROR,
            ARCHIVE,
            True,
            True,
            [OLD],
            "another one is needed",
            id="a mirror lacks it",
        ),
        pytest.param(
            [], [], dict(MIRROR, served=[PAUSE, COREDNS]), None, False, False, [], "as wanted", id="a mirror has all"
        ),
    ],
)
def test_what_is_done_about_the_archive(images, preloads, wanted, archive, change, restart, obsolete, reason):
    wanted = dict(wanted, catalogue=_catalogue.read(wanted["catalogue"])) if "catalogue" in wanted else wanted
    plan = decide(observed(images, preloads), **wanted)
    found = plan["preload"]
    assert [found[key] for key in ("archive", "change", "restart", "obsolete")] == [archive, change, restart, obsolete]
    assert found["place"] == (archive is not None and archive not in dict(preloads))
    assert reason in found["reason"]
    assert found["images"] == (BOTH if archive else [])


def test_nothing_is_pulled_or_tagged_on_the_board():
    for images in (
        [],
        THERE,
        [held(PAUSE, platforms=["linux/amd64"])],
        [held(PAUSE, pinned=False)],
        THERE + [held(PAUSE_SOURCE, digest="sha256:2")],
    ):
        plan = decide(observed(images))
        assert (plan["pulls"], plan["tags"], plan["problems"]) == ([], [], [])


def test_what_the_plan_does_converges():
    board = observed()
    plan = decide(board)
    assert {row["fix"] for row in plan["images"]} == {"preload"}
    board["preloads"] = [{"name": plan["preload"]["archive"], "stale": False}]
    board["images"] = [held(target, pinned=False) for row in plan["preload"]["images"] for target in row["targets"]]
    after = decide(board)
    assert (after["changes"], {row["fix"] for row in after["images"]}) == (0, {"present"})


@pytest.mark.parametrize("old_is_there", [True, False])
def test_a_pod_of_an_older_tag_is_about_to_go(old_is_there):
    """After an upgrade pods of both tags run for a while: the archive is the same without the older ones."""
    new = COREDNS.replace("1.9.1", "1.14.6")
    board = observed([held(PAUSE)] + ([held(COREDNS)] if old_is_there else []), demand=[PAUSE, new, COREDNS])
    board["demand"][2]["where"] = ["pod kube-system/coredns-1 container coredns"]
    names = [target for row in decide(board)["preload"]["images"] for target in row["targets"]]
    # One that is missing is brought all the same.
    assert names == ([new] if old_is_there else [new, COREDNS]) + [PAUSE]
    only_pods = observed([held(COREDNS)], demand=[COREDNS])
    only_pods["demand"][0]["where"] = ["pod kube-system/coredns-1 container coredns"]
    assert decide(only_pods)["preload"]["images"] == BOTH[:1]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda rows: rows[0].update(source="reg:5000/riscv64/coredns:1.13"), id="source"),
        pytest.param(lambda rows: rows[0]["targets"].append(COREDNS.replace("1.9.1", "1.14.6")), id="name"),
        pytest.param(lambda rows: rows[0].update(digest=DIGEST), id="digest"),
        pytest.param(lambda rows: rows.pop(), id="one less"),
    ],
)
def test_the_name_tells_the_content(change):
    rows = copy.deepcopy(BOTH)
    change(rows)
    assert _preload.archive_name(rows, "riscv64") != ARCHIVE == _preload.archive_name(list(reversed(BOTH)), "riscv64")
    assert _preload.archive_name(BOTH, "arm64") != ARCHIVE


def test_a_lock_stands_in_the_archive():
    """Its digest may be that of an index, of which the board has one platform: that is no reason to do it again."""
    locked = _lock.Locked(PAUSE, "riscv64", PAUSE_SOURCE, "reg:5000", DIGEST, 1, "2026-11-24T00:00:00Z")
    wanted = {"lock": {(PAUSE, "riscv64"): locked}}
    plan = decide(observed(), **wanted)
    assert [row["digest"] for row in plan["preload"]["images"]] == [None, DIGEST]
    board = observed(THERE, [(plan["preload"]["archive"], False)])
    after = decide(board, **wanted)
    assert after["changes"] == 0 and not any("is left as it is" in text for text in after["warnings"])


@pytest.mark.parametrize(
    "images, sentences",
    [
        (THERE, []),
        ([held(PAUSE, platforms=["linux/amd64"]), held(COREDNS)], [PAUSE + " is linux/amd64"]),
        ([held(PAUSE, platforms=[]), held(COREDNS)], [PAUSE + " is of no known architecture"]),
        ([held(PAUSE)], [COREDNS + " is not in the store"]),
        (None, [COREDNS + " is not in the store", PAUSE + " is not in the store"]),
    ],
)
def test_what_a_board_lacks_of_its_archive(images, sentences):
    found = _preload.lacking(images, decide(observed()))
    assert len(found) == len(sentences)
    for sentence, expected in zip(found, sentences):
        assert sentence.startswith(expected.replace("is linux/", "is ")), found


PATCHED = "reg:5000/riscv64/coredns:mine"
PATCH = {"manifest": "coredns.yaml", "kind": "Deployment", "name": "coredns", "container": "coredns", "image": PATCHED}
ENTRY = {"stock": COREDNS.rpartition(":")[0], "source": COREDNS_SOURCE, "patch": PATCH}
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: coredns}
spec: {template: {spec: {containers: [{name: coredns, image: rancher/mirrored-coredns-coredns:1.9.1}]}}}
"""


@pytest.mark.parametrize(
    "asked, images, fix, source, pulls",
    [
        pytest.param(COREDNS, [], "patch", PATCHED, [PATCHED], id="before"),
        pytest.param(COREDNS, [held(PATCHED)], "patch", PATCHED, [], id="its image is there"),
        pytest.param(PATCHED, [held(PATCHED, pinned=False)], "present", PATCHED, [], id="after"),
        pytest.param(PATCHED, [], "stock", PATCHED, [], id="after, not pulled yet"),
    ],
)
def test_a_patch_may_name_another_image(asked, images, fix, source, pulls):
    """Then the stock name is not needed, and the patch is wanted also when nothing asks for the stock name any more."""
    board = observed(images, demand=[asked])
    board["manifests"] = [
        {"path": "coredns.yaml", "sha256": "0", "mtime": 0, "skip": False, "text": MANIFEST, "whole": True}
    ]
    plan = decide(board, catalogue=_catalogue.read([ENTRY]), fixes=["tag"])
    row = next(row for row in plan["images"] if row["image"] == asked)
    assert (row["fix"], row["source"], plan["pulls"], plan["tags"]) == (fix, source, pulls, [])
    assert [patch["name"] for patch in plan["patches"]["present"]] == ["coredns"]
    assert not plan["problems"]
