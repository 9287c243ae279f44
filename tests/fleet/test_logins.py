# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Boards whose users log in with a shell that is none of POSIX: each playbook says there what it says behind sh."""

from __future__ import annotations

import re
import shutil

import pytest
from prerequisites import missing

SHELLS = ("fish", "tcsh")
# Each that looks at boards. In check mode where it would change what the next one looks at.
PLAYBOOKS = {
    "plan": (),
    "diagnose": (),
    "prepare": ("--check",),
    "undo": ("--check",),
    "upgrade_check": ("-e", "riscv_k3s_next_version=v1.30.1+k3s1"),
    "uninstall": ("--check",),
    "install": ("--check",),
    "site": (),
}


@pytest.fixture(name="fleet", scope="module")
def _fleet(make_fleet):
    fleet = make_fleet(servers=1, agents=1)
    fleet.play(check=0)
    return fleet


def said(run, folder):
    """What a run says, without what differs from run to run."""
    text = re.sub(r"(?m)^(PLAY RECAP|TASK|PLAY) .*$", "", run.text).replace(str(folder), "FOLDER")
    lines = re.sub(r"[0-9]+(\.[0-9]+)?|[0-9a-f]{8,}", "N", text).replace(",", " ").splitlines()
    # Boards answer in any order, and are listed in that.
    return sorted(" ".join(sorted(line.split())) for line in lines)


@pytest.mark.parametrize(
    "playbook",
    [pytest.param(name, marks=[] if name in ("site", "diagnose") else pytest.mark.slow) for name in PLAYBOOKS],
)
def test_each_playbook_behind_each_shell(fleet, playbook):
    def play():
        run = fleet.play(*PLAYBOOKS[playbook], playbook="riscv.k3s." + playbook)
        return run.rc, run.changed, said(run, fleet.folder)

    behind_sh = play()
    assert all(fleet.commands().values())
    for shell in SHELLS:
        path = shutil.which(shell) or missing("%s is not there: tools/unit-programs installs it" % shell)
        for name in fleet.boards:
            (fleet.folder / "boards" / name / "login").write_text("%s\n" % path, encoding="utf-8")
        assert play() == behind_sh, shell
    for name in fleet.boards:
        (fleet.folder / "boards" / name / "login").unlink()
