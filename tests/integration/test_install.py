# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From addresses and a password to a healthy cluster, as a user types it; then more boards, and k3s away and back.

The boards of this lab begin without k3s: one has OpenRC, the others systemd, both real ones.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any, NamedTuple

import modules
import pytest
import yaml
from blank_lab import BlankLab
from private_registry import Watch, files_with
from runs import ROOT, Run

ADDRESSES = {"board-1": "10.99.0.2", "board-2": "10.99.0.3", "board-3": "10.99.0.4"}
SERVERS = ("board-1", "board-2")
HELPER = "mirrored-library-busybox:1.37.0"
TOKEN = "inventory-token-hunter2"
# What stands in these is k3s's own business: what it was told, and what it made of it. Only root reads them.
OF_K3S = re.compile(r"/(rancher/k3s/(token|server/.*|agent/.*)|riscv-k3s/before.*)$|^/var/log/k3s")
VARIABLES = {
    "riscv_k3s_registry": BlankLab.registry,
    "riscv_k3s_architecture": "riscv64",
    "riscv_k3s_target_version": BlankLab.versions["B"],
    "riscv_k3s_server_config": {"disable": ["traefik", "servicelb"]},
}
# What is left of k3s on a board: processes, mounts, links, rules, files.
LEFT = r"""
ps -eo args | grep -E 'k3s|kubelet|containerd|kube-|flannel' | grep -v grep
awk '{print $5}' /proc/self/mountinfo | grep -E '/run/k3s|/var/lib/kubelet/|/rancher/k3s/|/run/netns/cni'
ls /sys/class/net | grep -E 'cni|flannel|veth'
iptables-save | grep -E 'KUBE-|CNI-'
find /etc/rancher /var/lib/rancher /var/lib/kubelet /var/lib/cni -mindepth 1
ls -d /run/k3s /run/netns/* /usr/local/bin/k3s /usr/local/bin/kubectl /usr/local/bin/crictl 2>/dev/null
ls /etc/init.d/k3s* /etc/systemd/system/k3s* /etc/systemd/system/*/k3s* /etc/runlevels/*/k3s* 2>/dev/null
true
"""


class InstallLab(BlankLab):
    """Three boards, of which nothing is known but addresses and the password of root."""

    own = {
        "RISCV_K3S_LAB_NAME": os.environ.get("RISCV_K3S_LAB_NAME", "riscv.k3s") + "-install",
        "RISCV_K3S_LAB_BOARDS": "server,server,agent",
    }


class User:
    """Somebody in a folder of their own, which is HOME, too: an inventory that enroll writes, and variables of it."""

    def __init__(self, lab, folder):
        self.lab, self.folder, self.password = lab, folder, lab.lab("password").stdout.strip()
        (folder / ".ssh").mkdir(mode=0o700)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / ".ssh/id_ed25519"], check=True, timeout=60
        )
        (folder / "k3s").write_bytes(lab.binary("B"))
        (folder / "group_vars").mkdir()
        self.say()

    def say(self, **more):
        """What the inventory says of all boards."""
        given = dict(VARIABLES, riscv_k3s_binary=str(self.folder / "k3s"), **more)
        (self.folder / "group_vars/k3s_cluster.yml").write_text(yaml.safe_dump(given), encoding="utf-8")

    def enroll(self, boards, *words):
        """Each board is a line of the list."""
        given = {
            "riscv_k3s_enroll_boards": [{"address": ADDRESSES[name], "name": name} for name in boards],
            "riscv_k3s_enroll_servers": [name for name in boards if name in SERVERS],
            "riscv_k3s_enroll_accept_new": True,
            "riscv_k3s_enroll_password": self.password,
        }
        path = self.folder / "enroll.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(given), encoding="utf-8")
        done = self.types("enroll", "-e", "@enroll.json", *words)
        path.unlink()
        return done

    def types(self, playbook, *words, check=True):
        """A Run of a playbook."""
        environment = {name: text for name, text in os.environ.items() if not name.startswith("SSH_AUTH")}
        environment.update(
            ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".venv/collections"),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_LOG_PATH=str(self.folder / "ansible.log"),
            # The modules and their arguments in files on the boards.
            ANSIBLE_PIPELINING="0",
            ANSIBLE_SSH_CONTROL_PATH_DIR=str(self.folder / "cp"),
            XDG_CACHE_HOME=str(modules.CACHE),
            HOME=str(self.folder),
            TMPDIR=str(self.folder),
        )
        inventory = ["-i", "inventory.yml"] if (self.folder / "inventory.yml").exists() else []
        argv = [str(ROOT / ".venv/bin/ansible-playbook"), *inventory, "riscv.k3s." + playbook, *words]
        # ssh looks for both in the home of the password file, whatever HOME says.
        options = ["--ssh-extra-args", "-o UserKnownHostsFile=%s/.ssh/known_hosts" % self.folder]
        options += ["--private-key", str(self.folder / ".ssh/id_ed25519")]
        done = self.lab.ctl(
            argv + (options if playbook != "enroll" else []),
            env=environment,
            cwd=self.folder,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        run = Run(done.returncode, done.stdout + done.stderr, [])
        assert "Traceback" not in run.text, run.text
        assert run.rc == 0 or not check, run.text
        return run

    def changes_nothing(self, boards):
        """Each of the four playbooks again: in check mode, for real, and both once more."""
        found = {}
        for playbook in ("enroll", "publish", "install", "site"):
            for words in (("--check",), (), ("--check",), ()):
                run = self.enroll(boards, *words) if playbook == "enroll" else self.types(playbook, *words)
                found[playbook + "".join(words)] = sum(run.changed.values()) + found.get(playbook + "".join(words), 0)
        return found


class Story(NamedTuple):
    """What was seen, chapter by chapter."""

    user: User
    watch: Watch
    first: Any
    again: Any
    grown: Any
    grown_again: Any
    refused: Any
    removed: Any
    left: Any
    anew: Any
    secrets: Any
    found: Any


@pytest.fixture(name="blank", scope="module")
def _blank():
    lab = InstallLab()
    lab.lab("up", "--blank")
    yield lab
    lab.lab("down", "--check")


@pytest.fixture(name="story", scope="module")
def _story(blank, tmp_path_factory):
    user = User(blank, tmp_path_factory.mktemp("user"))
    loud = ("-vvv", "--diff")
    with Watch() as watch:
        first = [user.enroll(["board-1"], *loud)]
        first += [user.types(playbook, *loud) for playbook in ("publish", "install", "site")]
        again = user.changes_nothing(["board-1"])
        everybody = list(ADDRESSES)
        grown = [user.enroll(everybody, *loud)] + [user.types(playbook, *loud) for playbook in ("install", "site")]
        grown_again = user.changes_nothing(everybody)
        told = [blank.read("board-1", "/var/lib/rancher/k3s/server/token").strip()]
        secrets = [user.password, told[0], told[0].rpartition(":")[2]]
        found = _files_of_boards(blank, secrets)
        refused = user.types("uninstall", check=False)
        removed = [user.types("uninstall", "--check"), user.types("uninstall", "-e", "riscv_k3s_uninstall=true", *loud)]
        left = {board: blank.exec(board, LEFT).stdout for board in everybody}
        user.say(riscv_k3s_token=TOKEN)
        anew = [user.types("install", *loud), user.types("site", *loud)]
    secrets.append(TOKEN)
    found += _files_of_boards(blank, [TOKEN])
    return Story(user, watch, first, again, grown, grown_again, refused, removed, left, anew, secrets, found)


def _files_of_boards(lab, words):
    """(board, path, mode) of files on the boards that hold one of the words, temporary ones among them."""
    script = "grep -rlaFs -D skip -f - /etc /var /root /home /tmp /run /dev/shm | xargs -r -d '\\n' stat -c '%a %n'"
    rows = []
    for board in ADDRESSES:
        for line in lab.exec(board, script, input="\n".join(words)).stdout.splitlines():
            mode, dummy, path = line.partition(" ")
            rows.append((board, path, mode))
    return rows


@pytest.mark.slow
def test_one_board_becomes_a_healthy_cluster(story):
    dummy, published, installed, site = story.first
    assert "begins the cluster" in installed.text and "k3s runs on all boards" in installed.text
    assert "All healthy." in site.text
    # The first start found all that its pods ask for. What nothing runs yet, site brings.
    pulled = re.findall(r"pulled (docker\.io/[\w./:-]+)", site.text)
    assert {image.rpartition("/")[2] for image in pulled} <= {HELPER}, site.text
    assert "built from source" in published.text


@pytest.mark.slow
def test_each_again_changes_nothing(story):
    assert set(story.again.values()) == {0}, story.again
    assert set(story.grown_again.values()) == {0}, story.grown_again


@pytest.mark.slow
def test_a_second_server_and_an_agent_join_by_one_more_line_each(story):
    dummy, installed, site = story.grown
    assert "wave 3 of 3: board-3" in installed.text and "All healthy." in site.text
    assert "board-2: install k3s" in installed.text and "restarted" in installed.text


@pytest.mark.slow
def test_nothing_is_removed_without_a_yes(story):
    assert story.refused.rc != 0 and "nobody said yes" in story.refused.text
    assert "ALL DATA OF THE CLUSTER" in story.refused.text and sum(story.refused.changed.values()) == 0


@pytest.mark.slow
def test_uninstall_leaves_nothing_and_a_new_install_works(story):
    assert story.left == dict.fromkeys(ADDRESSES, "")
    installed, site = story.anew
    assert "k3s runs on all boards" in installed.text and "All healthy." in site.text


@pytest.mark.slow
def test_password_and_token_are_not_in_any_command_or_log(story):
    words = [word.encode() for word in story.secrets]
    assert len(story.watch.commands) > 100
    assert [command for command in story.watch.commands if any(word in command for word in words)] == []
    assert [text for text in story.watch.messages if any(word in text for word in words)] == []


@pytest.mark.slow
def test_password_and_token_are_not_in_what_ansible_says(story):
    runs = [*story.first, *story.grown, story.refused, *story.removed, *story.anew]
    assert [word for word in story.secrets for run in runs if word in run.text] == []
    kept = {str(story.user.folder / "group_vars/k3s_cluster.yml")}
    assert set(files_with(story.secrets, story.user.folder)) <= kept
    assert (story.user.folder / "ansible.log").stat().st_size > 1000


@pytest.mark.slow
def test_password_and_token_are_in_no_file_of_a_board_that_others_can_read(story):
    assert [row for row in story.found if not OF_K3S.search(row[1])] == []
    assert [row for row in story.found if row[2][-2:] != "00"] == []
    assert ("board-3", "/etc/rancher/k3s/token", "600") in story.found
