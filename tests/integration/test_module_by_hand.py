# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/examples/by_hand.yml, the modules one after the other as the cure by hand, on the lab's broken boards."""

from __future__ import annotations

import modules
import pytest

pytestmark = pytest.mark.slow

BY_HAND = modules.ROOT / "docs/examples/by_hand.yml"
PATCH = "Change the packaged manifest itself (lasts until k3s starts the next time)"
TAG = "Tag with the stock names, with docker.io/, or the kubelet does not find them"
STOCK = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
PODS = ("pods", "-n", "kube-system", "-l", "k8s-app=kube-dns")


@pytest.fixture(name="broken")
def _broken(lab, connected, tmp_path):
    """Boards without the images, and without an overlay of coredns.yaml, which would win over an edit in place. They
    are left so.
    """
    pause = {"src": modules.program("pause"), "entrypoint": ["/pause"], "image": lab.registry + "/riscv64/pause:1.0.0"}
    # Started by CMD, as the image of those who did it by hand: the manifest's args replace it, so that a command is
    # needed.
    coredns = {
        "src": modules.program("coredns"),
        "cmd": ["/coredns"],
        "image": lab.registry + "/riscv64/coredns:1.14.7",
    }
    modules.build(lab, tmp_path, pause, coredns)
    before = {board: modules.image_names(lab, board) for board in (lab.server, lab.agent)}
    modules.task(
        lab, tmp_path, lab.server, "k3s_manifest_patch", {"patches": [{"manifest": "coredns.yaml"}], "state": "absent"}
    )
    for board in before:
        modules.remove_images(lab, board, STOCK, coredns["image"])
    lab.kubectl("delete", *PODS)
    yield
    lab.exec(lab.server, "rm -f %s/*.bak" % lab.manifests)
    lab.lab("restart", lab.server)
    for board, names in before.items():
        modules.remove_images(lab, board, *(modules.image_names(lab, board) - names))
    lab.wait("the stock Deployment", lambda: "command" not in container(lab), 30)


def container(lab):
    return lab.get("deployment", "-n", "kube-system", "coredns")["spec"]["template"]["spec"]["containers"][0]


def test_by_hand(lab, broken, tmp_path):
    predicted = modules.play(lab, tmp_path, BY_HAND, "--check", "--diff")
    first = modules.play(lab, tmp_path, BY_HAND, "--diff")
    assert (predicted.rc, first.rc) == (0, 0), predicted.output + first.output
    assert predicted.result(PATCH, lab.server)["diff"] == first.result(PATCH, lab.server)["diff"]
    live = container(lab)
    assert (live["image"], live["imagePullPolicy"], live["command"]) == (STOCK, "Never", ["/coredns"])

    [pod] = [pod for pod in lab.get(*PODS)["items"] if "deletionTimestamp" not in pod["metadata"]]
    [status] = pod["status"]["containerStatuses"]
    board = pod["spec"]["nodeName"]
    tagged = {row["name"]: row["digest"] for row in first.result(TAG, board)["images"]}
    stored = lab.exec(board, ["k3s", "crictl", "inspecti", STOCK]).stdout
    assert status["ready"] and tagged[STOCK] in stored and status["imageID"] in stored, "it runs our image"
    joined = first.result("Look at sandbox and pod side by side", board)["pods"]
    assert pod["metadata"]["uid"] in [row["uid"] for row in joined]

    second = modules.play(lab, tmp_path, BY_HAND, "--diff")
    assert second.rc == 0, second.output
    assert [row["task"] for row in second.rows if row["result"].get("changed")] == []
