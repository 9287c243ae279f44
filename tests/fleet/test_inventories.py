# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventories in the shapes that people have: the boards are found in each, or one error says that they are not."""

from __future__ import annotations

import pytest
import yaml
from boards import VARIABLES

SERVER, AGENT = {"server-01": None}, {"agent-01": None}
PAIR = {**SERVER, **AGENT}
SHAPES = {
    "k3s-ansible": {"k3s_cluster": {"children": {"server": {"hosts": SERVER}, "agent": {"hosts": AGENT}}}},
    "renamed": {"k3s": {"children": {"server": {"hosts": SERVER}, "agent": {"hosts": AGENT}}}},
    "older": {"master": {"hosts": SERVER}, "node": {"hosts": AGENT}},
    "roles": {"k3s_master": {"hosts": SERVER}, "k3s_node": {"hosts": AGENT}},
    "kubespray": {
        "k8s_cluster": {"children": {"kube_control_plane": {"hosts": SERVER}, "kube_node": {"hosts": AGENT}}},
        "etcd": {"hosts": SERVER},
    },
}
FLAT = {"ungrouped": {"hosts": PAIR}}
PLAYBOOKS = ("site", "plan", "diagnose", "lock", "undo")


@pytest.fixture(name="fleet", scope="module")
def _fleet(make_fleet):
    return make_fleet(servers=1, agents=1)


@pytest.fixture(name="shape")
def _shape(fleet):
    def write(groups):
        inventory = {"all": {"vars": VARIABLES, "children": groups}}
        (fleet.folder / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")

    return write


def refused(run, *told):
    assert run.rc != 0 and run.text.count("[ERROR]") == 1, run.text
    assert "TASK" not in run.text and "localhost" not in run.text, run.text
    assert all(text in run.text for text in told), run.text


@pytest.mark.parametrize("name", SHAPES)
def test_the_boards_of_an_inventory_are_found(fleet, shape, name):
    shape(SHAPES[name])
    run = fleet.play(playbook="riscv.k3s.plan", check=0)
    assert set(fleet.boards) == {board for board in fleet.boards if "%s " % board in run.text}
    assert "WARNING" not in run.text and sorted(fleet.commands().values()) == [1, 1]
    listed = fleet.play("--list-hosts", check=0)
    assert "localhost" not in listed.text and listed.text.count("agent-01") >= 1


def test_a_flat_list_is_asked_for_its_boards(fleet, shape):
    shape(FLAT)
    for playbook in PLAYBOOKS:
        refused(fleet.play(playbook="riscv.k3s." + playbook), "riscv_k3s_hosts", "no group of the inventory")
    refused(fleet.play("--list-hosts"), "riscv_k3s_hosts")
    assert set(fleet.commands().values()) == {0}


def test_a_flat_list_works_when_they_are_named_and_the_server_is_seen(fleet, shape):
    shape(FLAT)
    run = fleet.play("-e", "riscv_k3s_hosts=all", playbook="riscv.k3s.plan", check=0)
    assert "agent-01" in run.text and "WARNING" not in run.text
    done = fleet.play("-e", "riscv_k3s_hosts=all", "--check", check=0)
    # The server is a wave of its own, after the agent.
    assert "wave 1 of 2: agent-01" in done.text and "wave 2 of 2: server-01" in done.text
    assert set(fleet.commands()) == set(fleet.boards)


def test_a_pattern_that_matches_nothing_is_one_error_and_nothing_runs(fleet, shape):
    shape(SHAPES["k3s-ansible"])
    for pattern, playbook in (("bords", "site"), ("localhost", "undo"), ("k3s_cluster:!all", "diagnose")):
        run = fleet.play("-e", "riscv_k3s_hosts=" + pattern, playbook="riscv.k3s." + playbook)
        assert run.rc != 0 and "riscv_k3s_hosts matches no host" in run.text and "TASK" not in run.text
    assert set(fleet.commands().values()) == {0}


def test_a_limit_that_leaves_no_board_is_one_error(fleet, shape):
    shape({**SHAPES["k3s-ansible"], "others": {"hosts": {"web-01": None}}})
    for playbook in ("site", "undo"):
        refused(fleet.play("--limit", "web-01", playbook="riscv.k3s." + playbook), "--limit leaves no board", "web-01")
    refused(fleet.play("--limit", "all:!k3s_cluster", "--list-hosts"), "--limit leaves no board")
    limited = fleet.folder / "limited"
    limited.write_text("web-01\n")
    refused(fleet.play("--limit", "@%s" % limited), "--limit leaves no board")
    limited.write_text("agent-01\n")
    run = fleet.play("--limit", "@%s" % limited, playbook="riscv.k3s.plan", check=0)
    assert "agent-01" in run.text
    assert fleet.play("--limit", "nobody").rc != 0


def test_groups_that_could_both_be_meant_are_one_error(fleet, shape):
    shape({"server": {"hosts": {"web-01": None}}, **SHAPES["roles"]})
    refused(fleet.play(), "several groups could be the boards", "k3s_master (1)", "riscv_k3s_hosts")


def test_an_inventory_without_hosts_is_one_error(fleet, shape):
    shape({"k3s_cluster": {"hosts": {}}})
    run = fleet.play()
    assert run.rc != 0 and "an inventory without hosts" in run.text and "TASK" not in run.text


def test_the_syntax_is_checked_without_an_inventory(fleet, shape):
    shape(FLAT)
    for playbook in PLAYBOOKS:
        assert "ERROR" not in fleet.play("--syntax-check", playbook="riscv.k3s." + playbook, check=0).text


def test_where_the_inventory_and_a_board_disagree_it_is_said(fleet, shape):
    shape({"k3s_cluster": {"children": {"server": {"hosts": PAIR}}}})
    run = fleet.play(playbook="riscv.k3s.plan", check=0)
    said = " ".join(run.text.split())
    assert "agent-01: in the inventory it is among the servers" in said and "on the board k3s is an agent" in said
    assert "server-01: in the inventory" not in said


def test_the_setting_that_no_play_can_see_is_named(fleet, shape):
    shape({"k3s_cluster": {"hosts": PAIR, "vars": {"riscv_k3s_hosts": "agent"}}})
    run = fleet.play(playbook="riscv.k3s.plan", check=0)
    assert "riscv_k3s_hosts in the inventory has no effect" in " ".join(run.text.split())
