# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API through kubectl: errors, waiting, which pods are meant."""

import json

import pytest
from fake_cluster import make_pod
from fakes import FakeRunner

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import Programs
from ansible_collections.riscv.k3s.plugins.module_utils._kube.api import Addons, Kube
from ansible_collections.riscv.k3s.plugins.module_utils._kube.pods import Workload, choose, read_state
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


def make_kube(answer):
    runner = FakeRunner([(["k3s", "kubectl", ...], answer)])
    moments = []
    return (
        Kube(Programs({"k3s": "k3s"}, runner, is_root=True), sleep=moments.append, clock=lambda: sum(moments)),
        runner,
        moments,
    )


# What kubectl really says, and the next step that fits.
ERRORS = [
    (
        "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?\n",
        "check that k3s runs",
    ),
    (
        "E1124 20:32:29.9 memcache.go:265] ...\nUnable to connect to the server: net/http: TLS handshake timeout\n",
        "check that k3s runs",
    ),
    (
        "The connection to the server localhost:8080 was refused - did you specify the right host or port?\n",
        "an agent has no admin kubeconfig",
    ),
    ('error: the server doesn\'t have a resource type "addons"\n', "not a k3s server"),
    ("Error from server (Forbidden): nodes is forbidden\n", "log of k3s"),
]


@pytest.mark.parametrize("message,next_step", ERRORS)
def test_errors_say_what_to_do(message, next_step):
    kube = make_kube((1, "", message))[0]
    with pytest.raises(Problem) as caught:
        kube.addon_checksums()
    assert caught.value.found == message.splitlines()[-1] and next_step in caught.value.next_step
    addons = Addons(kube)
    assert addons.checksum("coredns") is None and not addons.known and addons.problem


def test_output_that_is_no_list():
    with pytest.raises(Problem, match="no list of objects.*hello"):
        make_kube("hello")[0].addon_checksums()


def test_waiting_looks_at_growing_intervals_and_survives_an_absent_api():
    answers = [(1, "", "Unable to connect to the server: EOF")] + [json.dumps({"items": []})] * 9
    kube, runner, moments = make_kube(answers)

    def look():
        return kube.addon_checksums().get("x"), {}

    assert "nothing moved for 25 seconds" in kube.wait(look, 25)
    assert moments == [1, 2, 3, 5, 5, 5, 5], "that the API began to answer was a move"
    kube, runner, moments = make_kube((1, "", "EOF"))
    with pytest.raises(Problem, match="EOF; nothing moved for 5 seconds"):
        kube.wait(look, 5)


PODS = [
    make_pod(
        "kube-system",
        "coredns-7c9-aaaaa",
        owner="ReplicaSet/coredns-7c9",
        image="rancher/coredns:1",
        labels={"k8s-app": "kube-dns", "pod-template-hash": "7c9"},
    ),
    make_pod(
        "kube-system",
        "metrics-5b-bbbbb",
        owner="ReplicaSet/metrics-5b",
        image="rancher/metrics:1",
        labels={"k8s-app": "metrics"},
        ready=False,
    ),
    make_pod(
        "kube-system",
        "helm-install-x",
        owner="Job/helm-install-x",
        image="rancher/klipper-helm:1",
        labels={"k8s-app": "helm"},
        phase="Succeeded",
        ready=False,
    ),
    make_pod("default", "coredns-7c9-aaaaa", image="Not/Valid", labels={}),
    make_pod("kube-system", "etcd-board-1", owner="Node/board-1", image="rancher/coredns:1", labels={}),
]
CHOICES = [
    ({"images": ["docker.io/rancher/coredns:1"]}, ["kube-system/coredns-7c9-aaaaa", "kube-system/etcd-board-1"]),
    ({"images": ["rancher/klipper-helm:1"]}, []),
    (
        {"names": ["helm-install-x", "default/coredns-7c9-aaaaa"]},
        ["default/coredns-7c9-aaaaa", "kube-system/helm-install-x"],
    ),
    ({"names": ["coredns-7c9-aaaaa"], "namespace": "default"}, ["default/coredns-7c9-aaaaa"]),
    (
        {"selectors": ["k8s-app=kube-dns", "k8s-app==metrics"]},
        ["kube-system/coredns-7c9-aaaaa", "kube-system/metrics-5b-bbbbb"],
    ),
    ({"selectors": ["k8s-app,k8s-app!=metrics"]}, ["kube-system/coredns-7c9-aaaaa"]),
    ({"selectors": ["!k8s-app"], "namespace": "default"}, ["default/coredns-7c9-aaaaa"]),
    ({"selectors": ["k8s-app"], "only_broken": True}, ["kube-system/metrics-5b-bbbbb"]),
]


@pytest.mark.parametrize("wanted,expected", CHOICES)
def test_choose(wanted, expected):
    wanted = dict({"images": [], "names": [], "selectors": [], "namespace": None, "only_broken": False}, **wanted)
    assert [pod.full_name for pod in choose(read_state(PODS).pods, **wanted)] == expected


@pytest.mark.parametrize(
    "wanted,message",
    [
        ({"names": ["x"]}, "no pod x.*Found: default/coredns"),
        ({"names": ["coredns-7c9-aaaaa"]}, "more than one namespace"),
        ({"selectors": ["a in (b)"]}, "not understood"),
        ({"selectors": ["!a=b"]}, "not understood"),
    ],
)
def test_choices_that_cannot_be_meant(wanted, message):
    with pytest.raises(Problem, match=message):
        choose(
            read_state(PODS).pods,
            **dict({"images": [], "names": [], "selectors": [], "namespace": None, "only_broken": False}, **wanted),
        )


def test_owners():
    owners = {pod.full_name: (pod.workload, pod.static) for pod in read_state(PODS).pods}
    assert owners["kube-system/coredns-7c9-aaaaa"] == (Workload("kube-system", "Deployment", "coredns"), False)
    assert owners["kube-system/metrics-5b-bbbbb"] == (Workload("kube-system", "ReplicaSet", "metrics-5b"), False), (
        "no label tells the Deployment"
    )
    assert owners["kube-system/etcd-board-1"] == (None, True)
    assert owners["default/coredns-7c9-aaaaa"] == (None, False)
