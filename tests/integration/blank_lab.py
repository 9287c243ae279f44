# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab whose boards begin blank, and what is put on them by hand."""

from __future__ import annotations

import json
import os
import subprocess

from labs import LAB, Lab

FIRST, SECOND, AGENT = "board-1", "board-2", "board-3"
# Services as somebody writes them by hand; of an agent or a server.
OPENRC = """\
#!/sbin/openrc-run
supervisor=supervise-daemon
name=k3s
command=/usr/local/bin/k3s
command_args="%s"
output_log=/var/log/k3s.log
error_log=/var/log/k3s.log
pidfile=/var/run/k3s.pid
respawn_delay=5
respawn_max=0
"""
# As k3s's own one, whose start never ends where the server is never ready.
SYSTEMD = """\
[Service]
Type=notify
KillMode=process
Delegate=yes
Restart=always
RestartSec=5s
TimeoutStartSec=0
ExecStart=/usr/local/bin/k3s %s
[Install]
WantedBy=multi-user.target
"""


class BlankLab(Lab):
    """A lab of its own, whose boards begin without k3s."""

    own = {
        "RISCV_K3S_LAB_NAME": os.environ.get("RISCV_K3S_LAB_NAME", "riscv.k3s") + "-blank",
        "RISCV_K3S_LAB_BOARDS": "server,server,agent",
    }

    def lab(self, *args, check=True, env=None, **options):
        return super().lab(*args, check=check, env=dict(env or os.environ, **self.own), **options)

    def binary(self, name):
        """The file of a k3s, as bytes."""
        argv, env = [str(LAB), "binary", name], dict(os.environ, **self.own)
        return subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=60, env=env).stdout

    def install(self, board, name):
        """Put such a file on a board, in one step."""
        pid = json.loads((self.state / "state.json").read_text(encoding="utf-8"))["boards"][board]["pid"]
        with open("/proc/%d/root/usr/local/bin/k3s.new" % pid, "wb") as file:
            file.write(self.binary(name))
        self.exec(board, "cd /usr/local/bin && chmod 755 k3s.new && mv k3s.new k3s")

    def configure(self, board, text, token=None):
        """Write a board's config.yaml and, in a file of its own, the token."""
        self.exec(board, "mkdir -p /etc/rancher/k3s")
        if token:
            self.write(board, "/etc/rancher/k3s/token", token + "\n")
            text += "token-file: /etc/rancher/k3s/token\n"
        self.write(board, "/etc/rancher/k3s/config.yaml", text)

    def node(self, name):
        """(Is it Ready? its version, its conditions' states) or None."""
        done = self.exec(FIRST, ["k3s", "kubectl", "get", "node", name, "-o", "json"], check=False)
        if done.returncode != 0:
            return None
        status = json.loads(done.stdout)["status"]
        states = {c["type"]: c["status"] for c in status.get("conditions", ())}
        return states.get("Ready") == "True", status["nodeInfo"]["kubeletVersion"], states

    def wait_for_node(self, name, version, seconds=60):
        self.wait("%s with %s" % (name, version), lambda: (self.node(name) or ())[:2] == (True, version), seconds)

    def members(self):
        """Names of etcd's members, as the first server knows them."""
        ask = (
            "import json, urllib.request as u; "
            "print(*(m.get('name') for m in json.load(u.urlopen(u.Request("
            "'http://127.0.0.1:2379/v3/cluster/member/list', b'{}')))['members']))"
        )
        names = self.exec(FIRST, ["python3", "-c", ask]).stdout.split()
        return sorted(name.rpartition("-")[0] for name in names)
