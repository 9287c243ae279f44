# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulated riscv64 board with a k3s that somebody put there, and a user with an inventory of a few lines."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

from labs import Lab  # noqa: E402

INVENTORY = """\
k3s_cluster:
  children:
    server:
      hosts:
        board-1:
  vars:
    riscv_k3s_registry: %s
"""
# As k3s's own installer writes it.
UNIT = """\
[Unit]
Description=Lightweight Kubernetes
After=network-online.target
[Service]
Type=notify
KillMode=process
Delegate=yes
LimitNOFILE=1048576
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStart=/usr/local/bin/k3s server
[Install]
WantedBy=multi-user.target
"""
# Without this an idle Kubernetes takes all of two emulated processors: a switch between threads is dear there, since it
# empties the emulator's cache of addresses, and Go's timers and its search for work make thousands of them a second.
EMULATED = """\
[Service]
Environment=GOMAXPROCS=1
TimerSlackNSec=10ms
"""
CONFIG = "token: lab-token\ndisable: [traefik, servicelb]\n"
PATIENCE = 1800
_CHANGED = re.compile(r"^board-1 +: .*?changed=(\d+)", re.MULTILINE)


class Run(NamedTuple):
    """A finished playbook: its text, how many tasks changed something on the board, seconds, and whether it failed."""

    text: str
    changed: int
    seconds: float
    failed: bool = False


class Emulated(Lab):
    """The lab with the emulated board, under a name of its own beside other labs."""

    own = {"RISCV_K3S_LAB_NAME": os.environ.get("RISCV_K3S_LAB_NAME", "riscv.k3s") + "-emulated"}

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def lab(self, *args, check=True, env=None, **options):
        options.setdefault("timeout", PATIENCE)
        return super().lab(*args, check=check, env=dict(env or os.environ, **self.own), **options)

    def up(self):
        """Make it anew: the system of the board as it was after its first boot."""
        command = "reset" if self.lab("exec", "board-1", "--", "true", check=False).returncode == 0 else "up"
        # Minutes the first time: its progress is for eyes.
        subprocess.run(
            [str(ROOT / "tests/lab/lab"), command, "--emulated"], check=True, env=dict(os.environ, **self.own)
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "group_vars").mkdir(exist_ok=True)
        (self.folder / "inventory.yml").write_text(INVENTORY % self.registry, encoding="utf-8")
        connection = (self.inventory / "hosts.yml").read_text(encoding="utf-8").partition("  vars:\n")[2]
        lines = "".join(line[4:] + "\n" for line in connection.splitlines())
        (self.folder / "group_vars/k3s_cluster.yml").write_text(
            lines + "ansible_host: %s\n" % "10.99.0.2", encoding="utf-8"
        )

    def put_k3s(self, version="B"):
        """Put a k3s there as somebody does who built it: its file, a unit, a configuration; and start it."""
        program = subprocess.run(
            [str(ROOT / "tests/lab/lab"), "binary", version],
            stdout=subprocess.PIPE,
            check=True,
            env=dict(os.environ, **self.own),
        ).stdout
        (self.folder / "k3s").write_bytes(program)
        with open(self.folder / "k3s", "rb") as file:
            self.exec("board-1", "cat >/usr/local/bin/k3s && chmod 755 /usr/local/bin/k3s", stdin=file)
        self.exec("board-1", "for tool in kubectl crictl ctr; do ln -s k3s /usr/local/bin/$tool; done")
        self.exec("board-1", "mkdir -p /etc/rancher/k3s /etc/systemd/system/k3s.service.d")
        self.write("board-1", "/etc/rancher/k3s/config.yaml", CONFIG)
        self.write("board-1", "/etc/systemd/system/k3s.service", UNIT)
        self.write("board-1", "/etc/systemd/system/k3s.service.d/emulated.conf", EMULATED)
        self.exec("board-1", "systemctl daemon-reload && systemctl enable -q k3s && systemctl start k3s")

    def play(self, playbook, *words, check=True):
        """A Run of a playbook, as a user types it."""
        environment = dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".venv/collections"),
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_PIPELINING="1",
            ANSIBLE_CALLBACKS_ENABLED="riscv.k3s.run_report",
        )
        argv = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", "inventory.yml", str(playbook), *words]
        begin = time.monotonic()
        done = self.ctl(argv, check=False, env=environment, cwd=self.folder, stdin=subprocess.DEVNULL)
        seconds = time.monotonic() - begin
        text = done.stdout + done.stderr
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        name = "%02d-%s.log" % (len(list(logs.iterdir())), str(playbook).rpartition("/")[2].replace("riscv.k3s.", ""))
        (logs / name).write_text(text, encoding="utf-8")
        assert "Traceback" not in text, text
        assert done.returncode == 0 or not check, text
        changed = sum(int(number) for number in _CHANGED.findall(text))
        return Run(text, changed, seconds, done.returncode != 0)

    def pods(self):
        """{name: the time since which it is Ready, or None} of kube-system; {} where a busy API does not answer."""
        done = self.kubectl("get", "pods", "-n", "kube-system", "-o", "json", check=False)
        items = json.loads(done.stdout)["items"] if done.returncode == 0 else []
        return {
            item["metadata"]["name"]: next(
                (
                    one["lastTransitionTime"]
                    for one in item["status"].get("conditions", ())
                    if (one["type"], one["status"]) == ("Ready", "True")
                ),
                None,
            )
            for item in items
        }
