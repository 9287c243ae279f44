# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fix alone brings its pods up from the broken lab, and keeps them up through a restart and a move of k3s to
another version.

flag is for the pause image alone, and patch for all others: they are tested together, each on what the other cannot do.
"""

from __future__ import annotations

import json

import modules
import pytest
from runs import play

# Eight resets of the lab, a quarter of an hour. CI has mirror and tag in quicker tests, on containerd 1.6; the rest
# runs with ALL=1 only.
pytestmark = pytest.mark.slow

PREFIX = "10.99.0.1:5000/stock"
PRIVATE = "10.99.0.1:5000/riscv64/"
STOCK = "docker.io/rancher/"
DISABLED = ["traefik", "servicelb"]  # nobody has images for them in the lab
IMAGES_OF_A = (
    "mirrored-pause:3.6",
    "mirrored-coredns-coredns:1.9.1",
    "local-path-provisioner:v0.0.21",
    "mirrored-metrics-server:v0.5.2",
)
IMAGES_OF_B = (
    "mirrored-pause:3.10.2",
    "mirrored-coredns-coredns:1.14.6",
    "local-path-provisioner:v0.0.37",
    "mirrored-metrics-server:v0.9.0",
)
# CoreDNS stays on the overlay, which names the image of the version it was made from.
ASKED_BY_B = ("rancher/local-path-provisioner:v0.0.37", "rancher/mirrored-metrics-server:v0.9.0")
ARCHIVES = "/var/lib/rancher/k3s/agent/images"
WORKLOADS = {
    "coredns": ("mirrored-coredns-coredns", "coredns:1.14.7", "coredns.yaml", {"command": ["/coredns"]}),
    "local-path-provisioner": ("local-path-provisioner", "local-path-provisioner:v0.0.30", "local-storage.yaml", {}),
    "metrics-server": (
        "mirrored-metrics-server",
        "metrics-server:v0.8.0",
        "metrics-server/metrics-server-deployment.yaml",
        {},
    ),
}


@pytest.fixture(name="broken")
def _broken(lab, request):
    """A new lab with the containerd that the test asks for, broken, and the images of the catalogue in its registry."""
    lab.lab("reset", "--containerd", request.param)
    play(lab, "riscv.k3s.build_images")
    node = lab.get("node", lab.agent)
    assert node["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://%s." % request.param)
    assert not any(ready for ready, _images in pods(lab).values())
    yield request.param


@pytest.fixture(scope="module", autouse=True)
def _afterwards(lab):
    """Other tests expect the lab as it comes up."""
    yield
    lab.lab("reset")


def run(lab, playbook, *options, **variables):
    """Run a playbook with extra variables."""
    return play(lab, "riscv.k3s." + playbook, "-e", json.dumps(variables), *options)


def pods(lab):
    """{name of the pod: (ready, its images)} of kube-system."""
    found = {}
    for pod in lab.get("pods", "-n", "kube-system")["items"]:
        if not pod["metadata"].get("deletionTimestamp"):
            states = pod["status"].get("containerStatuses") or [{"ready": False}]
            found[pod["metadata"]["name"]] = (
                all(state["ready"] for state in states),
                [container["image"] for container in pod["spec"]["containers"]],
            )
    return found


def wait_until_ready(lab, *images):
    """Until every pod is Ready, and pods ask for these images."""

    def seen():
        now = pods(lab)
        asked = {image for _ready, names in now.values() for image in names}
        return len(now) >= len(WORKLOADS) and set(images) <= asked and all(ready for ready, _names in now.values())

    lab.wait("every pod is Ready, on %s" % (", ".join(images) or "any image"), seen, 180, interval=1)


def restart(lab):
    """Restart k3s on both boards. Containers go on meanwhile; afterwards all pods are Ready."""
    for board in (lab.server, lab.agent):
        lab.lab("restart", board)
    wait_until_ready(lab)


def names(lab):
    """Names in the stores of both boards."""
    return modules.image_names(lab, lab.server) | modules.image_names(lab, lab.agent)


def pinned(lab, board, image):
    """What containerd tells the kubelet about it."""
    return json.loads(lab.exec(board, ["k3s", "crictl", "inspecti", image]).stdout)["status"]["pinned"]


def archives(lab, board):
    return lab.exec(board, "ls " + ARCHIVES).stdout.split()


@pytest.mark.parametrize("broken", ["2", "1"], indirect=True)
def test_mirror(lab, broken):
    """The kubelet pulls stock names by itself: no tag, and after an upgrade that was prepared no run."""
    mirror = {"riscv_k3s_fixes": ["mirror"], "riscv_k3s_mirror_prefix": PREFIX, "riscv_k3s_target_disable": DISABLED}
    run(lab, "prepare_upgrade", riscv_k3s_target_version=lab.versions["A"], **mirror)
    done = run(lab, "site", **mirror)
    assert "All healthy." in done.text
    assert not done.results("riscv.k3s.crictl_image_tag")
    assert not [name for name in names(lab) if name.startswith(PRIVATE)]
    restart(lab)
    assert run(lab, "site", **mirror).changes == []
    run(lab, "prepare_upgrade", riscv_k3s_target_version=lab.versions["B"], **mirror)
    lab.lab("upgrade", "B")
    wait_until_ready(lab, *ASKED_BY_B)
    assert STOCK + "mirrored-pause:3.10.2" in names(lab)


@pytest.mark.parametrize("broken", ["2", "1"], indirect=True)
def test_tag(lab, broken):
    """Stock names are tagged and pinned, for the kubelet as well; those of the version that comes next are tagged
    before it comes.
    """
    tag = {"riscv_k3s_fixes": ["tag"]}
    assert "All healthy." in run(lab, "site", **tag).text
    restart(lab)
    assert run(lab, "site", **tag).changes == []
    ready = dict(tag, riscv_k3s_target_version=lab.versions["B"])
    assert set(run(lab, "site", **ready).changed.values()) != {0}
    assert run(lab, "site", **ready).changes == []
    if broken == "2":
        for board in (lab.server, lab.agent):
            assert all(pinned(lab, board, STOCK + name) for name in IMAGES_OF_A + IMAGES_OF_B)
    lab.lab("upgrade", "B")
    wait_until_ready(lab, *ASKED_BY_B)
    assert pinned(lab, lab.agent, STOCK + "mirrored-coredns-coredns:1.9.1") == (broken == "2")


@pytest.mark.parametrize("broken", ["2", "1"], indirect=True)
def test_preload(lab, broken):
    """Boards that reach no registry: without registries.yaml they ask for https, which nobody speaks. They get their
    images back at each start.
    """
    preload = {"riscv_k3s_fixes": ["preload"], "riscv_k3s_registries": None, "riscv_k3s_registry_plain_http": True}
    predicted = run(lab, "site", "--check", "--diff", **preload)
    done = run(lab, "site", "--diff", **preload)
    assert "All healthy." in done.text
    assert predicted.changes == done.changes
    assert [row["host"] for row in done.rows if row["action"] == "ansible.builtin.service"] == ["board-2", "board-1"], (
        "agents before servers"
    )
    assert not done.results("riscv.k3s.crictl_image_pull") and not done.results("riscv.k3s.crictl_image_tag")
    stock = {STOCK + name for name in IMAGES_OF_A}
    assert stock <= modules.image_names(lab, lab.server) & modules.image_names(lab, lab.agent)
    assert run(lab, "site", **preload).changes == []
    first = archives(lab, lab.agent)
    assert len(first) == 1 and archives(lab, lab.server) == first

    modules.remove_images(lab, lab.agent, *stock)
    restart(lab)
    assert stock <= modules.image_names(lab, lab.agent)
    if broken == "2":
        assert pinned(lab, lab.agent, STOCK + "mirrored-pause:3.6")
    ready = dict(preload, riscv_k3s_target_version=lab.versions["B"])
    run(lab, "site", **ready)
    second = archives(lab, lab.agent)
    assert len(second) == 1 and second != first
    lab.lab("upgrade", "B")
    wait_until_ready(lab, *ASKED_BY_B)
    # One more run leaves out what only the old version asked for; then nothing is left to do.
    assert "All healthy." in run(lab, "site", **preload).text
    assert run(lab, "site", **preload).changes == []


def patched_catalogue():
    """The workloads ask for the private images by name."""
    entries = [{"stock": STOCK + "mirrored-pause", "source": PRIVATE + "pause:1.0.0"}]
    for name, (repository, image, manifest, more) in WORKLOADS.items():
        patch = dict(
            {"manifest": manifest, "kind": "Deployment", "name": name, "container": name, "image": PRIVATE + image},
            **more,
        )
        entries.append({"stock": STOCK + repository, "source": PRIVATE + image, "patch": patch})
    return entries


@pytest.mark.parametrize("broken", ["2", "1"], indirect=True)
def test_flag_and_patch(lab, broken):
    """No stock name is needed at all, and so another version's tags are not either: no run after an upgrade."""
    wanted = {"riscv_k3s_fixes": ["flag"], "riscv_k3s_catalogue": patched_catalogue()}
    done = run(lab, "site", **wanted)
    assert "All healthy." in done.text
    assert not done.results("riscv.k3s.crictl_image_tag")
    private = [PRIVATE + image for _repository, image, _manifest, _more in WORKLOADS.values()]
    wait_until_ready(lab, *private)
    assert [name for name in modules.image_names(lab, lab.agent) if "pause" in name] == [PRIVATE + "pause:1.0.0"]
    restart(lab)
    assert run(lab, "site", **wanted).changes == []
    lab.lab("upgrade", "B")
    wait_until_ready(lab, *private)
    # Pods that are made anew find their pause image, too.
    lab.kubectl("delete", "pod", "-n", "kube-system", "--all", "--wait=false", "--grace-period=1")
    wait_until_ready(lab, *private)
