# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pods are restarted, and which sentences tell that something is not healthy."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.restarts import OfBoard, restarts, unready, without_nodes
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.contents import Store

COREDNS = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"


def container(state="waiting", reason="ImagePullBackOff", image="rancher/mirrored-coredns-coredns:1.9.1"):
    return {"name": "coredns", "image": image, "state": state, "reason": reason}


def pod(*containers, **changes):
    row = {
        "namespace": "kube-system",
        "name": "coredns-1",
        "uid": "u1",
        "node": "board-1",
        "phase": "Pending",
        "ready": False,
        "reasons": ["coredns: ImagePullBackOff"],
        "owner": {"kind": "ReplicaSet", "name": "coredns-7b98449c4"},
        "labels": {"pod-template-hash": "7b98449c4"},
        "deleting": False,
        "containers": list(containers),
    }
    for one in row["containers"]:
        one.setdefault("image_id", "")
    return dict(row, **changes)


def plan(source="reg:5000/riscv64/coredns:1", patches=(), fix="tag"):
    tags = [{"source": source, "targets": [COREDNS]}] if fix == "tag" else []
    return {
        "images": [{"image": COREDNS, "fix": fix}],
        "tags": tags,
        "patches": {"present": list(patches), "absent": []},
    }


PATCHED = {"kind": "Deployment", "name": "coredns"}


@pytest.mark.parametrize(
    "row, plans, restarted",
    [
        pytest.param(pod(container()), [plan()], True, id="image back-off"),
        pytest.param(
            pod(container(reason="CrashLoopBackOff")), [plan()], True, id="exec format error under the right name"
        ),
        pytest.param(pod(container("running", "")), [plan()], True, id="runs the content that was replaced"),
        pytest.param(pod(container(reason="ContainerCreating")), [plan()], False, id="waits for its sandbox"),
        pytest.param(pod(container(reason="PodInitializing")), [plan()], False, id="waits for its init containers"),
        pytest.param(pod(container(image="rancher/other:1")), [plan()], False, id="another image"),
        pytest.param(
            pod(container("running", "", "sha256:" + "0" * 64)), [plan()], False, id="an image known by its ID alone"
        ),
        pytest.param(pod(container(image="Bad/Name:1")), [plan()], False, id="a tenant's image that has no valid name"),
        pytest.param(pod(container()), [plan(source=COREDNS)], False, id="only pinned"),
        pytest.param(pod(container()), [plan(fix="present")], False, id="nothing tagged"),
        pytest.param(pod(container()), [plan(fix="preload")], True, id="an archive brings it"),
        pytest.param(pod(container()), [plan(fix="mirror")], True, id="a mirror brings it"),
        pytest.param(
            pod(container(reason="ContainerCreating")),
            [plan(fix="preload")],
            False,
            id="goes on when the archive is imported",
        ),
        pytest.param(pod(container()), [plan(patches=[PATCHED])], False, id="rolls again by its patch"),
        pytest.param(
            pod(container(), owner={"kind": "ReplicaSet", "name": "coredns-custom-7b98449c4"}),
            [plan(patches=[PATCHED])],
            True,
            id="similar name",
        ),
        pytest.param(
            pod(container(), owner={"kind": "ReplicaSet", "name": "coredns-custom"}, labels={}),
            [plan(patches=[PATCHED])],
            True,
            id="a ReplicaSet of its own, with a dash in its name",
        ),
        pytest.param(pod(container(), owner=None), [plan(patches=[PATCHED])], True, id="no owner"),
        pytest.param(pod(container(), deleting=True), [plan()], False, id="goes already"),
        pytest.param(pod(container(image="rancher/other:1"), container()), [plan()], True, id="second container"),
    ],
)
def test_restarts(row, plans, restarted):
    boards = [OfBoard(one, "board-1", Store({})) for one in plans]
    assert restarts({"pods": [row]}, boards) == (["kube-system/coredns-1"] if restarted else [])


def test_no_api_no_restarts():
    boards = [OfBoard(plan(), "board-1", Store({}))]
    assert restarts({}, boards) == [] == restarts(None, boards)


def test_pods_of_boards_on_which_nothing_changes_are_left_alone():
    boards = [OfBoard(plan(), "board-1", Store({})), OfBoard(plan(fix="present"), "board-2", Store({}))]
    pods = [pod(container("running", ""), node=node, name=node) for node in ("board-1", "board-2", "board-3", "")]
    assert restarts({"pods": pods}, boards) == ["kube-system/board-1"]


NEW, OLD = "sha256:" + "1" * 64, "sha256:" + "2" * 64
CONFIG, OLD_CONFIG = "sha256:" + "c" * 64, "sha256:" + "d" * 64


def held(**configs):
    return Store(
        {"images": [{"name": COREDNS, "digest": NEW}], "image_configs": {CONFIG: NEW, OLD_CONFIG: OLD, **configs}}
    )


def running(image_id, **changes):
    row = dict(container("running", ""), image_id=image_id)
    return pod(row, phase="Running", ready=True, **changes)


@pytest.mark.parametrize(
    "image_id, restarted",
    [
        ("docker.io/x@" + NEW, False),
        ("docker.io/x@" + OLD, True),
        (CONFIG, False),
        (OLD_CONFIG, True),
        ("sha256:" + "e" * 64, True),
        # The same content can have two digests: one of an index, one of a manifest.
        ("docker.io/x@sha256:" + "f" * 64, False),
        ("", True),
    ],
)
def test_a_run_that_was_cut_off_between_tags_and_restarts_is_made_up(image_id, restarted):
    """Nothing is to be changed any more, but the container runs what its name stood for before."""
    boards = [OfBoard(plan(fix="present"), "board-1", held())]
    assert bool(restarts({"pods": [running(image_id)]}, boards)) == restarted


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": "Succeeded"},
        {"phase": "Failed"},
        {"owner": {"kind": "Node", "name": "board-1"}},
        {"deleting": True},
        {"node": "board-2"},
    ],
)
def test_what_ended_or_is_elsewhere_is_never_restarted(changes):
    boards = [OfBoard(plan(fix="present"), "board-1", held()), OfBoard(plan(), "board-1", held())]
    assert restarts({"pods": [dict(running(OLD_CONFIG), **changes)]}, boards) == []


ADDONS = [{"name": "coredns", "checksum": "", "source": ""}]
NO_DNS = "there is no pod of CoreDNS, which k3s has as an Addon: names of the cluster are not resolved by it"
DNS = {"k8s-app": "kube-dns"}


def api(pods=(), nodes=({"name": "board-1", "ready": True},), **changes):
    return dict({"reachable": True, "error": None, "nodes": list(nodes), "pods": list(pods)}, **changes)


@pytest.mark.parametrize(
    "view, sentences",
    [
        (api(), []),
        (api([pod(container())]), ["pod kube-system/coredns-1 on board-1 is not Ready: coredns: ImagePullBackOff"]),
        (api([pod(reasons=[], node=None)]), ["pod kube-system/coredns-1 on no node yet is not Ready: Pending"]),
        (api([pod(ready=True)]), []),
        (api([pod(phase="Succeeded")]), []),
        (api([pod(phase="Failed")]), []),
        (
            api([pod(phase="Failed", owner=None, reasons=["Evicted"])]),
            ["pod kube-system/coredns-1 on board-1 is not Ready: Evicted"],
        ),
        (api([pod(namespace="default")]), []),
        (api(nodes=[{"name": "board-2", "ready": False}]), ["node board-2 is not Ready"]),
        (api([pod(namespace="default", name="x")], addons=ADDONS), [NO_DNS]),
        (api([pod(ready=True, phase="Failed", labels=DNS)], addons=ADDONS), [NO_DNS]),
        # Those have "dns" in their names and answer for nothing here, and a tenant may call a pod what he likes.
        (api([pod(ready=True, name="external-dns-0")], addons=ADDONS), [NO_DNS]),
        (api([pod(ready=True, namespace="tenant", labels=DNS)], addons=ADDONS), [NO_DNS]),
        # There, as an Addon of somebody else, not wanted, or not known.
        (api([pod(ready=True, labels=DNS)], addons=ADDONS), []),
        (api(addons=[{"name": "coredns-custom"}]), []),
        (api(addons=[]), []),
        (api(addons=ADDONS, unread=["a pod"]), []),
        (without_nodes(api([pod(ready=True, node="board-2", labels=DNS)], addons=ADDONS), ["board-2"]), []),
        (api(reachable=False, error="connection refused"), ["the API does not answer: connection refused"]),
        ({}, ["the API does not answer: it was not asked"]),
    ],
)
def test_unready(view, sentences):
    assert unready(view) == sentences


def test_namespaces_can_be_chosen():
    assert len(unready(api([pod(namespace="default")]), ["default"])) == 1
