# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at every step of site. A run again ends healthy, and the run after that changes nothing.

The steps are read from the playbook and its roles, so a new one is killed, too, or `test_no_step_is_forgotten` fails.
"""

from __future__ import annotations

import re

import modules
import pytest
from runs import ROOT, play
from steps import run_with, steps

# Of somebody before us, on the agent. A run must look at it closer, and is told to keep what it holds.
SOMEBODYS = "mirrors: {example.com: {endpoint: ['http://127.0.0.1:9']}}\n"
# Two ways to heal, which together take every step.
WAYS = {
    "tag": {"riscv_k3s_fixes": ["tag"], "riscv_k3s_registries_merge": True},
    # The pause image's name stands in an own file of settings.
    "preload": {"riscv_k3s_fixes": ["flag", "preload"], "riscv_k3s_registries_merge": True},
}
# Steps that no healing run takes, by a pattern, and why.
NOT_TAKEN = {
    r"fleet : (Show how|Count|End the run)|undo : |Take back what was|Restart k3s, which": "a wave that failed; "
    "test_waves.py and test_undo.py",
    r"fleet : (Remember what moves|Require open|Wait before the next|Try again)": "a gate that is not open yet",
    r"manifests : Take back|start : Remove|images : Unpin": "what is wanted no more; test_undo.py",
    r"start : Leave this server": "a server that is lost; test_waves.py",
}
ALL = steps("site")
TAKEN = [step for step in ALL if not step.rescue and not any(re.search(pattern, step.name) for pattern in NOT_TAKEN)]
ACTING = [step for step in TAKEN if step.acts]
# What the way "tag" has to do on the lab, the end of the run last, whatever names it first.
TAGGING = sorted(
    (step for step in ACTING if not re.search("archive|settings|Forget|to be placed", step.name)),
    key=lambda step: "Release" in step.name,
)
# Ends every ssh session of the agent.
END_SESSIONS = [
    str(ROOT / "tests/lab/lab"),
    "exec",
    "board-2",
    "--",
    "sh",
    "-c",
    "for pid in $(pgrep -f '^sshd: root'); do kill -9 $pid; done",
]


@pytest.fixture(scope="module", autouse=True)
def _afterwards(lab):
    yield
    lab.lab("reset")


@pytest.fixture(name="broken")
def _broken(lab):
    start_anew(lab)


def start_anew(lab):
    lab.lab("reset")
    play(lab, "riscv.k3s.build_images")
    lab.write(lab.agent, modules.REGISTRIES, SOMEBODYS)


def assert_heals(lab, folder, way):
    healed = run_with(lab, folder, "site", **WAYS[way])
    assert healed.run.rc == 0 and "All healthy." in healed.run.text, healed.run.text
    again = run_with(lab, folder, "site", **WAYS[way])
    assert again.run.changed == {"board-1": 0, "board-2": 0}, again.run.text


def kill_in_turn(lab, folder, way, chosen, delays):
    """Runs of site, each killed at one of the chosen steps, on the boards as the one before left them. Returns the
    steps at which one was killed.

    A run that has nothing left to do at a step is not killed, and heals; then the boards are broken anew, once for each
    step.
    """
    done = []
    for step in chosen:
        for delay in delays:
            seen = run_with(lab, folder, "site", step=step.name, delay=delay, **WAYS[way])
            if not seen.done and delay == delays[0]:
                start_anew(lab)
                seen = run_with(lab, folder, "site", step=step.name, delay=delay, **WAYS[way])
            assert "Traceback" not in seen.run.text, seen.run.text
            if not seen.done:
                start_anew(lab)
                break
            assert seen.run.rc in (-9, 137), seen.run.text
            done.append(step.name)
    return done


def show(capsys, done, way):
    with capsys.disabled():
        print("\n%d runs killed at %d steps, one after the other (%s)" % (len(done), len(set(done)), way))


@pytest.mark.slow
def test_killed_at_each_step_that_acts(lab, broken, tmp_path, capsys):
    """At its begin, and in its midst."""
    done = kill_in_turn(lab, tmp_path, "tag", TAGGING, [0, 0.7])
    assert_heals(lab, tmp_path, "tag")
    show(capsys, done, "tag")
    wanted = (
        "images : Pull the sources",
        "manifests : Patch packaged manifests",
        "fleet : Take the lease",
    )
    assert {"riscv.k3s." + name for name in wanted} <= set(done)


def test_killed_once_each(lab, broken, tmp_path, capsys):
    """At three of these steps, in their midst."""
    wanted = ("images : Pull the sources", "images : Tag them with", "manifests : Patch packaged manifests")
    chosen = [step for step in TAGGING if any(name in step.name for name in wanted)]
    done = kill_in_turn(lab, tmp_path, "tag", chosen, [0.7])
    assert_heals(lab, tmp_path, "tag")
    show(capsys, done, "tag")
    assert len(done) == len(chosen) == 3


@pytest.mark.slow
@pytest.mark.parametrize("step", ["images : Pull the sources", "images : Tag them with the stock names, and pin those"])
def test_ssh_sessions_end_under_a_step(lab, broken, tmp_path, step):
    seen = run_with(lab, tmp_path, "site", step="riscv.k3s." + step, command=END_SESSIONS, delay=0.7, **WAYS["tag"])
    assert seen.done and "Traceback" not in seen.run.text, seen.run.text
    assert_heals(lab, tmp_path, "tag")


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_killed_at_every_step(lab, broken, tmp_path, capsys, way):
    done = kill_in_turn(lab, tmp_path, way, TAKEN, [0])
    assert_heals(lab, tmp_path, way)
    show(capsys, done, way)
    assert len(done) >= 20, "the steps that a healing run takes"


@pytest.mark.slow
@pytest.mark.parametrize("step", [step.name for step in TAGGING])
def test_killed_once_and_run_again(lab, broken, tmp_path, step):
    seen = run_with(lab, tmp_path, "site", step=step, **WAYS["tag"])
    assert seen.done, "%s did not begin" % step
    assert_heals(lab, tmp_path, "tag")


@pytest.mark.slow
def test_no_step_is_forgotten(lab, broken, tmp_path):
    """Healing runs take every step that is killed above, and every other step has its reason, which no reason
    outlives.
    """
    assert [reason for reason in NOT_TAKEN if not any(re.search(reason, step.name) for step in ALL)] == []
    taken = set()
    for number, way in enumerate(WAYS):
        if number:
            start_anew(lab)
        seen = run_with(lab, tmp_path, "site", **WAYS[way])
        assert seen.run.rc == 0, seen.run.text
        taken |= set(seen.began)
    assert [step.name for step in TAKEN if step.name not in taken] == []
