# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run did not look at it names, and does not call healthy: boards that --limit or the inventory leaves out."""

from __future__ import annotations

import pytest
import yaml

LEFT = "NOT LOOKED AT: 3 nodes of the cluster, no board of this run: agent-02, agent-03, server-01"


@pytest.fixture(name="fleet", scope="module")
def _fleet(make_fleet):
    return make_fleet(servers=1, agents=3)


def test_1_the_plan_of_a_limited_run_says_what_it_leaves(fleet):
    run = fleet.play("--limit", "agent-01", playbook="riscv.k3s.plan", check=0)
    assert LEFT in run.text and "TO DO: " in run.text and "ealthy" not in run.text


@pytest.mark.parametrize("changed", [True, False])
def test_2_a_limited_run_ends_well_and_says_what_it_left(fleet, changed):
    before = fleet.look()
    run = fleet.play("--limit", "agent-01", check=0)
    assert bool(run.changed) == changed and fleet.touched(before) == ["agent-01"] * changed
    assert "Healthy: the 1 board of this run." in run.text and LEFT in run.text and "All healthy." not in run.text


def test_3_a_full_run_leaves_nothing(fleet):
    run = fleet.play(check=0)
    assert "All healthy." in run.text and "NOT LOOKED AT" not in run.text


def test_4_a_node_that_the_inventory_does_not_have_is_named_by_a_full_run(fleet):
    path = fleet.folder / "hosts.yml"
    inventory = yaml.safe_load(path.read_text())
    del inventory["k3s_cluster"]["children"]["agent"]["hosts"]["agent-03"]
    path.write_text(yaml.safe_dump(inventory))
    run = fleet.play(check=0)
    assert "Healthy: the 3 boards of this run." in run.text and "All healthy." not in run.text
    assert "NOT LOOKED AT: 1 node of the cluster, no board of this run: agent-03" in run.text
