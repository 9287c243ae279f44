# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a run, from the events of a first run of site on the lab, and from made-up ones."""

from __future__ import annotations

import json

import pytest
from fakes import read

from ansible_collections.riscv.k3s.plugins.plugin_utils._report.progress import RunReport, duration, reason, waits_for

EVENTS = json.loads(read("run_report.json"))
HIDDEN = {"_ansible_no_log": True, "censored": "the output has been hidden", "changed": True, "msg": "hunter2"}


def replay(events, until=1000):
    """A report that heard of the events up to a moment."""
    report = RunReport()
    for moment, event, step, name, action, board, result in events:
        if moment > until:
            break
        if event == "start":
            report.begin(step, name, board, moment)
        elif event == "retry":
            report.retry(step, board, result)
        else:
            report.end(step, board, moment, action, result, event, "_ansible_delegated_vars" in result)
    return report


def test_end_of_a_run():
    assert replay(EVENTS).lines(66.4) == [
        "BOARD    CHANGED  PULLED   TAGGED  PATCHED  PODS READY  RESULT",
        "board-1  5        53.2 MB  5       2        -           ok",
        "board-2  4        53.8 MB  5       -        3 of 3      ok",
        "",
        "It took 1 min 06 s. The slowest steps:",
        "    19 s  manifests : Patch packaged manifests (19 s on board-1)",
        "    17 s  registries : Restart k3s so that it reads its files, 2 times (13 s on board-1)",
        "   8.4 s  health : Wait until everything is Ready (8.4 s on board-1)",
        "   7.1 s  images : Pull the sources (7.1 s on board-2)",
        "   5.9 s  registries : Write registries.yaml (5.9 s on board-1)",
    ]


@pytest.mark.parametrize(
    "moment, now, line",
    [
        (28.1, 28.5, None),
        (28.1, 31.2, "Pull the sources: board-1, board-2, 3 s"),
        (34.0, 34.9, "Pull the sources: board-2, 6 s, 1 done"),
        (
            59.0,
            61.0,
            "Wait until everything is Ready: board-1, 3 s, waits for metrics-server-655677c4dd-tkr9x (Running)",
        ),
        (66.4, 99.0, None),
    ],
)
def test_progress(moment, now, line):
    assert replay(EVENTS, moment).progress(now) == line


def test_progress_names_a_few_of_many_boards():
    report = RunReport()
    for number in range(10):
        report.begin("step", "Pull", "board-%d" % number, 0)
    report.end("step", "board-0", 1, "riscv.k3s.crictl_image_pull", {})
    assert report.progress(65) == "Pull: board-1, board-2, board-3 and 6 more, 1 min 05 s, 1 done"


def ended(action, result, status="ok", failed=()):
    report = RunReport()
    report.begin("step", "do : It", "board-1", 0)
    report.end("step", "board-1", 0.5, action, result, status)
    return report.lines(1, failed)[:2]


@pytest.mark.parametrize(
    "action, result, head, row",
    [
        ("ansible.builtin.copy", {"changed": True}, "CHANGED RESULT", "1 ok"),
        ("ansible.builtin.copy", HIDDEN, "CHANGED RESULT", "1 ok"),
        ("riscv.k3s.crictl_image_pull", {"downloaded": 999}, "CHANGED PULLED RESULT", "0 999 B ok"),
        # Check mode does not know how much.
        ("riscv.k3s.crictl_image_pull", {"downloaded": None}, "CHANGED PULLED RESULT", "0 0 B ok"),
        (
            "riscv.k3s.crictl_image_tag",
            {"images": [{"changed": True}, {"changed": False}]},
            "CHANGED TAGGED RESULT",
            "0 1 ok",
        ),
        ("riscv.k3s.crictl_image_tag", dict(HIDDEN, images=[{"changed": True}]), "CHANGED RESULT", "1 ok"),
        ("riscv.k3s.k3s_pod_restart", {"restarted": [{}, {}], "changed": True}, "CHANGED RESTARTED RESULT", "1 2 ok"),
        (
            "riscv.k3s.oci_image_build",
            {"changed": True, "results": [{"changed": one} for one in (True, False, True)]},
            "CHANGED BUILT RESULT",
            "1 2 ok",
        ),
        # Tried in check mode, which changes nothing.
        (
            "riscv.k3s.k3s_manifest_patch",
            {"changed": False, "files": [{"changed": True}]},
            "CHANGED PATCHED RESULT",
            "0 0 ok",
        ),
        ("other.crictl_image_tag", {"images": [{"changed": True}], "changed": True}, "CHANGED RESULT", "1 ok"),
    ],
)
def test_columns_follow_the_modules(action, result, head, row):
    lines = ended(action, result)
    assert [" ".join(line.split()) for line in lines] == ["BOARD " + head, "board-1 " + row]


@pytest.mark.parametrize(
    "status, result, failed, told",
    [
        ("failed", {"msg": "it\nis broken"}, ["board-1"], "FAILED in do : It: it is broken"),
        ("failed", dict(HIDDEN), ["board-1"], "FAILED in do : It: its result is hidden by no_log"),
        ("unreachable", {"msg": "no route"}, ["board-1"], "UNREACHABLE: no route"),
        # A failure that was rescued or ignored is none in the end.
        ("failed", {"msg": "it is broken"}, [], "ok"),
        ("ignored", {"msg": "it is broken"}, ["board-1"], "FAILED"),
    ],
)
def test_what_failed(status, result, failed, told):
    assert ended("ansible.builtin.command", result, status, failed)[1].split("  ")[-1] == told


def test_ready_pods_are_counted_by_the_node_of_a_board():
    report = RunReport()
    report.end(0, "vf-1", 0, "ansible.builtin.copy", {"changed": True})
    pods = [
        {"namespace": "kube-system", "node": "visionfive", "phase": "Running", "ready": ready}
        for ready in (True, False)
    ]
    pods += [dict(pods[0], namespace="default"), dict(pods[0], phase="Succeeded"), dict(pods[0], node="another")]
    api = {"reachable": True, "pods": pods}
    report.end(1, "vf-1", 0, "riscv.k3s.k3s_info", {"hostname": "VisionFive", "config": {}, "api": api})
    report.end(2, "vf-2", 0, "riscv.k3s.k3s_info", {"hostname": "vf", "config": {"node-name": "second"}})
    # Asked of another board for this one: it does not say what this one is called.
    report.end(3, "vf-3", 0, "riscv.k3s.k3s_info", {"hostname": "VisionFive", "api": api}, delegated=True)
    assert [line.split()[2:] for line in report.lines(0)[:4]] == [
        ["PODS", "READY", "RESULT"],
        ["1", "of", "2", "ok"],
        ["-", "ok"],
        ["-", "ok"],
    ]


LOOKED = {"hostname": "a", "config": {}}
POD = {"namespace": "kube-system", "node": "a", "phase": "Running", "ready": True}
ANSWER = {"reachable": True, "pods": [POD]}


def test_a_delegated_loop_does_not_say_what_its_board_is_called():
    """With --limit one board asks all servers; it was then counted as the last of them."""
    report = RunReport()
    report.end(0, "board-a", 0, "ansible.builtin.copy", {"changed": True})
    report.end(1, "board-a", 0, "riscv.k3s.k3s_info", LOOKED)
    server = {"hostname": "b", "config": {}, "api": ANSWER, "_ansible_delegated_vars": {"ansible_host": "b"}}
    report.end(2, "board-a", 0, "riscv.k3s.k3s_info", {"results": [server]})
    assert report.lines(0)[1].split() == ["board-a", "1", "1", "of", "1", "ok"]


def test_what_was_seen_before_a_change_is_not_told_as_what_is():
    """As after undo, which does not wait for the pods that it restarts."""
    report = RunReport()
    report.end(1, "a", 0, "riscv.k3s.k3s_info", dict(LOOKED, api=ANSWER))
    report.end(2, "a", 0, "riscv.k3s.k3s_pod_restart", {"changed": True, "restarted": [{}]})
    assert report.lines(0)[0].split() == ["BOARD", "CHANGED", "RESTARTED", "RESULT"]
    assert "PODS READY" in report.lines(0, check=True)[0], "check mode changes nothing"
    report.end(3, "a", 0, "riscv.k3s.k3s_wait", dict(LOOKED, api=ANSWER))
    assert "PODS READY" in report.lines(0)[0]


def test_a_step_of_several_waves_took_no_time_between_them():
    report = RunReport()
    for begun, board in ((0, "a"), (30, "b")):
        report.begin("step", "Judge", board, begun)
        report.end("step", board, begun + 2, "ansible.builtin.debug", {"changed": True})
    assert report.lines(40)[-1].lstrip().startswith("4 s  Judge (2 s on ")


def test_check_mode_says_would():
    assert replay(EVENTS).lines(66.4, check=True)[0].startswith("BOARD    WOULD CHANGE  PULLED")


def test_run_without_any_result_has_no_report():
    assert RunReport().lines(0) == [] and RunReport().progress(0) is None


def test_quick_run_lists_no_steps():
    report = RunReport()
    report.begin(1, "Quick", "board-1", 5)
    report.end(1, "board-1", 5.2, "ansible.builtin.copy", {"changed": True})
    assert report.lines(5.3)[2:] == ["", "It took 0.3 s."]


def test_a_run_that_changed_nothing_takes_one_line():
    report = RunReport()
    for number in range(20):
        report.begin(1, "Look", "board-%d" % number, 5)
        report.end(1, "board-%d" % number, 9, "riscv.k3s.k3s_info", LOOKED)
    assert report.lines(9) == ["It took 4 s. Nothing was changed."]
    assert report.lines(9, check=True) == ["It took 4 s. Nothing would change."]
    assert len(report.lines(9, failed=["board-3"])) > 20


@pytest.mark.parametrize(
    "result, text",
    [
        ({"msg": "x"}, ""),
        (dict(HIDDEN, k3s={"running": False}), ""),
        ({"k3s": {"running": False}}, "containerd, which does not answer"),
        ({"k3s": {"running": True}, "api": {"reachable": False, "error": "refused"}}, "the API, which does not answer"),
        (
            {
                "api": {
                    "reachable": True,
                    "nodes": [{"name": "a", "ready": False}, {"name": "b", "ready": False}],
                    "pods": [],
                }
            },
            "node a and 1 more",
        ),
        ({"api": {"reachable": True, "nodes": [], "pods": []}}, ""),
    ],
)
def test_what_is_waited_for(result, text):
    assert waits_for(result) == text


@pytest.mark.parametrize(
    "result, text",
    [
        (
            {"msg": "One or more items failed", "results": [{"msg": "fine"}, {"failed": True, "msg": "that one"}]},
            "that one",
        ),
        ({"msg": "One or more items failed", "results": [dict(HIDDEN, failed=True)]}, "its result is hidden by no_log"),
        ({}, "it did not say why"),
        ({"msg": ["one", "two"]}, "one; two"),
        ({"msg": "\x1b[2J" + "x" * 300}, "\\x1b[2J" + "x" * 152 + "…"),
    ],
)
def test_reason_is_one_line_that_a_terminal_does_not_obey(result, text):
    assert reason(result) == text


@pytest.mark.parametrize(
    "seconds, text",
    [(0.44, "0.4 s"), (3, "3 s"), (9.97, "10 s"), (59.4, "59 s"), (60, "1 min 00 s"), (7620, "2 h 07 min")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text
