# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls and statuses by crictl; why a pull failed, from what a real containerd said."""

import re

import pytest
from fake_containerd import Content, FakeContainerd, failure
from fakes import FakeRunner, read

from ansible_collections.riscv.k3s.plugins.module_utils._containerd.cri import Cri
from ansible_collections.riscv.k3s.plugins.module_utils._containerd.pull_errors import PullProblem, classify
from ansible_collections.riscv.k3s.plugins.module_utils._host.command import TimedOut
from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import Programs
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

NAME = "10.99.0.1:5000/riscv64/coredns:1.0"
RESET = failure(NAME, "read tcp 10.99.0.2:1->10.99.0.1:5000: read: connection reset by peer")
SERVER = failure(
    NAME, "pulling from host 10.99.0.1:5000 failed with status code [manifests 1]: 503 Service Unavailable"
)
DENIED = failure(NAME, "pulling from host 10.99.0.1:5000 failed with status code [manifests 1]: 401 Unauthorized")
HOSTS = "certs.d/10.99.0.1:5000/hosts.toml"
MIRRORS = '[plugins."io.containerd.grpc.v1.cri".registry.mirrors."%s"]\n  endpoint = [%s]\n'
NO_SOCKET = (
    'time="2026-11-24T20:35:56Z" level=fatal msg="validate service connection: validate CRI v1 image API for endpoint '
    '\\"unix:///run/k3s/containerd/containerd.sock\\": rpc error: code = Unavailable desc = connection error: desc = '
    '\\"transport: Error while dialing: dial unix /run/k3s/containerd/containerd.sock: '
    'connect: no such file or directory\\""'
)

# crictl 1.34 at a socket that accepts and stays silent.
LATE = NO_SOCKET.partition("rpc error")[0] + (
    'rpc error: code = DeadlineExceeded desc = context deadline exceeded while waiting for connections to become ready"'
)


def programs(runner):
    return Programs({"k3s": "k3s"}, runner, is_root=True)


def recorded(name):
    """(kind as it was caused, what crictl printed) for each failure in a fixture."""
    blocks = re.split(r"^### ", read(name), flags=re.MULTILINE)[1:]
    return [tuple(block.split("\n", 1)) for block in blocks]


# What was done to the registry, and what the board saw of it. To a plain request a server that speaks TLS resets the
# connection.
RECORDED = {
    "name": "registry-name",
    "refused": "registry-refused",
    "plain-http": "plain-http",
    "https-on-http": "registry-broken",
    "denied": "registry-auth",
    "too-many": "registry-rate-limit",
    "server": "registry-fault",
    "certificate": "tls-authority",
    "clock": "registry-clock",
    "broken": "registry-broken",
    "no-platform": "no-platform",
    "not-found": "no-such-image",
    "time-out": "registry-timeout",
}
MAY_PASS = {"registry-rate-limit", "registry-fault", "registry-broken", "registry-timeout"}


@pytest.mark.parametrize(
    ("cause", "printed"), recorded("crictl_pull_errors_1.6.txt") + recorded("crictl_pull_errors_2.4.txt")
)
def test_recorded_failures_are_told_apart(cause, printed):
    problem = classify("127.0.0.1:5701/x/y:1", printed)
    assert problem.cause == RECORDED[cause]
    assert problem.may_pass == (problem.cause in MAY_PASS)
    assert "level=fatal" not in str(problem) and "failed to pull and unpack" not in str(problem)
    assert problem.next_step


def test_a_web_page_is_no_missing_name():
    """From a registry's address that a captive portal answers for (containerd 1.6)."""
    said = (
        "failed to copy: httpReadSeeker: failed open: could not fetch content descriptor "
        "sha256:65c1414a2f621f07525737f3de3270364f4c1a929726f655f4362d8a6efbad23 (text/html) from remote: not found"
    )
    problem = classify(NAME, failure(NAME, said))
    assert (problem.cause, problem.unreachable) == ("no-registry", True) and "a web page" in problem.what


def test_an_answer_that_is_not_http_is_no_registry():
    """From a server that sends a page after its answer to HEAD: the next answer begins amidst it (containerd 1.6)."""
    said = (
        'failed to do request: Get "http://10.99.0.1:5000/v2/tests/faults/manifests/1": net/http: '
        "HTTP/1.x transport connection broken: "
        'malformed HTTP status code "in</title></head><body>Please"'
    )
    problem = classify(NAME, failure(NAME, said))
    assert (problem.cause, problem.unreachable) == ("no-registry", True) and "does not keep to HTTP" in problem.what


def test_a_pull_without_an_end_names_registry_and_time():
    def hang(argv, stdin):
        raise TimedOut("`k3s crictl pull` did not finish within 4 seconds")

    with pytest.raises(PullProblem, match="did not send it in time") as caught:
        Cri(programs(FakeRunner([(["k3s", "crictl", "pull", NAME], hang)]))).pull(NAME, timeout=4)
    assert caught.value.unreachable and "4 s" in str(caught.value) and "10.99.0.1:5000" in caught.value.where


def test_plain_http_names_the_mirror_to_write():
    problem = classify(NAME, failure(NAME, "failed to do request: http: server gave HTTP response to HTTPS client"))
    assert "mirrors: {'10.99.0.1:5000': {endpoint: ['http://10.99.0.1:5000']}}" in problem.next_step


@pytest.mark.parametrize(
    "said", ["http: server gave HTTP response to HTTPS client", "tls: first record does not look like a TLS handshake"]
)
@pytest.mark.parametrize(
    "path, text, is_known",
    [
        ("config.toml", MIRRORS % ("10.99.0.1:5000", '"http://10.99.0.1:5000"'), True),
        ("config.toml", MIRRORS % ("10.99.0.1:5000", '"https://cache", "http://10.99.0.1:5000"'), True),
        ("config.toml", MIRRORS % ("docker.io", '"http://10.99.0.1:5000"'), False),
        ("config.toml", MIRRORS % ("10.99.0.1:5000", '"http://10.99.0.1:50001"'), False),
        (HOSTS, 'server = "https://10.99.0.1:5000/v2"\n[host."http://10.99.0.1:5000/v2"]\n', True),
        (HOSTS, 'server = "https://10.99.0.1:5000/v2"\n[host."http://cache/v2"]\n', False),
        (HOSTS, "# http://10.99.0.1:5000 was here\n", False),
    ],
)
def test_a_plain_http_mirror_that_does_not_hold_the_name(tmp_path, path, text, is_known, said):
    """containerd asks the registry itself last, by https, and tells only of that; a mirror says what it means."""
    file = tmp_path / "agent/etc/containerd" / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    message = failure(NAME, "failed to do request: " + said)
    cri = Cri(
        Programs(
            {"k3s": "k3s", "data_dir": str(tmp_path)},
            FakeRunner([(["k3s", "crictl", ...], (1, "", message))]),
            is_root=True,
        )
    )
    with pytest.raises(PullProblem) as caught:
        cri.pull(NAME)
    assert (caught.value.cause == "no-such-image") is is_known
    assert ("10.99.0.1:5000 has no such name" in caught.value.what) is is_known


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            'failed commit on ref "layer-sha256:1": '
            '"layer-sha256:1" failed size validation: 5 != 10: failed precondition',
            "sent is damaged",
        ),
        # containerd 1.6 says the same of a blob that is cut in storage, and of a connection that is.
        ("failed to read expected number of bytes: unexpected EOF", "ends too early"),
    ],
)
def test_damaged_content_is_told(said, why):
    problem = classify(NAME, failure(NAME, said))
    assert why in problem.what and problem.may_pass and not problem.unreachable


def test_a_short_name_may_have_been_meant_otherwise():
    assert (
        "write it in front of the name"
        in classify("docker.io/riscv64/coredns:1.0", "connect: connection refused").next_step
    )
    assert "in front" not in classify(NAME, "connect: connection refused").next_step


def test_a_failure_of_another_kind_is_told_as_it_is():
    problem = classify(NAME, failure(NAME, "the moon is full"))
    assert (problem.cause, problem.found) == ("unknown", "the moon is full")
    assert classify(NAME, "").found == "no message"


@pytest.mark.parametrize(
    ("answers", "retries", "waits", "cause"),
    [
        ([RESET, Content("a")], 3, [1], None),
        ([SERVER, SERVER, SERVER, Content("a")], 3, [1, 2, 4], None),
        ([SERVER] * 3, 2, [1, 2], "registry-fault"),
        ([SERVER] * 8, 7, [1, 2, 4, 8, 16, 30, 30], "registry-fault"),
        ([RESET], 0, [], "registry-broken"),
        ([DENIED], 3, [], "registry-auth"),
        ([RESET, DENIED], 3, [1], "registry-auth"),
    ],
)
def test_only_what_may_pass_is_tried_again(answers, retries, waits, cause):
    fake, slept = FakeContainerd(registry={NAME: list(answers)}), []
    cri = Cri(programs(fake), slept.append)
    if cause:
        with pytest.raises(PullProblem) as caught:
            cri.pull(NAME, retries)
        assert caught.value.cause == cause
    else:
        cri.pull(NAME, retries)
    assert slept == waits
    assert len(fake.calls) == len(waits) + 1


def test_statuses_of_many_in_one_call():
    fake = FakeContainerd()
    fake.put("docker.io/a/b:1", Content("b"))
    fake.put("docker.io/a/c:1", Content("c", "amd64"))
    found = Cri(programs(fake)).statuses(["docker.io/a/b:1", "docker.io/a/c:1"])
    assert {name: status["architecture"] for name, status in found.items()} == {
        "docker.io/a/b:1": "riscv64",
        "docker.io/a/c:1": "amd64",
    }
    assert len(fake.calls) == 1


def test_statuses_leave_out_what_the_cri_does_not_know():
    fake = FakeContainerd()
    fake.put("docker.io/a/b:1", Content("b"))
    fake.put("docker.io/a/c:1", Content("c"))
    fake.unusable.add("docker.io/a/c:1")
    assert list(Cri(programs(fake)).statuses(["docker.io/a/c:1", "docker.io/a/none:1", "docker.io/a/b:1"])) == [
        "docker.io/a/b:1"
    ]
    assert Cri(programs(fake)).statuses(["docker.io/a/c:1"]) == {}
    assert Cri(programs(FakeRunner())).statuses([]) == {}


def test_a_containerd_that_is_late_is_asked_again():
    """A slow board that starts pods took longer than crictl waits."""
    waited = []
    answers = [(1, "", LATE), (1, "", LATE), "Image is up to date"]
    Cri(programs(FakeRunner([(["k3s", "crictl", "pull", NAME], answers)])), waited.append).pull(NAME)
    assert waited == [1, 2]
    late = FakeRunner([(["k3s", "crictl", ...], (1, "", LATE))])
    with pytest.raises(Problem, match="does not answer in time.*DeadlineExceeded.*busy"):
        Cri(programs(late), waited.append).pull(NAME, retries=1)
    assert len(late.calls) == 2


@pytest.mark.parametrize("call", [lambda cri: cri.statuses([NAME]), lambda cri: cri.pull(NAME)])
def test_a_containerd_that_does_not_answer(call):
    cri = Cri(programs(FakeRunner([(["k3s", "crictl", ...], (1, "", NO_SOCKET))])))
    with pytest.raises(Problem, match="containerd on this board does not answer"):
        call(cri)


def test_another_failure_of_crictl_is_told():
    with pytest.raises(Problem, match="exit status 1.*out of memory"):
        Cri(programs(FakeRunner([(["k3s", "crictl", ...], (1, "", "out of memory"))]))).statuses([NAME])


def test_fewer_answers_than_questions():
    with pytest.raises(Problem, match="2 images and returned 1"):
        Cri(programs(FakeRunner([(["k3s", "crictl", ...], read("crictl_inspecti_one.json"))]))).statuses(
            [NAME, "docker.io/a/b:1"]
        )
