# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_manifest_patch on the lab's server: what it writes, that k3s takes it, that it outlives a restart, and the way
back.
"""

from __future__ import annotations

import modules
import pytest

METRICS = {
    "manifest": "metrics-server/metrics-server-deployment.yaml",
    "kind": "Deployment",
    "name": "metrics-server",
    "container": "metrics-server",
}
COREDNS = {"manifest": "coredns.yaml", "kind": "Deployment", "name": "coredns", "container": "coredns"}
PATCHES = [
    dict(COREDNS, image="10.99.0.1:5000/tests/coredns:1", image_pull_policy="Never", command=["/coredns"]),
    dict(METRICS, image_pull_policy="Never", env={"TESTS": "on"}),
    {
        "manifest": "traefik.yaml",
        "kind": "HelmChart",
        "name": "traefik",
        "values": {"image": {"repository": "tests/traefik"}},
    },
]
IN_PLACE = [
    dict(
        COREDNS,
        image="docker.io/rancher/mirrored-coredns-coredns:1.9.1",
        image_pull_policy="Never",
        command=["/coredns"],
    )
]
MODULE, WORKLOADS = "k3s_manifest_patch", ("coredns", "metrics-server")
WAIT = {"wait": True, "timeout": 60}


@pytest.fixture(name="stock")
def _stock(lab, tmp_path):
    """A server without overlays, whose stock manifests are applied: the checksums of its manifests. It is left so."""

    def restore():
        lab.exec(lab.server, "cd %s && rm -f *.bak *.skip *-riscv64*.yaml */*.skip */*-riscv64.yaml" % lab.manifests)
        lab.kubectl("delete", "helmchartconfig", "-n", "kube-system", "traefik", "--ignore-not-found")
        lab.lab("restart", lab.server)
        lab.wait("the stock manifests", lambda: owner(lab, "coredns") == "coredns", 60)

    if owner(lab, "coredns") != "coredns" or owner(lab, "metrics-server") != "metrics-server-deployment":
        restore()
    before = manifests(lab, tmp_path)
    yield before
    restore()
    assert manifests(lab, tmp_path) == before


def manifests(lab, folder):
    return {
        row["path"]: row["sha256"]
        for row in modules.task(lab, folder, lab.server, "k3s_info", {"gather": ["manifests"]})["manifests"]
    }


def deployment(lab, name):
    return lab.get("deployment", "-n", "kube-system", name)


def owner(lab, name):
    return deployment(lab, name)["metadata"]["annotations"].get("objectset.rio.cattle.io/owner-name")


def container(lab, name):
    return deployment(lab, name)["spec"]["template"]["spec"]["containers"][0]


def is_patched(lab):
    coredns, metrics = container(lab, "coredns"), container(lab, "metrics-server")
    return (coredns["image"], coredns["imagePullPolicy"], coredns["command"]) == (
        "10.99.0.1:5000/tests/coredns:1",
        "Never",
        ["/coredns"],
    ) and (metrics["imagePullPolicy"], metrics.get("env")) == ("Never", [{"name": "TESTS", "value": "on"}])


def is_stock(lab):
    coredns, metrics = container(lab, "coredns"), container(lab, "metrics-server")
    return coredns["image"].startswith("rancher/") and "command" not in coredns and "env" not in metrics


def install_counters(lab):
    found = lab.exec(
        lab.server,
        f"grep -h riscv.k3s-install: {lab.manifests}/coredns-riscv64.yaml "
        f"{lab.manifests}/metrics-server/*-riscv64.yaml",
    )
    return found.stdout.split()[2::3]


def assert_waited(results):
    """Four steps with a wait, which check mode leaves out."""
    predictions = [
        dict(results[step], addons=[dict(row, applied=True) for row in results[step]["addons"]]) for step in (0, 2)
    ]
    modules.assert_four_steps(modules.Steps(predictions[0], results[1], predictions[1], results[3]))


@pytest.fixture(name="patch")
def _patch(lab, tmp_path):
    """Run the module with each of the given options, in one play, none of which may fail: their results."""

    def patch(*wanted):
        run = modules.tasks(lab, tmp_path, lab.server, *wanted)
        assert run.failures == []
        return [row["result"] for row in run.rows]

    return patch


def test_overlay_and_in_place(lab, stock, patch, tmp_path):
    """The life of patches, in one test because each wait is a pass of k3s's deploy controller, which looks every 15
    seconds.
    """
    present = dict(WAIT, patches=PATCHES)
    absent = dict(WAIT, patches=[{"manifest": patch["manifest"]} for patch in PATCHES], state="absent")
    in_place = dict(WAIT, patches=IN_PLACE, mode="in_place", backup=True)

    results = patch(*modules.four(MODULE, present))
    assert_waited(results)
    assert is_patched(lab)
    assert [(owner(lab, name)) for name in WORKLOADS] == ["coredns-riscv64", "metrics-server-deployment-riscv64"]
    assert "tests/traefik" in lab.get("helmchartconfig", "-n", "kube-system", "traefik")["spec"]["valuesContent"]
    for row in results[1]["addons"]:
        assert lab.get("addon", "-n", "kube-system", row["name"])["spec"]["checksum"] == row["checksum"]

    generations = [deployment(lab, name)["metadata"]["generation"] for name in WORKLOADS]
    lab.lab("restart", lab.server)
    assert stock.items() <= manifests(lab, tmp_path).items(), "k3s writes its own files again"
    # Undo trap: k3s passes over a file whose checksum its Addon has, so taking the overlay away must take that, too.
    results = patch({"riscv.k3s." + MODULE: present}, *modules.four(MODULE, absent))
    assert results[0]["changed"] is False
    assert_waited(results[1:])
    assert is_stock(lab) and owner(lab, "coredns") == "coredns"
    assert manifests(lab, tmp_path) == stock
    assert lab.get("helmchartconfig", "-n", "kube-system", "traefik") is None
    assert [deployment(lab, name)["metadata"]["generation"] for name in WORKLOADS] == [
        number + 1 for number in generations
    ], "the restart changed nothing"

    before = manifests(lab, tmp_path)
    results = patch(*modules.four(MODULE, in_place))
    assert_waited(results)
    assert any("next start" in warning for warning in results[1]["warnings"])
    live = container(lab, "coredns")
    assert (live["image"], live["imagePullPolicy"], live["command"]) == (IN_PLACE[0]["image"], "Never", ["/coredns"])
    results = patch(*modules.four(MODULE, dict(in_place, state="absent", wait=False)))
    modules.assert_four_steps(modules.Steps(*results))
    assert manifests(lab, tmp_path) == before
    assert patch({"riscv.k3s." + MODULE: dict(in_place, wait=False)})[0]["changed"]
    lab.lab("restart", lab.server)
    assert manifests(lab, tmp_path) == stock
    lab.wait("the stock Deployment", lambda: is_stock(lab), 30)

    # Redo trap: exactly the text of the first time would not be applied.
    assert_waited(patch(*modules.four(MODULE, present)))
    assert is_patched(lab) and install_counters(lab) == ["2", "2"]
