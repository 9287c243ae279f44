# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of real programs and their causes: in the table itself, after a pull on a board, and in diagnose."""

import time

import pytest
import yaml
from fake_fleet import FakeFleet
from fakes import read

from ansible_collections.riscv.k3s.plugins.module_utils._chain.chain import told as told_by
from ansible_collections.riscv.k3s.plugins.module_utils._chain.pull_causes import IDS, find, why
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.pull_errors import NEXT, classify
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import REGISTRY

IMAGE = "reg.example:5000/a/b:1"
ROWS = yaml.safe_load(read("pull_errors.yml"))
TEXTS = [
    pytest.param(row["cause"], row["text"], id="%s-%s-%d" % (row["program"], row["cause"], number))
    for number, row in enumerate(ROWS)
]
OF_THE_STORE = ("store-not-whole", "store-media-type", "pull-disk-full", "snapshotter-unsupported", "disk-read-only")


def told(program):
    return [param for param, row in zip(TEXTS, ROWS) if row["program"] == program]


@pytest.mark.parametrize(("cause", "text"), TEXTS)
def test_the_table(cause, text):
    assert find(text).id == cause


@pytest.mark.parametrize(("cause", "text"), told("containerd"))
def test_a_pull_on_a_board(cause, text):
    problem = classify(IMAGE, text)
    assert problem.cause == cause and problem.next_step and "{" not in problem.what
    assert problem.unreachable == find(text).of_registry


@pytest.mark.parametrize(("cause", "text"), told("containerd"))
def test_a_container_that_waits(cause, text):
    fleet = FakeFleet()
    fleet.waiting("p", "ErrImagePull", text)
    assert [(one["cause"], one["confidence"]) for one in fleet.document()["findings"]] == [
        ("error-unknown", "possible")
        if cause == "unknown"
        else (cause, "certain" if told_by(text, ("pull",)).sure else "likely")
    ]


@pytest.mark.parametrize(("cause", "text"), [param for param in told("kubelet") if "Failed to pull" in param.values[1]])
def test_an_event_after_a_back_off(cause, text):
    fleet = FakeFleet()
    row = fleet.waiting("p", "ImagePullBackOff", 'Back-off pulling image "%s"' % IMAGE)
    fleet.event(row, "Failed", text)
    fleet.event(row, "Failed", "Error: ErrImagePull")
    assert fleet.causes() == [cause]


@pytest.mark.parametrize(("cause", "text"), told("containerd"))
def test_a_container_that_is_not_made(cause, text):
    """Of an image that is there, no registry is to blame."""
    fleet = FakeFleet()
    fleet.waiting("p", "CreateContainerError", text)
    assert fleet.causes() == [cause if cause in OF_THE_STORE else "error-unknown"]


def test_a_store_is_mended_by_another_pull():
    fleet = FakeFleet()
    fleet.waiting("p", "CreateContainerError", next(row["text"] for row in ROWS if row["cause"] == "store-media-type"))
    (finding,) = fleet.document()["findings"]
    assert (finding["command"], finding["run_on"]) == (
        "k3s crictl rmi %s; k3s crictl pull %s" % (IMAGE, IMAGE),
        "board-2",
    )


def test_an_event_about_another_image_says_nothing_of_this_one():
    fleet = FakeFleet()
    row = fleet.waiting("p", "ImagePullBackOff", 'Back-off pulling image "%s"' % IMAGE)
    fleet.event(row, "Failed", 'Failed to pull image "%s0": no basic auth credentials' % IMAGE)
    assert fleet.causes() == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "failed to fetch anonymous token: "
            'Get "https://auth.example/token?scope=x": net/http: TLS handshake timeout',
            "auth.example, the token server of reg,",
        ),
        (
            "failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized",
            "the token server of reg requires",
        ),
        # dockerd asks for a token while it sends the request; an answer of the registry has no request before it.
        ('Get "https://reg/v2/": unauthorized: incorrect username or password', "the token server of reg requires"),
        ("unauthorized: unauthorized to access repository: a/b, action: pull", "reg requires"),
        # Of those who ask containerd, which does not answer.
        (
            "transport: Error while dialing: dial unix /run/k3s/containerd/containerd.sock: connect: no such file",
            "for an",
        ),
        (
            'Head "https://reg/v2/": proxyconnect tcp: dial tcp 127.0.0.1:7890: connect: connection refused',
            "the proxy 127.0.0.1:7890 in front of reg",
        ),
        (
            'Head "https://reg/v2/": proxyconnect tcp: dial tcp: lookup proxy.example: no such host',
            "the proxy proxy.example in front of reg",
        ),
        ('Head "https://reg/v2/": Proxy Authentication Required', "the proxy in front of reg"),
        ('Head "https://reg/v2/": dial tcp 10.0.0.1:443: i/o timeout', "reg did"),
        ('Head "https://reg:443/v2/": dial tcp 10.0.0.1:443: i/o timeout', "reg did"),
        # Where a registry keeps its content, another firewall may be in the way.
        (
            'failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://store.example/registry-v2/'
            'sha256/f7/data?verify=1": net/http: TLS handshake timeout',
            "store.example, asked for reg, did",
        ),
        (
            'Get "null://reg:5005/v2/token?service=x": unsupported protocol scheme "null"',
            "an address of the token server of reg or of its mirror",
        ),
    ],
)
def test_who_answered(said, told):
    assert why(find(said), said, "reg").startswith(told)


def test_docker_io_answers_under_other_names():
    said = 'Head "https://registry-1.docker.io/v2/a/manifests/1": dial tcp 192.0.2.1:443: i/o timeout'
    assert why(find(said), said, "docker.io").startswith("docker.io did")


@pytest.mark.parametrize(
    "piece", ["failed to authorize", "failed to resolve image ", "lookup a on b: read ", '"a/', "https://"]
)
def test_megabytes_are_looked_at_at_once(piece):
    text = piece * (2_000_000 // len(piece)) + ": connect: connection refused"
    started = time.monotonic()
    assert why(find(text), text, "reg")
    assert time.monotonic() - started < 2


def test_every_cause_has_texts_a_next_step_and_a_place_in_diagnose():
    assert set(NEXT) == set(IDS) | {"unknown"}
    assert set(IDS) <= {row["cause"] for row in ROWS}
    assert set(IDS) <= {cause.id for cause in REGISTRY}
    assert len(ROWS) >= 60 and {row["program"] for row in ROWS} == {"containerd", "kubelet", "skopeo"}
