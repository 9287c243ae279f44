# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Demand: which images the manifests, the pause setting and the pods ask for."""

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import demand

PATCH = {"manifest": "sub/x.yaml", "kind": "Deployment", "name": "n", "container": "c", "command": ["/c"]}

VERSIONS = ["v1.24.2", "v1.30.0", "v1.36.3"]


def manifest(text, path="x.yaml", skip=False):
    return {"path": path, "text": text, "skip": skip}


def pod(name="p", images=("a/b:1",), namespace="kube-system", phase="Running", deleting=False):
    containers = [{"name": "c%d" % number, "image": image} for number, image in enumerate(images)]
    return {"namespace": namespace, "name": name, "phase": phase, "deleting": deleting, "containers": containers}


def workload(kind="Deployment", spec="{template: {spec: {containers: [{name: c, image: 'a/b:1'}]}}}"):
    return "apiVersion: v1\nkind: %s\nmetadata: {name: n}\nspec: %s\n" % (kind, spec)


CHART = """
apiVersion: helm.cattle.io/v1
kind: HelmChart
metadata: {name: traefik, namespace: kube-system}
spec:
  chart: %%{KUBERNETES_API}%%/traefik.tgz
  %s
  valuesContent: |-
    image:
      %s: rancher/traefik
      tag: 3.10
"""
CONFIG = """
kind: HelmChartConfig
metadata: {name: traefik, namespace: kube-system}
spec:
  valuesContent: |-
    image: {tag: "9"}
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_packaged_manifests(k3s_manifests, version):
    """The manifests and the pause image name every image of the version, but for the two that stand in no manifest."""
    folder = k3s_manifests / version
    manifests = [manifest(path.read_text(), str(path.relative_to(folder))) for path in sorted(folder.rglob("*.yaml"))]
    listed = (folder / "image-list.txt").read_text().split()
    pause = next(name for name in listed if "mirrored-pause" in name)
    rows, problems = demand(manifests, pause.replace("docker.io/", ""))
    assert problems == []
    assert [row["image"] for row in rows] == [name for name in listed if "klipper" not in name]
    assert [row["image"].split("/")[-1].split(":")[0] for row in rows if not row["required"]] == [
        "mirrored-library-busybox",
        "mirrored-library-traefik",
    ]


def test_where(k3s_manifests):
    folder = k3s_manifests / "v1.24.2"
    rows, dummy = demand(
        [manifest((folder / "local-storage.yaml").read_text(), "local-storage.yaml")], "rancher/mirrored-pause:3.6"
    )
    assert [row["where"] for row in rows] == [
        ["manifests/local-storage.yaml Deployment/local-path-provisioner container local-path-provisioner"],
        ["manifests/local-storage.yaml ConfigMap/local-path-config helperPod.yaml container helper-pod"],
        ["the pause image of containerd"],
    ]


@pytest.mark.parametrize(
    "text, expected",
    [
        (workload(), {"docker.io/a/b:1": True}),
        (workload("DaemonSet"), {"docker.io/a/b:1": True}),
        (workload("StatefulSet"), {"docker.io/a/b:1": True}),
        (workload("ReplicaSet"), {"docker.io/a/b:1": True}),
        (workload("Job"), {"docker.io/a/b:1": True}),
        (
            workload("CronJob", "{jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: b}]}}}}}"),
            {"docker.io/library/b:latest": False},
        ),
        (
            workload("Pod", "{initContainers: [{name: i, image: i:1}], containers: [{name: c, image: c:1}]}"),
            {"docker.io/library/c:1": True, "docker.io/library/i:1": True},
        ),
        (
            workload(spec="{replicas: 0, template: {spec: {containers: [{name: c, image: 'a/b:1'}]}}}"),
            {"docker.io/a/b:1": False},
        ),
        (
            workload(spec="{template: {spec: {containers: [{name: c, image: 'a/b@sha256:%s'}]}}}" % ("1" * 64)),
            {"docker.io/a/b@sha256:" + "1" * 64: True},
        ),
        (
            '{"kind": "List", "items": [{"kind": "Pod", "metadata": {"name": "p"}, '
            '"spec": {"containers": [{"name": "c", "image": "c:1"}]}}]}',
            {"docker.io/library/c:1": True},
        ),
        (
            workload() + "---\n" + workload("Pod", "{containers: [{name: c, image: c:1}]}"),
            {"docker.io/a/b:1": True, "docker.io/library/c:1": True},
        ),
        (CHART % ("version: 1", "repository"), {"docker.io/rancher/traefik:3.10": False}),
        (CHART % ("version: 1", "name"), {"docker.io/rancher/traefik:3.10": False}),
        (
            CHART % ("set: {global.systemDefaultRegistry: 'r.io:5000'}", "repository"),
            {"r.io:5000/rancher/traefik:3.10": False},
        ),
        (CHART % ("set: {image.tag: '4'}", "repository"), {"docker.io/rancher/traefik:4": False}),
        (
            CHART % ("jobImage: rancher/klipper-helm:v1", "repository"),
            {"docker.io/rancher/klipper-helm:v1": True, "docker.io/rancher/traefik:3.10": False},
        ),
        (CHART % ("version: 1", "repository") + "---" + CONFIG, {"docker.io/rancher/traefik:9": False}),
        # Containers that take over from others by YAML's merge key, which kubectl and k3s know.
        (
            "kind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - &a {name: a, image: 'a/b:1'}\n"
            "  - {<<: *a, name: b}\n  - {<<: *a, name: c, image: 'a/c:1'}\n",
            {"docker.io/a/b:1": True, "docker.io/a/c:1": True},
        ),
        (
            "kind: Pod\nx: [&a {image: 'a/b:1'}, &c {image: 'a/c:1', name: n}]\nspec: {containers: [{<<: [*a, *c]}]}\n",
            {"docker.io/a/b:1": True},
        ),
        ("kind: Pod\nspec: {containers: [{<<: x, image: 'a/b:1'}, {<<: [y]}]}\n", {"docker.io/a/b:1": True}),
        # Values as YAML beside those as text, which they go before; in a HelmChartConfig, too.
        (
            "kind: HelmChart\nspec:\n  valuesContent: |-\n    image: {repository: a/b, tag: old}\n"
            "  values: {image: {tag: '1.10'}, proxy: {image: a/c:1}}\n",
            {"docker.io/a/b:1.10": False, "docker.io/a/c:1": False},
        ),
        (
            CHART
            % ("version: 1", "repository")
            + "---\nkind: HelmChartConfig\nmetadata: {name: traefik, namespace: kube-system}\n"
            "spec: {values: {image: {tag: '9'}}, valuesContent: 'image: {tag: 8}'}\n",
            {"docker.io/rancher/traefik:9": False},
        ),
        (
            "kind: HelmChart\nspec:\n  valuesContent: |-\n    image:\n      pullPolicy: Always\n      driver:\n"
            "        node: {repository: a/node, tag: '1.10'}\n"
            "        csi: [{repository: csi, registry: r.io, tag: v2}]\n"
            "    images: {web: {repository: a/web, tag: x}, source: {repository: {}, tag: y}}\n"
            "    git: {repository: a/git, tag: z}\n",
            {"docker.io/a/node:1.10": False, "r.io/csi:v2": False, "docker.io/a/web:x": False},
        ),
        (
            "kind: ConfigMap\nmetadata: {name: m}\ndata: {a.yaml: '{kind: Pod, spec: {containers: [{image: x:1}]}}', "
            "b: 'kind: Pod'}",
            {"docker.io/library/x:1": False},
        ),
        # What stands behind a document's mark.
        ("---\t# first\n" + workload() + "--- # second\n" + workload("Job"), {"docker.io/a/b:1": True}),
        ("---  {kind: Pod, spec: {containers: [{image: a}]}}\n", {"docker.io/library/a:latest": True}),
        ("kind: ConfigMap\nmetadata: {name: m}\ndata: {a.yaml: 'kind: Pod: ]['}", {}),
        ("kind: Deployment\nmetadata: null\nspec: {template: [1]}\n", {}),
        ("kind: Pod\nspec: {containers: [1, {name: c}]}\n", {}),
        ("", {}),
        (None, {}),
    ],
)
def test_documents(text, expected):
    rows, problems = demand([manifest(text)])
    assert problems == []
    assert {row["image"]: row["required"] for row in rows} == expected


def test_skipped_manifest_counts_for_nothing_and_its_overlay_does():
    rows, dummy = demand(
        [manifest(workload(), "coredns.yaml", skip=True), manifest(workload(), "coredns-riscv64.yaml")]
    )
    assert rows == [
        {
            "image": "docker.io/a/b:1",
            "where": ["manifests/coredns-riscv64.yaml Deployment/n container c"],
            "required": True,
        }
    ]


@pytest.mark.parametrize("made_from, image", [("same", "docker.io/a/b:1"), ("older", "docker.io/a/b:2")])
def test_a_stale_overlay_counts_as_the_packaged_file(made_from, image):
    """After an upgrade the overlay still names the old tag; the next one will name the new."""
    packaged = workload(spec="{template: {spec: {containers: [{name: c, image: 'a/b:2'}]}}}").encode()
    sources = {"same": packaged, "older": b"# older"}
    overlay = _overlay.with_headers(workload().encode(), sources[made_from], "sub/x.yaml", [PATCH])[1].decode()
    rows = [
        dict(manifest(packaged.decode(), "sub/x.yaml", skip=True), sha256=sha256(packaged)),
        dict(manifest(overlay, "sub/x-riscv64.yaml"), sha256="of the overlay"),
    ]
    assert [row["image"] for row in demand(rows)[0]] == [image]


def test_pods_of_the_api():
    rows, dummy = demand(
        [],
        pods=[
            pod("svclb", ["rancher/klipper-lb:v0.3.5"]),
            pod("mine", ["mine:1"], namespace="default"),
            pod("helm-install", ["rancher/klipper-helm:v1"], phase="Succeeded"),
            pod("old", ["old:1"], deleting=True),
        ],
    )
    assert rows == [
        {
            "image": "docker.io/rancher/klipper-lb:v0.3.5",
            "where": ["pod kube-system/svclb container c0"],
            "required": True,
        }
    ]


def test_several_uses_are_one_row():
    rows, dummy = demand(
        [manifest(CHART % ("version: 1", "repository"))], pods=[pod("traefik", ["rancher/traefik:3.10"] * 2)]
    )
    assert [(row["image"], row["required"], len(row["where"])) for row in rows] == [
        ("docker.io/rancher/traefik:3.10", True, 3)
    ]


@pytest.mark.parametrize(
    "text, message",
    [
        ("kind: Pod\nspec: [", "manifests/x.yaml is not valid YAML"),
        (
            workload("Pod", "{containers: [{name: c, image: 'Bad/Name:1'}]}"),
            "manifests/x.yaml Pod/n container c: 'Bad/Name:1' is not an image reference",
        ),
    ],
)
def test_problems_lose_nothing_else(text, message):
    rows, problems = demand([manifest(text), manifest(workload(), "y.yaml")])
    assert [row["image"] for row in rows] == ["docker.io/a/b:1"]
    assert len(problems) == 1 and problems[0].startswith(message)
