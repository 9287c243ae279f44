# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated fleets that have nothing to do: of any size in a moment, and what their boards take without Ansible."""

from __future__ import annotations

import json
import os
import pathlib
import re
import resource
import shlex
import shutil
import subprocess
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / "tests" / "bench"
sys.path[:0] = [str(ROOT / "tests" / "fleet"), str(ROOT / ".venv" / "collections")]

import pods  # noqa: E402
from boards import HERE, Fleet  # noqa: E402

from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import PARTS  # noqa: E402
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.script import build_script  # noqa: E402

TOKEN = "riscv-k3s-0123456789abcdef"
# Before the stand-in of tests/fleet, whose boards have no pods.
WITH_PODS = """#!/bin/sh
read -r board </etc/board
case $2 in --timeout=* | --connect-timeout=*) called=$1 && shift 2 && set -- "$called" "$@" ;; esac
case "$1 $2" in
"crictl pods" | "crictl ps") exec cat "$board/answers/$2" ;;
"kubectl "*)
  words=$*
  word=${words#*riscv-k3s-}
  exec sed "s/^TOKEN /riscv-k3s-${word%% *} /" "$board/answers/kubectl"
  ;;
esac
"""
JOURNAL = "var-lib/rancher/k3s/riscv-k3s"


class Cost(NamedTuple):
    """What a play cost: seconds of the processor in the main process and in its children (the boards' commands are
    among these), seconds of the clock, and the largest memory of the main process and of any child, in bytes.
    """

    main: float
    children: float
    seconds: float
    peak: int
    peak_child: int

    @property
    def processor(self):
        return self.main + self.children


class Converged(Fleet):
    """A server and agents that a run of site has made as they should be. Two boards are mended by a real run; the
    others get what these have then.
    """

    def __init__(self, folder, size):
        (folder / "seed").mkdir(parents=True)
        seed = Fleet(folder / "seed", servers=1, agents=1)
        seed.play(check=0)
        # It leaves the answers of containerd, which later looks take without a start of Python.
        if seed.play(check=0).changed:
            raise RuntimeError("a second run of site still changed something")
        super().__init__(folder, servers=1, agents=size - 1)
        for name in self.boards:
            self._sow(seed, seed.servers[0] if name in self.servers else seed.agents[0], name)
        k3s = folder / "bin" / "k3s"
        k3s.write_text(WITH_PODS + k3s.read_text(encoding="utf-8"), encoding="utf-8")

    def _sow(self, seed, origin, name):
        source, target = (fleet.folder / "boards" / board for fleet, board in ((seed, origin), (self, name)))
        self.set(name, **seed.state(origin))
        shutil.copytree(source / JOURNAL, target / JOURNAL)
        # They count only while they are younger than the state.
        age = (target / "state.json").stat().st_mtime + 1
        for answer in (source / "answers").iterdir():
            shutil.copy(answer, target / "answers")
            os.utime(target / "answers" / answer.name, (age, age))
        answers = pods.crictl(name)
        if name in self.servers:
            answers["kubectl"] = pods.kubectl(self.boards)
        for program, text in answers.items():
            (target / "answers" / program).write_text(text, encoding="utf-8")

    def cost(self, playbook, profile=""):
        """The Cost of a playbook, of which nothing may change a board."""
        figures = self.folder / "figures.json"
        argv = [sys.executable, str(BENCH / "counted.py"), str(figures), *self.argv(playbook=playbook)[1:]]
        environment = dict(self.environment(), PROFILE=profile)
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        if done.returncode or re.search(r"changed=[1-9]", done.stdout):
            raise RuntimeError(f"{playbook} on {len(self.boards)} boards:\n{(done.stdout + done.stderr)[-3000:]}")
        return Cost(**json.loads(figures.read_text(encoding="utf-8")))

    def observing(self):
        """Seconds of the processor that the observing script takes on all boards, run there as Ansible does."""
        apis = {name: "auto" if name in self.servers else "never" for name in self.boards}
        return self._seconds({name: build_script(TOKEN, PARTS, api=api) for name, api in apis.items()})

    def entering(self):
        """The same of the command of raw.yml: mostly of the entry into the board's namespace."""
        return self._seconds(dict.fromkeys(self.boards, "true"))

    def _seconds(self, commands):
        before = _children()
        for name, text in commands.items():
            words = ["unshare", "--mount", "--propagation", "private", str(HERE / "enter")]
            words += [str(self.folder / "boards" / name), "/bin/sh -c " + shlex.quote(text)]
            subprocess.run(words, env=self.environment(), capture_output=True, check=True)
        return _children() - before


def _children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
