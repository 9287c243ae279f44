# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of simulated boards in a folder: made in a moment, run by the real playbooks, compared byte by byte."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MANIFEST = """apiVersion: apps/v1
kind: Deployment
metadata: {name: coredns, namespace: kube-system}
spec:
  template:
    spec:
      containers:
      - name: coredns
        image: rancher/mirrored-coredns-coredns:1.9.1
"""
CONTAINERD = 'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "rancher/mirrored-pause:3.6"\n'
# Answers that need no start of Python: twenty boards are observed often, and this machine may have two cores.
QUICK = """read -r board </etc/board
# How long containerd is waited for is no part of the question.
case $2 in --timeout=* | --connect-timeout=*) called=$1 && shift 2 && set -- "$called" "$@" ;; esac
case "$*" in
--version) echo "k3s version v1.30.0+k3s1 (14549535)"; exit ;;
"crictl pods -o json") echo '{"items": []}'; exit ;;
"crictl ps -a -o json") echo '{"containers": []}'; exit ;;
"ctr --namespace k8s.io version") answer=$board/answers/version ;;
"ctr --namespace k8s.io images ls")
  answer=$board/answers/ls
  if read -r seconds 2>/dev/null <"$board/slow"; then sleep "$seconds"; fi ;;
*) answer= ;;
esac
if [ -n "$answer" ] && [ "$answer" -nt "$board/state.json" ]; then exec cat "$answer"; fi
"""
# In a userland of its own a board has no Python. The machine's lies in /host there.
OUTSIDE = """if [ -d /host/etc ]; then
  read -r board </etc/board
  exec chroot /host /usr/bin/env FLEET_BOARD="$board" %s "$@"
fi
exec /usr/bin/env %s "$@"
"""
HEALTHY = {"running": True, "restarts": 0, "store": {}, "pull": "", "restart": False, "breaks": False}
HEALTHY.update(
    slow=0,
    moves=False,
    node="",
    args='["server"]',
    clock=0,
    data="/var/lib/rancher/k3s",
    role="",
    architecture="riscv64",
)
# What programs look for in /etc, beside what a board has of its own.
ETC = ("passwd", "group", "nsswitch.conf", "ld.so.cache", "ld.so.conf", "hosts", "os-release", "debian_version")
VARIABLES = {
    "ansible_connection": "board",
    "ansible_python_interpreter": sys.executable,
    "riscv_k3s_architecture": "riscv64",
    "riscv_k3s_lock_file": "",
    "riscv_k3s_catalogue": [
        {"stock": "docker.io/rancher/mirrored-pause", "source": "registry.example:5000/riscv64/pause:1"},
        {"stock": "docker.io/rancher/mirrored-coredns-coredns", "source": "registry.example:5000/riscv64/coredns:1"},
    ],
    "riscv_k3s_pull_retries": 0,
    "riscv_k3s_gate_timeout": 1,
    "riscv_k3s_wait_timeout": 5,
}
# What k3s asks for, in the order of the catalogue.
STOCK = ("docker.io/rancher/mirrored-pause:3.6", "docker.io/rancher/mirrored-coredns-coredns:1.9.1")
_RECAP = re.compile(r"^(\S+) +: +ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)


class Run(NamedTuple):
    """A finished run."""

    rc: int
    text: str

    @property
    def changed(self):
        """How many tasks changed something, over all boards."""
        return sum(int(changed) for dummy, changed, dummy2, dummy3 in _RECAP.findall(self.text))

    @property
    def failed(self):
        """The boards that failed or could not be reached."""
        return [
            host for host, dummy, unreachable, failed in _RECAP.findall(self.text) if int(unreachable) or int(failed)
        ]

    @property
    def untouched(self):
        """The boards that the run says it did not touch."""
        found = re.search(r"not touched \((\d+)\): ([^\"\n]*)", self.text)
        names = found.group(2).split(", ") if found else []
        assert not found or len(names) == int(found.group(1))
        return names


def _is_whole(text):
    try:
        return bool(json.loads(text))
    except ValueError:
        return False


class Fleet:
    """``servers`` and ``agents`` boards below ``folder``, which all lack what k3s asks for."""

    def __init__(self, folder, servers=3, agents=17, **variables):
        self.folder = folder
        self.servers = ["server-%02d" % number for number in range(1, servers + 1)]
        self.agents = ["agent-%02d" % number for number in range(1, agents + 1)]
        self.boards = self.servers + self.agents
        groups = {"server": {"hosts": dict.fromkeys(self.servers)}, "agent": {"hosts": dict.fromkeys(self.agents)}}
        inventory = {"k3s_cluster": {"vars": dict(VARIABLES, **variables), "children": groups}}
        (folder / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
        self._programs()
        for name in self.boards:
            self._board(name)

    def _programs(self):
        (self.folder / "bin").mkdir()
        paths = ":".join(map(str, (HERE, ROOT / "tests/unit", ROOT / ".venv/collections")))
        for name in ("k3s", "service", "systemctl"):
            path = self.folder / "bin" / name
            python = "PYTHONPATH=%s %s %s %s" % (paths, sys.executable, HERE / "k3s.py", name)
            python = OUTSIDE % (python, python)
            path.write_text("#!/bin/sh\n" + (QUICK if name == "k3s" else "") + python, encoding="utf-8")
            path.chmod(0o755)

    def _board(self, name):
        home = self.folder / "boards" / name
        data = home / "var-lib/rancher/k3s"
        (data / "agent/etc/containerd").mkdir(parents=True)
        (data / "agent/etc/containerd/config.toml").write_text(CONTAINERD)
        (home / "etc/rancher/k3s").mkdir(parents=True)
        (home / "etc/rancher/k3s/config.yaml").write_text("node-name: %s\n" % name)
        (home / "etc/board").write_text("%s\n" % home)
        # They share a kernel and its boot id, and are told apart by this one, as the kubelet reports it.
        (home / "etc/machine-id").write_text(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest() + "\n")
        (home / "answers").mkdir()
        for each in ETC:
            if os.path.exists("/etc/" + each):
                (home / "etc" / each).write_bytes(pathlib.Path("/etc", each).read_bytes())
        # Debian's awk is a link into this folder.
        (home / "etc/alternatives").mkdir()
        if os.path.lexists("/etc/alternatives/awk"):
            (home / "etc/alternatives/awk").symlink_to(os.readlink("/etc/alternatives/awk"))
        (home / "etc/init.d").mkdir()
        for service in ("k3s", "k3s-agent"):
            (home / "etc/init.d" / service).symlink_to("/usr/local/sbin/service")
        if name in self.servers:
            (data / "server/manifests").mkdir(parents=True)
            (data / "server/manifests/coredns.yaml").write_text(MANIFEST)
            (home / "etc/rancher/k3s/k3s.yaml").write_text("apiVersion: v1\n")
        self.set(name, **HEALTHY)

    def state(self, name):
        """What a board is like."""
        path = self.folder / "boards" / name / "state.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def set(self, name, **changes):
        """Make a board ill, or well again."""
        path = self.folder / "boards" / name / "state.json"
        path.write_text(json.dumps(dict(self.state(name), **changes), indent=1, sort_keys=True))

    def settle(self, name, userland, text):
        """Give a board a userland, a folder, of its own: without Python, and with ``text`` as its os-release."""
        home = self.folder / "boards" / name
        (home / "userland").write_text("%s\n" % userland)
        (home / "etc/os-release").write_text(text)
        (home / "etc/ld.so.cache").unlink(missing_ok=True)
        (home / "root").mkdir(exist_ok=True)

    def rename(self, name, node):
        """Let a board's node have a name that nothing on the board tells, as by an option on k3s's command line."""
        (self.folder / "boards" / name / "etc/rancher/k3s/config.yaml").unlink()
        self.set(name, node=node)

    def slow(self, name, seconds):
        """Let a board take its time whenever it lists its images."""
        (self.folder / "boards" / name / "slow").write_text("%d\n" % seconds)

    def vanish(self, name, after=0):
        """Let a board be out of reach after some more commands; None brings it back."""
        path = self.folder / "boards" / name / "vanishes"
        path.unlink(missing_ok=True)
        if after is not None:
            log = path.with_name("commands")
            path.write_text(str(after + (len(log.read_text().splitlines()) if log.exists() else 0)))

    def journal(self, name):
        """The board's journal."""
        path = self.folder / "boards" / name / "var-lib/rancher/k3s/riscv-k3s/journal.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def look(self):
        """{board: a checksum of all that it is}, but for who holds the lease and for the log of commands."""
        return {name: self._checksum(self.folder / "boards" / name) for name in self.boards}

    def _checksum(self, home):
        digest = hashlib.sha256()
        for path in sorted(home.rglob("*")):
            if (
                not path.is_file()
                or path.is_symlink()
                or path.name in ("commands", "vanishes")
                or path.parent.name == "answers"
            ):
                continue
            data = path.read_bytes()
            if path.name == "journal.json" and _is_whole(data):
                journal = dict(json.loads(data), lease=None)
                data = json.dumps(journal).encode()
                if not journal["files"] and not journal["images"]:
                    continue
            digest.update(str(path.relative_to(home)).encode() + b"\0" + data)
        return digest.hexdigest()

    def touched(self, before):
        """The boards that differ from what `look` said before."""
        now = self.look()
        return [name for name in self.boards if now[name] != before[name]]

    def commands(self):
        """{board: commands since this was asked last}."""
        counts = {}
        for name in self.boards:
            log = self.folder / "boards" / name / "commands"
            counts[name] = len(log.read_text().splitlines()) if log.exists() else 0
            log.unlink(missing_ok=True)
        return counts

    def play(self, *args, playbook="riscv.k3s.site", check=None):
        """Run a playbook on the fleet. With ``check`` the exit status must be that."""
        done = subprocess.run(
            self.argv(*args, playbook=playbook),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        run = Run(done.returncode, done.stdout + done.stderr)
        assert "Traceback" not in run.text, run.text
        assert check is None or run.rc == check, run.text
        return run

    def argv(self, *args, playbook="riscv.k3s.site"):
        """The command line of `play`."""
        return [str(ROOT / ".venv/bin/ansible-playbook"), "-i", str(self.folder / "hosts.yml"), playbook, *args]

    def environment(self):
        """The environment of `play`."""
        return dict(
            os.environ,
            FLEET=str(self.folder),
            ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".venv/collections"),
            ANSIBLE_CONNECTION_PLUGINS=str(HERE / "connection"),
            ANSIBLE_CALLBACK_RESULT_FORMAT="json",
            ANSIBLE_LOCAL_TEMP=str(self.folder / "tmp"),
            ANSIBLE_REMOTE_TEMP=str(self.folder / "tmp"),
            ANSIBLE_PIPELINING="1",
            ANSIBLE_FORKS="10",
            ANSIBLE_NOCOLOR="1",
        )
