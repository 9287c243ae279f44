# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards that run a given version of k3s, and who asks their DNS all the time."""

from __future__ import annotations

import json
import os
import subprocess

from blank_lab import OPENRC, SYSTEMD, BlankLab
from runs import ROOT, play

LAB = ROOT / "tests/lab/lab"
OLD, NEW = "v1.35.8+k3s1", "v1.36.3+k3s1"
PROGRAM, DATA = "/usr/local/bin/k3s", "/var/lib/rancher/k3s"
SETTINGS = {
    "riscv_k3s_target_version": NEW,
    "riscv_k3s_target_disable": ["traefik", "servicelb"],
    "riscv_k3s_lock_file": "",
}
# Asks for the API's Service, five times a second, until it is told to stop; prints what became of it.
_ASK = """
import json, os, socket, time
query = b"\\x12\\x34\\x01\\x00\\x00\\x01" + bytes(6) + b"".join(
    bytes([len(part)]) + part for part in b"kubernetes.default.svc.cluster.local".split(b".")) + b"\\0\\0\\1\\0\\1"
asked, failed = 0, []
began = time.monotonic()
while not os.path.exists("/run/stop-dns"):
    before = time.monotonic()
    asked += 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(1)
        try:
            one.sendto(query, ("10.43.0.10", 53))
            answer = one.recv(512)
            if answer[3] & 15 or not answer[7]:
                raise OSError("rcode %d" % (answer[3] & 15))
        except OSError as error:
            failed.append((round(before - began, 1), str(error)))
    time.sleep(max(0, 0.2 - (time.monotonic() - before)))
print(json.dumps({"asked": asked, "failed": failed, "seconds": round(time.monotonic() - began)}))
"""


class Asking:
    """Asks the cluster's DNS from a board's network namespace while a block lasts."""

    def __init__(self, lab, board):
        self._lab, self._board = lab, board
        self.asked, self.failed, self.seconds = 0, [], 0

    def __enter__(self):
        self._lab.exec(self._board, "rm -f /run/stop-dns")
        argv = [str(LAB), "exec", self._board, "--", "python3", "-c", _ASK]
        environment = dict(os.environ, **self._lab.own)
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment)
        return self

    def __exit__(self, *_error):
        self._lab.exec(self._board, "touch /run/stop-dns")
        told = json.loads(self._process.communicate(timeout=30)[0])
        self.asked, self.failed, self.seconds = told["asked"], told["failed"], told["seconds"]

    @property
    def outages(self):
        """Times in which queries failed, [(from, to)] in seconds; those that are less than 5 s apart are one."""
        found = []
        for moment, dummy in self.failed:
            if found and moment - found[-1][1] < 5:
                found[-1][1] = moment
            else:
                found.append([moment, moment])
        return found


class UpgradeLab(BlankLab):
    """Boards on which somebody installed an older k3s by hand: one has OpenRC, the others systemd."""

    roles = {"board-1": "server", "board-2": "agent"}
    own = {
        "RISCV_K3S_LAB_NAME": os.environ.get("RISCV_K3S_LAB_NAME", "riscv.k3s") + "-up",
        "RISCV_K3S_LAB_BOARDS": "server,agent",
    }
    config = ""

    def begin(self):
        """The cluster, healthy."""
        if os.environ.get("RISCV_K3S_LAB_KEEP") != "1" or not self.is_up():
            self.lab("up", "--blank")
            self._join()
        play(self, "riscv.k3s.build_images")
        self.heal()

    def is_up(self):
        return self.exec(self.server, "true", check=False).returncode == 0

    def heal(self):
        return play(self, "riscv.k3s.site", "-e", json.dumps(SETTINGS))

    def _join(self):
        self._start(self.server, self.config + "disable: [traefik, servicelb]\n")
        token = self.exec(self.server, "cat %s/server/token" % DATA).stdout.strip()
        for board in list(self.roles)[1:]:
            more = "disable: [traefik, servicelb]\n" if self.roles[board] == "server" else ""
            self._start(board, "server: https://10.99.0.2:6443\n" + more, token)

    def _start(self, board, config, token=None):
        self.install(board, "C")
        self.configure(board, config, token)
        service = self.service(board)
        if board == self.server:
            self.write(board, "/etc/init.d/" + service, OPENRC % self.roles[board])
            self.exec(
                board,
                f"chmod 755 /etc/init.d/{service} && rc-update add {service} default && rc-service {service} start",
            )
        else:
            self.write(board, "/etc/systemd/system/%s.service" % service, SYSTEMD % self.roles[board])
            self.exec(board, f"systemctl daemon-reload && systemctl enable {service} && systemctl start {service}")
        self.wait_for_node(board, OLD, 120)

    def service(self, board):
        return "k3s" if self.roles[board] == "server" else "k3s-agent"

    def put(self, name):
        """Have all boards run this k3s, as somebody does by hand, whatever runs there now."""
        for board in self.roles:
            service = self.service(board)
            self.exec(board, "rm -rf %s/riscv-k3s/programs" % DATA)
            self._forget_programs(board)
            self.stop(board)
            self.install(board, name)
            start = "rc-service %s start" if board == self.server else "systemctl start --no-block %s"
            self.exec(board, start % service)
        for board in self.roles:
            self.wait_for_node(board, installed(self, board), 120)

    def stop(self, board):
        service = self.service(board)
        command = "rc-service %s stop || true" if board == self.server else "systemctl stop %s"
        self.exec(board, command % service)

    def _forget_programs(self, board):
        path = DATA + "/riscv-k3s/journal.json"
        done = self.exec(board, ["cat", path], check=False)
        if done.returncode == 0:
            journal = json.loads(done.stdout)
            if journal.pop("programs", None):
                self.write(board, path, json.dumps(journal))

    def program(self, folder, name):
        """The path of a file of k3s, by the name that `lab binary` takes."""
        path = folder / ("k3s-" + name)
        if not path.exists():
            path.write_bytes(self.binary(name))
        return str(path)


class ThreeLab(UpgradeLab):
    """Two servers with embedded etcd, and an agent."""

    roles = {"board-1": "server", "board-2": "server", "board-3": "agent"}
    own = {
        "RISCV_K3S_LAB_NAME": os.environ.get("RISCV_K3S_LAB_NAME", "riscv.k3s") + "-up3",
        "RISCV_K3S_LAB_BOARDS": "server,server,agent",
    }
    config = "cluster-init: true\n"


def versions(lab):
    """{node: the version that it tells} of those that are Ready."""
    done = lab.kubectl("get", "nodes", "-o", "json", check=False)
    nodes = json.loads(done.stdout)["items"] if done.returncode == 0 else []
    return {
        node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"]
        for node in nodes
        if any((row["type"], row["status"]) == ("Ready", "True") for row in node["status"]["conditions"])
    }


def installed(lab, board):
    return lab.exec(board, [PROGRAM, "--version"]).stdout.split()[2]


def started(lab, board):
    """Which process k3s is on a board."""
    return lab.exec(board, "pgrep -o -x 'k3s-server|k3s-agent|k3s' || pgrep -o k3s", check=False).stdout.strip()
