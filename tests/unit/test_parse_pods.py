# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sandboxes and containers from crictl, nodes, pods, addons and events from kubectl, as values."""

import json
import re

import pytest
from records import record

from ansible_collections.riscv.k3s.plugins.module_utils._output import api_query
from ansible_collections.riscv.k3s.plugins.module_utils._output.pods import (
    parse_api,
    parse_containers,
    parse_events,
    parse_sandboxes,
)
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

T = "token"
SANDBOX = {
    "id": "s1",
    "metadata": {"name": "coredns-x", "uid": "u1", "namespace": "kube-system", "attempt": 1},
    "state": "SANDBOX_READY",
    "createdAt": "1700000000123456789",
    "labels": {"io.kubernetes.pod.uid": "u1", "k8s-app": "kube-dns"},
    "annotations": {},
}
CONTAINER = {
    "id": "c1",
    "podSandboxId": "s1",
    "metadata": {"name": "coredns", "attempt": 2},
    "image": {"image": "sha256:abc", "annotations": {}},
    "imageRef": "sha256:abc",
    "state": "CONTAINER_EXITED",
    "createdAt": "1700000001000000000",
    "labels": {},
    "annotations": {},
}


def changed(base, **changes):
    return dict(base, **changes)


def test_sandboxes():
    text = json.dumps(
        {
            "items": [
                changed(SANDBOX, id="s2", createdAt="1700000002000000000", state="SANDBOX_NOTREADY", labels=None),
                SANDBOX,
            ]
        }
    )
    first, second = parse_sandboxes(text)
    assert first == {
        "id": "s1",
        "name": "coredns-x",
        "namespace": "kube-system",
        "uid": "u1",
        "attempt": 1,
        "state": "ready",
        "created_at": "2023-11-14T22:13:20Z",
        "labels": {"k8s-app": "kube-dns"},
    }
    assert (second["id"], second["state"], second["labels"]) == ("s2", "notready", {})


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({}, {"image": "sha256:abc", "image_id": "sha256:abc", "state": "exited", "attempt": 2}),
        ({"image": {"image": "sha256:abc", "userSpecifiedImage": "a/b:1"}}, {"image": "a/b:1"}),
        ({"state": "CONTAINER_RUNNING"}, {"state": "running"}),
        ({"metadata": {"name": "x"}}, {"name": "x", "attempt": 0}),
    ],
)
def test_containers(changes, expected):
    (row,) = parse_containers(json.dumps({"containers": [changed(CONTAINER, **changes)]}))
    assert {key: row[key] for key in expected} == expected


def test_nothing_there():
    assert parse_sandboxes('{"items": []}') == [] and parse_containers("{}") == []


@pytest.mark.parametrize("text", ["", "[]", "POD ID  CREATED"])
def test_no_json(text):
    with pytest.raises(Problem, match="crictl pods -o json"):
        parse_sandboxes(text)


def pod(
    name="p",
    phase="Running",
    reason="",
    deleted="",
    conditions=(),
    init=(),
    containers=(("c", "a/b:1", {}),),
    owners=None,
    labels=None,
    **more,
):
    """A record as the jsonpath of the observing script writes it."""
    fields = {
        "namespace": "kube-system",
        "name": name,
        "uid": "u-" + name,
        "created": "2023-11-14T22:13:20Z",
        "deleted": deleted,
        "node": "board-1",
        "phase": phase,
        "reason": reason,
        "address": "10.42.0.2",
        "labels": json.dumps(labels) if labels else "",
        "owners": json.dumps(owners) if owners else "",
    }
    if conditions:
        rows = [{"type": kind, "status": status, "reason": why} for kind, status, why in conditions]
        fields["conditions"] = json.dumps(rows)
    for prefix, group in (("init_", init), ("", containers)):
        fields[prefix + "names"] = " ".join(row[0] for row in group)
        fields[prefix + "images"] = " ".join(row[1] for row in group)
        statuses = [dict(status, name=name) for name, dummy, status in group if status]
        fields[prefix + "states"] = json.dumps(statuses) if statuses else ""
    return record(api_query.POD, T, **dict(fields, **more))


WAITING = {
    "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off\npulling"}},
    "restartCount": 0,
    "ready": False,
    "image": "x",
    "imageID": "",
}
RUNNING = {"state": {"running": {"startedAt": "t"}}, "restartCount": 3, "ready": True, "imageID": "r/x@sha256:1"}
EXITED = {"state": {"terminated": {"exitCode": 1, "reason": "Error", "message": "no"}}, "restartCount": 0}
LOOPING = {
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
    "lastState": {"terminated": {"exitCode": 2, "reason": "Error", "message": "exec format error"}},
    "restartCount": 4,
}


@pytest.mark.parametrize(
    "options, expected",
    [
        (
            {},
            {
                "ready": False,
                "reasons": [],
                "owner": None,
                "deleting": False,
                "labels": {},
                "images": ["a/b:1"],
                "phase": "Running",
                "node": "board-1",
            },
        ),
        (
            {"conditions": [("Ready", "True", "")], "containers": [("c", "a:1", RUNNING)]},
            {"ready": True, "reasons": []},
        ),
        ({"containers": [("c", "a:1", WAITING)]}, {"reasons": ["c: ImagePullBackOff"]}),
        (
            {"containers": [("c", "a:1", EXITED), ("d", "b:1", WAITING)]},
            {"reasons": ["c: Error", "d: ImagePullBackOff"], "images": ["a:1", "b:1"]},
        ),
        (
            {"init": [("i", "i:1", WAITING)], "containers": [("c", "a:1", {})]},
            {"reasons": ["i: ImagePullBackOff"], "images": ["a:1", "i:1"]},
        ),
        ({"reason": "Evicted", "phase": "Failed"}, {"reasons": ["Evicted"], "phase": "Failed"}),
        ({"conditions": [("PodScheduled", "False", "Unschedulable")]}, {"reasons": ["Unschedulable"]}),
        ({"deleted": "2023-11-14T22:13:20Z"}, {"deleting": True}),
        ({"owners": [{"kind": "A", "name": "a"}]}, {"owner": None}),
        (
            {"owners": [{"kind": "A", "name": "a"}, {"kind": "ReplicaSet", "name": "r", "controller": True}]},
            {"owner": {"kind": "ReplicaSet", "name": "r"}},
        ),
        ({"labels": {"k8s-app": "x"}}, {"labels": {"k8s-app": "x"}}),
    ],
)
def test_pods(options, expected):
    (row,) = parse_api(pod(**options), T)["pods"]
    assert {key: row[key] for key in expected} == expected


@pytest.mark.parametrize(
    "status, expected",
    [
        (
            {},
            {
                "state": "waiting",
                "reason": "",
                "message": "",
                "exit_code": None,
                "restarts": 0,
                "ready": False,
                "image_id": "",
            },
        ),
        (WAITING, {"state": "waiting", "reason": "ImagePullBackOff", "message": "Back-off\npulling"}),
        (RUNNING, {"state": "running", "restarts": 3, "ready": True, "image_id": "r/x@sha256:1"}),
        (EXITED, {"state": "terminated", "exit_code": 1, "reason": "Error"}),
        (LOOPING, {"state": "waiting", "exit_code": 2, "reason": "CrashLoopBackOff", "message": "exec format error"}),
    ],
)
def test_containers_of_a_pod(status, expected):
    (row,) = parse_api(pod(containers=[("c", "a/b:1", status)]), T)["pods"][0]["containers"]
    assert (row["name"], row["image"], row["init"]) == ("c", "a/b:1", False)
    assert {key: row[key] for key in expected} == expected


def node(name, uid, **fields):
    return record(api_query.NODE, T, name=name, uid=uid, created="2023-11-14T22:13:20Z", **fields)


def test_api_is_sorted():
    text = (
        node("board-2", "n2", architecture="amd64", ready="False", addresses="10.99.0.3")
        + node("board-1", "n1", architecture="riscv64", ready="True", addresses="10.99.0.2 fd00::2", boot_id="b1")
        + pod("b")
        + pod("a")
        + T
        + " Addon\ttraefik\tabc\t/m/traefik.yaml\n"
        + T
        + " Addon\tcoredns\t\t/m/coredns.yaml\n"
    )
    api = parse_api(text, T)
    assert api["nodes"] == [
        {
            "name": "board-1",
            "uid": "n1",
            "ready": True,
            "architecture": "riscv64",
            "internal_ip": "10.99.0.2",
            "created_at": "2023-11-14T22:13:20Z",
            "boot_id": "b1",
            **dict.fromkeys(("machine_id", "kubelet", "runtime", "args", "env"), ""),
        },
        {
            "name": "board-2",
            "uid": "n2",
            "ready": False,
            "architecture": "amd64",
            "internal_ip": "10.99.0.3",
            "created_at": "2023-11-14T22:13:20Z",
            "boot_id": "",
            **dict.fromkeys(("machine_id", "kubelet", "runtime", "args", "env"), ""),
        },
    ]
    assert [row["name"] for row in api["pods"]] == ["a", "b"]
    assert api["addons"] == [
        {"name": "coredns", "checksum": "", "source": "/m/coredns.yaml"},
        {"name": "traefik", "checksum": "abc", "source": "/m/traefik.yaml"},
    ]


def test_api_of_an_old_kubectl():
    with pytest.raises(Problem, match="the API's answer was not understood"):
        parse_api(pod(labels="x").replace('"x"', "map[a:b]"), T)


TENANTS = ["@sha512:", "a\tb", "a b", "a\nb", " ", "\t\t\t", "-", "a/b:1\t{}", T + " Pod", "x" * 5000, "\x1b[31m", ""]


@pytest.mark.parametrize("image", TENANTS)
@pytest.mark.parametrize("field", ["images", "init_images", "static_uid"])
def test_what_a_tenant_writes_shifts_no_other_field(field, image):
    """None of these ends a look at the cluster, hides a pod, or another one's state."""
    unread = []
    text = pod("bad", containers=[("c", "a/b:1", WAITING), ("d", "e/f:1", RUNNING)], init=[("i", "g/h:1", {})])
    fields = text.rstrip("\n").split("\t")
    fields[1 + list(api_query.POD.fields).index(field)] = image
    pods = parse_api(pod("good") + "\t".join(fields) + "\n" + pod("other"), T, unread)["pods"]
    assert [row["name"] for row in pods] == ["bad", "good", "other"] and not unread
    assert [row["name"] for row in pods[0]["containers"]] == ["i", "c", "d"]
    assert pods[0]["node"] == "board-1" and pods[0]["containers"][1]["reason"] == "ImagePullBackOff"


def test_a_record_that_cannot_be_read_is_told_and_the_others_are_read():
    unread = []
    text = pod("good") + T + " Pod\tkube-system\tbad\n" + node("board-1", "n1") + T + " Node\t\n"
    api = parse_api(text, T, unread)
    assert [row["name"] for row in api["pods"]] == ["good"] and [row["name"] for row in api["nodes"]] == ["board-1"]
    assert len(unread) == 2 and "Pod" in unread[1]


def test_latest_event_of_each_pod():
    text = (
        T
        + " Event\tu1\tFailed\t2023-11-14T22:13:21Z\tnewer\nwith more lines\n"
        + T
        + " Event\tu1\tFailed\t2023-11-14T22:13:20Z\tolder, although it is the longer one\n"
        + T
        + " Event\tu1\tFailed\t2023-11-14T22:13:21Z\tshort\n"
        + T
        + " Event\tu2\tUnhealthy\t\tno time\tand a tab\n"
    )
    assert parse_events(text, T) == {
        "u1": {"reason": "Failed", "message": "newer\nwith more lines"},
        "u2": {"reason": "Unhealthy", "message": "no time\tand a tab"},
    }


def test_a_query_and_its_reader_are_of_one_description():
    """What kubectl would write for the query, if each path stood for itself."""
    records = api_query.PLAIN + api_query.DIAGNOSIS
    written = re.sub(r"\{range .items\[[^}]*\]\}|\{end\}", "", api_query.jsonpath(T, records)).replace('{"\\n"}', "\n")
    read = sum(api_query.split_records(re.sub(r"\{(.*?)\}", r"\1", written), T, records).values(), [])
    assert [record for record, dummy in read] == list(records)
    assert [api_query.named(*row) for row in read] == [record.fields for record in records]


def test_the_query_asks_for_no_secrets():
    paths = [path for record in api_query.PLAIN + api_query.DIAGNOSIS for path in record.fields.values()]
    assert [path for path in paths if ".env" in path or "annotations" in path] == [
        # In these two k3s tells how it runs; it masks its secrets itself.
        api_query.NODE.fields["args"],
        api_query.NODE.fields["env"],
        api_query.POD.fields["static_uid"],
    ]


def test_records_of_others_are_passed_by_and_short_ones_refused():
    text = T + " Other\ta\n" + T + " Addon\ta\tb\tc\n" + T + "2 Addon\tx\n"
    ((record, rest),) = api_query.split_records(text, T, [api_query.ADDON])["Addon"]
    fields = api_query.named(record, rest)
    assert record is api_query.ADDON and fields["name"] == "a" and fields["source"].startswith("c")
    with pytest.raises(ValueError, match="a record Addon of 2 fields instead of 3"):
        api_query.named(api_query.ADDON, "a\tb")


def test_what_cannot_be_read_is_named_and_the_others_go_on():
    """Also a state of a wrong type: what reads the rows later need not look for it."""
    pod = {"namespace": "tenant", "uid": "u", "names": "c", "images": "x:1"}
    states = [[{"name": "c", "state": {"waiting": {"message": {}}}}], [{"name": "c", "imageID": 1}]]
    rows = [record(api_query.POD, T, **pod, name="evil-%d" % n, states=json.dumps(s)) for n, s in enumerate(states)]
    unread = []
    found = parse_api("".join(rows) + record(api_query.POD, T, **pod, name="good"), T, unread)
    assert [row["name"] for row in found["pods"]] == ["good"]
    assert [text.rpartition(", in ")[2] for text in unread] == ["Pod tenant/evil-0/u", "Pod tenant/evil-1/u"]
    short = T + " Event\tu1\n"
    unread = []
    whole = record(api_query.WARNING, T, uid="u2", message="m")
    assert list(parse_events(short + whole, T, unread)) == ["u2"] and unread[0].endswith("in Event u1")


def test_a_container_of_crictl_with_an_image_that_is_no_text_is_unread():
    unread = []
    row = {"id": "a", "podSandboxId": "b", "metadata": {"name": "c"}, "state": "x", "createdAt": "1"}
    rows = [dict(row, image={"image": {}}), dict(row, imageRef=[1]), row]
    found = parse_containers(json.dumps({"containers": rows}), unread)
    assert [one["image"] for one in found] == [""] and len(unread) == 2
