# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-pull: each board runs plays for itself, and knows no other. What docs/pull.md says works, and what not."""

from __future__ import annotations

import shutil
import socket
import subprocess

import pytest
import yaml
from boards import ROOT

pytestmark = pytest.mark.slow
PULLED = ("site", "plan", "prepare", "undo")


@pytest.fixture(name="fleet")
def _fleet(make_fleet):
    return make_fleet(servers=1, agents=1, riscv_k3s_registry="registry.example:5000", riscv_k3s_registries={})


@pytest.fixture(name="pull")
def _pull(fleet):
    """Runs a play of a repository on a board, by what stands there of the board alone."""
    repository = fleet.folder / "repository"
    repository.mkdir()
    for name in PULLED:
        (repository / (name + ".yml")).write_text("- import_playbook: riscv.k3s.%s\n" % name)
    shutil.copy(ROOT / "docs/examples/pull_agent.yml", repository)
    commands = "git init -q && git add -A && git -c user.name=a -c user.email=a@example.org commit -qm x"
    subprocess.run(["sh", "-c", commands], cwd=repository, check=True)
    whole = yaml.safe_load((fleet.folder / "hosts.yml").read_text())

    def pull(board, play, *args, check=0):
        inventory = yaml.safe_load(yaml.safe_dump(whole))
        for group in inventory["k3s_cluster"]["children"].values():
            group["hosts"] = {socket.gethostname(): {"ansible_host": board}} if board in group["hosts"] else {}
        (fleet.folder / "hosts.yml").write_text(yaml.safe_dump(inventory))
        command = [str(ROOT / ".venv/bin/ansible-pull"), "-U", str(repository), "-d", str(fleet.folder / "checkout")]
        command += ["-i", str(fleet.folder / "hosts.yml"), *args, play]
        done = subprocess.run(
            command, env=fleet.environment(), capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == check, done.stdout + done.stderr
        return done.stdout + done.stderr

    return pull


def test_a_server_mends_itself(fleet, pull):
    text = pull("server-01", "site.yml")
    assert "Healthy: the 1 board of this run." in text and "NOT LOOKED AT: 1 node of the cluster" in text
    before = fleet.look()
    assert "changed=0 " in pull("server-01", "site.yml") and fleet.touched(before) == []


def test_an_agent_alone_is_refused_by_what_needs_the_clusters_view(fleet, pull):
    before = fleet.look()
    for play in ("plan.yml", "site.yml"):
        assert "no server of the cluster was observed" in pull("agent-01", play, check=2)
    assert fleet.touched(before) == []


def test_an_agent_alone_can_be_prepared_given_images_and_taken_back(fleet, pull):
    assert "agent-01" not in pull("agent-01", "prepare.yml")
    pull("agent-01", "pull_agent.yml")
    held = fleet.state("agent-01")["store"]
    assert "docker.io/rancher/mirrored-pause:3.6" in held and "docker.io/rancher/mirrored-coredns-coredns:1.9.1" in held
    before = fleet.look()
    assert "changed=0 " in pull("agent-01", "pull_agent.yml") and fleet.touched(before) == []
    pull("agent-01", "undo.yml")
    assert "docker.io/rancher/mirrored-pause:3.6" not in fleet.state("agent-01")["store"]
