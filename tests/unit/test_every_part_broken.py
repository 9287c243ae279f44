# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every step of a look is broken in every way, on a server and on an agent: nothing is called healthy then."""

from __future__ import annotations

import pytest
from broken import WAYS, answer, read, recorded, told

STEPS = [
    "user", "board", "config", "version", "containerd", "stale", "pause", "texts", "merged", "registries_keys",
    "unread_config", "journal", "sums", "stats", "images", "preloads", "disk", "pods", "containers", "api",
]  # fmt: skip
# A step that says nothing says that nothing is there, as it does on a healthy board, too. The verdict does not need the
# journal: what a board holds is compared with what is wanted, whoever brought it.
MAY_BE_SILENT = ("stale", "merged", "journal", "preloads")
# What k3s could read of its files when it starts next says nothing of how it runs.
OF_THE_NEXT_START = ("registries_keys", "unread_config")
# The API is asked on servers.
OF_SERVERS = ("api",)


@pytest.fixture(name="answers", scope="module")
def _answers(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("boards"))


def test_whole_they_are_healthy(answers):
    assert answer({role: told(steps) for role, steps in answers.items()}) == "healthy"
    assert list(answers["server"]) == STEPS
    assert list(answers["agent"]) == [step for step in STEPS if step not in OF_SERVERS]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("role", ["server", "agent"])
def test_broken_they_are_not(answers, role, step, way):
    if step not in answers[role]:
        assert role == "agent" and step in OF_SERVERS
        return
    texts = {name: told(steps) for name, steps in answers.items()}
    lost = WAYS[way](answers[role][step])
    broken = dict(texts, **{role: told(answers[role], step, lost)})
    is_silent = lost is not None and lost.rc == 0 and not lost.out.strip() and step in MAY_BE_SILENT
    # Of some answers the end holds nothing that is read, as the line about Go below k3s's version.
    may_be_healthy = (
        is_silent or (lost and lost.rc == 0 and step in OF_THE_NEXT_START) or read(broken[role]) == read(texts[role])
    )
    found = answer(broken)
    assert found != "healthy" or may_be_healthy, found
