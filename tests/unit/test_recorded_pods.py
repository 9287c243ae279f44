# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs recorded on the lab (crictl 1.34.0, Kubernetes 1.34.4, containerd 1.6.20), as the observing script sends
them.

A server in trouble: a pod whose sandbox was stopped once, one that loops in its init container, two of another node.
"""

import pytest
from fake_board import TOKEN
from fakes import read

from ansible_collections.riscv.k3s.plugins.module_utils._output.pods import (
    parse_api,
    parse_containers,
    parse_events,
    parse_sandboxes,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.joined_pods import join


@pytest.fixture(scope="module")
def seen():
    api = parse_api(read("kubectl_get_1.34.txt"), TOKEN)
    sandboxes, containers = (
        parse_sandboxes(read("crictl_pods_1.34.json")),
        parse_containers(read("crictl_ps_1.34.json")),
    )
    events = parse_events(read("kubectl_events_1.34.txt"), TOKEN)
    return {
        "api": api,
        "sandboxes": sandboxes,
        "containers": containers,
        "rows": join(sandboxes, containers, api["pods"], "board-1", events),
    }


def test_nodes_and_addons(seen):
    assert [(node["name"], node["ready"], node["internal_ip"]) for node in seen["api"]["nodes"]] == [
        ("board-1", True, "10.99.0.2"),
        ("board-2", True, "10.99.0.3"),
    ]
    assert {len(addon["checksum"]) for addon in seen["api"]["addons"]} == {64}
    assert "coredns" in [addon["name"] for addon in seen["api"]["addons"]]


def test_pods(seen):
    pods = {pod["name"].split("-")[0]: pod for pod in seen["api"]["pods"]}
    assert {name: (pod["node"], pod["phase"], pod["ready"], pod["reasons"]) for name, pod in pods.items()} == {
        "idle": ("board-1", "Pending", False, ["first: RunContainerError", "idle: PodInitializing"]),
        "looping": ("board-1", "Running", True, []),
        "coredns": ("board-2", "Pending", False, ["coredns: ContainerCreating"]),
        "local": ("board-2", "Pending", False, ["local-path-provisioner: ContainerCreating"]),
        "metrics": ("board-1", "Pending", False, ["metrics-server: ImagePullBackOff"]),
    }
    assert pods["metrics"]["owner"]["kind"] == "ReplicaSet" and pods["looping"]["owner"] is None
    assert pods["idle"]["images"] == ["rancher/mirrored-pause:3.6"]


def test_joined(seen):
    assert [(row["name"].split("-")[0], row["attempt"], row["state"], row["relation"]) for row in seen["rows"]] == [
        ("idle", 0, "ready", "matched"),
        ("looping", 0, "ready", "matched"),
        ("metrics", 0, "notready", "previous"),
        ("metrics", 1, "ready", "matched"),
    ]
    idle, looping, dummy, metrics = seen["rows"]
    assert [(entry["name"], entry["state"], entry["exit_code"]) for entry in idle["containers"]] == [
        ("first", "exited", 128),
        ("idle", "waiting", None),
    ]
    assert idle["cause"].startswith("first: RunContainerError, last exit code 128: ") and idle["cause"].endswith(
        "no such file or directory: unknown"
    )
    assert (looping["cause"], looping["containers"][0]["state"]) == (None, "running")
    assert metrics["cause"].startswith("metrics-server: ImagePullBackOff: ") and metrics["cause"].endswith(
        "connection refused"
    )


def test_missing_on_the_other_node(seen):
    rows = join([], [], seen["api"]["pods"], "board-2", parse_events(read("kubectl_events_1.34.txt"), TOKEN))
    assert [(row["name"].split("-")[0], row["relation"], row["cause"].split(":")[0]) for row in rows] == [
        ("coredns", "missing", "FailedCreatePodSandBox"),
        ("local", "missing", "FailedCreatePodSandBox"),
    ]


def test_no_annotation_has_a_value():
    assert '"kubernetes.io/config.seen":  ""' in read("crictl_pods_1.34.json")
