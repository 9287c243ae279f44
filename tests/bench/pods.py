# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods of a simulated fleet, as crictl prints those of a board and kubectl those of the cluster."""

from __future__ import annotations

import hashlib
import json
import pathlib

A_BOARD = 5
TOKEN = "TOKEN"  # in place of the word that the observing script makes for each run
CREATED = "2026-11-24T21:12:10Z"
STOCK = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
# The content that a mended board of tests/fleet has under that name.
RUNS = STOCK.rpartition(":")[0] + "@sha256:f2d119243785225c9f67487cd33ccf5986b56531ca03db76a602b4b78eb2cce5"
NODE = "{token} Node\t{name}\tuid-{name}\t{created}\triscv64\tTrue\t10.0.0.1\t{boot}\t{machine}\tv1.30.0+k3s1"
NODE += '\tcontainerd://1.7.27\t["server"]\t\n'


def pods_of(board):
    """(namespace, name, uid, labels) of each pod: the first is of k3s's own namespace, the others are of users."""
    for number in range(A_BOARD):
        namespace, app = ("jobs", "worker-%d" % number) if number else ("kube-system", "kept")
        labels = {"app": app, "pod-template-hash": "655677c4dd", "team": "measurements", "tier": "backend"}
        yield namespace, "%s-655677c4dd-%s" % (app, board), "aece9aee-17d1-4afc-b84d-%s-%d" % (board, number), labels


def crictl(board):
    """{pods, ps}: what crictl prints on a board."""
    boxes, containers = [], []
    for namespace, name, uid, labels in pods_of(board):
        known = {"name": name, "namespace": namespace, "uid": uid}
        of_pod = {"io.kubernetes.pod." + key: value for key, value in known.items()}
        box = {"id": "%064x" % (len(boxes) + 1), "metadata": known}
        box.update(state="SANDBOX_READY", createdAt="1795554761245994670", labels=dict(of_pod, **labels))
        boxes.append(box)
        container = {"id": "%064x" % (len(boxes) + 100), "podSandboxId": box["id"], "metadata": {"name": "main"}}
        container.update(image={"image": STOCK, "userSpecifiedImage": STOCK}, imageRef=RUNS, labels=of_pod)
        containers.append(dict(container, state="CONTAINER_RUNNING", createdAt="1795554761245994670"))
    return {"pods": json.dumps({"items": boxes}, indent=2), "ps": json.dumps({"containers": containers}, indent=2)}


def kubectl(boards):
    """What kubectl prints: each board is a Ready node, each of its pods is Ready."""
    # As tests/fleet/boards.py makes them: they share a kernel.
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    nodes = [NODE.format(token=TOKEN, name=name, created=CREATED, boot=boot, machine=_machine(name)) for name in boards]
    return "".join(nodes + [_pod(board, *pod) for board in boards for pod in pods_of(board)]) + "TOKEN End\n"


def _machine(name):
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


def _pod(board, namespace, name, uid, labels):
    owner = {"apiVersion": "apps/v1", "controller": True, "kind": "ReplicaSet", "uid": "1"}
    owner["name"] = name.rpartition("-")[0]
    state = {"name": "main", "image": STOCK, "imageID": RUNS, "ready": True, "restartCount": 0, "started": True}
    kinds = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    conditions = [{"type": kind, "status": "True", "lastTransitionTime": CREATED} for kind in kinds]
    states = [dict(state, state={"running": {"startedAt": CREATED}})]
    # In the order of POD in _output/api_query.
    fields = [namespace, name, uid, CREATED, "", board, "Running", "", "10.42.0.9"]
    fields += [json.dumps(value) for value in (labels, [owner], conditions)]
    fields += ["", json.dumps(states), "", "main", "", "", STOCK]
    return "%s Pod\t%s\n" % (TOKEN, "\t".join(fields))
