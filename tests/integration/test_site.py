# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole story on the lab: broken, predicted, healed, converged, upgraded, restarted. One run, many questions."""

from __future__ import annotations

import json
import time
from typing import Any, Dict, NamedTuple

import pytest
from runs import play

SITE = "riscv.k3s.site"
CANNOT_PULL = {"ErrImagePull", "ImagePullBackOff"}
SESSIONS = "/var/log/ssh-sessions.log"
PROCESSES = "/var/log/ssh-processes"
QUERY = "nslookup kubernetes.default.svc.cluster.local 10.43.0.10"
PROBE = (
    """
apiVersion: v1
kind: Pod
metadata: {name: dns-probe, namespace: default}
spec:
  restartPolicy: Never
  containers:
  - name: probe
    image: docker.io/rancher/mirrored-library-busybox:1.34.1
    imagePullPolicy: Never
    command: ["sh", "-c", "%s"]
"""
    % QUERY
)


class Story(NamedTuple):
    """What was seen, chapter by chapter."""

    before: Dict[str, Any]
    check: Any
    first: Any
    after: Dict[str, Any]
    answer: str
    second: Any
    upgraded: Any
    settled: Any
    restarted: Any


@pytest.fixture(scope="module", name="story")
def _story(lab):
    lab.lab("reset")
    play(lab, "riscv.k3s.build_images")
    before = wait_until_broken(lab)
    check = play(lab, SITE, "--check", "--diff")
    first = play(lab, SITE, "--diff")
    after = look(lab)
    answer = ask_dns(lab)
    second = play(lab, SITE)
    lab.lab("upgrade", "B")
    upgraded = play(lab, SITE)
    settled = play(lab, SITE)
    for board in (lab.server, lab.agent):
        lab.lab("restart", board)
    lab.wait("Ready after the restart", lambda: all(pod["ready"] for pod in look(lab)["pods"]), 120)
    restarted = play(lab, SITE)
    return Story(before, check, first, after, answer, second, upgraded, settled, restarted)


def look(lab):
    """The stock pods as the API sees them, the sandboxes as each containerd does."""
    pods = []
    for item in lab.get("pods", "-n", "kube-system")["items"]:
        statuses = item["status"].get("containerStatuses") or []
        pods.append(
            {
                "name": item["metadata"]["name"],
                "node": item["spec"].get("nodeName"),
                "ready": bool(statuses) and all(status["ready"] for status in statuses),
                "reasons": [status["state"].get("waiting", {}).get("reason") for status in statuses],
            }
        )
    events = lab.get("events", "-n", "kube-system")["items"]
    return {
        "pods": pods,
        "events": {event["reason"] for event in events},
        "sandboxes": {
            board: json.loads(lab.exec(board, "k3s crictl pods -o json").stdout)["items"]
            for board in (lab.server, lab.agent)
        },
    }


def wait_until_broken(lab):
    def seen():
        now = look(lab)
        reasons = {reason for pod in now["pods"] for reason in pod["reasons"]}
        return (
            now
            if reasons & CANNOT_PULL and "FailedCreatePodSandBox" in now["events"] and len(now["pods"]) == 3
            else None
        )

    return lab.wait("the pods hang as on a broken board", seen, 90)


def ask_dns(lab):
    """What CoreDNS answers a pod of the lab, one whose busybox is riscv64 as well."""
    lab.kubectl("apply", "-f", "-", input=PROBE)
    try:
        lab.wait(
            "the probe is done", lambda: lab.get("pod", "dns-probe")["status"]["phase"] in ("Succeeded", "Failed"), 60
        )
        return lab.kubectl("logs", "dns-probe").stdout
    finally:
        lab.kubectl("delete", "pod", "dns-probe", "--wait=false", "--grace-period=1")


def test_before_pods_cannot_pull_and_sandboxes_lack_pause(story):
    assert not any(pod["ready"] for pod in story.before["pods"])
    assert story.before["sandboxes"]["board-2"] == []


def test_first_run_heals_both_boards(story):
    assert len(story.after["pods"]) >= 3 and all(pod["ready"] for pod in story.after["pods"])
    assert {pod["node"] for pod in story.before["pods"]} == {"board-1", "board-2"}
    assert "All healthy." in story.first.text


def test_content_is_riscv64(story, lab):
    for board in (lab.server, lab.agent):
        info = json.loads(
            lab.exec(board, "k3s crictl inspecti docker.io/rancher/mirrored-coredns-coredns:1.9.1").stdout
        )
        assert info["info"]["imageSpec"]["architecture"] == "riscv64"


def test_coredns_answers_a_pod(story):
    assert "10.43.0.1" in story.answer.split("kubernetes.default.svc.cluster.local", 1)[1]


def test_check_mode_predicts_what_the_run_does(story):
    assert story.check.changes == story.first.changes
    assert len(story.check.changes) >= 7
    for action in ("riscv.k3s.crictl_image_pull", "riscv.k3s.crictl_image_tag"):
        predicted, real = story.check.results(action), story.first.results(action)
        assert set(predicted) == set(real) == {"board-1", "board-2"}
        for board in real:
            assert [(row["name"], row["changed"]) for row in predicted[board]["images"]] == [
                (row["name"], row["changed"]) for row in real[board]["images"]
            ]
    patch = "riscv.k3s.k3s_manifest_patch"
    assert story.check.results(patch)["board-1"]["diff"] == story.first.results(patch)["board-1"]["diff"]
    restart = "riscv.k3s.k3s_pod_restart"
    # Where every pod waits for its sandbox or is patched, none is restarted.
    predicted, real = [run.results(restart).get("board-1", {}).get("restarted") for run in (story.check, story.first)]
    assert predicted == real


def test_second_run_changes_nothing(story):
    assert story.second.changed == {"board-1": 0, "board-2": 0}


def test_after_an_upgrade_only_the_new_tags_are_done(story):
    assert all(story.upgraded.changed.values())
    tagged = story.upgraded.results("riscv.k3s.crictl_image_tag")
    for board, result in tagged.items():
        names = {row["name"].rpartition("/")[2] for row in result["images"]}
        assert {
            "mirrored-pause:3.10.2",
            "mirrored-coredns-coredns:1.14.6",
            "mirrored-metrics-server:v0.9.0",
        } <= names, board
        assert not any(name.endswith((":3.6", ":1.9.1", ":v0.5.2")) for name in names), board
    # The sources were fetched by the first run, but for the pause image of the board that had one under its stock name.
    pulled = story.upgraded.results("riscv.k3s.crictl_image_pull")
    assert {
        board: [row["name"].rpartition("/")[2] for row in result["images"]] for board, result in pulled.items()
    } == {"board-1": ["pause:1.0.0"]}
    assert not story.upgraded.results("ansible.builtin.service")
    assert story.settled.changed == {"board-1": 0, "board-2": 0}


def test_after_a_restart_of_k3s_there_is_nothing_to_do(story):
    assert story.restarted.changed == {"board-1": 0, "board-2": 0}
    assert "All healthy." in story.restarted.text


@pytest.fixture(name="counted")
def _counted(lab, story):
    """Counts what the boards are asked by ssh, and every process that this starts there."""
    for board in (lab.server, lab.agent):
        lab.exec(board, "touch /run/lab-count-processes; rm -f %s/*; : > %s" % (PROCESSES, SESSIONS))
    yield lab
    for board in (lab.server, lab.agent):
        lab.exec(board, "rm -f /run/lab-count-processes")


@pytest.fixture(name="without_python")
def _without_python(lab):
    """Takes Python away from the boards."""
    hide = "for p in /usr/bin/python3*; do mv $p $p.hidden; done"
    show = "for p in /usr/bin/python3*.hidden; do mv $p ${p%.hidden}; done"
    for board in (lab.server, lab.agent):
        lab.exec(board, hide)
    yield
    for board in (lab.server, lab.agent):
        lab.exec(board, show)


def program_of_k3s(line):
    """The name by which a line of strace starts k3s or one of its programs, None for another program."""
    path = line.split("execve(", 1)[1].split('"')[1]
    folder, dummy, name = path.rpartition("/")
    return name if folder.endswith("/data/current/bin") or name == "k3s" else None


def test_a_converged_run_is_one_command_a_board_and_no_python(counted, without_python):
    lab = counted
    assert lab.exec(lab.server, "command -v python3", check=False).returncode != 0
    assert play(lab, SITE).changed == {"board-1": 0, "board-2": 0}
    time.sleep(0.5)
    # Each is the start of a large program, which takes seconds on a slow board. They run side by side.
    of_k3s = {lab.server: ["ctr", "kubectl"], lab.agent: ["ctr"]}
    for board, expected in of_k3s.items():
        sessions = lab.read(board, SESSIONS).splitlines()
        assert len(sessions) == 1, sessions
        started = [
            line
            for line in lab.exec(board, "cat %s/*" % PROCESSES).stdout.splitlines()
            if "execve(" in line and line.rstrip().endswith("= 0")
        ]
        assert not [line for line in started if "python" in line.split("execve(", 1)[1].split(",")[0]]
        assert sorted(name for name in map(program_of_k3s, started) if name) == expected, started
        assert len(started) < 60
