# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan by tables of cases: what is observed, what is wanted, what is decided and why."""

from __future__ import annotations

import pytest
from planning import (
    CATALOGUE,
    COREDNS,
    MANIFEST,
    PATCH,
    PAUSE,
    PAUSE_SOURCE,
    REGISTRIES,
    asked,
    decide,
    file,
    held,
    observed,
)

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import registries as _registries


def rows(plan):
    return {row["image"]: row["fix"] for row in plan["images"]}


@pytest.mark.parametrize(
    "images, wanted, fix, reason, pulls, tags",
    [
        pytest.param(
            [],
            {},
            "tag",
            "not in the store",
            [PAUSE_SOURCE],
            [{"source": PAUSE_SOURCE, "targets": [PAUSE]}],
            id="missing",
        ),
        pytest.param(
            [held(PAUSE_SOURCE)],
            {},
            "tag",
            "not in the store",
            [],
            [{"source": PAUSE_SOURCE, "targets": [PAUSE]}],
            id="pulled already",
        ),
        pytest.param([held(PAUSE)], {}, "present", "riscv64, pinned", [], [], id="present"),
        pytest.param(
            [held(PAUSE), held(PAUSE_SOURCE)], {}, "present", "riscv64, pinned", [], [], id="present with its source"
        ),
        pytest.param(
            [held(PAUSE, pinned=False)],
            {},
            "tag",
            "not pinned",
            [],
            [{"source": PAUSE, "targets": [PAUSE]}],
            id="pin only, nothing is pulled",
        ),
        pytest.param(
            [held(PAUSE, pinned=False)], {"pinned": False}, "present", "not pinned", [], [], id="pins not wanted"
        ),
        pytest.param(
            [held(PAUSE, platforms=["linux/amd64"])],
            {},
            "tag",
            "store is amd64, the board is riscv64",
            [PAUSE_SOURCE],
            [{"source": PAUSE_SOURCE, "targets": [PAUSE]}],
            id="wrong architecture",
        ),
        pytest.param(
            [held(PAUSE, platforms=[])],
            {},
            "tag",
            "of no known architecture",
            [PAUSE_SOURCE],
            [{"source": PAUSE_SOURCE, "targets": [PAUSE]}],
            id="content of no architecture",
        ),
        pytest.param(
            [held(PAUSE, platforms=["linux/amd64", "linux/riscv64"])],
            {},
            "present",
            "riscv64",
            [],
            [],
            id="one of several architectures",
        ),
        pytest.param(
            [held(PAUSE), held(PAUSE_SOURCE, platforms=["linux/amd64"], digest="sha256:2")],
            {},
            "tag",
            "another digest",
            [PAUSE_SOURCE],
            [{"source": PAUSE_SOURCE, "targets": [PAUSE]}],
            id="wrong source",
        ),
        pytest.param(
            [held(PAUSE), held(PAUSE_SOURCE, digest="sha256:2")],
            {},
            "tag",
            "another digest",
            [],
            [{"source": PAUSE_SOURCE, "targets": [PAUSE]}],
            id="source moved on",
        ),
        pytest.param(
            [held(PAUSE), held(PAUSE_SOURCE, digest="sha256:2")],
            {"existing": "keep"},
            "present",
            "pinned",
            [],
            [],
            id="existing is kept",
        ),
        pytest.param(
            [held(PAUSE)],
            {"pull_policy": "always"},
            "tag",
            "always",
            [PAUSE_SOURCE],
            [{"source": PAUSE_SOURCE, "targets": [PAUSE]}],
            id="always",
        ),
        pytest.param([], {"catalogue": []}, "impossible", "no riscv64 source", [], [], id="no source"),
        pytest.param(
            [],
            {"architecture": "amd64"},
            "stock",
            "nothing for amd64",
            [],
            [],
            id="another architecture is left to k3s",
        ),
        pytest.param(
            [held(PAUSE, platforms=["linux/amd64"])],
            {"catalogue": []},
            "impossible",
            "names no source",
            [],
            [],
            id="wrong and no source",
        ),
    ],
)
def test_fix_for_one_image(images, wanted, fix, reason, pulls, tags):
    if "catalogue" in wanted:
        wanted = dict(wanted, catalogue=_catalogue.read(wanted["catalogue"]))
    plan = decide(observed(images, demand=[asked(PAUSE)]), **wanted)
    (row,) = plan["images"]
    assert (row["fix"], plan["pulls"], plan["tags"]) == (fix, pulls, tags)
    assert reason in row["reason"]
    assert bool(plan["problems"]) == (fix == "impossible")


NEXT_PAUSE = "docker.io/rancher/mirrored-pause:3.10.2"


@pytest.mark.parametrize(
    "images, wanted, tagged",
    [
        pytest.param([held(PAUSE)], {}, [NEXT_PAUSE, PAUSE], id="the source comes for another name"),
        pytest.param([held(PAUSE)], {"existing": "keep"}, [NEXT_PAUSE], id="existing is kept"),
        pytest.param([held(PAUSE), held(PAUSE_SOURCE)], {}, [NEXT_PAUSE], id="the source is there and is the same"),
        pytest.param([held(PAUSE), held(NEXT_PAUSE)], {}, [], id="nothing brings the source"),
        pytest.param([held(PAUSE)], {"fixes": ["mirror"]}, [], id="names that nobody asked to tag"),
    ],
)
def test_a_name_follows_a_source_that_comes_for_another_name(images, wanted, tagged):
    """Or the next run would check that they differ, and change it then."""
    plan = decide(observed(images, demand=[asked(NEXT_PAUSE), asked(PAUSE)]), **wanted)
    assert plan["tags"] == ([{"source": PAUSE_SOURCE, "targets": tagged}] if tagged else [])


def test_a_name_follows_a_source_that_comes_for_a_flag():
    board = observed([held(NEXT_PAUSE)], demand=[asked(NEXT_PAUSE), asked(PAUSE)])
    plan = decide(board, fixes=["flag", "tag"])
    assert [row["fix"] for row in plan["images"]] == ["tag", "flag"] and plan["pulls"] == [PAUSE_SOURCE]


def test_what_the_catalogue_does_not_name_stays_when_something_comes():
    plan = decide(observed([held("docker.io/own/app:1")], demand=[asked("docker.io/own/app:1"), asked(PAUSE)]))
    assert [row["fix"] for row in plan["images"]] == ["present", "tag"] and plan["tags"] == [
        {"source": PAUSE_SOURCE, "targets": [PAUSE]}
    ]


@pytest.mark.parametrize("fixes, fix", [(["tag"], "tag"), (["mirror"], "present")])
def test_a_source_that_differs_is_tagged_only_where_tags_are_wanted(fixes, fix):
    board = observed([held(PAUSE), held(PAUSE_SOURCE, digest="sha256:2")], demand=[asked(PAUSE)])
    assert decide(board, fixes=fixes)["images"][0]["fix"] == fix


MIRROR = {"mirror": "reg:5000/riscv64", "served": [PAUSE]}


@pytest.mark.parametrize(
    "images, wanted, fix, pulls, tags",
    [
        pytest.param([], MIRROR, "mirror", [PAUSE], 0, id="the mirror comes first"),
        pytest.param([], dict(MIRROR, served=[]), "tag", [PAUSE_SOURCE], 1, id="the mirror does not serve it"),
        pytest.param(
            [], dict(MIRROR, fixes=["tag", "mirror"]), "tag", [PAUSE_SOURCE], 1, id="in the order of the inventory"
        ),
        pytest.param([], dict(MIRROR, catalogue=[]), "mirror", [PAUSE], 0, id="the mirror needs no catalogue"),
        pytest.param(
            [held(PAUSE, pinned=False)], MIRROR, "present", [], 0, id="what the kubelet pulled itself needs no pin"
        ),
        pytest.param(
            [held(PAUSE, platforms=["linux/amd64"])],
            MIRROR,
            "tag",
            [PAUSE_SOURCE],
            1,
            id="wrong content under the name",
        ),
        pytest.param([], {"fixes": ["flag", "tag"]}, "flag", [PAUSE_SOURCE], 0, id="flag"),
        pytest.param([], {"fixes": ["flag"], "catalogue": []}, "impossible", [], 0, id="flag without a source"),
        pytest.param([], {"fixes": ["preload"]}, "preload", [], 0, id="preload"),
        pytest.param([], {"fixes": ["mirror"]}, "impossible", [], 0, id="no fix can serve it"),
    ],
)
def test_fixes_in_the_order_that_is_wanted(images, wanted, fix, pulls, tags):
    plan = decide(observed(images, demand=[asked(PAUSE)]), **wanted)
    assert (plan["images"][0]["fix"], plan["pulls"], len(plan["tags"])) == (fix, pulls, tags)


@pytest.mark.parametrize(
    "wanted, fix",
    [
        ({"fixes": ["flag"]}, "flag"),
        ({"fixes": ["tag", "flag"]}, "present"),
        (dict(MIRROR, fixes=["mirror", "flag"], served=[]), "present"),
        (dict(MIRROR, fixes=["flag", "mirror"], served=[]), "flag"),
    ],
)
def test_flag_is_set_also_where_the_stock_name_is_there_by_chance(wanted, fix):
    """The next version of k3s asks for another one. What a mirror serves is not known while nothing is missing."""
    plan = decide(observed([held(PAUSE)], demand=[asked(PAUSE)]), **wanted)
    assert rows(plan) == {PAUSE: fix}
    assert bool(plan["config"]["text"]) == (fix == "flag")


def test_flag_is_for_the_pause_image_alone():
    plan = decide(observed(), fixes=["flag", "tag"])
    assert rows(plan) == {PAUSE: "flag", COREDNS: "tag"}
    assert plan["config"]["restart"] and "pause-image: %s\n" % PAUSE_SOURCE in plan["config"]["text"]
    assert decide(observed())["config"]["text"] is None


@pytest.mark.parametrize(
    "images, fix, pulls", [([held(PAUSE_SOURCE, pinned=False)], "present", []), ([], "flag", [PAUSE_SOURCE])]
)
def test_a_board_whose_pause_image_is_a_source_already(images, fix, pulls):
    plan = decide(observed(images, demand=[asked(PAUSE_SOURCE)], pause_image=PAUSE_SOURCE), fixes=["flag", "tag"])
    assert (rows(plan), plan["pulls"], plan["tags"]) == ({PAUSE_SOURCE: fix}, pulls, [])
    assert "pause-image: %s\n" % PAUSE_SOURCE in plan["config"]["text"]


@pytest.mark.parametrize("fixes", [[], ["mirrors"], ["tag", "patch"]])
def test_unknown_fixes_are_refused(fixes):
    with pytest.raises(Problem, match="riscv_k3s_fixes"):
        decide(observed(), fixes=fixes)


def test_what_the_plan_does_converges():
    """A board on which the plan was carried out needs nothing more."""
    plan = decide(observed())
    store = [held(source, digest=source) for source in plan["pulls"]]
    store += [held(target, digest=tag["source"]) for tag in plan["tags"] for target in tag["targets"]]
    assert len(store) == 4
    again = decide(observed(store))
    assert (again["changes"], set(rows(again).values())) == (0, {"present"})


def test_an_agent_needs_what_its_servers_ask_for_and_its_own_pause():
    server = observed(
        pause_image="docker.io/rancher/mirrored-pause:3.9",
        demand=[asked("docker.io/rancher/mirrored-pause:3.9"), asked(COREDNS)],
    )
    agent = observed(demand=[asked(PAUSE)])
    assert set(rows(decide(agent, [server], role="agent"))) == {PAUSE, COREDNS}


VIP = "ghcr.io/kube-vip/kube-vip:v0.8.9"


def running(node, phase="Running", image=VIP):
    return {"node": node, "phase": phase, "namespace": "kube-system", "name": "p", "containers": [{"image": image}]}


@pytest.mark.parametrize(
    "pods, is_problem",
    [
        ([running("server-1")], False),
        ([running("server-1"), running("agent-1", "Succeeded")], False),
        ([running("agent-1", "Succeeded")], False),
        ([running("server-1"), running("agent-1", "Pending")], True),
        # One that is not placed yet may come here; of one that no pod shows nothing is known.
        ([running("server-1"), running("", "Pending")], True),
        ([], True),
        # Whoever writes a pod's image in another way means the same one.
        ([running("server-1", image=VIP + "@sha256:" + "a" * 64)], True),
    ],
)
def test_what_other_nodes_alone_run_needs_no_source_here(pods, is_problem):
    """As kube-vip on the servers, or what a node selector keeps on the amd64 nodes of a mixed cluster."""
    nodes = [{"name": name, "uid": name, "boot_id": "boot-" + name} for name in ("server-1", "agent-1")]
    api = {"reachable": True, "nodes": nodes, "pods": [dict(pod, deleting=False) for pod in pods]}
    server = observed(demand=[asked(PAUSE), asked(VIP)], api=api)
    agent = observed([held(PAUSE)], demand=[asked(PAUSE)], identity={"boot_id": "boot-agent-1"})
    plan = decide(agent, [server], role="agent")
    assert rows(plan)[VIP] == "impossible" and [row["image"] for row in plan["problems"]] == [VIP] * is_problem


def test_a_pause_image_is_needed_wherever_a_pod_of_that_image_runs():
    nodes = [{"name": name, "uid": name, "boot_id": "boot-" + name} for name in ("server-1", "agent-1")]
    api = {"reachable": True, "nodes": nodes, "pods": [dict(running("server-1", image=PAUSE), deleting=False)]}
    agent = observed(demand=[asked(PAUSE)], identity={"boot_id": "boot-agent-1"})
    plan = decide(agent, [observed(demand=[], api=api)], role="agent", catalogue=[])
    assert [row["image"] for row in plan["problems"]] == [PAUSE]


def test_demand_nobody_runs_is_no_problem():
    plan = decide(observed(demand=[asked("docker.io/rancher/mirrored-library-traefik:2.6.2", required=False)]))
    assert (plan["images"][0]["fix"], plan["problems"], plan["changes"]) == ("impossible", [], 0)


@pytest.mark.parametrize(
    "seen, change, restart",
    [
        ({"present": False}, True, True),
        ({"present": True, "sha256": "other", "mode": "0600"}, True, True),
        ({"present": True, "sha256": "same", "mode": "0644"}, True, False),
        ({"present": True, "sha256": "same", "mode": "0600", "stale": True}, False, True),
        ({"present": True, "sha256": "same", "mode": "0600", "stale": False}, False, False),
    ],
)
def test_registries(seen, change, restart):
    if seen.get("sha256") == "same":
        seen = dict(seen, sha256=sha256(_registries.render(REGISTRIES).encode()))
    action = decide(observed(registries=seen), registries=REGISTRIES)["registries"]
    assert (action["change"], action["restart"]) == (change, restart)


def test_a_mistake_in_registries_is_told_though_the_board_has_none():
    with pytest.raises(Problem, match="k3s ignores pasword"):
        decide(observed(), registries={"configs": {"10.99.0.1:5000": {"auth": {"pasword": "x"}}}})


def test_registries_that_are_not_set_are_left_alone():
    assert decide(observed())["registries"] == {
        "change": False,
        "restart": False,
        "reason": "riscv_k3s_registries is not set: left as it is",
        "shared": [],
        "merge": False,
        "look": False,
        "refused": None,
        "warnings": [],
    }


def test_images_of_the_version_that_comes_next_are_wanted_too():
    plan = decide(observed([held(PAUSE), held(COREDNS)]), next_version="v1.36.3+k3s1")
    rows = {row["image"]: row for row in plan["images"]}
    coming = rows["docker.io/rancher/mirrored-coredns-coredns:1.14.6"]
    assert (coming["fix"], coming["required"], coming["where"]) == (
        "tag",
        False,
        ["k3s v1.36.3+k3s1, which comes next"],
    )
    # servicelb is disabled on the server; what has no source is told, and is no error.
    assert not any("klipper-lb" in image for image in rows)
    assert rows["docker.io/rancher/mirrored-metrics-server:v0.9.0"]["fix"] == "impossible" and plan["problems"] == []
    assert set(rows) > {PAUSE, COREDNS}


def test_a_version_that_is_none():
    with pytest.raises(Problem, match="version"):
        decide(observed(), next_version="latest")


@pytest.mark.parametrize(
    "board, wanted, message",
    [
        (
            dict(observed(), images=None, errors=[{"section": "images", "rc": 1, "message": "connection refused"}]),
            {},
            "images: connection refused",
        ),
        (observed(), {"servers": []}, "no server of the cluster was observed"),
        (observed(), {"architecture": "riscv128"}, "'riscv128' is not known"),
        (
            observed(),
            {"catalogue": _catalogue.read([dict(CATALOGUE[1], patch=PATCH)])},
            "manifest coredns.yaml, which board-1 does not have",
        ),
        (
            observed([held(PAUSE), held(COREDNS)], manifests=[file("coredns.yaml", MANIFEST)]),
            {"catalogue": _catalogue.read([dict(CATALOGUE[1], patch=dict(PATCH, container="dns"))])},
            "container coredns",
        ),
    ],
)
def test_no_honest_plan(board, wanted, message):
    with pytest.raises(Problem) as caught:
        decide(board, **wanted)
    assert message in str(caught.value)


def test_pins_that_containerd_does_not_know_are_warned_about_once():
    plan = decide(observed(containerd={"version": "1.6.20", "pins": False}))
    assert [text for text in plan["warnings"] if "1.6.20" in text] == plan["warnings"] and len(plan["warnings"]) == 1
    assert (
        decide(observed([held(PAUSE), held(COREDNS)], containerd={"version": "1.6.20", "pins": False}))["warnings"]
        == []
    )


STOCK = [{"stock": PAUSE.rpartition(":")[0], "source": PAUSE.rpartition(":")[0]}]


@pytest.mark.parametrize(
    "images, fix, pulls",
    [
        pytest.param([], "stock", [], id="the kubelet pulls it"),
        pytest.param([held(PAUSE, pinned=False)], "present", [], id="and needs no pin"),
        pytest.param([held(PAUSE, platforms=["linux/amd64"])], "tag", [PAUSE], id="old content is pulled again"),
    ],
)
def test_a_stock_image_with_content_of_its_own(images, fix, pulls):
    plan = decide(observed(images, demand=[asked(PAUSE)]), catalogue=_catalogue.read(STOCK))
    assert (rows(plan), plan["pulls"], plan["warnings"]) == ({PAUSE: fix}, pulls, [])


def test_an_override_that_upstream_made_needless_is_a_warning():
    plan = decide(observed([held(PAUSE), held(COREDNS)]), known=_catalogue.read(STOCK))
    assert [text.split(" has ")[0] for text in plan["warnings"]] == [PAUSE]
    assert plan["changes"] == 0
    assert (
        decide(observed([held(PAUSE), held(COREDNS)]), known=_catalogue.read(STOCK), mirror="reg:5000/riscv64")[
            "warnings"
        ]
        == []
    )


def entry(pinned=True, before=None):
    return {"digest": "sha256:1", "previous": None, "pinned": pinned, "source": None, "before": before, "beside": []}


@pytest.mark.parametrize(
    ("name", "noted", "store", "unpinned"),
    [
        pytest.param(COREDNS, entry(), held(COREDNS), True, id="left the catalogue"),
        pytest.param(COREDNS, entry(), held(COREDNS, pinned=False), False, id="not pinned any more"),
        pytest.param(COREDNS, entry(pinned=False), held(COREDNS), False, id="pinned by somebody else"),
        pytest.param(
            COREDNS, entry(before={"digest": "sha256:0", "pinned": True}), held(COREDNS), False, id="pinned before"
        ),
        pytest.param(COREDNS, entry(), None, False, id="gone"),
        pytest.param("reg:5000/own/pause:1", entry(), held("reg:5000/own/pause:1"), False, id="the pause image"),
        pytest.param(PAUSE, entry(), held(PAUSE), False, id="still in the catalogue"),
    ],
)
def test_what_left_the_catalogue_is_unpinned(name, noted, store, unpinned):
    journal = {"files": {}, "images": {name: noted}, "error": None}
    pause_image = name if "own/pause" in name else PAUSE
    board = observed(
        [held(PAUSE)] + ([store] if store and name != PAUSE else []),
        [asked(PAUSE)],
        journal=journal,
        pause_image=pause_image,
    )
    plan = decide(board, catalogue=_catalogue.read(CATALOGUE[:1]))
    assert plan["unpins"] == ([{"source": name, "targets": [name]}] if unpinned else [])
    assert plan["changes"] == int(unpinned)


def test_a_damaged_journal_is_told():
    plan = decide(
        observed(
            [held(PAUSE), held(COREDNS)], journal={"files": {}, "images": {}, "error": "the journal cannot be read"}
        )
    )
    assert plan["warnings"] == ["nothing can be changed on this board: the journal cannot be read"]
