# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services that start k3s: a unit of systemd, a script of OpenRC, in effect those of k3s's own installer. Pure."""

from __future__ import annotations

import re
from typing import Dict, NamedTuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

SERVICES = {"server": "k3s", "agent": "k3s-agent"}
MANAGERS = ("systemd", "openrc")
_SYSTEMD = """\
# Written by riscv.k3s: riscv.k3s.install writes it anew.
[Unit]
Description=Lightweight Kubernetes
Documentation=https://k3s.io
Wants=network-online.target
After=network-online.target

[Install]
WantedBy=multi-user.target

[Service]
Type={kind}
EnvironmentFile=-/etc/default/%N
EnvironmentFile=-/etc/sysconfig/%N
EnvironmentFile=-/etc/systemd/system/{service}.service.env
KillMode=process
Delegate=yes
# Limits that are none: to count costs time in the kernel.
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
# A slow board takes minutes.
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStart={program} {role}
"""
_OPENRC = """\
#!/sbin/openrc-run
# Written by riscv.k3s: riscv.k3s.install writes it anew.

depend() {{
    after network-online
    want cgroups
}}

supervisor=supervise-daemon
name={service}
command="{program}"
command_args="{role}"
output_log=/var/log/{service}.log
error_log=/var/log/{service}.log
pidfile=/var/run/{service}.pid
respawn_delay=5
respawn_max=0

set -o allexport
if [ -f /etc/environment ]; then . /etc/environment; fi
if [ -f /etc/rancher/k3s/{service}.env ]; then . /etc/rancher/k3s/{service}.env; fi
set +o allexport
"""
# Neither systemd nor a shell finds anything in it but a path.
_PLAIN = re.compile(r"/[A-Za-z0-9/._+@,:=-]+\Z")
_PATHS = {"systemd": "/etc/systemd/system/%s.service", "openrc": "/etc/init.d/%s"}


class Unit(NamedTuple):
    """A file that starts k3s."""

    service: str
    path: str
    text: str
    mode: str


def unit(manager: str, role: str, program: str) -> Unit:
    """The service of a board with a service manager of MANAGERS. Raises Problem for a program whose path would mean
    more than a path there.
    """
    if not _PLAIN.match(program):
        raise Problem(
            "riscv_k3s_binary_path must be a whole path of letters, digits and . _ + @ , : = -",
            found=repr(program),
            next_step="such as /usr/local/bin/k3s",
        )
    service = SERVICES[role]
    text = _SYSTEMD if manager == "systemd" else _OPENRC
    # Type=notify tells systemd when a server is ready; an agent does not tell.
    kind = "notify" if role == "server" else "exec"
    made = text.format(service=service, role=role, program=program, kind=kind)
    return Unit(service, _PATHS[manager] % service, made, "0644" if manager == "systemd" else "0755")


def paths(role: str) -> Dict[str, str]:
    """{service manager: the path of the service of a role}."""
    return {manager: path % SERVICES[role] for manager, path in _PATHS.items()}
