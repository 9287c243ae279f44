# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that get a part of the inventory only, as AWX's job slicing and one controller for each cluster do."""

from __future__ import annotations

import pytest
import yaml

# Somebody who works on the fleet from another controller.
HOLDER = {
    "id": "elsewhere-1",
    "user": "ada",
    "host": "elsewhere",
    "boot": "b",
    "namespace": "n",
    "pid": 1,
    "started": "1",
}


@pytest.fixture(name="fleet")
def _fleet(make_fleet):
    return make_fleet(servers=2, agents=2)


def give(fleet, *names):
    """Leave only these in the inventory: a slice does not know that there are others."""
    path = fleet.folder / "hosts.yml"
    whole = path.with_name("whole.yml")
    if not whole.exists():
        whole.write_bytes(path.read_bytes())
    inventory = yaml.safe_load(whole.read_text())
    for group in inventory["k3s_cluster"]["children"].values():
        group["hosts"] = {name: None for name in group["hosts"] if name in names}
    path.write_text(yaml.safe_dump(inventory))


def hold(fleet):
    """Let somebody else hold the lease on the first server."""
    path = fleet.folder / "hold.yml"
    tasks = [{"riscv.k3s.k3s_run_lease": {"holder": HOLDER}}]
    path.write_text(yaml.safe_dump([{"hosts": "server-01", "gather_facts": False, "become": True, "tasks": tasks}]))
    fleet.play(playbook=str(path), check=0)


def test_a_slice_without_a_server_ends_before_anything_is_changed(fleet):
    give(fleet, *fleet.agents)
    before = fleet.look()
    run = fleet.play(check=2)
    assert fleet.touched(before) == []
    assert "no server of the cluster was observed" in run.text


@pytest.mark.slow
def test_the_lease_is_seen_by_runs_that_have_its_server_and_by_no_other(fleet):
    hold(fleet)
    before = fleet.look()
    give(fleet, "server-01", "agent-01")
    assert "ada on elsewhere" in fleet.play(check=2).text and fleet.touched(before) == []
    give(fleet, *fleet.boards)
    assert "ada on elsewhere" in fleet.play(check=2).text and fleet.touched(before) == []
    # Not wanted, but so it is: docs/awx.md says to give a cluster to one run.
    give(fleet, "server-02", "agent-02")
    run = fleet.play(check=0)
    assert "NOT LOOKED AT" in run.text and set(fleet.touched(before)) == {"server-02", "agent-02"}
