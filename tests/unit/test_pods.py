# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sandboxes joined with the API's pods, their causes, and what either side says of them."""

import pytest

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.table import crictl_says, kubectl_says
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.joined_pods import join, join_boards, select


def sandbox(uid="u1", attempt=0, state="ready", **more):
    row = {
        "id": "s-%s-%d" % (uid, attempt),
        "name": "p-" + uid,
        "namespace": "kube-system",
        "uid": uid,
        "attempt": attempt,
        "state": state,
    }
    return dict(row, created_at="2023-11-14T22:13:2%dZ" % attempt, labels={"app": uid}, **more)


def container(uid="u1", name="c", attempt=0, state="running", sandbox_attempt=0):
    row = {
        "id": "c-%s-%s-%d" % (uid, name, attempt),
        "sandbox_id": "s-%s-%d" % (uid, sandbox_attempt),
        "name": name,
        "image": "sha256:1",
        "image_id": "sha256:1",
    }
    return dict(row, state=state, attempt=attempt, created_at="2023-11-14T22:13:3%dZ" % attempt)


def status(name="c", state="running", **more):
    row = {
        "name": name,
        "image": "a/b:1",
        "image_id": "",
        "ready": state == "running",
        "restarts": 0,
        "state": state,
        "reason": "",
        "message": "",
    }
    return dict(row, **dict({"exit_code": None, "init": False}, **more))


def pod(uid="u1", ready=True, containers=None, **more):
    row = {
        "namespace": "kube-system",
        "name": "p-" + uid,
        "uid": uid,
        "static_uid": "",
        "node": "board-1",
        "phase": "Running",
        "ready": ready,
        "reasons": [],
    }
    row.update(
        labels={"app": uid},
        owner=None,
        deleting=False,
        ip="10.42.0.2",
        created_at="2023-11-14T22:13:20Z",
        containers=[status()] if containers is None else containers,
    )
    return dict(row, **more)


@pytest.mark.parametrize(
    "sandboxes, pods, expected",
    [
        ([sandbox()], [pod()], [("u1", 0, "matched")]),
        (
            [sandbox(attempt=1), sandbox(attempt=0, state="notready")],
            [pod()],
            [("u1", 0, "previous"), ("u1", 1, "matched")],
        ),
        ([sandbox("u2")], [pod("u1", node="board-2")], [("u2", 0, "orphan")]),
        ([sandbox(), sandbox("u2")], [pod()], [("u1", 0, "matched"), ("u2", 0, "orphan")]),
        ([], [pod()], [("u1", None, "missing")]),
        ([sandbox()], [pod(), pod("u2")], [("u1", 0, "matched"), ("u2", None, "missing")]),
        ([], [pod(node="board-2")], []),
        ([], [pod(phase="Succeeded")], []),
        ([sandbox()], [pod(phase="Succeeded")], [("u1", 0, "matched")]),
        ([sandbox("static")], [pod("mirror", static_uid="static")], [("static", 0, "matched")]),
        ([sandbox(attempt=1), sandbox(attempt=0)], None, [("u1", 0, None), ("u1", 1, None)]),
        ([], [], []),
    ],
)
def test_relations(sandboxes, pods, expected):
    rows = join(sandboxes, [], pods, "board-1")
    assert [(row["uid"], row["attempt"], row["relation"]) for row in rows] == expected


@pytest.mark.parametrize("order", [1, -1])
def test_an_annotation_with_the_uid_of_another_pod_takes_nothing_from_it(order):
    """Any pod may bear the annotation of a static pod's mirror, with any text."""
    pods = [pod(uid="u1"), pod(uid="u2", name="evil", static_uid="u1", node="elsewhere")][::order]
    (row,) = join([sandbox()], [], pods, "board-1")
    assert (row["relation"], row["node"]) == ("matched", "board-1")


@pytest.mark.parametrize("moment", ["", "null", "2026-99-99T00:00:00Z", "\x1b[2J", "9" * 40, "2026-11-20"])
def test_what_is_no_moment_is_long_ago(moment):
    rows = join([], [], [pod(deleted_at=moment)], node="board-1", now=1795514400)
    assert [row["mismatch"] for row in rows] == ["stuck-terminating" if moment else None]


def test_node_is_that_of_the_matching_pods():
    """A node may bear another name than its host."""
    rows = join([sandbox()], [], [pod(node="other"), pod("u2", node="other")], "board-1")
    assert [(row["uid"], row["relation"], row["node"]) for row in rows] == [
        ("u1", "matched", "other"),
        ("u2", "missing", "other"),
    ]


def test_whole_row():
    (row,) = join([sandbox()], [container(attempt=0, state="exited"), container(attempt=1)], [pod()], "board-1")
    assert row == {
        "namespace": "kube-system",
        "name": "p-u1",
        "uid": "u1",
        "node": "board-1",
        "sandbox_id": "s-u1-0",
        "attempt": 0,
        "state": "ready",
        "ip": "10.42.0.2",
        "network_namespace": None,
        "created_at": "2023-11-14T22:13:20Z",
        "labels": {"app": "u1"},
        "containers": [
            {
                "name": "c",
                "id": "c-u1-c-1",
                "image": "a/b:1",
                "image_id": "sha256:1",
                "state": "running",
                "exit_code": None,
                "restarts": 1,
                "reason": "",
            }
        ],
        "api": {"phase": "Running", "ready": True, "reasons": [], "owner": None, "deleting": False},
        "relation": "matched",
        "mismatch": None,
        "cause": None,
    }


def test_without_the_api():
    (row,) = join([sandbox()], [container()], None, "board-1")
    assert (row["api"], row["relation"], row["cause"], row["ip"]) == (None, None, None, None)
    assert row["containers"][0]["image"] == "sha256:1"


def test_what_containerd_says_of_what_does_not_run():
    ended = dict(container(state="exited"), exit_code=137, reason="OOMKilled")
    (row,) = join([dict(sandbox(), ip="10.42.0.7", network_namespace="/run/netns/x")], [ended], None, "board-1")
    assert (row["ip"], row["network_namespace"]) == ("10.42.0.7", "/run/netns/x")
    assert (row["containers"][0]["exit_code"], row["containers"][0]["reason"]) == (137, "OOMKilled")
    # The API knows of an earlier attempt only.
    (row,) = join(
        [sandbox()],
        [ended],
        [pod(ip="", containers=[status(state="waiting", reason="CrashLoopBackOff", exit_code=1)])],
        "board-1",
    )
    assert (row["ip"], row["containers"][0]["exit_code"], row["containers"][0]["reason"]) == (
        None,
        137,
        "CrashLoopBackOff",
    )


def test_container_that_containerd_does_not_have_yet():
    (row,) = join([sandbox()], [], [pod(ready=False, containers=[status(state="waiting", reason="ErrImagePull")])])
    assert [(entry["id"], entry["state"], entry["reason"]) for entry in row["containers"]] == [
        (None, "waiting", "ErrImagePull")
    ]


EVENT = {"u1": {"reason": "FailedCreatePodSandBox", "message": "failed to get sandbox image\nmore"}}


@pytest.mark.parametrize(
    "containers, events, phase, expected",
    [
        (
            [status(state="waiting", reason="ImagePullBackOff", message="Back-off pulling\nmore")],
            {},
            "Pending",
            "c: ImagePullBackOff: Back-off pulling",
        ),
        ([status(state="waiting", reason="ErrImageNeverPull")], {}, "Pending", "c: ErrImageNeverPull"),
        (
            [status(state="waiting", reason="CrashLoopBackOff", exit_code=1, message="x" * 300)],
            {},
            "Running",
            ("c: CrashLoopBackOff, last exit code 1: " + "x" * 300)[:120] + " … " + "x" * 120,
        ),
        ([status(state="terminated", reason="Error", exit_code=2)], {}, "Failed", "c: Error, exit code 2"),
        (
            [status(state="waiting", reason="ContainerCreating")],
            EVENT,
            "Pending",
            "FailedCreatePodSandBox: failed to get sandbox image",
        ),
        ([status(state="waiting", reason="ContainerCreating")], {}, "Pending", "why"),
        (
            [status(ready=False)],
            {"u1": {"reason": "Unhealthy", "message": "HTTP 503"}},
            "Running",
            "Unhealthy: HTTP 503",
        ),
        ([status(state="terminated", reason="Completed", exit_code=0)], {}, "Succeeded", None),
    ],
)
def test_causes(containers, events, phase, expected):
    (row,) = join(
        [sandbox()], [], [pod(ready=False, phase=phase, containers=containers, reasons=["why"])], "board-1", events
    )
    assert row["cause"] == expected


def test_cause_of_containers_that_are_not_ready():
    (row,) = join([sandbox()], [], [pod(ready=False, containers=[status(ready=False), status("d")])])
    assert row["cause"] == "not ready: c"


def test_cause_of_a_missing_sandbox():
    (row,) = join([], [], [pod(ready=False)], "board-1")
    assert row["cause"] == "containerd has no sandbox for it yet"


@pytest.mark.parametrize(
    "criteria, expected",
    [
        ({}, ["u1", "u2"]),
        ({"namespace": "default"}, []),
        ({"name": "p-u2"}, ["u2"]),
        ({"labels": {"app": "u1"}}, ["u1"]),
        ({"labels": {"app": "u1", "x": "y"}}, []),
        ({"states": ["notready"]}, ["u2"]),
    ],
)
def test_select(criteria, expected):
    rows = join([sandbox(), sandbox("u2", state="notready")], [], None)
    assert [row["uid"] for row in select(rows, **criteria)] == expected


BOARDS = {
    "board-1": {"hostname": "Board-1", "sandboxes": [sandbox()], "containers": [container()]},
    "board-2": {"hostname": "x", "config": {"node-name": "board-2"}, "sandboxes": [], "containers": []},
    "board-3": None,
    "board-4": {"failed": True, "msg": "k3s was not found"},
}
API = {
    "reachable": True,
    "error": None,
    "pods": [
        pod(),
        pod(
            "u2",
            node="board-2",
            ready=False,
            phase="Pending",
            containers=[status(state="waiting")],
            reasons=["c: ContainerCreating"],
        ),
        pod("u3", node="", ready=False, phase="Pending", containers=[], reasons=["Unschedulable"]),
    ],
    "events": EVENT,
}


def test_join_boards():
    rows = join_boards(BOARDS, API)
    assert [(row["board"], row["uid"], row["relation"], row["cause"]) for row in rows] == [
        ("board-1", "u1", "matched", None),
        ("board-2", "u2", "missing", "containerd has no sandbox for it yet"),
        (None, "u3", "missing", "Unschedulable"),
    ]


@pytest.mark.parametrize("api", [None, {"reachable": False, "error": "refused", "pods": []}])
def test_join_boards_without_the_api(api):
    assert [(row["board"], row["relation"]) for row in join_boards(BOARDS, api)] == [("board-1", None)]


@pytest.mark.parametrize(
    "rows, expected",
    [
        (join([sandbox("u9")], [], [], "b"), ["no such pod", "s-u9-0 ready, 0/0 running"]),
        (join([sandbox(), sandbox(attempt=1)], [], [pod()])[:1], ["-", "s-u1-0 ready, 0/0 running"]),
        (join([sandbox()], [], [pod(deleting=True, ready=False)]), ["Terminating", "s-u1-0 ready, 0/1 running"]),
        (join([sandbox()], [], [pod(ready=False)]), ["Running, not ready", "s-u1-0 ready, 0/1 running"]),
        (
            join([sandbox()], [], [pod(ready=False, reasons=["c: ErrImagePull"])]),
            ["ErrImagePull", "s-u1-0 ready, 0/1 running"],
        ),
    ],
)
def test_what_they_say(rows, expected):
    assert [kubectl_says(rows[0]), crictl_says(rows[0])] == expected
