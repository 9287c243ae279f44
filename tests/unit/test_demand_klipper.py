# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""klipper-helm and klipper-lb, and with them the whole demand of a version."""

import pytest
from planning import wanting

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import demand
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.klipper import klipper
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import plan as _plan

VERSION = "v1.24.2+k3s2"
HELM, LB = "docker.io/rancher/klipper-helm:v0.7.3-build20220613", "docker.io/rancher/klipper-lb:v0.3.5"
CHART = "kind: HelmChart\nmetadata: {name: traefik, namespace: kube-system}\nspec: {chart: x%s}\n"


def manifest(text=CHART % "", path="traefik.yaml", skip=False):
    return {"path": path, "text": text, "skip": skip}


def pod(image, name="p", namespace="kube-system"):
    return {
        "namespace": namespace,
        "name": name,
        "phase": "Succeeded",
        "deleting": False,
        "containers": [{"name": "c", "image": image}],
    }


@pytest.mark.parametrize(
    "version, manifests, config, pods, expected",
    [
        pytest.param(VERSION, [manifest()], {}, [], [HELM, LB], id="chart"),
        pytest.param(VERSION, [], {}, [], [LB], id="no chart"),
        pytest.param(VERSION, [manifest(skip=True)], {}, [], [LB], id="chart is skipped"),
        pytest.param(VERSION, [manifest(CHART % ", jobImage: mine:1")], {}, [], [LB], id="chart has its own job image"),
        pytest.param(VERSION, [manifest(text=None)], {}, [], [LB], id="manifest without text"),
        pytest.param(VERSION, [manifest(text="kind: HelmChart: ][")], {}, [], [LB], id="broken manifest"),
        pytest.param(VERSION, [manifest()], {"disable": ["servicelb"]}, [], [HELM], id="servicelb disabled"),
        pytest.param(VERSION, [manifest()], {"disable-helm-controller": "true"}, [], [LB], id="no helm controller"),
        pytest.param(
            VERSION,
            [manifest()],
            {"helm-controller-arg": "default-job-image=r.io/helm:2"},
            [],
            ["r.io/helm:2", LB],
            id="configured job image",
        ),
        pytest.param(
            VERSION,
            [manifest()],
            {"helm-controller-arg": ["threads=1", "default-job-image=helm:2"]},
            [],
            ["docker.io/library/helm:2", LB],
            id="among others",
        ),
        pytest.param(VERSION, [manifest()], {"helm-job-image": "a/helm:2"}, [], ["docker.io/a/helm:2", LB], id="flag"),
        pytest.param(VERSION, [manifest()], {"helm-job-image": "A B"}, [], [HELM, LB], id="flag that names none"),
        pytest.param(
            VERSION,
            [manifest()],
            {"system-default-registry": "r.io:5000"},
            [],
            ["r.io:5000/rancher/klipper-helm:v0.7.3-build20220613", "r.io:5000/rancher/klipper-lb:v0.3.5"],
            id="default registry",
        ),
        pytest.param(
            VERSION,
            [manifest()],
            {},
            [pod("rancher/klipper-helm:v9")],
            ["docker.io/rancher/klipper-helm:v9", LB],
            id="a pod knows better",
        ),
        pytest.param(
            VERSION,
            [manifest()],
            {},
            [pod("rancher/klipper-helm:v9", namespace="default")],
            [HELM, LB],
            id="not k3s's pod",
        ),
        pytest.param("v1.37.1+k3s1", [manifest()], {}, [], [], id="not known"),
        pytest.param(
            "v1.37.1+k3s1",
            [manifest()],
            {},
            [pod("rancher/klipper-lb:v1"), pod("rancher/klipper-helm:v2")],
            ["docker.io/rancher/klipper-helm:v2", "docker.io/rancher/klipper-lb:v1"],
            id="known from pods",
        ),
        pytest.param(None, [manifest()], {}, [], [], id="no version"),
        pytest.param("v1.37.0+", [manifest()], None, [], [], id="odd version"),
    ],
)
def test_klipper(version, manifests, config, pods, expected):
    rows = klipper(version, manifests, config, pods)
    assert [row["image"] for row in rows] == expected
    assert not any(row["required"] for row in rows)


def test_where_says_how_sure():
    assert [row["where"] for row in klipper(VERSION, [manifest()])] == [
        ["manifests/traefik.yaml HelmChart/traefik installing job (as of k3s v1.24.2+k3s2)"],
        ["servicelb, for Services of type LoadBalancer (as of k3s v1.24.2+k3s2)"],
    ]
    assert "near k3s v1.24.9+k3s1, by an approximate table" in klipper("v1.24.9+k3s1", [])[0]["where"][0]


@pytest.mark.parametrize("version", ["v1.24.2", "v1.30.0", "v1.36.3"])
def test_the_demand_of_a_version_is_its_image_list(k3s_manifests, version):
    """The plan of a server asks for what the version's own list names, no more and no less."""
    folder = k3s_manifests / version
    manifests = [
        {"path": str(path.relative_to(folder)), "text": path.read_text(), "skip": False, "sha256": "", "mtime": 0}
        for path in sorted(folder.rglob("*.yaml"))
    ]
    pause = "%s:%s" % (_releases.PAUSE, _releases.stock_images(version)[_releases.PAUSE].tag)
    rows, problems = demand(manifests, pause)
    server = {
        "architecture": "riscv64",
        "k3s": {"version": version + "+k3s1"},
        "images": [],
        "manifests": manifests,
        "demand": rows,
        "pause_image": pause,
        "config": {},
    }
    plan = _plan.plan(server, wanting(catalogue=[]), _plan.Cluster([server]))
    listed = (folder / "image-list.txt").read_text().split()
    assert problems == []
    assert [row["image"] for row in plan["images"]] == listed
    not_yet = [ImageName.parse(row["image"]).name for row in plan["images"] if not row["required"]]
    assert not_yet == [_releases.KLIPPER_HELM, _releases.KLIPPER_LB, _releases.BUSYBOX, _releases.TRAEFIK]
