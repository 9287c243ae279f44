# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers are restarted one at a time, and none after one that did not come back."""

from __future__ import annotations

import pathlib

import pytest
import yaml

REGISTRIES = {"mirrors": {"registry.example:5000": {"endpoint": ["http://registry.example:5000"]}}}


@pytest.fixture(name="fleet")
def _fleet(make_fleet):
    """Two servers alone, so that all of it is about them."""
    return make_fleet(servers=2, agents=0, riscv_k3s_registries=REGISTRIES)


@pytest.fixture(name="alone")
def _alone(fleet):
    """A play of one's own with the role start: without waves both servers are in it at once."""
    path = fleet.folder / "alone.yml"
    tasks = [{"ansible.builtin.include_role": {"name": "riscv.k3s.start"}}]
    path.write_text(yaml.safe_dump([{"hosts": "k3s_cluster", "gather_facts": False, "become": True, "tasks": tasks}]))
    return str(pathlib.Path(path))


def restarts(fleet):
    return [fleet.state(name)["restarts"] for name in fleet.servers]


def test_both_are_restarted_when_all_goes_well(fleet):
    fleet.play(check=0)
    assert restarts(fleet) == [1, 1]
    assert fleet.play(check=0).changed == 0


def test_site_leaves_the_second_server_alone_when_the_first_does_not_come_back(fleet):
    before = fleet.look()
    fleet.set("server-01", restart=True)
    run = fleet.play(check=2)
    assert restarts(fleet) == [1, 0]
    assert fleet.touched(before) == ["server-01"] == run.failed
    assert run.untouched == ["server-02"]


def test_so_does_the_role_by_itself(fleet, alone):
    """Neither comes back, since which is the first is Ansible's choice there."""
    for name in fleet.servers:
        fleet.set(name, restart=True)
    run = fleet.play(playbook=alone, check=2)
    assert sorted(restarts(fleet)) == [0, 1]
    assert "server-01" in run.failed and "server-02" in run.failed


def test_no_strategy_of_ansible_cfg_restarts_both_at_once(fleet, alone, monkeypatch):
    """Under the strategy free a task of all boards is one of each, and none waits for another board."""
    monkeypatch.setenv("ANSIBLE_STRATEGY", "free")
    before = fleet.look()
    run = fleet.play(playbook=alone, check=2)
    assert "Found: the strategy free" in run.text and "Next: write `strategy: linear` into the play" in run.text
    assert fleet.touched(before) == [] and restarts(fleet) == [0, 0]
    run = fleet.play(check=0)
    assert "All healthy." in run.text and "free strategy" not in run.text
    assert restarts(fleet) == [1, 1]
