# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error tells by itself: the finding, whom it is about, and how certain it is."""

from __future__ import annotations

import pytest
import yaml
from fake_fleet import STOCK, FakeFleet, ago
from fakes import read

from ansible_collections.riscv.k3s.plugins.module_utils._chain.chain import parse
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import REGISTRY

RPC = "rpc error: code = Unknown desc = "
SANDBOX = "Failed to create pod sandbox: " + RPC
NETWORK = SANDBOX + 'failed to setup network for sandbox "0a1b": '
RUNC = (
    RPC
    + "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
)
START = RUNC + "unable to start container process: "
PAUSED = 'failed to pull image "carvicsforth/pause:3.10.2": failed to pull and unpack image '


@pytest.fixture(name="fleet")
def _fleet():
    return FakeFleet()


@pytest.mark.parametrize(
    ("message", "cause", "confidence"),
    [
        (
            SANDBOX
            + 'failed to start sandbox container task "0a1b": '
            + START
            + 'exec: "/pause": exec format error: unknown',
            "pause-image-architecture",
            "certain",
        ),
        (
            "Failed to create pod sandbox: rpc error: code = NotFound desc = failed to create containerd container: "
            "error unpacking image: failed to resolve rootfs: content digest sha256:%s: not found" % ("6" * 64),
            "pause-image-broken",
            "certain",
        ),
        (
            'Failed to create pod sandbox: rpc error: code = NotFound desc = failed to start sandbox "0a1b": '
            'failed to get sandbox image "rancher/mirrored-pause:3.6": image "rancher/mirrored-pause:3.6": not found',
            "pause-image-short-name",
            "certain",
        ),
        (
            NETWORK + 'plugin type="flannel" failed (add): loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: '
            "no such file or directory",
            "flannel-not-started",
            "certain",
        ),
        (
            NETWORK + 'failed to create bridge "cni0": could not add "cni0": operation not supported',
            "kernel-bridge-missing",
            "certain",
        ),
        (
            NETWORK + 'plugin type="portmap" failed (add): unable to setup DNAT: running [/usr/sbin/iptables -t nat -C '
            "CNI-HOSTPORT-DNAT -m multiport --wait]: exit status 2: iptables v1.8.4 (legacy): Couldn't load match "
            "`multiport':No such file or directory\n\nTry `iptables -h' or 'iptables --help' for more information.",
            "kernel-netfilter-missing",
            "certain",
        ),
        (NETWORK + 'failed to find plugin "calico" in path [/opt/cni/bin]', "cni-plugin-missing", "certain"),
        (
            NETWORK + 'plugin type="flannel" failed (add): failed to delegate add: failed to allocate for range 0: '
            "no IP addresses available in range set: 10.42.1.1-10.42.1.254",
            "cni-address-exhausted",
            "certain",
        ),
        (
            RPC + "failed to start sandbox: failed to create containerd task: failed to mount rootfs component: "
            "invalid argument: unknown",
            "snapshotter-unsupported",
            "certain",
        ),
        (
            SANDBOX
            + "failed to create shim task: OCI runtime create failed: unable to retrieve OCI runtime error: exec: "
            '"runc": executable file not found in $PATH: unknown',
            "runtime-missing",
            "certain",
        ),
        (SANDBOX + "mkdir /var/lib/rancher/x: read-only file system", "disk-read-only", "likely"),
        (SANDBOX + "open /var/lib/rancher/x: input/output error", "disk-fault", "certain"),
        (SANDBOX + "open /var/lib/rancher/x: no space left on device", "disk-full", "likely"),
    ],
    ids=lambda value: value if len(str(value)) < 30 else "",
)
def test_what_keeps_all_pods_of_a_board_from_starting(fleet, message, cause, confidence):
    for name in ("p", "q"):
        row = fleet.waiting(name, "ContainerCreating", sandbox=False)
        fleet.event(row, "FailedCreatePodSandBox", message)
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["confidence"]) == (cause, confidence)
    assert finding["subject"] == {"kind": "board", "board": "board-2", "name": "board-2"}
    assert [one["pod"] for one in finding["pods"]] == ["default/p", "default/q"]
    assert finding["command"] and finding["remedy"]


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("Couldn't load match `multiport':No such file or directory", "modprobe xt_multiport"),
        ("Couldn't find match `conntrack'", "modprobe xt_conntrack"),
        ("Warning: Extension MASQUERADE revision 0 not supported, missing kernel module?", "modprobe xt_MASQUERADE"),
        ("can't initialize iptables table `nat': Table does not exist", "lsmod"),
    ],
)
def test_the_module_that_iptables_lacks(fleet, words, command):
    row = fleet.waiting("p", "ContainerCreating", sandbox=False)
    said = 'plugin type="portmap" failed (add): running [/usr/sbin/iptables -t nat -S]: exit status 4: '
    fleet.event(row, "FailedCreatePodSandBox", NETWORK + said + words)
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["command"]) == ("kernel-netfilter-missing", command)


def test_a_daemon_of_a_network_that_does_not_answer_is_named(fleet):
    row = fleet.waiting("p", "ContainerCreating", sandbox=False)
    said = 'unable to allocate IP address: Post "http://127.0.0.1:6784/ip/0a1b": dial tcp 127.0.0.1:6784: connect: '
    fleet.event(row, "FailedCreatePodSandBox", NETWORK + said + "connection refused")
    (finding,) = fleet.document()["findings"]
    assert finding["cause"] == "cni-failed" and "connection refused (dial tcp 127.0.0.1:6784)" in finding["title"]


def test_a_program_of_the_board_that_unpacks_is_not_that_of_the_image(fleet):
    message = (
        RPC + 'failed to pull and unpack image "reg.example:5000/a/b:1": failed to extract layer sha256:1: failed to '
        "get stream processor for application/vnd.oci.image.layer.v1.tar+gzip: fork/exec /usr/bin/unpigz: exec format "
        "error"
    )
    fleet.waiting("p", "ErrImagePull", message)
    assert fleet.causes() == ["error-unknown"]


@pytest.mark.parametrize("words", ["error reading from server: EOF", "transport is closing"])
def test_containerd_that_ends_while_it_pulls_is_no_registry(fleet, words):
    fleet.waiting("p", "ErrImagePull", "rpc error: code = Unavailable desc = " + words)
    assert fleet.causes() == ["error-unknown"]


@pytest.mark.parametrize(
    ("reason", "message", "cause", "confidence"),
    [
        (
            "CreateContainerConfigError",
            'container has runAsNonRoot and image will run as root (pod: "p_default(1)", container: main)',
            "container-user",
            "certain",
        ),
        ("RunContainerError", START + 'exec: "/x": permission denied: unknown', "container-command-denied", "certain"),
        (
            "InvalidImageName",
            'Failed to apply default image tag "a@sha512:": couldn\'t parse image name "a@sha512:": '
            "invalid reference format",
            "image-name-invalid",
            "certain",
        ),
        (
            "RunContainerError",
            START + "error during container init: something: device or resource busy",
            "runc-failed",
            "possible",
        ),
        ("CreateContainerError", RPC + "a new kind of trouble: the dog ate it", "error-unknown", "possible"),
    ],
)
def test_what_keeps_a_container_from_starting(fleet, reason, message, cause, confidence):
    fleet.waiting("p", reason, message)
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["confidence"]) == (cause, confidence)
    assert finding["subject"]["name"] == "default/p"


@pytest.mark.parametrize("is_alone", [True, False])
def test_an_edit_that_the_api_refuses_is_not_all_that_is_told(fleet, is_alone):
    message = 'container has runAsNonRoot and image will run as root (pod: "p_default(1)", container: main)'
    owner = None if is_alone else {"kind": "StatefulSet", "name": "p"}
    fleet.waiting("p", "CreateContainerConfigError", message=message, owner=owner)
    (finding,) = fleet.document()["findings"]
    assert finding["command"].endswith(" edit " + ("pod/p" if is_alone else "statefulset/p"))
    assert ("make it anew from its manifest" in finding["remedy"]) == is_alone
    # Whose it is, the title says once.
    assert finding["title"].endswith("image will run as root")


@pytest.mark.parametrize(
    ("reason", "message", "more", "cause"),
    [
        (
            "FailedMount",
            'MountVolume.SetUp failed for volume "data" : mount failed: exit status 32\n'
            "Output: mount.nfs: access denied",
            {"reason": "ContainerCreating"},
            "volume-mount",
        ),
        (
            "Unhealthy",
            "Liveness probe failed: HTTP probe failed with statuscode: 500",
            {"state": "running"},
            "liveness-killed",
        ),
        ("Unhealthy", "Readiness probe failed: dial tcp: i/o timeout", {"state": "running"}, "probe-fails"),
    ],
)
def test_events_about_a_pod(fleet, reason, message, more, cause):
    row = fleet.pod("p", "board-2", "a:1", ready=False, **dict({"state": "waiting"}, **more))
    fleet.event(row, reason, message)
    assert fleet.causes() == [cause]


def test_innermost_words_come_first_in_what_is_not_understood(fleet):
    fleet.waiting("p", "CreateContainerError", RPC + "failed to tame: the cat: it will not")
    (finding,) = fleet.document()["findings"]
    assert finding["title"] == "default/p: it will not" and "failed to tame" in finding["evidence"][0]


def test_a_pause_image_that_does_not_come_is_that_of_all_pods(fleet):
    """containerd 2.3 no longer says "sandbox image"."""
    fleet.agent["images"] = []
    row = fleet.waiting("p", "ContainerCreating", sandbox=False)
    message = (
        SANDBOX + PAUSED + '"docker.io/carvicsforth/pause:3.10.2": failed to resolve reference '
        '"docker.io/carvicsforth/pause:3.10.2": failed to do request: Head '
        '"https://registry-1.docker.io/v2/carvicsforth/pause/manifests/3.10.2": dial tcp: lookup registry-1.docker.io: '
        "Temporary failure in name resolution"
    )
    fleet.event(row, "FailedCreatePodSandBox", message)
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["confidence"]) == ("pause-image-missing", "certain")
    assert "docker.io/carvicsforth/pause:3.10.2" in finding["title"]


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ("write /var/lib/rancher/x: no space left on device", "disk-full"),
        ("mkdir /var/lib/rancher/x: read-only file system", "disk-read-only"),
    ],
)
def test_what_keeps_the_pause_image_from_coming_may_be_the_disk(fleet, words, cause):
    fleet.agent["images"] = []
    row = fleet.waiting("p", "ContainerCreating", sandbox=False)
    fleet.event(row, "FailedCreatePodSandBox", SANDBOX + PAUSED + '"docker.io/carvicsforth/pause:3.10.2": ' + words)
    assert fleet.causes() == [cause]


@pytest.mark.parametrize("words", ["exec format error", "no space left on device", "read-only file system"])
def test_what_a_program_writes_is_no_evidence_of_its_board(fleet, words):
    fleet.pod("p", "board-2", "a:1", ready=False, state="waiting", reason="CrashLoopBackOff", exit_code=1)
    fleet.agent["logs"] = {"c-p": ["my backend said: open /x: " + words]}
    assert fleet.causes() == ["crash-loop"]


def test_a_registry_cannot_speak_for_the_board(fleet):
    message = (
        RPC + 'failed to pull and unpack image "reg.example:5000/a/b:1": failed to resolve reference '
        '"reg.example:5000/a/b:1": unexpected status from HEAD request to https://reg.example:5000/v2/a/b/manifests/1: '
        "403 Forbidden - Server message: denied: no space left on device"
    )
    fleet.waiting("p", "ErrImagePull", message)
    assert fleet.causes() == ["registry-auth"]


def test_an_event_of_before_the_sandbox_says_nothing_of_a_pod_that_has_one(fleet):
    row = fleet.pod("p", "board-2", STOCK, ready=False, state="waiting", reason="PodInitializing")
    fleet.event(row, "FailedCreatePodSandBox", NETWORK + "anything")
    assert fleet.causes() == []


def test_a_pod_that_has_just_begun_is_given_time(fleet):
    row = fleet.waiting("p", "ContainerCreating", sandbox=False)
    fleet.event(row, "FailedCreatePodSandBox", "context deadline exceeded")
    for age, causes in ((10, []), (90, ["error-unknown"])):
        row["created_at"] = ago(age)
        assert fleet.causes() == causes


@pytest.mark.parametrize(
    ("image", "cause", "by"),
    [(STOCK, "no-such-image", "riscv.k3s.site"), ("reg.example:5000/a/b:1", "no-such-image", "a person")],
)
def test_who_mends_it(fleet, image, cause, by):
    fleet.waiting(
        "p", "ErrImagePull", RPC + 'failed to resolve reference "%s": %s: not found' % (image, image), image=image
    )
    (finding,) = fleet.document()["findings"]
    assert (finding["cause"], finding["mended_by"]) == (cause, by)


def test_prepare_mends_settings_of_the_kernel(fleet):
    fleet.agent["preflight"]["sysctl"]["net.ipv4.ip_forward"] = "0"
    assert [one["mended_by"] for one in fleet.document()["findings"]] == ["riscv.k3s.prepare, step sysctl"]


def test_there_are_enough_causes():
    assert len({cause.id for cause in REGISTRY}) >= 60


@pytest.mark.parametrize("row", yaml.safe_load(read("errors.yml")), ids=lambda row: row["id"])
def test_every_text_of_the_corpus_becomes_a_chain(row):
    links = parse(row["text"].splitlines()[0]).links
    assert links and all(link.words for link in links)
