# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the observing script that only a diagnosis asks for: run in real shells, and read."""

import json

import pytest
from fake_board import SHELLS, TOKEN, FakeBoard
from fakes import read

from ansible_collections.riscv.k3s.plugins.module_utils.text import redact
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.details import parse_details
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.dns import parse_ready, parse_rights
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.inspect import parse_inspect
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.preflight import parse_preflight
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import split_output
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import EXTRAS, PARTS, observe
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.script import build_script

pytestmark = pytest.mark.programs

ALL = PARTS + EXTRAS


def container(name, number, state, sandbox="s1"):
    labels = {"io.kubernetes.container.name": name}
    row = {
        "id": "%s%d" % (name, number),
        "podSandboxId": sandbox,
        "metadata": {"name": name, "attempt": number},
        "image": {"image": "sha256:1"},
    }
    return dict(
        row,
        imageRef="sha256:1",
        state="CONTAINER_" + state,
        createdAt="1700000000000000000",
        labels=labels,
        annotations={"a": "b"},
    )


@pytest.fixture(name="board")
def _board(tmp_path):
    board = FakeBoard(tmp_path)
    board.file("etc/k3s.yaml", "")
    board.answer("crictl ps", json.dumps({"containers": []}, indent=2))
    return board


@pytest.fixture(name="seen", params=SHELLS, ids=lambda shell: shell[0])
def _seen(request, board):
    def run(parts=ALL):
        return observe(board.run(parts, request.param), TOKEN, parts)

    return run


def test_a_plain_observation_sends_nothing_of_it():
    plain = build_script(TOKEN, PARTS)
    assert not [word for word in ("preflight", "iptables", "logs", "events", "inspect", "can-i") if word in plain]


def test_healthy_board_is_asked_once_more_by_crictl_and_the_api_never(board, seen):
    seen()
    calls = board.calls()
    assert sum("get nodes" in call or " get " in call for call in calls) == 1
    assert not [call for call in calls if "logs" in call or "auth" in call or "--raw" in call or "inspect" in call]


def test_logs_of_what_ended_for_good(board, seen):
    rows = [
        container("a", 1, "RUNNING"),
        container("a", 0, "EXITED"),
        container("b", 2, "EXITED"),
        container("b", 1, "EXITED"),
        container("a", 0, "EXITED", "s2"),
    ]
    board.answer("crictl ps", json.dumps({"containers": rows}, indent=2))
    board.answer("crictl logs --tail 15", out="one\npassword=hunter2\ntwo\n")
    result = seen()
    assert sorted(result["logs"]) == ["a0", "b2"]
    assert result["logs"]["b2"] == ["one", "password=…", "two"]
    assert len(result["containers"]) == 5


def test_logs_that_cannot_be_read_are_told_as_such(board, seen):
    board.answer("crictl ps", json.dumps({"containers": [container("b", 2, "EXITED")]}, indent=2))
    board.answer("crictl logs --tail 15", err="no such file\n", rc=1)
    assert seen()["logs"] == {"b2": ["no such file"]}


def sandbox(number, state="READY"):
    name = "%064x" % number
    # A label's value is at most 63 characters long, so that none is taken for an id.
    labels = {"id": "f" * 63, "state": "SANDBOX_READY"}
    meta = {"name": "p%d" % number, "uid": "u%d" % number, "namespace": "default", "attempt": 0}
    return {
        "id": name,
        "metadata": meta,
        "state": "SANDBOX_" + state,
        "createdAt": "1700000000000000000",
        "labels": labels,
    }


def test_what_does_not_run_is_asked_for_in_one_call(board, seen):
    boxes = [sandbox(number) for number in range(4)] + [sandbox(4, "NOTREADY")]
    rows = [
        container("a", 1, "RUNNING", boxes[0]["id"]),
        container("a", 0, "EXITED", boxes[0]["id"]),
        container("b", 2, "EXITED", boxes[1]["id"]),
        container("c", 0, "CREATED", boxes[2]["id"]),
    ]
    board.answer("crictl pods", json.dumps({"items": boxes}, indent=2))
    board.answer("crictl ps", json.dumps({"containers": rows}, indent=2))
    board.answer(
        "crictl inspect -o",
        "container\ta0\t137\t2026-11-25T00:22:51.3Z\tOOMKilled\ncontainer\tb2\t0\t2026-11-25T00:22:51.3Z\tCompleted\n\n",
    )
    board.answer("crictl inspectp -o", "sandbox\t%s\t\t/run/netns/x\t10.42.1.2 127.0.0.1 ::1 \n\n" % boxes[1]["id"])
    result = seen()
    assert {row["id"]: (row["exit_code"], row["reason"], row["finished_at"]) for row in result["containers"]} == {
        "a1": (None, None, None),
        "a0": (137, "OOMKilled", "2026-11-25T00:22:51Z"),
        "b2": (0, "Completed", "2026-11-25T00:22:51Z"),
        "c0": (None, None, None),
    }
    assert [(row["ip"], row["network_namespace"]) for row in result["sandboxes"]] == [
        (None, None),
        ("10.42.1.2", "/run/netns/x"),
    ] + [(None, None)] * 3
    asked = [
        call.split()[1:2] + call.split("}} ")[-1].split()[-5:]
        for call in board.calls()
        if call.startswith("crictl inspect")
    ]
    ends = [sorted(word for word in call if word in ("a0", "b2") or len(word) == 64) for call in asked]
    assert [call[0] for call in asked] == ["inspect", "inspectp"]
    assert ends == [["a0", "b2"], [box["id"] for box in boxes[1:]]]


def test_what_went_away_meanwhile_does_not_hide_the_others(board, seen):
    board.answer(
        "crictl ps", json.dumps({"containers": [container("b", 2, "EXITED"), container("c", 0, "EXITED")]}, indent=2)
    )
    board.answer("crictl inspect", err="not found", rc=1)
    result = seen()
    assert [row["exit_code"] for row in result["containers"]] == [None, None]
    assert not [error for error in result["errors"] if error["section"] == "inspect"]
    assert len([call for call in board.calls() if call.startswith("crictl inspect ")]) == 3


def test_recorded_inspection():
    """crictl 1.34.0: of two containers, of two sandboxes (of which one was stopped), and of one, which comes as an
    object.
    """
    containers, sandboxes = parse_inspect(read("crictl_inspect_1.34.txt"))
    assert [(row["exit_code"], row["finished_at"], row["reason"]) for row in containers.values()] == [
        (137, "2026-11-25T00:22:51Z", "Error"),
        (0, None, ""),
    ]
    assert [row["ip"] for row in sandboxes.values()] == ["10.42.1.2", "10.42.1.5"]
    assert {row["network_namespace"][:19] for row in sandboxes.values()} == {"/var/run/netns/cni-"}


def test_containerd_that_does_not_answer(board, seen):
    board.answer("crictl pods", err="connection refused", rc=1)
    result = seen()
    assert (result["sandboxes"], result["containers"], result["logs"]) == (None, None, {})
    assert {"section": "pods", "rc": 1, "message": "connection refused"} in result["errors"]


def test_wrong_keys_of_registries_by_name_only(board, seen):
    board.file(
        "etc/registries.yaml",
        'mirrors:\n  r.x:\n    endpoints: ["http://u:topsecret@x"]\n'
        'configs:\n  x:\n    auth: {password: topsecret}\n    "token": topsecret\n',
    )
    result = seen()
    assert [(row["line"], row["key"]) for row in result["registries"]["mistakes"]["wrong_keys"]] == [
        (3, "endpoints"),
        (7, "token"),
    ]
    assert "topsecret" not in board.run(ALL)


def test_mirrors_as_k3s_made_them_for_containerd(board, seen):
    board.file(
        "data/agent/etc/containerd/certs.d/reg:5000/hosts.toml",
        'server = "https://reg:5000"\n[host."http://u:topsecret@reg:5000/v2"]\n',
    )
    board.file(
        "data/agent/etc/containerd/config.toml",
        '[plugins.cri.registry.mirrors."old"]\n  endpoint = ["http://old:1"]\n'
        '[plugins.x.auth]\npassword = "topsecret"\n',
    )
    assert seen()["preflight"]["mirrors"] == {"reg:5000": ["http://u:…@reg:5000/v2"], "old": ["http://old:1"]}


def test_address_that_the_config_states(board, seen):
    board.file("etc/config.yaml", "token: topsecret\nadvertise-address: '10.0.0.9'\n")
    assert seen()["preflight"]["addresses"] == {"advertise-address": "10.0.0.9"}
    assert "topsecret" not in board.run(ALL)


def test_coredns_that_is_not_ready_is_asked_why(board, seen):
    board.answer(
        "kubectl --request-timeout=20s get",
        "".join(
            "%s Dns\t%s\tPod\n" % (TOKEN, words)
            for words in ["false\tkube-system\tcoredns-x", "true\tkube-system\tcoredns-y"]
            + ["false\ttenant\tp-%d" % number for number in range(50)]
        ),
    )
    board.answer(
        "kubectl --request-timeout=5s get --raw",
        out="",
        err='I1 get.go:174] "Response Body" body="kubernetes"\nError from server (ServiceUnavailable): x\n',
        rc=1,
    )
    board.answer("kubectl --request-timeout=5s -n kube-system", "[ERROR] services is forbidden\n")
    board.answer("kubectl --request-timeout=5s auth can-i", RIGHTS)
    told = seen()["dns"]
    assert told["pods"] == {"coredns-x": {"ready": "kubernetes", "log": ["[ERROR] services is forbidden"]}}
    assert told["rights"] == ["namespaces", "services"]
    # Pods of others that have its label cost nothing.
    assert not [call for call in board.calls() if "tenant" in call or "p-1" in call]


def test_only_a_few_pods_of_coredns_are_asked(board, seen):
    rows = "".join("%s Dns\tfalse\tkube-system\tp%d\tPod\n" % (TOKEN, number) for number in range(50))
    board.answer("kubectl --request-timeout=20s get", rows)
    seen()
    assert len([call for call in board.calls() if " logs " in call]) == 5


@pytest.mark.parametrize(
    ("error", "rc", "late"),
    [
        ("", 124, True),
        ("Unable to connect to the server: net/http: TLS handshake timeout", 1, True),
        ("Unable to connect to the server: context deadline exceeded (Client.Timeout exceeded)", 1, True),
        ("Error from server: etcdserver: request timed out", 1, True),
        ("Error from server (Timeout): the server was unable to return a response in the time allotted", 1, True),
        ("Error from server (TooManyRequests): the server has received too many requests", 1, True),
        ("Error from server (ServiceUnavailable): apiserver not ready", 1, True),
        ("error: the server is currently unable to handle the request", 1, True),
        ('Get "https://127.0.0.1:6443/api?timeout=20s": http2: client connection lost', 1, True),
        ("Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout", 1, False),
        ('Get "https://10.0.0.1:6443/api": dial tcp 10.0.0.1:6443: context deadline exceeded', 1, False),
        # The time in the address is kubectl's own limit.
        ('Get "https://127.0.0.1:6443/api?timeout=20s": EOF', 1, False),
        ('Get "https://127.0.0.1:6443/api?timeout=20s": tls: failed to verify certificate: x509: expired', 1, False),
        ('Get "https://127.0.0.1:6443/api?a=b&timeout=1m0s": read: connection reset by peer', 1, False),
        ("error: You must be logged in to the server (Unauthorized)", 1, False),
        ("The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?", 1, False),
    ],
)
def test_an_api_that_is_late_may_be_slow_and_not_down(board, seen, error, rc, late):
    """What came of an answer that broke off is the pods' own, and no error's text."""
    board.answer("kubectl --request-timeout=20s get", TOKEN + " Event\tu1\tsecret\n", error and error + "\n", rc)
    api = seen()["api"]
    assert (api["reachable"], api["late"]) == (False, late)
    assert api["error"] == (error or "it did not finish within 60 s")


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_what_kubectl_warns_of_is_no_part_of_the_answer(board, shell):
    board.answer("kubectl --request-timeout=20s get", "", "Warning: v1 ComponentStatus is deprecated\n")
    section = split_output(board.run(ALL, shell), TOKEN)["api"]
    assert (section.rc, section.err.strip()) == (0, "Warning: v1 ComponentStatus is deprecated")
    assert "Warning" not in section.out


RIGHTS = """Resources                                       Non-Resource URLs   Resource Names   Verbs
selfsubjectreviews.authentication.k8s.io        []                  []               [create]
                                                [/api]              []               [get]
namespaces                                      []                  []               [list watch]
services                                        []                  []               [list watch]
endpoints                                       []                  []               [watch]
"""


def test_rights():
    assert parse_rights(RIGHTS) == {"namespaces", "services"}
    assert parse_rights("*.*   []   []   [*]\n") == {"*.*"}


def test_network_of_a_coredns_that_is_not_ready(board, seen):
    board.answer("crictl ps", json.dumps({"containers": [container("coredns", 0, "RUNNING")]}, indent=2))
    inspected = (
        '{\n  "info": {\n    "pid": 4711,\n    "options": {"x": 1},\n "pid": 1\n },\n'
        ' "env": [\n "KUBERNETES_SERVICE_HOST=10.44.0.1"\n ]\n}\n'
    )
    board.answer("crictl inspect", inspected)
    # There is no such process, so nothing can be asked from its network; busybox's shell has an nsenter of its own.
    board.program("nsenter", "#!/bin/sh\nexit 1\n")
    board.answer(
        "kubectl --kubeconfig=/dev/null", err="error: You must be logged in to the server (Unauthorized)\n", rc=1
    )
    network = seen()["dns"]["network"]
    assert (network["address"], network["pod"]["answers"]) == ("10.44.0.1", False)
    assert network["host"] == {"answers": True, "text": "error: You must be logged in to the server (Unauthorized)"}


@pytest.mark.parametrize(
    "text, expected",
    [
        (
            '"Response Body" body="kubernetes"\nError from server',
            '"Response Body" body="kubernetes"\nError from server',
        ),
        (' body="kubernetes"\nError from server', "kubernetes"),
        (': {"kind":"x"}', '{"kind":"x"}'),
        ("Error from server (NotFound): pods not found", "Error from server (NotFound): pods not found"),
    ],
)
def test_ready(text, expected):
    assert parse_ready('" body="kubernetes"' if text.startswith(" body") else text) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        ("password=hunter2 user=x", "password=… user=x"),
        ('{"token": "abc", "a": 1}', '{"token": "…", "a": 1}'),
        ("Authorization: Bearer abc.def", "Authorization: Bearer …"),
        ("GET http://joe:hunter2@reg/v2/", "GET http://joe:…@reg/v2/"),
        ("API_KEY: abc", "API_KEY: …"),
        ('secret "settings" not found', 'secret "settings" not found'),
        ("dial tcp 10.43.0.1:443: i/o timeout", "dial tcp 10.43.0.1:443: i/o timeout"),
        ("failed to fetch anonymous token", "failed to fetch anonymous token"),
    ],
)
def test_redact(text, expected):
    assert redact(text) == expected


def test_preflight():
    lines = [
        "release 6.1",
        "config /proc/config.gz # CONFIG_VXLAN is not set",
        "config /proc/config.gz CONFIG_VETH=m",
        "loaded veth ",
        "dep vxlan",
    ]
    seen = parse_preflight(
        "\n".join(
            lines
            + [
                "cgroup memory 0 0",
                "cgroup cpu 1 2",
                "cgroup",
                "cgroup io ² ²",
                "sysctl net/ipv4/ip_forward 0",
                "garbage",
                "",
            ]
        )
    )
    assert seen["options"] == {"VXLAN": ("n", "/proc/config.gz"), "VETH": ("m", "/proc/config.gz")}
    assert seen["modules"] == {"veth": "loaded", "vxlan": "can be loaded"}
    assert seen["cgroups"] == {"memory": False, "cpu": True, "": False, "io": False} and seen["held"] == ["cpu"]
    assert seen["sysctl"] == {"net.ipv4.ip_forward": "0"}


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("v2", [True, False])
def test_what_the_kernel_has_is_read_beside_cgroup_v2_too(tmp_path, shell, v2):
    """k3s-io/k3s#9947: v2 lacks what a hierarchy of v1 holds."""
    board = FakeBoard(tmp_path)
    board.file("cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t2\t2\t1\nmemory\t0\t2\t1\n")
    if v2:
        board.file("controllers", "memory pids\n")

    def build(*args, **options):
        text = build_script(*args, **options)
        for path, own in (("/sys/fs/cgroup/cgroup.controllers", "controllers"), ("/proc/cgroups", "cgroups")):
            text = text.replace(path, str(board.home / own))
        return text

    parts = ["k3s", "preflight"]
    seen = observe(board.run(parts, shell, build=build), TOKEN, parts)["preflight"]
    assert seen["cgroup2"] == (["memory", "pids"] if v2 else None)
    assert (seen["cgroups"]["cpu"], seen["cgroups"]["memory"], seen["held"]) == (True, True, ["cpu"])


def test_details():
    event = "Pod\tdefault\tp\tu1\tWarning\tFailed\tnull\t%s\tnull\t3\tkubelet\t\tboard-1\tline one\tand\nline two"
    text = "\n".join(
        [
            TOKEN + " Event\t" + event % "2026-11-24T10:00:01Z",
            TOKEN + " Event\t" + event.replace("Warning", "Normal") % "2026-11-24T10:00:00Z",
            TOKEN + ' State\tboard-1\t[{"type":"Ready","status":"True","reason":"r","message":"m"}]\t',
            TOKEN + " Slice\tEndpointSlice\tdefault\t10.0.0.1 10.0.0.2\t6443",
            TOKEN + " Slice\tEndpointSlice\tother\t10.0.0.3\t80",
            TOKEN + ' Detail\tu1\t2026-11-24T10:00:00Z\t1\t["a/b"]\tgone\t2026-11-24T09:00:00Z\tNever Always\t[]',
            TOKEN + " Pod\tignored",
        ]
    )
    found = parse_details(text, TOKEN)
    assert [(row["type"], row["count"], row["message"]) for row in found["events"]] == [
        ("Normal", 3, "line one\tand\nline two"),
        ("Warning", 3, "line one\tand\nline two"),
    ]
    assert found["nodes"] == {"board-1": {"Ready": {"status": "True", "reason": "r", "message": "m", "since": ""}}}
    assert found["endpoints"] == ["10.0.0.1:6443", "10.0.0.2:6443"]
    # A reason with tabs in it, as anybody who may write events can set it, is that one event's end.
    unread = []
    shifted = TOKEN + " Event\t" + (event % "x").replace("Failed", "Failed\tx\tx")
    assert parse_details(text + "\n" + shifted, TOKEN, unread) == found
    assert len(unread) == 1 and unread[0].endswith("in Event Pod/default/p/u1")
    assert found["pods"]["u1"]["finalizers"] == ["a/b"] and found["pods"]["u1"]["policies"] == ["Never", "Always"]
