# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of an undo by tables of cases: what was observed, what is taken back and what stays."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.undo import undo_plan, undo_pods, undo_report

PAUSE, COREDNS, OLD_COREDNS = (
    "docker.io/rancher/mirrored-" + name for name in ("pause:3.6", "coredns-coredns:1.14.6", "coredns-coredns:1.9.1")
)
BUSYBOX, METRICS = (
    "docker.io/rancher/mirrored-library-busybox:1.34.1",
    "docker.io/rancher/mirrored-metrics-server:v0.5.2",
)
PROVISIONER = "docker.io/rancher/local-path-provisioner:v0.0.21"
SOURCES = {
    PAUSE: "reg:5000/riscv64/pause:1.0.0",
    COREDNS: "reg:5000/riscv64/coredns:1.14.7",
    METRICS: "reg:5000/riscv64/metrics-server:v0.8.0",
}
DIGEST, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
REGISTRIES, OWN = "/etc/rancher/k3s/registries.yaml", "/etc/rancher/k3s/config.yaml.d/riscv-k3s.yaml"
ARCHIVE = "riscv-k3s-0123456789ab.tar"
DEPLOYMENT = "metrics-server/metrics-server-deployment.yaml"


def image(before=None, source=None, has_content=False, **more):
    return dict(
        {
            "digest": DIGEST,
            "previous": None,
            "pinned": True,
            "source": source,
            "before": before,
            "beside": [],
            "has_content": has_content,
        },
        **more,
    )


def file(current, before=None, pending=False, kind="file"):
    return {
        "kind": kind,
        "sha256": "ours",
        "previous": None,
        "before": before,
        "folder": False,
        "pending": pending,
        "current": current,
    }


def manifest(path, text="", own_skip=False):
    return {"path": path, "sha256": "0", "text": text, "skip": False, "own_skip": own_skip}


def overlay(path):
    return manifest(_overlay.overlay_path(path), _overlay.with_headers(b"kind: x\n", b"", path, [])[1].decode())


def asked(name, *paths):
    return {
        "image": name,
        "where": ["manifests/%s Deployment/x container y" % path for path in paths],
        "required": True,
    }


def board(images=None, files=None, store=None, manifests=(), preloads=(), **more):
    images = images or {}
    held = dict.fromkeys(images, DIGEST) if store is None else store
    seen = {
        "hostname": "Board-1",
        "k3s": {"version": "v1.24.2+k3s2"},
        "config": {},
        "images": [
            {"name": name, "digest": digest, "pinned": True, "platforms": [], "size": 1}
            for name, digest in held.items()
        ],
        "preloads": [{"name": name, "stale": False} for name in preloads],
        "manifests": list(manifests),
        "demand": [
            asked(COREDNS, "coredns-riscv64.yaml"),
            asked(PROVISIONER, "local-storage.yaml"),
            asked(BUSYBOX, "local-storage.yaml"),
            asked(METRICS, DEPLOYMENT),
            {"image": PAUSE, "where": ["the pause image of k3s"], "required": True},
        ],
        "journal": {"files": files or {}, "images": images, "error": None, "lease": None},
        "errors": [],
    }
    return dict(seen, **more)


def decide(seen, servers=None, components=()):
    return undo_plan(seen, [seen] if servers is None else servers, board="board-1", components=components)


def test_nothing_was_done():
    plan = decide(board())
    assert (plan["changes"], plan["lines"], plan["left"], plan["restart"]) == (0, [], [], False)
    assert undo_report([plan]) == ["board-1: nothing to take back"]


def test_everything():
    seen = board(
        {PAUSE: image(), SOURCES[PAUSE]: image(), COREDNS: image({"digest": OTHER, "pinned": False}, has_content=True)},
        {
            REGISTRIES: file("ours", {"sha256": "before"}),
            OWN: file("ours"),
            "/data/agent/images/" + ARCHIVE: file(None, kind="archive"),
        },
        manifests=[manifest("coredns.yaml"), overlay("coredns.yaml"), manifest(DEPLOYMENT, own_skip=True)],
        preloads=[ARCHIVE],
    )
    plan = decide(seen)
    assert plan["manifests"] == ["coredns.yaml", DEPLOYMENT] and plan["patches"][0] == {"manifest": "coredns.yaml"}
    assert plan["files"] == [
        {"path": OWN, "action": "remove", "settle": True, "warning": None},
        {"path": REGISTRIES, "action": "restore", "settle": True, "warning": None},
    ]
    assert (plan["archives"], plan["restart"], plan["left"], plan["node"]) == ([ARCHIVE], True, [], "board-1")
    assert plan["images"] == plan["names"] == sorted([PAUSE, SOURCES[PAUSE], COREDNS])
    assert plan["changes"] == 2 + 2 + 1 + 3
    assert plan["lines"] == [
        "remove the overlay of coredns.yaml, so that k3s applies its own file again",
        "remove the overlay of %s, so that k3s applies its own file again" % DEPLOYMENT,
        "remove " + OWN,
        "bring back %s as it was before" % REGISTRIES,
        "remove agent/images/" + ARCHIVE,
        "restart k3s",
        "bring back %s as it was before" % COREDNS,
        "remove " + PAUSE,
        "remove " + SOURCES[PAUSE],
    ]


@pytest.mark.parametrize(
    ("noted", "digest", "images", "names", "left"),
    [
        pytest.param(image(), DIGEST, True, True, 0, id="ours"),
        pytest.param(image(), None, True, False, 0, id="gone: only the journal"),
        pytest.param(image(), OTHER, False, False, 1, id="somebody moved it"),
        pytest.param(image({"digest": DIGEST, "pinned": False}), DIGEST, True, False, 0, id="only a pin"),
        pytest.param(image({"digest": OTHER, "pinned": False}), DIGEST, True, True, 1, id="what it was is gone"),
    ],
)
def test_images(noted, digest, images, names, left):
    plan = decide(board({PAUSE: noted}, store={PAUSE: digest} if digest else {}))
    assert (bool(plan["images"]), bool(plan["names"]), len(plan["left"])) == (images, names, left)
    assert plan["changes"] == int(images)


@pytest.mark.parametrize(
    ("noted", "rows", "restart", "left"),
    [
        pytest.param(file("ours"), [("remove", True)], True, 0, id="ours"),
        pytest.param(file(None), [("forget", False)], False, 0, id="was not written"),
        pytest.param(file(None, pending=True), [("settle", True)], True, 0, id="k3s was not restarted"),
        pytest.param(file("edited"), [], False, 1, id="edited"),
    ],
)
def test_files(noted, rows, restart, left):
    plan = decide(board(files={REGISTRIES: noted}))
    assert [(row["action"], row["settle"]) for row in plan["files"]] == rows
    assert (plan["restart"], len(plan["left"]), plan["changes"]) == (restart, left, len(rows))


def test_a_comment_line_that_was_left():
    """Of an undo while the API was away."""
    assert decide(board(manifests=[manifest("coredns.yaml", _overlay.make_different(b"kind: x\n").decode())]))[
        "manifests"
    ] == ["coredns.yaml"]


def test_values_of_a_chart():
    text = _overlay.with_headers(b"kind: HelmChartConfig\n", b"", "traefik.yaml", [])[1].decode()
    assert decide(board(manifests=[manifest("traefik.yaml"), manifest("traefik-riscv64-config.yaml", text)]))[
        "manifests"
    ] == ["traefik.yaml"]


FULL = board(
    {name: image(source=SOURCES.get(name)) for name in (PAUSE, COREDNS, OLD_COREDNS, BUSYBOX, METRICS, PROVISIONER)}
    | {name: image() for name in SOURCES.values()},
    {REGISTRIES: file("ours")},
    manifests=[
        manifest("coredns.yaml"),
        overlay("coredns.yaml"),
        manifest("local-storage.yaml"),
        manifest(DEPLOYMENT),
        overlay(DEPLOYMENT),
    ],
)


@pytest.mark.parametrize(
    ("components", "manifests", "images"),
    [
        ("coredns", ["coredns.yaml"], [COREDNS, OLD_COREDNS, SOURCES[COREDNS]]),
        (["coredns.yaml"], ["coredns.yaml"], [COREDNS, OLD_COREDNS, SOURCES[COREDNS]]),
        ("mirrored-coredns-coredns", ["coredns.yaml"], [COREDNS, OLD_COREDNS, SOURCES[COREDNS]]),
        ("metrics-server", [DEPLOYMENT], [METRICS, SOURCES[METRICS]]),
        ("metrics-server-deployment", [DEPLOYMENT], [METRICS, SOURCES[METRICS]]),
        ("local-storage", [], [BUSYBOX, PROVISIONER]),
        ("busybox", [], [BUSYBOX]),
        ("pause", [], [PAUSE, SOURCES[PAUSE]]),
        ("docker.io/rancher/mirrored-pause", [], [PAUSE, SOURCES[PAUSE]]),
        ("pause, busybox", [], [PAUSE, SOURCES[PAUSE], BUSYBOX]),
        (["pause", "busybox"], [], [PAUSE, SOURCES[PAUSE], BUSYBOX]),
    ],
)
def test_components(components, manifests, images):
    """Files of k3s serve all components."""
    plan = decide(FULL, components=components)
    assert (plan["manifests"], plan["images"], plan["files"], plan["restart"]) == (manifests, sorted(images), [], False)


def test_a_component_on_an_agent_is_known_by_the_servers():
    agent = dict(FULL, manifests=[], demand=[])
    plan = decide(agent, servers=[FULL], components="local-storage")
    assert (plan["manifests"], plan["images"]) == ([], sorted([BUSYBOX, PROVISIONER]))


def test_a_source_that_another_component_has_too():
    seen = board(
        {COREDNS: image(source="reg:5000/all:1"), PAUSE: image(source="reg:5000/all:1"), "reg:5000/all:1": image()}
    )
    assert decide(seen, components="pause")["images"] == [PAUSE]


def test_a_component_of_an_archive_stays():
    seen = board({PAUSE: image(source=ARCHIVE)}, preloads=[ARCHIVE])
    plan = decide(seen, components="pause")
    assert plan["changes"] == 0 and "holds other components, too" in plan["left"][0]
    assert decide(seen)["images"] == [PAUSE]


SYSTEM = {"sysctl net.ipv4.ip_forward": {"value": "1", "before": "0"}}
KEPT = "/etc/sysctl.d/99-zz-riscv-k3s.conf"


@pytest.mark.parametrize("components, files, system", [("", 1, 2), ("prepare", 0, 2), ("coredns,prepare", 0, 2)])
def test_the_board_s_system(components, files, system):
    """k3s reads none of it, so it is not restarted for it. It is a component of its own."""
    seen = dict(FULL, journal=dict(FULL["journal"], files={KEPT: file("ours", kind="system")}, system=SYSTEM))
    plan = decide(seen, components=components)
    assert (len(plan["system"]), plan["files"], plan["restart"]) == (system, [], False)
    assert bool(plan["images"]) == (components != "prepare")
    both = dict(seen["journal"], files=dict(seen["journal"]["files"], **{REGISTRIES: file("ours")}))
    assert len(decide(dict(seen, journal=both), components=components)["files"]) == files
    assert decide(seen, components="coredns")["system"] == []


def test_an_unknown_component():
    with pytest.raises(Problem, match="there is no component cordns. Found: .*coredns.*local-storage"):
        decide(FULL, components="cordns")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"journal": {"files": {}, "images": {}, "error": "it cannot be read"}},
            "what was done to board-1 is not known. Found: it cannot be read",
        ),
        (
            {"images": None, "errors": [{"section": "containerd", "message": "refused"}]},
            "the images of board-1 cannot be read. Found: containerd: refused. Next: see whether k3s runs on",
        ),
    ],
)
def test_what_cannot_be_planned(changes, message):
    with pytest.raises(Problem, match=message):
        decide(dict(board({PAUSE: image()}), **changes))


def pod(name, node, *images, **more):
    return dict(
        {
            "namespace": "kube-system",
            "name": name,
            "node": node,
            "images": list(images),
            "deleting": False,
            "phase": "Running",
        },
        **more,
    )


def test_pods():
    plans = [{"node": "board-1", "names": [COREDNS]}, {"node": "board-2", "names": [PAUSE]}]
    pods = [
        pod("affected", "board-1", "rancher/mirrored-coredns-coredns:1.14.6"),
        pod("elsewhere", "board-2", "rancher/mirrored-coredns-coredns:1.14.6"),
        pod("no-node", None, "rancher/mirrored-coredns-coredns:1.14.6"),
        pod("going", "board-1", COREDNS, deleting=True),
        pod("done", "board-1", COREDNS, phase="Succeeded"),
        pod("other", "board-1", METRICS, "sha256:0"),
        pod("a-tenants", "board-1", "Bad/Name:1"),
    ]
    assert undo_pods({"pods": pods}, plans) == ["kube-system/affected"]
    assert undo_pods(None, plans) == []


def test_report():
    plan = decide(board({PAUSE: image()}, store={PAUSE: OTHER}))
    assert undo_report([plan])[0] == "board-1: nothing is taken back"
    assert undo_report([plan])[1].startswith("board-1: warning: %s is left as it is" % PAUSE)


UNREAD = [
    {"kind": "images", "name": COREDNS, "why": "it lacks digest"},
    {"kind": "images", "name": "no name at all", "why": "its name is no full name of an image"},
    {"kind": "files", "name": "/etc/odd", "why": "it is no dictionary"},
    {"kind": "loaded", "name": "/etc/odd", "why": "it is no checksum of a file"},
]


@pytest.mark.parametrize(
    "components, named",
    [("", [COREDNS, "no name at all", "/etc/odd"]), ("coredns", [COREDNS]), ("pause", [])],
)
def test_entries_that_cannot_be_read_are_named_and_the_others_go_on(components, named):
    seen = board({PAUSE: image()})
    seen["journal"].update(unread=UNREAD, path="/data/journal.json")
    plan = decide(seen, components=components)
    assert [
        name for name in (COREDNS, "no name at all", "/etc/odd") if any(name in text for text in plan["left"])
    ] == named
    assert len(plan["left"]) == len(named) and all("/data/journal.json" in text for text in plan["left"])
    assert plan["images"] == ([] if components == "coredns" else [PAUSE])
