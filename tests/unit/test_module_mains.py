# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mains of modules whose work is tested apart from them: options go in, a problem comes out as a failure with its
parts.
"""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import k3s_manifest_patch, k3s_pod_restart

PATCH = {
    "manifest": "coredns.yaml",
    "kind": "Deployment",
    "name": "coredns",
    "container": "coredns",
    "command": ["/coredns"],
}


@pytest.fixture(autouse=True)
def _on_a_board(monkeypatch):
    """Ansible's own code takes this process for a controller once any test has imported a filter or an action."""
    monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)


def run_main(module, arguments, capsys):
    with patch_module_args(arguments), pytest.raises(SystemExit) as caught:
        module.main()
    return caught.value.code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    "module, arguments",
    [(k3s_manifest_patch, {"patches": [PATCH]}), (k3s_pod_restart, {"pods": ["kube-system/coredns-1"]})],
)
def test_a_problem_is_a_failure_with_its_parts(module, arguments, monkeypatch, capsys):
    def refuse(params):
        raise Problem("this needs root on the board", found="user id 1000", next_step="set become: true")

    monkeypatch.setattr(module, "Programs", refuse)
    code, result = run_main(module, arguments, capsys)
    assert (code, result["failed"], result["what"], result["next_step"]) == (
        1,
        True,
        "this needs root on the board",
        "set become: true",
    )
    assert result["msg"] == "this needs root on the board. Found: user id 1000. Next: set become: true."


@pytest.mark.parametrize(
    "module, arguments, message",
    [
        (k3s_manifest_patch, {}, "patches"),
        (k3s_manifest_patch, {"patches": [dict(PATCH, image_pull_policy="Sometimes")]}, "image_pull_policy"),
        (k3s_manifest_patch, {"patches": [PATCH], "mode": "beside"}, "mode"),
        (k3s_pod_restart, {"timeout": "soon"}, "timeout"),
    ],
)
def test_options_are_checked(module, arguments, message, capsys):
    code, result = run_main(module, arguments, capsys)
    assert code == 1 and message in result["msg"]


def test_options_reach_the_work_and_its_result_comes_out(monkeypatch, capsys):
    seen = {}

    def work(params, check_mode, programs, kube):
        seen.update(params, check_mode=check_mode)
        return {"changed": True, "files": [], "warnings": ["it is late"]}

    monkeypatch.setattr(k3s_manifest_patch, "Programs", lambda params: None)
    monkeypatch.setattr(k3s_manifest_patch, "run", work)
    code, result = run_main(k3s_manifest_patch, {"patches": [PATCH], "_ansible_check_mode": True}, capsys)
    assert (code, result["changed"]) == (0, True)
    assert "it is late" in json.dumps(result["warnings"])
    assert (seen["check_mode"], seen["mode"], seen["state"], seen["patches"][0]["command"]) == (
        True,
        "overlay",
        "present",
        ["/coredns"],
    )
