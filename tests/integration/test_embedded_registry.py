# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of k3s's embedded registry on the lab: none where k3s has none, written, held, taken away; one restart
each time.
"""

from __future__ import annotations

import json

import modules
import pytest

pytestmark = pytest.mark.slow

SITE = "riscv.k3s.site"
JOURNAL = "/var/lib/rancher/k3s/riscv-k3s/journal.json"
OWN = "/etc/rancher/k3s/config.yaml.d/riscv-k3s.yaml"
RESTART = "riscv.k3s.start : Restart k3s so that it reads its files"


def site(lab, folder, *options, embedded=True):
    run = modules.play(lab, folder, SITE, "-e", json.dumps({"riscv_k3s_embedded_registry": embedded}), *options)
    assert run.rc == 0, run.output
    return run


def changed(run):
    return sorted(
        (row["task"], row["host"]) for row in run.rows if row["status"] == "ok" and row["result"].get("changed")
    )


def own(lab, board):
    """The own file of a board, None where there is none."""
    done = lab.exec(board, ["cat", OWN], check=False)
    return done.stdout if done.returncode == 0 else None


def mirrors_all(lab, board):
    return "'*': {}" in lab.read(board, modules.REGISTRIES)


@pytest.fixture(scope="module", name="healthy")
def _healthy(lab, tmp_path_factory):
    """Both boards healthy on the old k3s, so that nothing but the settings is left to do."""
    lab.lab("reset")
    folder = tmp_path_factory.mktemp("embedded")
    assert modules.play(lab, folder, "riscv.k3s.build_images").rc == 0
    site(lab, folder, embedded=False)
    return folder


def test_an_old_k3s_is_left_as_it_is(lab, healthy):
    run = site(lab, healthy)
    assert changed(run) == []
    assert "all boards: warning: k3s v1.24.2+k3s2 has no embedded registry" in run.output


def test_on_and_off(lab, healthy):
    lab.lab("upgrade", "B")
    site(lab, healthy, embedded=False)
    predicted, done, again = site(lab, healthy, "--check", "--diff"), site(lab, healthy, "--diff"), site(lab, healthy)
    assert changed(predicted) == changed(done)
    assert [host for task, host in changed(done) if task == RESTART] == [lab.server, lab.agent]
    assert own(lab, lab.server).endswith("embedded-registry: true\n") and own(lab, lab.agent) is None
    assert mirrors_all(lab, lab.server) and mirrors_all(lab, lab.agent)
    assert changed(again) == []
    off, settled = site(lab, healthy, embedded=False), site(lab, healthy, embedded=False)
    assert [host for task, host in changed(off) if task == RESTART] == [lab.server, lab.agent]
    assert own(lab, lab.server) is None and not mirrors_all(lab, lab.server) and not mirrors_all(lab, lab.agent)
    assert changed(settled) == []


def test_a_restart_that_was_missed_is_made_up_for(lab, healthy):
    """As after a run that was interrupted between writing and restarting: the journal tells it, and no file time."""
    site(lab, healthy)
    lab.exec(lab.server, ["touch", OWN])
    assert changed(site(lab, healthy)) == []
    journal = json.loads(lab.read(lab.server, JOURNAL))
    journal["files"][OWN]["written"]["uptime"] = None
    del journal["loaded"][OWN]
    lab.write(lab.server, JOURNAL, json.dumps(journal))
    assert changed(site(lab, healthy)) == [(RESTART, lab.server)]
    assert changed(site(lab, healthy, embedded=False))
