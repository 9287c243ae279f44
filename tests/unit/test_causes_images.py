# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes about images: what each is told by, and what comes near and must not be called so. Messages as recorded on the
lab.
"""

import pytest
from fake_fleet import DIGEST, PAUSE, STOCK, FakeFleet

from ansible_collections.riscv.k3s.plugins.module_utils._containerd.pull_errors import classify

IMAGE = "reg.example:5000/a/b:1"
PULL = 'failed to pull and unpack image "%s": failed to resolve reference "%s": ' % (IMAGE, IMAGE)
ERRORS = [
    ("no-such-image", "rpc error: code = NotFound desc = " + PULL + IMAGE + ": not found"),
    ("plain-http", "rpc error: code = Unknown desc = " + PULL + "http: server gave HTTP response to HTTPS client"),
    (
        "https-on-http",
        "rpc error: code = Unknown desc = " + PULL + "tls: first record does not look like a TLS handshake",
    ),
    (
        "tls-authority",
        "rpc error: code = Unknown desc = "
        + PULL
        + "tls: failed to verify certificate: x509: certificate signed by unknown authority",
    ),
    (
        "registry-clock",
        "rpc error: code = Unknown desc = "
        + PULL
        + "x509: certificate has expired or is not yet valid: current time 1970-01-01",
    ),
    ("registry-name", "rpc error: code = Unknown desc = " + PULL + "dial tcp: lookup reg.example: no such host"),
    (
        "registry-refused",
        "rpc error: code = Unknown desc = " + PULL + "dial tcp 10.0.0.9:5000: connect: connection refused",
    ),
    (
        "registry-unreachable",
        "rpc error: code = Unknown desc = " + PULL + "dial tcp 10.0.0.9:5000: connect: no route to host",
    ),
    ("registry-timeout", "rpc error: code = DeadlineExceeded desc = " + PULL + "dial tcp 10.0.0.9:5000: i/o timeout"),
    (
        "registry-rate-limit",
        "rpc error: code = Unknown desc = " + PULL + "unexpected status from HEAD request: 429 Too Many Requests",
    ),
    (
        "registry-fault",
        "rpc error: code = Unknown desc = " + PULL + "unexpected status from HEAD request: 503 Service Unavailable",
    ),
    (
        "registry-auth",
        "rpc error: code = Unknown desc = "
        + PULL
        + "pull access denied, repository does not exist or may require authorization",
    ),
    ("no-platform", "rpc error: code = NotFound desc = " + PULL + "no match for platform in manifest: not found"),
    ("pull-disk-full", "rpc error: code = Unknown desc = " + PULL + "write /var/lib/x: no space left on device"),
]


@pytest.fixture(name="fleet")
def _fleet():
    return FakeFleet()


@pytest.mark.parametrize("cause, message", ERRORS, ids=[row[0] for row in ERRORS])
def test_pull_errors(fleet, cause, message):
    fleet.waiting("p", "ErrImagePull", message)
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["confidence"], finding["subject"]["name"]) == (cause, "certain", IMAGE)
    assert message in finding["evidence"][0]
    assert finding["pods"] == [{"board": "board-2", "pod": "default/p"}]


def test_after_a_back_off_the_event_tells(fleet):
    row = fleet.waiting("p", "ImagePullBackOff", 'Back-off pulling image "%s"' % IMAGE)
    fleet.event(row, "Failed", 'Failed to pull image "%s": %s' % (IMAGE, ERRORS[0][1]))
    fleet.event(row, "BackOff", "Back-off pulling image")
    assert fleet.causes() == ["no-such-image"]


def test_a_back_off_without_its_event_is_no_finding_but_something_to_collect(fleet):
    row = fleet.waiting("p", "ImagePullBackOff", "Back-off pulling image")
    fleet.event(
        row, "Failed", 'Failed to pull image "another:1": rpc error: code = NotFound desc = another:1: not found'
    )
    document = fleet.document()
    assert document["findings"] == []
    assert document["collect"][0]["pod"] == "default/p" and "describe pod p" in document["collect"][0]["command"]


@pytest.mark.parametrize(
    "mirrors, expected",
    [
        ({"reg.example:5000": ["http://reg.example:5000/v2"]}, ["no-such-image"]),
        ({"reg.example:5000": ["https://reg.example:5000/v2"]}, ["plain-http"]),
        ({"reg.example:5000": ["http://other.example/v2"]}, ["plain-http"]),
        ({"other.example": ["http://reg.example:5000/v2"]}, ["plain-http"]),
    ],
)
def test_what_containerd_tells_after_a_mirror_without_the_image(fleet, mirrors, expected):
    fleet.agent["preflight"]["mirrors"] = mirrors
    fleet.waiting("p", "ErrImagePull", ERRORS[1][1])
    assert fleet.causes() == expected


def test_same_image_of_two_pods_is_one_finding(fleet):
    for name in ("p", "q"):
        fleet.waiting(name, "ErrImagePull", ERRORS[0][1])
    (finding,) = fleet.document()["findings"]
    assert [row["pod"] for row in finding["pods"]] == ["default/p", "default/q"]


def test_stock_image_is_the_work_of_site(fleet):
    fleet.waiting("p", "ErrImagePull", ERRORS[6][1], image=STOCK)
    (finding,) = fleet.document()["findings"]
    assert (finding["command"], finding["run_on"]) == ("ansible-playbook -i hosts.yml riscv.k3s.site", "controller")


MIRROR = "http://reg.example:5000/v2/stock"
NO_DNS = (
    'failed to pull and unpack image "%s": failed to resolve reference "%s": failed to do request: Head '
    '"https://registry-1.docker.io/v2/rancher/mirrored-pause/manifests/3.6": dial tcp: lookup registry-1.docker.io: '
    "no such host" % (STOCK, STOCK)
)
# What a mirror is asked says for whom.
NOT_TRUSTED = (
    'failed to do request: Head "https://reg.example:5000/v2/stock/rancher/mirrored-pause/manifests/3.6?ns=docker.io": '
    "x509: certificate signed by unknown authority"
)


@pytest.mark.parametrize(
    "mirror, image, title, playbook",
    [
        (MIRROR, STOCK, "reg.example:5000 did not give it, and the address of docker.io", "riscv.k3s.publish"),
        ("http://own.example:6000", STOCK, "own.example:6000 did not give it, and", "riscv.k3s.publish"),
        # Of a public mirror only that it was asked is told, and what nobody's k3s asks for no playbook brings.
        ("https://public.example", STOCK, "public.example did not give it, and", "riscv.k3s.site"),
        (MIRROR, "docker.io/a/b:1", "reg.example:5000 did not give it, and", None),
        (None, STOCK, "The address of docker.io", "riscv.k3s.site"),
    ],
)
def test_a_mirror_that_was_asked_before_is_told_and_publish_fills_a_private_one(fleet, mirror, image, title, playbook):
    own = {"own.example:6000": ["http://own.example:6000"]}
    fleet.agent["preflight"]["mirrors"] = dict(own, **({"docker.io": [mirror]} if mirror else {}))
    fleet.waiting("p", "ErrImagePull", NO_DNS.replace(STOCK, image), image=image)
    (finding,) = fleet.document()["findings"]
    assert finding["cause"] == "registry-name" and finding["title"].startswith(title)
    assert any("asks the mirror %s first" % mirror in text for text in finding["evidence"]) == bool(mirror)
    assert finding["command"] == (playbook and "ansible-playbook -i hosts.yml " + playbook)


NOT_THERE = 'failed to pull and unpack image "%s": failed to resolve reference "%s": %s: not found' % (
    STOCK,
    STOCK,
    STOCK,
)


@pytest.mark.parametrize(
    "mirrors, title, confidence",
    [
        ({"_default": ["https://example.com/v2"]}, "example.com did not give it: ", "likely"),
        ({"*": ["https://example.com"]}, "example.com did not give it: ", "likely"),
        # One of its own stands in the way of that for all.
        ({"_default": ["https://example.com/v2"], "docker.io": []}, "Docker.io has no such name", "certain"),
        ({"_default": ["https://example.com/v2"], "quay.io": []}, "example.com did not give it: ", "likely"),
        ({"docker.io": ["https://example.com/v2"]}, "example.com did not give it, and docker.io has no", "certain"),
    ],
)
def test_a_mirror_for_all_registries_may_be_the_only_one_that_was_asked(fleet, mirrors, title, confidence):
    """k3s-io/k3s#11857: containerd 2.0.2 says that docker.io has no such name, which it was not asked for."""
    fleet.agent["preflight"]["mirrors"] = mirrors
    fleet.waiting("p", "ErrImagePull", NOT_THERE, image=STOCK)
    (finding,) = fleet.document()["findings"]
    assert finding["title"].lower().startswith(title.lower()) and finding["confidence"] == confidence
    assert ("(*)" in finding["remedy"]) == (confidence == "likely")


def test_an_error_of_a_mirror_is_not_blamed_on_the_registry_of_the_name(fleet):
    fleet.agent["preflight"]["mirrors"] = {"docker.io": [MIRROR]}
    fleet.waiting("p", "ErrImagePull", NOT_TRUSTED, image=STOCK)
    (finding,) = fleet.document()["findings"]
    assert finding["title"].startswith("The certificate of reg.example:5000 is not trusted")
    problem = classify(STOCK, NOT_TRUSTED)
    assert "configs: {'reg.example:5000': {tls: " in problem.next_step and "docker.io" not in problem.next_step


def test_tag_that_the_board_has_is_offered(fleet):
    fleet.agent["images"].append(
        {"name": "reg.example:5000/a/b:2", "digest": DIGEST, "platforms": ["linux/riscv64"], "pinned": False, "size": 1}
    )
    fleet.waiting("p", "ErrImagePull", ERRORS[0][1])
    (finding,) = fleet.document()["findings"]
    assert finding["command"] == "k3s kubectl -n default set image pod/p main=reg.example:5000/a/b:2"


@pytest.mark.parametrize(
    "message, reason, held, expected",
    [
        (
            'failed to get sandbox image "%s": failed to pull image' % PAUSE,
            "FailedCreatePodSandBox",
            False,
            ["pause-image-missing"],
        ),
        ('failed to get sandbox image "%s": failed to pull image' % PAUSE, "FailedCreatePodSandBox", True, []),
        ("failed to reserve sandbox name", "FailedCreatePodSandBox", False, ["error-unknown"]),
        ('failed to get sandbox image "%s"' % PAUSE, "Other", False, []),
    ],
)
def test_pause(fleet, message, reason, held, expected):
    if not held:
        fleet.agent["images"] = []
    row = fleet.waiting("p", "ContainerCreating", sandbox=False)
    fleet.event(row, reason, message)
    assert fleet.causes() == expected


@pytest.mark.parametrize(
    "stored, elsewhere, expected",
    [
        ([], [], ["image-never-pull"]),
        (["lab/x:1"], [], ["image-short-name"]),
        ([], ["docker.io/lab/x:1"], ["image-other-namespace"]),
        ([], ["docker.io/lab/y:1"], ["image-never-pull"]),
        (["lab/x:2"], [], ["image-never-pull"]),
        (["docker.io/lab/x:1"], [], []),
    ],
)
def test_never_pull(fleet, stored, elsewhere, expected):
    fleet.agent["images"] = [
        {"name": name, "digest": DIGEST, "platforms": [], "pinned": False, "size": 1} for name in stored
    ]
    fleet.agent["preflight"]["elsewhere"] = elsewhere
    fleet.waiting("p", "ErrImageNeverPull", image="lab/x:1")
    assert fleet.causes() == expected


def test_garbage_collection_is_shown_when_the_node_tells_it(fleet):
    fleet.event(
        None, "ImageGCFailed", "failed to garbage collect required amount of images", kind="Node", name="board-2"
    )
    fleet.waiting("p", "ErrImageNeverPull", image="lab/x:1")
    (finding,) = fleet.document()["findings"]
    assert "event ImageGCFailed: failed to garbage collect required amount of images" in finding["evidence"]


@pytest.mark.parametrize(
    "platforms, line, expected",
    [
        (["linux/amd64"], "exec /coredns: exec format error", ["wrong-architecture"]),
        (["linux/riscv64"], "exec /coredns: exec format error", ["exec-format"]),
        ([], "exec /coredns: exec format error", ["exec-format"]),
        (["linux/amd64", "linux/riscv64"], "exec /coredns: exec format error", ["exec-format"]),
        (["linux/amd64"], "exiting", ["crash-loop"]),
    ],
)
def test_architectures(fleet, platforms, line, expected):
    fleet.agent["images"] = [{"name": STOCK, "digest": DIGEST, "platforms": platforms, "pinned": False, "size": 1}]
    fleet.pod("p", "board-2", STOCK, ready=False, state="waiting", reason="CrashLoopBackOff", exit_code=1, restarts=3)
    fleet.agent["logs"] = {"c-p": ["starting", line]}
    (finding,) = fleet.document()["findings"]
    assert [finding["cause"]] == expected and any(line in text for text in finding["evidence"])
