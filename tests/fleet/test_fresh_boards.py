# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks on boards that have no k3s: what install would do is shown, and the others say that it comes first."""

from __future__ import annotations

import shutil

import pytest

# All simulated boards have the host name of this machine.
NAME = {"node-name": "{{ inventory_hostname }}"}
GIVEN = {
    "riscv_k3s_target_version": "v1.36.3+k3s1",
    "riscv_k3s_server_config": {"disable": ["traefik", "servicelb"], **NAME},
    "riscv_k3s_agent_config": NAME,
}


@pytest.fixture(name="fleet", scope="module")
def _fleet(make_fleet):
    # Any program of this machine: in check mode none is started.
    fleet = make_fleet(servers=2, agents=3, riscv_k3s_binary="/bin/true", **GIVEN)
    (fleet.folder / "bin/k3s").unlink()
    (fleet.folder / "bin/openrc-run").write_text("#!/bin/sh\n", encoding="utf-8")
    (fleet.folder / "bin/openrc-run").chmod(0o755)
    for name in fleet.boards:
        home = fleet.folder / "boards" / name
        for path in ("var-lib/rancher", "etc/rancher", "etc/init.d"):
            shutil.rmtree(home / path)
        (home / "etc/init.d").mkdir()
    return fleet


def test_check_mode_shows_who_is_first_and_who_joins_and_changes_nothing(fleet):
    before = fleet.look()
    run = fleet.play("--check", playbook="riscv.k3s.install", check=0)
    assert fleet.touched(before) == []
    assert "server-01: install k3s v1.36.3+k3s1 as server, which begins the cluster" in run.text
    assert run.text.count("which joins https://") == 4
    assert "wave 2 of 5: server-02" in run.text and "wave 3 of 5: agent-01" in run.text
    # config.yaml, the program and the service; all but the first server get a token, too.
    assert run.changed == 5 * 3 + 4


def test_with_a_limit_no_second_cluster_is_begun(fleet):
    run = fleet.play("--check", "--limit", "server-02", playbook="riscv.k3s.install", check=2)
    assert "whether there is a cluster already is not known" in run.text and run.changed == 0


def test_boards_of_one_host_name_are_refused(fleet):
    run = fleet.play("-e", '{"riscv_k3s_agent_config": {}}', playbook="riscv.k3s.install", check=2)
    assert "boards would be one node, since they have one name" in run.text
    assert all("Where: agent-%02d." % number in run.text for number in (1, 2, 3)) and "Where: server" not in run.text
    assert "set node-name for it in riscv_k3s_agent_config" in run.text and run.changed == 0


@pytest.mark.parametrize(
    "word, told",
    [
        ("riscv_k3s_target_version=", "riscv_k3s_target_version is not set"),
        ("riscv_k3s_binary=", "riscv_k3s_binary is not set"),
        ("riscv_k3s_binary=/etc/passwd", "riscv_k3s_binary"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_changed(fleet, word, told):
    before = fleet.look()
    run = fleet.play("-e", word, playbook="riscv.k3s.install", check=2)
    assert told in run.text and fleet.touched(before) == []


@pytest.mark.parametrize("playbook", ["plan", "site"])
def test_the_others_say_that_install_comes_first(fleet, playbook):
    run = fleet.play(playbook="riscv.k3s." + playbook)
    assert run.rc != 0 and "install k3s first, by the playbook riscv.k3s.install" in run.text


def test_nothing_is_removed_where_nothing_was_installed(fleet):
    run = fleet.play(playbook="riscv.k3s.uninstall", check=0)
    assert run.text.count("nothing to remove") == 5 and run.changed == 0
