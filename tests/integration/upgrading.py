# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards that run a given version of k3s, and who asks their DNS all the time."""

from __future__ import annotations

import json
import subprocess

from runs import ROOT

LAB = ROOT / "tests/lab/lab"
OLD, NEW = "v1.35.8+k3s1", "v1.36.3+k3s1"
PROGRAM = "/usr/local/bin/k3s"
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
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=self._environment())
        return self

    def _environment(self):
        return getattr(self._lab, "environment", None)

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


def program(lab, folder, name):
    """The path of a file of k3s, by the name that `lab binary` takes."""
    path = folder / ("k3s-" + name)
    if not path.exists():
        with open(path, "wb") as file:
            subprocess.run([str(LAB), "binary", name], stdout=file, check=True, env=getattr(lab, "environment", None))
        path.chmod(0o755)
    return path


def put(lab, folder, name, boards):
    """Have boards run this k3s, as somebody does by hand."""
    path = program(lab, folder, name)
    for board in boards:
        service = service_of(lab, board)
        lab.exec(board, "rm -rf /var/lib/rancher/k3s/riscv-k3s/programs")
        forget_programs(lab, board)
        with open(path, "rb") as file:
            script = 'cat >"$1.new" && chmod 755 "$1.new" && mv "$1.new" "$1"'
            argv = [str(LAB), "exec", board, "--", "sh", "-c", script, "sh", PROGRAM]
            subprocess.run(argv, stdin=file, check=True, env=getattr(lab, "environment", None))
        lab.exec(board, "service %s stop; service %s start" % (service, service))
    version = lab.exec(boards[0], [PROGRAM, "--version"]).stdout.split()[2]
    lab.wait(
        "the nodes run " + version, lambda: {versions(lab, ready=True).get(board) for board in boards} == {version}
    )


def forget_programs(lab, board):
    path = "/var/lib/rancher/k3s/riscv-k3s/journal.json"
    done = lab.exec(board, ["cat", path], check=False)
    if done.returncode == 0:
        journal = json.loads(done.stdout)
        if journal.pop("programs", None):
            lab.write(board, path, json.dumps(journal))


def service_of(lab, board):
    return "k3s" if lab.exec(board, "ls /etc/init.d").stdout.split().count("k3s") else "k3s-agent"


def versions(lab, ready=False):
    """{node: the version that it tells}; ``ready``: of those that are Ready."""
    done = lab.kubectl("get", "nodes", "-o", "json", check=False)
    nodes = json.loads(done.stdout)["items"] if done.returncode == 0 else []
    return {
        node["metadata"]["name"]: node["status"]["nodeInfo"]["kubeletVersion"]
        for node in nodes
        if not ready or any((row["type"], row["status"]) == ("Ready", "True") for row in node["status"]["conditions"])
    }


def installed(lab, board):
    return lab.exec(board, [PROGRAM, "--version"]).stdout.split()[2]


def started(lab, board):
    """Which process k3s is on a board."""
    return lab.exec(board, "cat /run/%s.pid" % service_of(lab, board)).stdout.strip()
