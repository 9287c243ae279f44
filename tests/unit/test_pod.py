# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One meaning of a pod's workload, of done and of not Ready, for all who ask."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.pod import (
    controller,
    has_ready,
    is_unready,
    ready_count,
    workload,
)


@pytest.mark.parametrize(
    "kind, name, labels, expected",
    [
        ("ReplicaSet", "coredns-7c9", {"pod-template-hash": "7c9"}, ("Deployment", "coredns")),
        ("ReplicaSet", "local-path-7c9", {"pod-template-hash": "7c9"}, ("Deployment", "local-path")),
        ("ReplicaSet", "coredns-7c9", {}, ("ReplicaSet", "coredns-7c9")),
        ("ReplicaSet", "coredns-custom", {"pod-template-hash": "7c9"}, ("ReplicaSet", "coredns-custom")),
        ("ReplicaSet", "coredns-", {"pod-template-hash": ""}, ("ReplicaSet", "coredns-")),
        ("ReplicaSet", "a7c9", {"pod-template-hash": "7c9"}, ("ReplicaSet", "a7c9")),
        ("StatefulSet", "db-7c9", {"pod-template-hash": "7c9"}, ("StatefulSet", "db-7c9")),
    ],
)
def test_a_deployment_is_known_by_the_hash_that_it_gives_its_pods(kind, name, labels, expected):
    assert workload({"kind": kind, "name": name}, labels) == expected


def test_only_a_controller_makes_a_pod_anew():
    other, own = {"kind": "ConfigMap", "name": "c"}, {"kind": "DaemonSet", "name": "d", "controller": True}
    assert controller([other, own]) is own
    assert controller([other]) is None is controller([])


@pytest.mark.parametrize("status, ready", [("True", True), ("False", False), ("Unknown", False)])
def test_the_condition_ready(status, ready):
    assert has_ready([{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": status}]) is ready


@pytest.mark.parametrize(
    "phase, ready, unready",
    [
        ("Running", True, False),
        ("Running", False, True),
        ("Pending", False, True),
        ("Succeeded", False, False),
        ("Failed", False, True),
    ],
)
def test_not_ready(phase, ready, unready):
    assert is_unready({"phase": phase, "ready": ready}) is unready


def test_pods_that_are_done_are_not_counted():
    rows = [("Running", True), ("Running", False), ("Succeeded", False), ("Failed", False)]
    assert ready_count([{"phase": phase, "ready": ready} for phase, ready in rows]) == "1 of 3"
    evicted = {"phase": "Failed", "ready": False, "owner": {"kind": "ReplicaSet", "name": "r"}}
    assert ready_count([{"phase": "Running", "ready": True, "owner": None}, evicted]) == "1 of 1"
    assert ready_count([dict(evicted, owner=None)]) == "0 of 1", "nobody makes it anew"
