# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin k3s_wait, whose connection is a shell in a temporary folder, and whose clock is a number."""

from __future__ import annotations

import functools
import subprocess
from unittest import mock

import pytest
from fake_board import IMAGES, TOKEN, FakeBoard
from records import record

from ansible_collections.riscv.k3s.plugins.action import k3s_wait
from ansible_collections.riscv.k3s.plugins.filter.patience import patience
from ansible_collections.riscv.k3s.plugins.module_utils._output import api_query
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.conditions import answers_missing
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe import action as _action
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.service_state import units
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.marks import marks

REFUSED = "connection refused"
DOCUMENT = {"settings": {"health_namespaces": ["kube-system"]}}
PAUSE = "docker.io/rancher/mirrored-pause:3.6"


@pytest.fixture(name="board")
def _board(tmp_path, monkeypatch):
    board = FakeBoard(tmp_path)
    folders = {"path": str(tmp_path / "bin"), "proc": str(tmp_path / "proc"), "units": [str(tmp_path / "units")]}
    etc = str(board.etc)
    monkeypatch.setattr(_action, "build_script", functools.partial(_action.build_script, etc=etc, **folders))
    monkeypatch.setattr(_action, "other_paths", functools.partial(_action.other_paths, etc=etc))
    monkeypatch.setattr(_action.secrets, "token_hex", lambda length: TOKEN.rpartition("-")[2])
    return board


@pytest.fixture(name="run")
def _run(board, monkeypatch):
    def run(condition, changes=None, timeout=10, took=0, **args):
        """``changes`` are functions that are called when their second has come."""
        todo, run.now, run.looks, run.told = sorted((changes or {}).items()), 0, [], []
        args.update(condition=condition, timeout=timeout, data_dir=str(board.data))
        task = mock.Mock(args=args, async_val=0, check_mode=False, diff=False)
        action = k3s_wait.ActionModule(task, mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock())

        def pass_time(seconds):
            run.now += seconds
            while todo and todo[0][0] <= run.now:
                todo.pop(0)[1]()

        def low_level(command, executable):
            run.looks.append(run.now)
            done = subprocess.run([executable, "-c", command], capture_output=True, text=True, check=False)
            pass_time(took)
            return {"rc": done.returncode, "stdout": done.stdout, "stderr": done.stderr}

        display = mock.Mock()
        display.display.side_effect = lambda text, stderr: run.told.append(text)
        monkeypatch.setattr(k3s_wait, "Display", lambda: display)
        action.clock, action.sleep = lambda: run.now, pass_time
        action._low_level_execute_command = low_level
        return action.run(task_vars={"k3s_run": DOCUMENT, "inventory_hostname": "b1"})

    return run


def down(board, message=REFUSED, rc=1):
    board.answer("ctr --namespace k8s.io version", err=message, rc=rc)


def up(board):
    FakeBoard.answer(board, "ctr --namespace k8s.io version", "Server:\n  Version:  v1.7.27\n")


def api(board, *records):
    """Records of what kubectl prints."""
    board.answer("kubectl", "".join(records))


def node(ready="True"):
    return record(api_query.NODE, TOKEN, name="b1", uid="uid-b1", ready=ready)


def event(**fields):
    return record(
        api_query.EVENT, TOKEN, **dict({"type": "Normal", "count": "1", "namespace": "kube-system"}, **fields)
    )


def test_what_holds_is_looked_at_once(run):
    result = run("answers")
    assert not result.get("failed") and result["looks"] == 1 and result["missing"] == [] and not run.now
    assert result["changed"] is False and result["k3s"]["running"] and "details" not in result


def test_it_is_waited_for(board, run):
    down(board)
    result = run("answers", {7: lambda: up(board)})
    assert not result.get("failed") and run.looks == [0, 3, 6, 9] and result["seconds"] == 9


def test_between_two_looks_is_as_long_as_the_last_one_took(board, run):
    down(board)
    run("answers", timeout=100, took=20)
    assert run.looks[:3] == [0, 40, 80]


def test_what_does_not_move_fails_with_what_was_seen_last(board, run):
    down(board)
    result = run("answers")
    assert result["failed"] and run.now == 10 and result["where"] == "Board-1"
    assert result["what"] == (
        "k3s does not answer as it should: nothing moved for 10 seconds (of 10 that it was waited for)"
    )
    assert result["found"] == "k3s does not run: " + REFUSED and "journalctl" in result["next_step"]
    assert result["missing"] == [result["found"]]


def test_what_moves_is_waited_for_beyond_the_time(board, run):
    api(board, node("False"))
    names = ["addon-%d" % number for number in range(9)]

    def move(count):
        api(board, node("False"), *(event(kind="Addon", name=name, reason="AppliedManifest") for name in names[:count]))

    changes = {8 * count: functools.partial(move, count) for count in range(1, 9)}
    changes[70] = lambda: api(board, node())
    result = run("healthy", changes, api="always")
    assert not result.get("failed") and run.now > 7 * 10
    assert run.told[0] == "WAITING: [b1] for 15 s: node b1 is not Ready" and len(run.told) == 1


def test_the_outer_limit(board, run):
    down(board)
    changes = {at: functools.partial(board.answer, "ctr --namespace k8s.io images ls", images(at)) for at in range(300)}
    plan = {"preload": {"images": []}, "architecture": "riscv64"}
    result = run("answers", changes, plan=plan)
    # The store is not asked while containerd does not answer, so nothing moves there.
    assert result["failed"] and run.now == 10
    up(board)
    plan["preload"]["images"] = [{"targets": ["docker.io/never/there:1"]}]
    result = run("answers", changes, plan=plan)
    assert result["failed"] and run.now == 100 and "the outer limit (10 times 10)" in result["msg"]


def images(number):
    return IMAGES + IMAGES.splitlines()[1].replace("mirrored-pause:3.6", "x:%d" % number) + "\n"


def test_what_an_archive_should_have_brought(run):
    plan = {"preload": {"images": [{"targets": [PAUSE, "docker.io/rancher/more:1"]}]}, "architecture": "riscv64"}
    result = run("answers", plan=plan)
    assert result["failed"] and "did not import the whole archive: docker.io/rancher/more:1" in result["found"]
    assert PAUSE not in result["found"]


def test_a_look_that_breaks_off_has_seen_nothing(board, run):
    board.program("id", "#!/bin/sh\necho 1000\n")
    result = run("answers", {6: lambda: board.program("id", "#!/bin/sh\necho 0\n")})
    assert not result.get("failed") and result["looks"] == 3
    board.program("id", "#!/bin/sh\necho 1000\n")
    result = run("answers")
    assert result["failed"] and "observing a board needs root there" in result["found"]


def test_a_kill_by_the_liveness_probe_is_named(board, run):
    about = {"namespace": "kube-system", "name": "coredns-x", "uid": "u1"}
    pod = record(api_query.POD, TOKEN, node="board-1", phase="Running", names="coredns", images="a:1", **about)
    said = event(kind="Pod", reason="Unhealthy", type="Warning", message="Liveness probe failed: timeout", **about)
    text = "Container coredns failed liveness probe, will be restarted"
    api(board, pod, said, event(kind="Pod", reason="Killing", count="3", message=text, **about))
    result = run("healthy", api="always")
    assert result["failed"] and "the cluster is not healthy: nothing moved" in result["what"]
    assert "pod kube-system/coredns-x on board-1 is not Ready" in result["found"]
    assert result["found"].endswith(
        "the kubelet killed container coredns of pod kube-system/coredns-x by its liveness probe 3 times: "
        "Liveness probe failed: timeout"
    )


MISSING = [
    ("did not finish in time", {"running": None}, "it is not known whether k3s runs: late", {}),
    ("down", {"running": False}, "k3s does not run: late", {}),
    ("starting", {"running": False}, "the service k3s is still starting: late", {"k3s": {"state": "activating"}}),
    ("failed", {"running": False}, "k3s does not run: late", {"k3s": {"state": "failed"}}),
]


@pytest.mark.parametrize("k3s, said, service", [row[1:] for row in MISSING], ids=[row[0] for row in MISSING])
def test_how_it_is_told_that_k3s_does_not_answer(k3s, said, service):
    errors = [{"section": "containerd", "rc": 1, "message": "late"}]
    assert answers_missing({"k3s": k3s, "errors": errors, "service_state": service}) == [said]


def test_a_program_that_is_late_is_not_down(board, run):
    board.program("k3s", "#!/bin/sh\nexec sleep 20\n")
    result = run("answers", timeout=0, program_timeout=1, api="never")
    assert result["k3s"]["running"] is None and "it is not known whether k3s runs" in result["found"]


@pytest.mark.parametrize(
    "text, found",
    [
        ("", {}),
        ("Restart=always\nNRestarts=2\nId=k3s.service\nActiveState=activating\nSubState=auto-restart\n", ("k3s", 2)),
        ("Id=k3s\nActiveState=starting\n\nId=k3s-agent\nActiveState=\n", ("k3s", 0)),
        ("Id=k3s.service\nActiveState=inactive\n", {}),
        ("NRestarts=²\nId=k3s\nActiveState=active", ("k3s", 0)),
    ],
)
def test_services(text, found):
    assert {name: row["restarts"] for name, row in units(text).items()} == dict([found] if found else [])


def test_a_service_that_goes_on_starting_is_progress():
    rows = [{"state": "activating", "sub_state": word, "restarts": 0} for word in ("start-pre", "start")]
    before, after = (marks({"service_state": {"k3s": row}}) for row in rows)
    assert before != after


def test_the_filter_of_the_gates():
    """It looks less often in time, so that a task that includes itself does not do so a thousand times."""
    state, now, looks = {}, 1000, 0
    while not state.get("over"):
        # Something new at each look.
        seen = {"images": [{"name": str(looks), "digest": ""}]}
        state, looks = patience(state, [seen, {}], 300, 5, now=now), looks + 1
        now += state["pause"]
    assert "the outer limit (10 times 300)" in state["over"] and looks < 70
    still = patience(patience({}, [{}], 30, 5, now=0), [{}], 30, 5, now=28)
    assert (still["over"], still["pause"], still["killed"]) == ("", 2, [])
    assert "nothing moved for 30 seconds" in patience(still, [{}], 30, 5, now=30)["over"]
