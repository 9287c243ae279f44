# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-pull: each board runs plays for itself, and knows no other. What docs/pull.md says works, and what not."""

from __future__ import annotations

import re
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


def commit(repository):
    """Commit all that is there, the first time, too."""
    commands = "git init -q && git add -A && git -c user.name=a -c user.email=a@example.org commit -q --allow-empty -mx"
    subprocess.run(["sh", "-c", commands], cwd=repository, check=True)


@pytest.fixture(name="pull")
def _pull(fleet):
    """Runs a play of a repository on a board, by what stands there of the board alone."""
    repository = fleet.folder / "repository"
    repository.mkdir()
    for name in PULLED:
        (repository / (name + ".yml")).write_text("- import_playbook: riscv.k3s.%s\n" % name)
    shutil.copy(ROOT / "docs/examples/pull_agent.yml", repository)
    commit(repository)
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


@pytest.fixture(name="on_board")
def _on_board(fleet, pull):
    """Runs the command of docs/pull.md on a board: with its host name, and without what else the tests set."""
    text = (ROOT / "docs/pull.md").read_text(encoding="utf-8")
    start = r"^ExecStart=\S+/ansible-pull -U https://git.example/boards (-i .*) site.yml$"
    # As systemd does.
    typed = re.search(start, text, re.MULTILINE)[1].replace("%H", "$(hostname)")
    repository = fleet.folder / "repository"
    inventory = yaml.safe_load((fleet.folder / "hosts.yml").read_text())
    # As in the document.
    (shown,) = yaml.safe_load(re.search(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[1]).values()
    of_board = shown["children"]["server"]["hosts"]["board-01"]
    variables = inventory["k3s_cluster"]["vars"]
    for name in of_board:
        del variables[name]
    environment = {name: value for name, value in fleet.environment().items() if not name.startswith("ANSIBLE_")}
    environment.update(ANSIBLE_NOCOLOR="1", ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".venv/collections"))

    def on_board(board, play, groups, *args, told=of_board):
        """``groups`` {group: hosts} are what the board's file holds, ``told`` what it says of each of them."""
        children = {group: {"hosts": dict.fromkeys(hosts, told)} for group, hosts in groups.items()}
        (repository / "inventories").mkdir(exist_ok=True)
        text = yaml.safe_dump({"k3s_cluster": {"vars": variables, "children": children}})
        (repository / "inventories" / (board + ".yml")).write_text(text)
        commit(repository)
        home = fleet.folder / ("home-" + board)
        home.mkdir(exist_ok=True)
        command = "hostname %s; cd /; exec %s -U %s %s" % (board, ROOT / ".venv/bin/ansible-pull", repository, typed)
        done = subprocess.run(
            ["unshare", "--mount", "--uts", "--propagation", "private", str(ROOT / "tests/fleet/enter")]
            + [str(fleet.folder / "boards" / board), " ".join([command, play, *args])],
            env=dict(environment, HOME=str(home)),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return done.returncode, done.stdout + done.stderr

    return on_board


def test_what_the_document_has_one_type_on_a_server(fleet, on_board):
    """It needs no name of a host, nor is anything of another run in the way but what was changed in the checkout."""
    code, text = on_board("server-01", "site.yml", {"server": ["server-01"]})
    assert code == 0 and "Healthy: the 1 board of this run." in text, text
    before = fleet.look()
    code, text = on_board("server-01", "site.yml", {"server": ["localhost"]})
    assert code == 0 and "changed=0 " in text and fleet.touched(before) == [], text
    (checkout,) = (fleet.folder / "home-server-01/.ansible/pull").iterdir()
    (checkout / "site.yml").write_text("- nonsense\n")
    code, text = on_board("server-01", "site.yml", {"server": ["server-01"]})
    assert code and "Local modifications exist" in text and "PLAY [" not in text, text
    code, text = on_board("server-01", "site.yml", {"server": ["server-01"]}, "--clean")
    assert code == 0 and "Healthy: the 1 board of this run." in text, text


@pytest.mark.parametrize("told", [None, {"ansible_connection": "local"}])
def test_an_agent_does_not_take_itself_for_the_servers_of_its_inventory(fleet, on_board, told):
    """ansible-pull gives each host the connection local."""
    before = fleet.look()
    code, text = on_board("agent-01", "site.yml", {"server": ["server-01"], "agent": ["agent-01"]}, told=told)
    assert code and "no server of the cluster was observed" in text and fleet.touched(before) == [], text


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
