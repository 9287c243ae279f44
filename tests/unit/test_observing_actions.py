# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugins k3s_info and cri_sandbox_info, whose connection is a shell in a temporary folder."""

import functools
import importlib
import json
import subprocess
from unittest import mock

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from fake_board import TOKEN, FakeBoard
from records import record

from ansible_collections.riscv.k3s.plugins.action import cri_sandbox_info, k3s_info
from ansible_collections.riscv.k3s.plugins.module_utils._output import api_query
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe import action as _action
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import PROGRAM_TIMEOUT
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import EXTRAS, PARTS

SANDBOX = {
    "id": "s1",
    "metadata": {"name": "coredns-x", "uid": "u1", "namespace": "kube-system", "attempt": 0},
    "state": "SANDBOX_READY",
    "createdAt": "1700000000123456789",
    "labels": {"k8s-app": "kube-dns"},
}
POD = record(
    api_query.POD,
    "%s",
    namespace="kube-system",
    name="coredns-x",
    uid="u1",
    created="t",
    node="board-1",
    phase="Pending",
    address="10.42.0.2",
    names="coredns",
    images="a:1",
)


@pytest.fixture
def board(tmp_path, monkeypatch):
    board = FakeBoard(tmp_path)
    folders = {"path": str(tmp_path / "bin"), "proc": str(tmp_path / "proc"), "units": [str(tmp_path / "units")]}
    etc = str(board.etc)
    monkeypatch.setattr(_action, "build_script", functools.partial(_action.build_script, etc=etc, **folders))
    monkeypatch.setattr(_action, "other_paths", functools.partial(_action.other_paths, etc=etc))
    monkeypatch.setattr(_action.secrets, "token_hex", lambda length: TOKEN.rpartition("-")[2])
    board.answer("crictl pods", json.dumps({"items": [SANDBOX]}))
    return board


@pytest.fixture
def run(board):
    def run(plugin, check_mode=False, output=None, **args):
        args.setdefault("data_dir", str(board.data))
        task = mock.Mock(args=args, async_val=0, check_mode=check_mode, diff=False)
        action = plugin.ActionModule(task, mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock())
        run.commands = []

        def low_level(command, executable):
            run.commands.append(command)
            done = subprocess.run([executable, "-c", command], capture_output=True, text=True, check=False)
            return {
                "rc": done.returncode,
                "stdout": done.stdout if output is None else "",
                "stderr": done.stderr if output is None else output,
            }

        action._low_level_execute_command = low_level
        return action.run(task_vars={})

    return run


@pytest.mark.parametrize("check_mode", [False, True])
def test_k3s_info(run, check_mode):
    result = run(k3s_info, check_mode)
    assert result["changed"] is False and "failed" not in result
    assert {
        "k3s",
        "containerd",
        "config",
        "registries",
        "manifests",
        "demand",
        "images",
        "disk",
        "sandboxes",
        "containers",
        "errors",
    } <= set(result)
    assert len(run.commands) == 1


@pytest.mark.parametrize(
    "row, version, looks",
    [
        ({"ready": "True"}, "v1.23.1+k3s1", 1),
        # It tells the past: a kubelet that does not reach the API says nothing of what was put there meanwhile.
        ({"ready": "Unknown"}, "v1.24.2+k3s2", 2),
        ({"ready": "True", "kubelet": "\x1b[2J"}, "v1.24.2+k3s2", 2),
        ({"ready": "True", "boot_id": "of another"}, "v1.24.2+k3s2", 2),
    ],
)
def test_a_board_tells_its_version_itself_where_its_node_does_not(board, run, row, version, looks):
    board.k3s()
    board.file("data/agent/etc/containerd/config.toml", "")
    board.file("etc/k3s.yaml", "")
    known = {"boot_id": "0b7a5b5c-7a0f-4b62-8f9e-2a64c2f3b7d1", "kubelet": "v1.23.1+k3s1", "env": "{}"}
    board.answer("kubectl", record(api_query.NODE, TOKEN, **dict(known, **dict(row, name="board-1"))))
    seen = run(k3s_info, gather=["k3s", "config", "images", "api"], versions=False)
    assert (seen["k3s"]["version"], len(run.commands)) == (version, looks)


def test_an_empty_text_is_an_option_that_is_not_given(board, run):
    """Questions of a survey that nobody answered."""
    empty = run(k3s_info, gather=["k3s"], architecture="", program_timeout=" ", k3s="")
    assert empty == run(k3s_info, gather=["k3s"]) and "failed" not in empty


def test_gather(run):
    assert {"k3s", "images"}.isdisjoint(run(k3s_info, gather=["disk"]))


def test_data_dir_of_the_config(board, run):
    board.file("etc/config.yaml", "data-dir: %s\n" % board.data)
    assert run(k3s_info, data_dir=None, gather=["disk"])["data_dir"] == str(board.data)


@pytest.mark.parametrize("args", [{"gather": ["everything"]}, {"api": "yes please"}, {"unknown": 1}])
def test_bad_options(run, args):
    with pytest.raises(AnsibleActionFail):
        run(k3s_info, **args)


@pytest.mark.parametrize("plugin", [k3s_info, cri_sandbox_info])
def test_program_that_does_not_finish_in_time(board, run, plugin):
    board.program("k3s", "#!/bin/sh\nexec sleep 20\n")
    result = run(plugin, program_timeout=1, api="never")
    told = "; ".join(error["message"] for error in result["errors"]) if "errors" in result else result["found"]
    assert "it did not finish within 1 s" in told


@pytest.mark.parametrize("plugin", [k3s_info, cri_sandbox_info])
def test_program_timeout_of_nothing(run, plugin):
    result = run(plugin, program_timeout=0)
    assert result["failed"] and result["what"] == "program_timeout is less than a second" and not run.commands


@pytest.mark.parametrize("name", ["k3s_info", "cri_sandbox_info"])
def test_program_timeout_is_documented(name):
    module = importlib.import_module("ansible_collections.riscv.k3s.plugins.modules." + name)
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]["program_timeout"]
    assert (documented["type"], documented["default"]) == ("int", PROGRAM_TIMEOUT)


@pytest.mark.parametrize("plugin", [k3s_info, cri_sandbox_info])
def test_problem_is_one_clear_failure(board, run, plugin):
    (board.home / "bin/k3s").unlink()
    result = run(plugin)
    assert result["failed"] and not result["changed"]
    assert (result["what"], result["where"]) == ("k3s was not found on this board", "Board-1")
    assert result["msg"].startswith("k3s was not found on this board. Found: ")
    assert result["next_step"].startswith("install k3s first")


def test_board_that_runs_no_shell(run):
    result = run(k3s_info, output="exec: sh: not found")
    assert result["failed"] and result["found"] == "exec: sh: not found"


def test_every_part_is_documented():
    assert k3s_info.ActionModule.OPTIONS["gather"]["choices"] == ["all", *PARTS, *EXTRAS]


def test_cri_sandbox_info_of_an_agent(run):
    result = run(cri_sandbox_info)
    (pod,) = result["pods"]
    assert (pod["uid"], pod["sandbox_id"], pod["api"], pod["relation"]) == ("u1", "s1", None, None)
    assert "api" not in result and result["hostname"] == "Board-1" and len(result["sandboxes"]) == 1


def test_cri_sandbox_info_shows_how_containers_ended(board, run):
    row = {
        "id": "c1",
        "podSandboxId": "s1",
        "metadata": {"name": "main", "attempt": 0},
        "image": {"image": "a:1"},
        "imageRef": "a:1",
    }
    row.update(
        state="CONTAINER_EXITED", createdAt="1700000000123456789", labels={"io.kubernetes.container.name": "main"}
    )
    board.answer("crictl pods", json.dumps({"items": [SANDBOX]}, indent=2))
    board.answer("crictl ps", json.dumps({"containers": [row]}, indent=2))
    board.answer("crictl logs --tail 15 c1", "no config, password=hunter2\n")
    board.answer("crictl inspect -o", "container\tc1\t3\t2026-11-25T00:22:51.3Z\tError\n\n")
    (pod,) = run(cri_sandbox_info)["pods"]
    (container,) = pod["containers"]
    assert (container["state"], container["exit_code"], container["reason"], container["log"]) == (
        "exited",
        3,
        "Error",
        ["no config, password=…"],
    )


def test_cri_sandbox_info_of_a_server(board, run):
    board.file("etc/k3s.yaml", "")
    board.answer("kubectl", POD % TOKEN)
    board.answer("kubectl --request-timeout=20s get events", "%s Event\tu1\tFailed\tt\tno such image\n" % TOKEN)
    (pod,) = run(cri_sandbox_info)["pods"]
    assert (pod["relation"], pod["api"]["phase"], pod["cause"], pod["node"]) == (
        "matched",
        "Pending",
        "Failed: no such image",
        "board-1",
    )


@pytest.mark.parametrize(
    "args, found",
    [({"labels": {"k8s-app": "x"}}, 0), ({"name": "coredns-x", "states": ["ready"]}, 1), ({"namespace": "default"}, 0)],
)
def test_cri_sandbox_info_selects(run, args, found):
    assert len(run(cri_sandbox_info, **args)["pods"]) == found


def test_cri_sandbox_info_of_a_stopped_board(board, run):
    board.answer("crictl pods", err="connection refused", rc=1)
    result = run(cri_sandbox_info)
    assert result["failed"] and result["found"] == "pods: connection refused"
