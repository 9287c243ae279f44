# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes about containers, sandboxes and CoreDNS: positive cases, and what comes near and must not be called so."""

import pytest
from fake_fleet import JUMP, RULE, STOCK, FakeFleet, ago

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.table import text

EXEC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
    "runc create failed: unable to start container process: "
)
FORBIDDEN = (
    "plugin/kubernetes: Failed to watch: services is forbidden: "
    'User "system:serviceaccount:kube-system:coredns" cannot list'
)


@pytest.fixture(name="fleet")
def _fleet():
    return FakeFleet()


def test_a_healthy_fleet_gives_nothing(fleet):
    document = fleet.document()
    assert (document["findings"], document["collect"]) == ([], [])


@pytest.mark.parametrize(
    "more, log, expected",
    [
        (
            {
                "state": "waiting",
                "reason": "CreateContainerError",
                "message": "failed to generate spec: no command specified",
            },
            [],
            "entrypoint-missing",
        ),
        (
            {
                "state": "waiting",
                "reason": "RunContainerError",
                "message": EXEC + 'exec: "-conf": executable file not found in $PATH',
            },
            [],
            "entrypoint-missing",
        ),
        (
            {
                "state": "terminated",
                "reason": "StartError",
                "exit_code": 128,
                "message": EXEC + 'exec: "/x": stat /x: no such file or directory',
            },
            [],
            "entrypoint-missing",
        ),
        (
            {"state": "waiting", "reason": "CrashLoopBackOff", "exit_code": 1},
            ["exec /coredns: operation not permitted"],
            "file-capabilities",
        ),
        (
            {"state": "waiting", "reason": "CrashLoopBackOff", "exit_code": 1},
            ["chown /x: operation not permitted"],
            "crash-loop",
        ),
        (
            {"state": "waiting", "reason": "CrashLoopBackOff", "exit_code": 137, "last_reason": "OOMKilled"},
            [],
            "out-of-memory",
        ),
        (
            {"state": "waiting", "reason": "CrashLoopBackOff", "exit_code": 137, "last_reason": "Error"},
            [],
            "crash-loop",
        ),
        (
            {"state": "waiting", "reason": "CreateContainerConfigError", "message": 'configmap "settings" not found'},
            [],
            "config-missing",
        ),
        (
            {"state": "waiting", "reason": "CreateContainerConfigError", "message": "something else"},
            [],
            "error-unknown",
        ),
        (
            {"state": "terminated", "reason": "Error", "exit_code": 3, "phase": "Failed"},
            ["cannot find my config"],
            "crash-loop",
        ),
        ({"state": "running"}, [], None),
    ],
)
def test_containers(fleet, more, log, expected):
    fleet.pod("p", "board-2", "reg.example:5000/a/b:1", **dict({"ready": False}, **more))
    fleet.agent["logs"] = {"c-p": log}
    document = fleet.document()
    assert [finding["cause"] for finding in document["findings"]] == [expected] * bool(expected)
    assert bool(document["collect"]) != bool(expected)


def test_crash_loop_shows_its_last_line_and_is_only_possible_without(fleet):
    fleet.pod("p", "board-2", "a:1", ready=False, state="waiting", reason="CrashLoopBackOff", exit_code=3, restarts=4)
    (finding,) = fleet.document()["findings"]
    assert finding["confidence"] == "possible"
    fleet.agent["logs"] = {"c-p": ["one", "cannot find my config"]}
    (finding,) = fleet.document()["findings"]
    assert (
        finding["confidence"] == "likely" and finding["evidence"][1] == "last log line of main: cannot find my config"
    )
    assert finding["command"] == "k3s kubectl -n default logs -c main --previous p"


def test_memory_of_a_deployment_is_raised_by_the_command(fleet):
    row = fleet.pod(
        "d-abc-1",
        "board-2",
        "a:1",
        ready=False,
        state="waiting",
        reason="CrashLoopBackOff",
        last_reason="OOMKilled",
        labels={"pod-template-hash": "abc"},
    )
    row["owner"] = {"kind": "ReplicaSet", "name": "d-abc"}
    (finding,) = fleet.document()["findings"]
    assert finding["command"] == "k3s kubectl -n default set resources -c main --limits=memory=512Mi deployment/d"
    row["labels"].clear()
    (finding,) = fleet.document()["findings"]
    assert "replicaset/d-abc" in finding["command"], "no label tells of a Deployment"


@pytest.mark.parametrize(
    "deleted, finalizers, expected",
    [
        (ago(31), [], ["stuck-terminating"]),
        (ago(31), ["a/b"], ["stuck-terminating"]),
        (ago(10), [], []),
        (None, [], []),
    ],
)
def test_terminating(fleet, deleted, finalizers, expected):
    row = fleet.pod("p", "board-2", "a:1", deleting=bool(deleted), deleted_at=deleted)
    fleet.server["details"]["pods"] = {
        row["uid"]: {"deleted_at": deleted, "finalizers": finalizers, "grace": 1, "message": ""}
    }
    document = fleet.document()
    assert [finding["cause"] for finding in document["findings"]] == expected
    assert [one["mismatch"] for one in document["pods"] if one["name"] == "p"] == [
        "stuck-terminating" if expected else None
    ]
    if finalizers:
        assert "finalizers" in document["findings"][0]["command"]


def test_pod_that_cannot_go_without_a_network_is_explained_by_that(fleet):
    row = fleet.pod("p", "board-2", "a:1", deleting=True, deleted_at=ago(600))
    fleet.server["details"]["pods"] = {
        row["uid"]: {"deleted_at": ago(600), "finalizers": [], "grace": 1, "message": ""}
    }
    fleet.event(
        row, "FailedKillPod", "error killing pod: failed to destroy network for sandbox: cni plugin not initialized"
    )
    message = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady"
    fleet.server["details"]["nodes"]["board-2"]["Ready"] = {
        "status": "False",
        "reason": "KubeletNotReady",
        "message": message,
    }
    assert "stuck-terminating" not in [finding["cause"] for finding in fleet.document()["findings"]]
    assert fleet.document()["findings"][0]["cause"] == "cni-missing"


def test_terminating_pod_whose_sandbox_is_gone(fleet):
    row = fleet.pod(
        "p", "board-1", "a:1", sandbox=False, ready=False, phase="Failed", deleting=True, deleted_at=ago(600)
    )
    fleet.server["details"]["pods"] = {
        row["uid"]: {"deleted_at": ago(600), "finalizers": ["a/b"], "grace": 1, "message": ""}
    }
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["subject"]["board"]) == ("stuck-terminating", "board-1")


@pytest.mark.parametrize(
    "name, age, state, expected, mismatch",
    [
        ("gone", 600, "ready", ["ghost-sandbox"], "ghost-sandbox"),
        ("coredns-7796b77cd4-kz5w2", 600, "ready", ["ghost-sandbox"], "uid-reused"),
        ("gone", 5, "ready", [], "ghost-sandbox"),
        ("gone", 600, "notready", [], "ghost-sandbox"),
    ],
)
def test_ghosts(fleet, name, age, state, expected, mismatch):
    fleet.sandbox("old", name, "kube-system", "board-2", age=age, state=state)
    document = fleet.document()
    assert [finding["cause"] for finding in document["findings"]] == expected
    assert [row["mismatch"] for row in document["pods"] if row["uid"] == "old"] == [mismatch]


def test_without_the_api_no_sandbox_is_a_ghost(fleet):
    fleet.sandbox("old", "gone", "kube-system", "board-2")
    del fleet.server["api"]
    document = fleet.document()
    (finding,) = document["findings"]
    assert finding["cause"] == "cluster-unknown" and "no board that was looked at has" in finding["evidence"][0]
    assert document["collect"] == []


def test_other_mismatches(fleet):
    fleet.sandbox(fleet.coredns["uid"], fleet.coredns["name"], "kube-system", "board-1", age=9, attempt=1)
    fleet.pod("other", "board-1", STOCK, image_id="x@sha256:" + "b" * 64)
    row = fleet.pod("static", "board-1", "a:1")
    row["static_uid"], row["uid"] = row["uid"], "mirror"
    found = {(one["name"], one["attempt"]): one["mismatch"] for one in fleet.document()["pods"]}
    assert found == {
        (fleet.coredns["name"], 0): "stale-attempt",
        (fleet.coredns["name"], 1): None,
        ("other", 0): "other-image",
        ("static", 0): "static-pod",
    }


def test_unschedulable(fleet):
    row = fleet.pod("p", "board-2", "a:1", sandbox=False, ready=False, phase="Pending", node="")
    assert fleet.causes() == []
    fleet.event(row, "FailedScheduling", "0/2 nodes are available: 2 Insufficient memory.")
    assert fleet.causes() == ["unschedulable"]
    # No node has it, and it counts all the same.
    assert text(fleet.document())[-1].endswith(" 1 not Ready, 1 finding.")


@pytest.mark.parametrize(
    ("message", "is_told"),
    [
        ("0/1 nodes are available: 1 node(s) were unschedulable. preemption: 0/1 nodes are available.", True),
        ("0/2 nodes are available: 2 node(s) had untolerated taint {node.kubernetes.io/unschedulable: }.", True),
        ("0/1 nodes are available: 1 node(s) had untolerated taint {example.com/own: }.", False),
        ("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", False),
    ],
)
def test_a_node_that_is_cordoned_lacks_nothing(fleet, message, is_told):
    """k3s-io/k3s#11416: an upgrade whose image is missing leaves its node so."""
    row = fleet.pod("p", "board-2", "a:1", sandbox=False, ready=False, phase="Pending", node="")
    fleet.event(row, "FailedScheduling", message)
    (finding,) = fleet.document()["findings"]
    assert finding["cause"] == "unschedulable" and ("uncordon" in finding["remedy"]) == is_told
    assert finding["command"] == "k3s kubectl " + ("get nodes" if is_told else "describe nodes")


@pytest.mark.parametrize(
    "message",
    [
        "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
        'persistentvolumeclaim "data" not found',
    ],
)
def test_a_claim_without_a_volume_is_no_fault_of_the_nodes(fleet, message):
    row = fleet.pod("p", "board-2", "a:1", sandbox=False, ready=False, phase="Pending", node="")
    fleet.event(row, "FailedScheduling", message)
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["confidence"]) == ("volume-unbound", "certain")
    assert finding["command"] == "k3s kubectl -n default describe persistentvolumeclaims,storageclasses"


@pytest.mark.parametrize(
    "message, is_of_coredns",
    [('configmap "settings" not found', False), ("couldn't find key NodeHosts in ConfigMap kube-system/coredns", True)],
)
def test_of_coredns_is_spoken_only_where_it_is_meant(fleet, message, is_of_coredns):
    fleet.waiting("p", "CreateContainerConfigError", message=message)
    (finding,) = fleet.document()["findings"]
    assert finding["cause"] == "config-missing" and ("CoreDNS" in finding["remedy"]) == is_of_coredns


@pytest.mark.parametrize(
    "reason, message, expected",
    [
        ("FailedCreatePodSandBox", "cni plugin not initialized", ["cni-missing"]),
        ("FailedCreatePodSandBox", 'failed to find plugin "flannel" in path', ["cni-plugin-missing"]),
        ("NetworkNotReady", "network is not ready: cni config uninitialized", ["cni-missing"]),
        ("FailedCreatePodSandBox", "context deadline exceeded", ["error-unknown"]),
    ],
)
def test_cni(fleet, reason, message, expected):
    row = fleet.waiting("p", "ContainerCreating", sandbox=False)
    fleet.event(row, reason, message)
    assert fleet.causes() == expected


def test_a_pod_that_did_its_work_shows_that_there_is_a_network(fleet):
    """helm-install pods are made before flannel is up, and their events outlive them."""
    row = fleet.pod("helm-install-x", "board-2", "a:1", phase="Succeeded", ready=False, state="terminated")
    fleet.event(row, "FailedCreatePodSandBox", "cni plugin not initialized")
    fleet.agent["sandboxes"][-1]["state"] = "notready"
    assert fleet.causes() == []


def test_coredns_that_is_starting_is_no_fault(fleet):
    fleet.unready_coredns(pod=True, host=True, age=5)
    document = fleet.document()
    assert document["findings"] == [] and "It has been starting" in document["collect"][0]["text"]


def remove_rights(fleet):
    fleet.server["dns"]["rights"] = ["selfsubjectreviews.authentication.k8s.io"]


def wrong_address(fleet):
    fleet.server["details"]["endpoints"] = ["10.0.0.99:6443"]


def no_rules(fleet):
    fleet.rules("board-1", ":FORWARD ACCEPT [0:0]")


def no_jump(fleet):
    fleet.rules("board-1", RULE)


def drop(fleet):
    fleet.rules("board-1", ":FORWARD ACCEPT [0:0]", RULE, JUMP, "-A FORWARD -s 10.42.0.0/16 -j DROP")


def policy(fleet):
    fleet.rules("board-1", ":FORWARD DROP [0:0]", RULE, JUMP)


def firewalld(fleet):
    fleet.server["preflight"]["firewalld"] = True


@pytest.mark.parametrize(
    "change, pod, host, expected, command",
    [
        (
            remove_rights,
            True,
            True,
            "coredns-rights",
            "k3s kubectl auth reconcile -f /var/lib/rancher/k3s/server/manifests/coredns.yaml",
        ),
        (wrong_address, False, False, "apiserver-address", "systemctl restart k3s"),
        (no_rules, False, False, "service-rules", "systemctl restart k3s"),
        (no_jump, False, True, "service-rules", "systemctl restart k3s"),
        (drop, False, True, "firewall", "iptables -D FORWARD -s 10.42.0.0/16 -j DROP"),
        (policy, False, True, "firewall", "iptables -P FORWARD ACCEPT"),
        (firewalld, False, True, "firewall", "firewall-cmd"),
        (lambda fleet: None, True, True, "coredns-waits", "k3s kubectl"),
        # Near misses: the address answers, so neither a policy nor an odd endpoint is what keeps it.
        (policy, True, True, "coredns-waits", "k3s kubectl"),
        (wrong_address, True, True, "coredns-waits", "k3s kubectl"),
        (no_rules, True, True, "coredns-waits", "k3s kubectl"),
    ],
)
def test_503(fleet, change, pod, host, expected, command):
    fleet.unready_coredns(pod, host, log=["[INFO] plugin/ready", "[ERROR] " + FORBIDDEN])
    change(fleet)
    finding = fleet.document()["findings"][0]
    assert finding["cause"] == expected and finding["command"].startswith(command)
    assert "GET /ready of coredns-7796b77cd4-kz5w2 through the API: kubernetes" in finding["evidence"]


@pytest.mark.parametrize("change", [wrong_address, no_rules, drop, policy, remove_rights])
def test_a_ready_coredns_is_never_accused(fleet, change):
    change(fleet)
    assert fleet.causes() == []


def without_coredns(fleet):
    """No pod of it, nor anything on its board."""
    fleet.server["api"]["pods"] = []
    fleet.server["sandboxes"], fleet.server["containers"] = [], []


def test_a_coredns_of_which_there_is_no_pod(fleet):
    without_coredns(fleet)
    fleet.event(None, "FailedCreate", "exceeded quota: pods", kind="ReplicaSet", name="coredns-7796b77cd4")
    finding = fleet.document()["findings"][0]
    assert (finding["cause"], finding["confidence"], finding["run_on"]) == ("coredns-gone", "certain", "board-1")
    assert finding["command"].startswith("k3s kubectl describe ") and "exceeded quota" in finding["evidence"][1]


@pytest.mark.parametrize("unread", [["a row"], []])
def test_a_coredns_that_is_not_wanted_or_was_not_read_is_not_gone(fleet, unread):
    without_coredns(fleet)
    fleet.server["api"]["unread"] = unread
    if not unread:
        fleet.server["api"]["addons"], fleet.server["manifests"] = [], []
    assert "coredns-gone" not in fleet.causes()


def test_a_coredns_that_is_still_to_be_made_is_not_gone(fleet):
    without_coredns(fleet)
    fleet.server["k3s"]["seconds"] = 30
    document = fleet.document()
    assert document["findings"] == [] and "coredns-gone" in document["collect"][0]["text"]


def test_an_address_that_is_set_in_the_config_is_taken_out(fleet):
    fleet.unready_coredns()
    wrong_address(fleet)
    fleet.server["preflight"]["addresses"] = {"advertise-address": "10.0.0.99"}
    finding = fleet.document()["findings"][0]
    assert (
        finding["command"].startswith("sed -i '/^advertise-address *:/d' ")
        and "advertise-address in config.yaml of board-1: 10.0.0.99" in finding["evidence"]
    )


def test_what_keeps_a_pod_from_running_comes_before_what_does_not(fleet):
    fleet.manifest("coredns.own.yaml", "x", applied=False)
    remove_rights(fleet)
    fleet.unready_coredns()
    assert fleet.causes() == ["coredns-rights", "two-files-one-addon"]
