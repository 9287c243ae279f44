# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbook runs on the lab, and what a test wants to know of them."""

from __future__ import annotations

import json
import os
import pathlib
import re
import tempfile
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALLBACKS = pathlib.Path(__file__).parent / "callback"
_RECAP = re.compile(r"^(\S+) +: +ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)


class Run(NamedTuple):
    """A finished run: exit status, its text, and the rows of the callback `record`."""

    rc: int
    text: str
    rows: list

    @property
    def changed(self):
        """{board: number of changed tasks} as the recap counts them."""
        return {host: int(changed) for host, _ok, changed, _unreachable, _failed in _RECAP.findall(self.text)}

    @property
    def changes(self):
        """(task, host) of everything that changed, or in check mode would change."""
        return sorted(
            (row["task"], row["host"]) for row in self.rows if row["status"] == "ok" and row["result"].get("changed")
        )

    def results(self, action):
        """{host: result} of the tasks that ran this action and were not skipped."""
        return {
            row["host"]: row["result"] for row in self.rows if row["action"] == action and row["status"] != "skipped"
        }


def play(lab, playbook, *args, check=True, extra_env=None, **options):
    """Run a playbook in the lab's controller network and return a Run. With ``check`` a failed run fails the test.

    ``options`` are those of subprocess.run.
    """
    with tempfile.TemporaryDirectory() as folder:
        record = pathlib.Path(folder) / "record"
        record.touch()
        environment = dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".venv/collections"),
            ANSIBLE_CALLBACK_PLUGINS=str(CALLBACKS),
            ANSIBLE_CALLBACKS_ENABLED="record",
            ANSIBLE_NOCOLOR="1",
            ANSIBLE_PIPELINING="1",
            RECORD_FILE=str(record),
        )
        environment.update(extra_env or {})
        argv = [
            str(ROOT / ".venv/bin/ansible-playbook"),
            "-i",
            str(lab.inventory),
            "-i",
            str(ROOT / "tests/lab/inventory"),
            str(playbook),
            *args,
        ]
        done = lab.ctl(argv, check=check, env=environment, **options)
        rows = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    return Run(done.returncode, done.stdout + done.stderr, rows)


def all_ready(lab):
    """Whether every stock pod is Ready, and there are as many as the lab has workloads."""
    items = lab.get("pods", "-n", "kube-system")["items"]
    ready = [
        item
        for item in items
        if any(one["type"] == "Ready" and one["status"] == "True" for one in item["status"].get("conditions", ()))
    ]
    return len(items) == len(ready) == 3
