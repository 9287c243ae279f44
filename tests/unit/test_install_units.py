# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that start k3s, as its own installer writes them in effect; and their syntax."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.units import MANAGERS, SERVICES, unit

# What k3s's install.sh writes into its units, by which k3s is told from any other service.
EFFECTS = ("KillMode=process", "Delegate=yes", "LimitNOFILE=1048576", "TasksMax=infinity", "TimeoutStartSec=0")


def test_a_server_tells_systemd_when_it_is_ready_and_an_agent_does_not():
    server, agent = unit("systemd", "server", "/opt/k3s"), unit("systemd", "agent", "/opt/k3s")
    assert "Type=notify\n" in server.text and "Type=exec\n" in agent.text
    assert "\nExecStart=/opt/k3s server\n" in server.text and "\nExecStart=/opt/k3s agent\n" in agent.text
    assert (server.path, agent.path) == (
        "/etc/systemd/system/k3s.service",
        "/etc/systemd/system/k3s-agent.service",
    )
    for made in (server, agent):
        lines = made.text.splitlines()
        assert set(EFFECTS) <= set(lines) and "Restart=always" in lines and made.mode == "0644"


def test_openrc_supervises_it():
    made = unit("openrc", "agent", "/usr/bin/k3s")
    assert made.path == "/etc/init.d/k3s-agent" and made.mode == "0755" and made.text.startswith("#!/sbin/openrc-run\n")
    for line in ("supervisor=supervise-daemon", 'command="/usr/bin/k3s"', 'command_args="agent"', "respawn_max=0"):
        assert line in made.text.splitlines()


@pytest.mark.parametrize("role", SERVICES)
def test_the_script_of_openrc_is_one_of_sh(role):
    done = subprocess.run(["sh", "-n"], input=unit("openrc", role, "/k").text, text=True, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("manager", MANAGERS)
@pytest.mark.parametrize("role", SERVICES)
def test_no_secret_can_stand_in_a_service(manager, role):
    """All that k3s is told stands in config.yaml, which only root reads."""
    text = unit(manager, role, "/k").text
    assert "token" not in text.lower() and "K3S_TOKEN" not in text and "--" not in text.replace("--no", "")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
@pytest.mark.parametrize("role", SERVICES)
def test_systemd_takes_the_unit(tmp_path, role):
    made = unit("systemd", role, "/bin/true")
    path = tmp_path / (made.service + ".service")
    path.write_text(made.text)
    done = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if str(path) in line]
    assert told == []


@pytest.mark.parametrize("manager", MANAGERS)
@pytest.mark.parametrize(
    "path",
    [
        "k3s",
        "~/k3s",
        "/k\nExecStartPre=/bin/x",
        "/k3s --x",
        "/$(reboot)",
        "/`id`",
        "/%n",
        '/"',
        "/'",
        "/k;x",
        "/k\\x",
        "/k\n",
    ],
)
def test_a_path_is_nothing_but_a_path(manager, path):
    with pytest.raises(Problem, match="riscv_k3s_binary_path must be a whole path"):
        unit(manager, "server", path)
