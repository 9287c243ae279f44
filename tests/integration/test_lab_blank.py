# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blank boards of the lab, and the rules that a k3s keeps which is installed on one. Each test builds upon the last."""

from __future__ import annotations

import hashlib
import subprocess

import pytest
from blank_lab import AGENT, FIRST, OPENRC, SECOND, SYSTEMD, BlankLab
from labs import ROOT

pytestmark = pytest.mark.slow

DATA = "/var/lib/rancher/k3s"


@pytest.fixture(name="blank", scope="module")
def _blank():
    lab = BlankLab()
    lab.lab("up", "--blank")
    yield lab
    lab.lab("down", "--check")


def ansible(lab, *args):
    """What Ansible says of the boards, by the lab's own inventory."""
    argv = [str(ROOT / ".venv/bin/ansible"), "-i", str(lab.inventory), "k3s_cluster", *args]
    return lab.ctl(argv, check=False)


def test_a_blank_board_has_nothing_of_k3s(blank):
    for board in (FIRST, SECOND, AGENT):
        left = "ls -d /usr/local/bin/k3s /etc/rancher/* /var/lib/rancher/* /root/.ssh /etc/init.d/k3s* 2>/dev/null"
        assert blank.exec(board, left, check=False).stdout == ""
        assert blank.exec(board, "k3s --version", check=False).returncode != 0


def test_it_is_known_by_address_and_password_and_has_a_service_manager(blank):
    refused = ansible(blank, "-m", "ping", "-e", "ansible_password=wrong")
    assert "Permission denied" in refused.stdout
    done = ansible(blank, "-m", "setup", "-a", "filter=ansible_service_mgr", "-o")
    found = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert '"openrc"' in found[FIRST], done.stdout + done.stderr
    assert '"systemd"' in found[SECOND]
    assert '"systemd"' in found[AGENT]
    password = blank.state / "password"
    assert password.stat().st_mode & 0o777 == 0o600
    assert blank.lab("password").stdout == password.read_text(encoding="ascii")


def test_each_file_is_its_version(blank, tmp_path):
    seen = set()
    for name, version in (
        ("A", "v1.24.2+k3s2"),
        ("C", "v1.35.8+k3s1"),
        ("B", "v1.36.3+k3s1"),
        ("broken", "v1.36.3+k3s1"),
    ):
        path = tmp_path / name
        path.write_bytes(blank.binary(name))
        path.chmod(0o755)
        said = subprocess.run([path, "--version"], stdout=subprocess.PIPE, text=True, check=True, timeout=10).stdout
        assert said.startswith("k3s version %s (" % version)
        seen.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(seen) == 4


def test_a_first_server_makes_its_token_and_has_no_etcd(blank):
    blank.install(FIRST, "C")
    blank.configure(FIRST, "")
    blank.write(FIRST, "/etc/init.d/k3s", OPENRC % "server")
    blank.exec(FIRST, "chmod 755 /etc/init.d/k3s && rc-update add k3s default && rc-service k3s start")
    blank.wait_for_node(FIRST, "v1.35.8+k3s1", 90)
    token = blank.exec(FIRST, "cat %s/server/node-token" % DATA).stdout
    assert token.startswith("K10")
    assert "::server:" in token
    assert blank.exec(FIRST, "test -f %s/server/db/state.db && test ! -e %s/server/db/etcd/member" % (DATA, DATA))
    refused = blank.exec(FIRST, "k3s etcd-snapshot save", check=False)
    assert refused.returncode == 1
    assert "etcd datastore disabled" in refused.stderr


def test_an_agent_with_another_token_is_not_let_in(blank):
    blank.install(AGENT, "C")
    blank.write(AGENT, "/etc/systemd/system/k3s-agent.service", SYSTEMD % "agent")
    server = "server: https://10.99.0.2:6443\n"
    blank.configure(AGENT, server, "another")
    blank.exec(AGENT, "systemctl daemon-reload && systemctl enable k3s-agent && systemctl start --no-block k3s-agent")
    log = "journalctl -u k3s-agent --no-pager"
    blank.wait("the refusal", lambda: "not authorized" in blank.exec(AGENT, log).stdout, 20)
    assert blank.exec(AGENT, "systemctl is-active k3s-agent", check=False).stdout == "activating\n"
    assert blank.node(AGENT) is None
    token = blank.exec(FIRST, "cat %s/server/node-token" % DATA).stdout.strip()
    wrong = "K10" + "ab" * 32 + "::" + token.rpartition("::")[2]
    blank.configure(AGENT, server, wrong)
    blank.exec(AGENT, "systemctl restart --no-block k3s-agent")
    blank.wait("the checksum", lambda: "token CA hash does not match" in blank.exec(AGENT, log).stdout, 20)
    blank.configure(AGENT, server, token)
    # With Type=notify this returns when the node is up.
    blank.exec(AGENT, "systemctl restart k3s-agent && systemctl is-active k3s-agent")
    blank.wait_for_node(AGENT, "v1.35.8+k3s1")


def test_a_server_with_another_token_ends(blank):
    blank.configure(FIRST, "", "another")
    blank.exec(FIRST, "rc-service k3s restart")
    said = "bootstrap data already found and encrypted with different token"
    blank.wait("the refusal", lambda: said in blank.read(FIRST, "/var/log/k3s.log"), 40)
    blank.configure(FIRST, "")
    blank.exec(FIRST, "rc-service k3s restart")
    blank.wait_for_node(FIRST, "v1.35.8+k3s1")


def test_another_file_is_another_version_and_a_broken_one_does_not_get_ready(blank):
    blank.install(AGENT, "broken")
    assert blank.exec(AGENT, "systemctl restart k3s-agent", check=False).returncode == 1
    blank.install(AGENT, "stuck")
    blank.exec(AGENT, "systemctl restart --no-block k3s-agent && sleep 5")
    assert blank.exec(AGENT, "systemctl is-active k3s-agent", check=False).stdout == "activating\n"
    blank.install(AGENT, "A")
    blank.exec(AGENT, "systemctl restart k3s-agent")
    blank.wait_for_node(AGENT, "v1.24.2+k3s2")
    blank.install(FIRST, "B")
    blank.exec(FIRST, "rc-service k3s restart")
    blank.wait_for_node(FIRST, "v1.36.3+k3s1")


def test_cluster_init_takes_the_data_along_into_etcd(blank):
    before = blank.get("node", AGENT)["metadata"]["uid"]
    blank.configure(FIRST, "cluster-init: true\n")
    blank.exec(FIRST, "rc-service k3s restart")
    blank.wait("etcd's member", lambda: (blank.node(FIRST) or ({}, "", {}))[2].get("EtcdIsVoter") == "True", 90)
    assert blank.get("node", AGENT)["metadata"]["uid"] == before
    assert blank.members() == [FIRST]
    done = blank.exec(FIRST, "k3s etcd-snapshot save --name before")
    stat = ["sh", "-c", "stat -c '%%a %%s' %s/server/db/snapshots/before-*" % DATA]
    mode, size = blank.exec(FIRST, stat).stdout.split()
    assert mode == "600"
    assert int(size) > 100000
    assert "saved" in done.stderr


def test_a_further_server_is_a_member_until_its_node_is_deleted(blank):
    token = blank.exec(FIRST, "cat %s/server/token" % DATA).stdout.strip()
    blank.install(SECOND, "B")
    blank.write(SECOND, "/etc/systemd/system/k3s.service", SYSTEMD % "server")
    blank.configure(SECOND, "server: https://10.99.0.2:6443\n", "another")
    assert blank.exec(SECOND, "systemctl daemon-reload && systemctl start k3s", check=False).returncode == 1
    assert blank.members() == [FIRST]
    blank.exec(SECOND, "systemctl stop k3s")
    blank.configure(SECOND, "server: https://10.99.0.2:6443\n", token)
    blank.exec(SECOND, "systemctl start k3s")
    blank.wait_for_node(SECOND, "v1.36.3+k3s1")
    assert blank.members() == [FIRST, SECOND]
    assert blank.exec(SECOND, "k3s kubectl get nodes").returncode == 0
    blank.exec(FIRST, "k3s kubectl delete node " + SECOND)
    blank.wait("its member to go", lambda: blank.members() == [FIRST], 20)


def test_a_reboot_starts_what_is_enabled(blank):
    blank.lab("reboot", FIRST)
    blank.lab("reboot", AGENT)
    blank.wait_for_node(FIRST, "v1.36.3+k3s1", 90)
    blank.wait(
        "the agent's service", lambda: blank.exec(AGENT, "systemctl is-active k3s-agent", check=False).returncode == 0
    )
