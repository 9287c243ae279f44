# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_pod_restart on pods of its own, which run a riscv64 busybox on the lab's server."""

from __future__ import annotations

import json

import modules
import pytest

MODULE = "k3s_pod_restart"
SOURCE, IMAGE = "10.99.0.1:5000/tests/busybox:1", "docker.io/rancher/tests-busybox:1"
PAUSE_SOURCE, PAUSE = "10.99.0.1:5000/tests/pause:1", "docker.io/rancher/mirrored-pause:3.6"
GOOD = "tests-restart-good"
# Whether such a pod ever becomes Ready is settled when it starts, so a broken one stays so until it is restarted.
CONTAINER = {
    "name": "main",
    "image": IMAGE,
    "imagePullPolicy": "Never",
    "command": ["/bin/sh", "-c", "[ ! -e /disk/%s ] || : >/ready; exec sleep 100000" % GOOD],
    "readinessProbe": {
        "exec": {"command": ["/bin/sh", "-c", "[ -e /ready ]"]},
        "periodSeconds": 1,
        "timeoutSeconds": 10,
    },
    "volumeMounts": [{"name": "disk", "mountPath": "/disk"}],
}
POD = {
    "nodeName": "board-1",
    "terminationGracePeriodSeconds": 0,
    "automountServiceAccountToken": False,
    "containers": [CONTAINER],
    "volumes": [{"name": "disk", "hostPath": {"path": "/var/tmp"}}],
}


def with_meta(kind, version, name, labels, spec):
    return {
        "kind": kind,
        "apiVersion": version,
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "spec": spec,
    }


OBJECTS = json.dumps(
    {
        "kind": "List",
        "apiVersion": "v1",
        "items": [
            with_meta(
                "Deployment",
                "apps/v1",
                "tests-owned",
                {"app": "tests"},
                {
                    "selector": {"matchLabels": {"app": "tests"}},
                    "template": {"metadata": {"labels": {"app": "tests"}}, "spec": POD},
                },
            ),
            with_meta("Pod", "v1", "tests-unowned", {"app": "unowned"}, POD),
        ],
    }
)


@pytest.fixture(name="pods", scope="module", autouse=True)
def _pods(lab, connected, tmp_path_factory):
    """A Deployment of one pod, and a pod that nothing owns."""
    folder = tmp_path_factory.mktemp("pods")
    links = {"/bin/sh": "busybox", "/bin/sleep": "busybox"}
    busybox = {
        "src": modules.program("busybox"),
        "dest": "/bin/busybox",
        "links": links,
        "cmd": ["sh"],
        "image": SOURCE,
    }
    modules.build(
        lab, folder, busybox, {"src": modules.program("pause"), "entrypoint": ["/pause"], "image": PAUSE_SOURCE}
    )
    pairs = [{"source": SOURCE, "targets": [IMAGE]}]
    has_pause = PAUSE in modules.image_names(lab, lab.server)
    if not has_pause:
        pairs.append({"source": PAUSE_SOURCE, "targets": [PAUSE]})
    sources = [pair["source"] for pair in pairs]
    run = modules.tasks(
        lab,
        folder,
        lab.server,
        {"riscv.k3s.crictl_image_pull": {"images": sources, "architecture": "riscv64"}},
        {"riscv.k3s.crictl_image_tag": {"images": pairs, "architecture": "riscv64"}},
    )
    assert run.failures == []
    lab.kubectl("apply", "-f", "-", input=OBJECTS)
    yield
    lab.kubectl("delete", "-f", "-", "--wait", input=OBJECTS)
    lab.exec(lab.server, ["rm", "-f", "/var/tmp/" + GOOD])
    modules.remove_images(lab, lab.server, SOURCE, PAUSE_SOURCE, IMAGE, *([] if has_pause else [PAUSE]))


@pytest.fixture(name="broken")
def _broken(lab, pods):
    """The Deployment's pod, once it runs and is not Ready, and will not be."""
    lab.exec(lab.server, ["rm", "-f", "/var/tmp/" + GOOD])
    for pod in living(lab):
        if pod["metadata"]["name"] != "tests-unowned" and is_ready(pod):
            lab.kubectl("delete", "pod", "-n", "default", pod["metadata"]["name"])

    def ask():
        for pod in living(lab):
            if pod["metadata"]["name"] != "tests-unowned" and pod["status"]["phase"] == "Running":
                return pod["metadata"]["name"]
        return None

    return lab.wait("a running pod", ask)


def living(lab):
    return [
        pod
        for pod in lab.get("pods", "-n", "default", "-l", "app in (tests, unowned)")["items"]
        if "deletionTimestamp" not in pod["metadata"]
    ]


def is_ready(pod):
    return any((row["type"], row["status"]) == ("Ready", "True") for row in pod["status"].get("conditions", ()))


def test_only_broken_check_run_check_run(lab, broken, tmp_path):
    lab.exec(lab.server, ["touch", "/var/tmp/" + GOOD])
    taken = modules.steps(
        lab, tmp_path, lab.server, MODULE, {"selectors": ["app=tests"], "only_broken": True, "timeout": 60}
    )
    modules.assert_four_steps(taken, "ready")
    assert taken.done["restarted"] == [
        {"namespace": "default", "name": broken, "owner": {"kind": "Deployment", "name": "tests-owned"}}
    ]
    pod = next(pod for pod in living(lab) if pod["metadata"]["name"] != "tests-unowned")
    assert is_ready(pod) and pod["metadata"]["name"] != broken
    row = taken.done["ready"][0]
    assert (row["name"], row["node"], row["images"][0]["image"]) == (pod["metadata"]["name"], lab.server, IMAGE)
    assert row["images"][0]["image_id"] == pod["status"]["containerStatuses"][0]["imageID"]


def test_a_pod_without_owner_is_left_alone(lab, tmp_path):
    before = lab.get("pod", "-n", "default", "tests-unowned")["metadata"]["uid"]
    lab.exec(lab.server, ["touch", "/var/tmp/" + GOOD])
    run = modules.tasks(lab, tmp_path, lab.server, *modules.four(MODULE, {"images": ["rancher/tests-busybox:1"]})[:2])
    assert run.failures == []
    predicted, done = [row["result"] for row in run.rows]
    assert modules.told(predicted, "ready") == modules.told(done, "ready")
    assert [row["owner"] for row in done["restarted"]] == [{"kind": "Deployment", "name": "tests-owned"}], (
        "by image, and Ready or not"
    )
    assert [row["name"] for row in done["left_alone"]] == ["tests-unowned"] and "no owner" in done["warnings"][0]
    assert lab.get("pod", "-n", "default", "tests-unowned")["metadata"]["uid"] == before


def test_what_does_not_become_ready_is_told(lab, broken, tmp_path):
    result = modules.failure(lab, tmp_path, lab.server, MODULE, {"selectors": ["app=tests"], "timeout": 4})
    assert "Deployment/tests-owned in default is not Ready after its pods were deleted: nothing moved" in result["what"]
    assert "pod default/tests-owned-" in result["found"] and "cri_sandbox_info" in result["next_step"]
