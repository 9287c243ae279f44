# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab, as tests use it."""

from __future__ import annotations

import json
import pathlib
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "tests/lab/lab"
MANIFESTS = "/var/lib/rancher/k3s/server/manifests"


class Lab:
    """A running lab. Commands end in a test failure that shows what they said, unless ``check`` is false."""

    server, agent = "board-1", "board-2"
    registry = "10.99.0.1:5000"
    versions = {"A": "v1.24.2+k3s2", "B": "v1.36.3+k3s1"}
    manifests = MANIFESTS

    @property
    def inventory(self):
        """Folder of the inventory for Ansible."""
        return pathlib.Path(self.lab("inventory").stdout.strip())

    @property
    def state(self):
        """The lab's state folder."""
        return self.inventory.parent

    def lab(self, *args, check=True, **options):
        """Run the lab's own command line."""
        return _run([str(LAB), *args], check, **options)

    def exec(self, board, command, check=True, **options):
        """Run a command on a board, not by ssh: a list of arguments, or a string for its sh."""
        argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
        return self.lab("exec", board, "--", *argv, check=check, **options)

    def ctl(self, argv, check=True, **options):
        """Run a command in the controller's network, where the boards can be reached."""
        return self.lab("ctl", "--", *argv, check=check, **options)

    def kubectl(self, *args, check=True, **options):
        """Run kubectl on the server."""
        return self.exec(self.server, ["k3s", "kubectl", *args], check=check, **options)

    def get(self, *args):
        """What `kubectl get ARGS` says, as a value; None where the object is not there."""
        done = self.kubectl("get", *args, "-o", "json", "--ignore-not-found")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def write(self, board, path, text):
        """Write a file on a board."""
        self.exec(board, ["sh", "-c", 'cat >"$1"', "sh", path], input=text)

    def read(self, board, path):
        """Read a file of a board."""
        return self.exec(board, ["cat", path]).stdout

    def wait(self, what, ask, seconds=60, interval=0.5):
        """Call ``ask`` until it returns something true, and return that; the test fails after ``seconds``."""
        deadline = time.monotonic() + seconds
        while True:
            answer = ask()
            if answer:
                return answer
            if time.monotonic() > deadline:
                pytest.fail("%s: not after %d s" % (what, seconds))
            time.sleep(interval)


def _run(argv, check, **options):
    options.setdefault("timeout", 600)
    done = subprocess.run(argv, text=True, capture_output=True, check=False, **options)
    if check and done.returncode != 0:
        pytest.fail("%s ended with %d:\n%s\n%s" % (" ".join(argv), done.returncode, done.stdout, done.stderr))
    return done
