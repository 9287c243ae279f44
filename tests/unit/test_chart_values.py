# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images in the values of charts, as people write them: registry, repository, tag and digest under names of the chart's
own choice. What has its tag in the chart is not guessed, least of all as latest.
"""

from __future__ import annotations

import textwrap

import pytest
from fake_board import SHELLS, TOKEN, FakeBoard

from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import demand
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import observe

pytestmark = pytest.mark.programs

DIGEST = "sha256:" + "5" * 64
INGRESS = "controller:\n  image:\n    registry: %s\n    image: %s\n    %s\n"
# Values of a chart, and the images that they name.
VALUES = {
    # ingress-nginx calls the repository image.
    "ingress-nginx": (
        INGRESS % ("reg.example:5000", "ingress-nginx/controller", 'tag: "v1.10.1"'),
        ["reg.example:5000/ingress-nginx/controller:v1.10.1"],
    ),
    # Datashim's; and Istio's.
    "the last part of names whose first one stands above": (
        "global:\n  baseRepo: quay.io/datashim\n  sidecars:\n    baseRepo: quay.io/k8scsi\n    images:\n"
        "      attacher: {image: csi-attacher, tag: v2.2.0}\ncsi-nfs-chart:\n  csinfs: {image: csi-nfs, tag: latest}\n",
        [],
    ),
    "the last part of names, below global, and below a registry": (
        "global:\n  hub: docker.io/istio\n  proxy: {image: proxyv2, tag: 1.20.0}\n"
        "waypoint: {image: proxyv2, tag: 1.20.0}\n",
        [],
    ),
    "a registry above": ("registry: reg.example\njob: {image: job, tag: v1}\n", []),
    "a whole name beside another one": (
        "image: {repository: ghcr.io/example/web, tag: 2}\ninit: {image: busybox, tag: 1.36}\n",
        ["docker.io/library/busybox:1.36", "ghcr.io/example/web:2"],
    ),
    "a registry beside a name": (
        "registry: reg.example\njob: {registry: reg.example:5000, image: job, tag: v1}\n",
        ["reg.example:5000/job:v1"],
    ),
    "a registry with a path, two images": (
        "controller:\n  image: {registry: localhost:5000/k8s.gcr.io, image: ingress-nginx/controller, tag: v1.0.3, "
        'digest: ""}\n  admissionWebhooks:\n    patch:\n      image:\n        registry: localhost:5000/k8s.gcr.io\n'
        '        image: ingress-nginx/kube-webhook-certgen\n        tag: v1.0\n        digest: ""\n',
        [
            "localhost:5000/k8s.gcr.io/ingress-nginx/controller:v1.0.3",
            "localhost:5000/k8s.gcr.io/ingress-nginx/kube-webhook-certgen:v1.0",
        ],
    ),
    "a tag and a digest": (
        INGRESS % ("docker.io", "example/k8s.gcr.io_ingress-nginx_controller", "tag: v1\n    digest: " + DIGEST),
        ["docker.io/example/k8s.gcr.io_ingress-nginx_controller@" + DIGEST],
    ),
    "a digest alone": (
        INGRESS % ("reg.example", "ingress-nginx/controller", "digest: " + DIGEST),
        ["reg.example/ingress-nginx/controller@" + DIGEST],
    ),
    "a digest that is not used": (
        "image: {repository: quay.io/cilium/cilium, tag: v1.14.1, digest: '%s', useDigest: false}\n" % DIGEST,
        ["quay.io/cilium/cilium:v1.14.1"],
    ),
    "a digest that is": (
        "image:\n  override: ~\n  repository: quay.io/cilium/cilium\n  tag: v1.14.1\n  digest: %s\n  useDigest: true\n"
        % DIGEST,
        ["quay.io/cilium/cilium@" + DIGEST],
    ),
    "a tag of the image's own name": (
        "rancherImage: rancher/rancher\nrancherImageTag: v2.7.5\nsystemDefaultRegistry: ''\ntag: v9\n",
        ["docker.io/rancher/rancher:v2.7.5"],
    ),
    "an image, and another with its tag beside it": (
        "webhook:\n  image: reg.example/webhook:0.3\netcd:\n  image: reg.example/etcd\n  imageTag: v3.3.9\n",
        ["reg.example/etcd:v3.3.9", "reg.example/webhook:0.3"],
    ),
    "a version for a tag": (
        "tigeraOperator:\n  image: rancher/mirrored-calico-operator\n  registry: docker.io\n  version: v1.17.6\n",
        ["docker.io/rancher/mirrored-calico-operator:v1.17.6"],
    ),
    "imageRepository": ("imageRepository: reg.example/a\nimageTag: '1.10'\n", ["reg.example/a:1.10"]),
    "the registry of all images": (
        "global: {imageRegistry: 'reg.example:5000'}\n"
        "image: {registry: docker.io, repository: bitnami/redis, tag: '7'}\n"
        "other: {image: {repository: quay.io/a/b, tag: '8'}}\n",
        ["quay.io/a/b:8", "reg.example:5000/bitnami/redis:7"],
    ),
    "a name of one word": ("sidecar: {image: busybox:1.36}\n", ["docker.io/library/busybox:1.36"]),
    "a name of one word with a registry": (
        "sidecar: {image: 'busybox:1', registry: reg.example}\n",
        ["reg.example/busybox:1"],
    ),
    "a tag in the repository": ("image: {repository: a/b:1.2}\n", ["docker.io/a/b:1.2"]),
    # Their tags stand in the chart.
    "no tag": ("rancherImage: rancher/rancher\n", []),
    "no tag, with a registry": ("tigeraOperator: {image: a/operator, registry: reg.example}\n", []),
    "a tag under a name of no image": ("controllerImage: reg.example/a/b\nlinkerdVersion: stable-2.14\n", []),
    "a tag of all": ("controllerImage: reg.example/a/b\ntag: v1\n", []),
    "the last part of a repository": ("driver: {repository: nvcr.io/nvidia, image: driver, version: '550.1'}\n", []),
    "an empty tag": ("image: {repository: a/b, tag: ''}\n", []),
    "a picture": ("logo: {image: 'https://reg.example/a/b:1'}\n", []),
}


def images_of(rows):
    return [row["image"] for row in rows]


def chart(values):
    return "kind: HelmChart\nmetadata: {name: c}\nspec:\n  valuesContent: |-\n" + textwrap.indent(values, "    ")


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_images_in_values_of_charts(tmp_path, shell):
    """As they leave the board, of which masked.sh shows but a few values."""
    board = FakeBoard(tmp_path)
    for number, (values, dummy) in enumerate(VALUES.values()):
        board.file("data/server/manifests/%02d.yaml" % number, chart(values))
    rows = observe(board.run(["manifests"], shell), TOKEN, ["manifests"])["manifests"]
    for name, row in zip(VALUES, sorted(rows, key=lambda row: row["path"])):
        found, problems = demand([row])
        assert (images_of(found), problems) == (VALUES[name][1], []), name


@pytest.mark.parametrize("name", VALUES)
def test_images_in_values_that_are_yaml_themselves(name):
    text = "kind: HelmChart\nmetadata: {name: c}\nspec:\n  values:\n" + textwrap.indent(VALUES[name][0], "    ")
    rows, problems = demand([{"path": "c.yaml", "text": text, "skip": False, "sha256": "1"}])
    assert (images_of(rows), problems) == (VALUES[name][1], [])
    assert not any(row["required"] for row in rows)
