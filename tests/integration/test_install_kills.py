# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at every step of install and of uninstall, on blank boards with OpenRC and with systemd. A run again ends as
one that nobody killed, and the run after that changes nothing.

The steps are read from the playbooks and their roles, so a new one is killed, too, or `test_no_step_is_forgotten`
fails.
"""

from __future__ import annotations

import os
import re

import pytest
from blank_lab import BlankLab
from runs import play
from steps import run_with, steps
from test_install import LEFT

YES = {"riscv_k3s_uninstall": True}
# Steps that no run on these boards takes, by a pattern, and why.
NOT_TAKEN = {
    r"binary : (Make a folder|Fetch)": "a program by URL; unit tests of the role binary",
    r"distribution's package": "a distribution that has one",
    r"with what else stands there|start : (Remove older|Leave this|Restart k3s so|Wait until k3s|Note what it)": (
        "boards on which k3s ran before; test_kills.py"
    ),
    r"install : (Tell what was not|Count)|Release the lease, since": "a wave that failed",
    r"fleet : (Remember what moves|Require open|Wait before the next|Try again)": "a gate that is not open yet",
    r"install : Ask$|servers that stay": "a question that is answered, and boards that are left out",
}
INSTALL, UNINSTALL = steps("install"), steps("uninstall")
TAKEN = {
    name: [step for step in found if not step.rescue and not any(re.search(one, step.name) for one in NOT_TAKEN)]
    for name, found in (("install", INSTALL), ("uninstall", UNINSTALL))
}


class KillLab(BlankLab):
    """A server with OpenRC and an agent with systemd."""

    own = {
        "RISCV_K3S_LAB_NAME": os.environ.get("RISCV_K3S_LAB_NAME", "riscv.k3s") + "-ikills",
        "RISCV_K3S_LAB_BOARDS": "server,agent",
    }


@pytest.fixture(name="blank", scope="module")
def _blank():
    lab = KillLab()
    lab.lab("up", "--blank")
    play(lab, "riscv.k3s.build_images")
    yield lab
    lab.lab("down", "--check")


@pytest.fixture(name="variables", scope="module")
def _variables(blank, tmp_path_factory):
    program = tmp_path_factory.mktemp("program") / "k3s"
    program.write_bytes(blank.binary("B"))
    return {
        "riscv_k3s_binary": str(program),
        "riscv_k3s_target_version": blank.versions["B"],
        # All that a first start may need takes part.
        "riscv_k3s_fixes": ["flag", "preload"],
        "riscv_k3s_server_config": {"disable": ["traefik", "servicelb"]},
        "riscv_k3s_lock_file": "",
    }


def kill_in_turn(blank, folder, playbook, variables):
    """Runs that are killed one after the other, each at the next step that acts, on the boards as the one before left
    them. Returns the steps at which one was killed.
    """
    done = []
    for step in TAKEN[playbook]:
        if step.acts:
            seen = run_with(blank, folder, playbook, step=step.name, delay=0.3, **variables)
            assert "Traceback" not in seen.run.text, seen.run.text
            assert seen.run.rc in ((-9, 137) if seen.done else (0,)), seen.run.text
            done += [step.name] if seen.done else []
            if not seen.done and playbook == "install":
                # It has nothing left to do there: from the beginning.
                assert run_with(blank, folder, "uninstall", **variables, **YES).run.rc == 0
                seen = run_with(blank, folder, playbook, step=step.name, delay=0.3, **variables)
                done += [step.name] if seen.done else []
    return done


@pytest.mark.slow
def test_killed_at_each_step_of_install(blank, variables, tmp_path, capsys):
    done = kill_in_turn(blank, tmp_path, "install", variables)
    healed = run_with(blank, tmp_path, "install", **variables)
    assert healed.run.rc == 0, healed.run.text
    again = run_with(blank, tmp_path, "install", **variables)
    assert again.run.changed == {"board-1": 0, "board-2": 0}, again.run.text
    for name, board in (("board-1", "board-1"), ("board-2", "board-2")):
        blank.wait_for_node(name, blank.versions["B"])
        assert blank.exec(board, "ls /tmp /root | grep -i k3s", check=False).stdout == ""
    healthy = run_with(blank, tmp_path, "site", **variables)
    assert "All healthy." in healthy.run.text, healthy.run.text
    with capsys.disabled():
        print("\n%d runs of install killed, one after the other" % len(done))
    assert {"riscv.k3s.install : Write config.yaml", "riscv.k3s.start : Place the archive"} <= set(done)


@pytest.mark.slow
def test_killed_at_each_step_of_uninstall(blank, variables, tmp_path, capsys):
    given = dict(variables, **YES)
    assert run_with(blank, tmp_path, "install", **variables).run.rc == 0
    done = kill_in_turn(blank, tmp_path, "uninstall", given)
    ended = run_with(blank, tmp_path, "uninstall", **given)
    assert ended.run.rc == 0, ended.run.text
    again = run_with(blank, tmp_path, "uninstall", **given)
    assert again.run.changed == {"board-1": 0, "board-2": 0}, again.run.text
    # A run that was killed right before its last step leaves two folders that are empty.
    empty = {"/etc/rancher/k3s", "/var/lib/rancher/k3s"}
    left = {board: set(blank.exec(board, LEFT).stdout.split()) - empty for board in ("board-1", "board-2")}
    assert left == {"board-1": set(), "board-2": set()}
    with capsys.disabled():
        print("\n%d runs of uninstall killed, one after the other" % len(done))
    assert "riscv.k3s.install : Remove what it leaves" in done


@pytest.mark.slow
def test_no_step_is_forgotten(blank, variables, tmp_path):
    """A run of each takes every step that is killed above, and every other step has its reason."""
    everything = INSTALL + UNINSTALL
    assert [reason for reason in NOT_TAKEN if not any(re.search(reason, step.name) for step in everything)] == []
    for playbook in ("install", "uninstall"):
        seen = run_with(blank, tmp_path, playbook, **variables, **YES)
        assert seen.run.rc == 0, seen.run.text
        assert [step.name for step in TAKEN[playbook] if step.name not in seen.began] == []
