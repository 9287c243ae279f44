# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers of the tests that run modules on the lab: tasks through Ansible over ssh, and what a board holds."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import pathlib
import subprocess
import sys
from typing import Any, NamedTuple

import pytest
import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
REGISTRIES = "/etc/rancher/k3s/registries.yaml"
STATE = """
/usr/bin/ctr -a /run/k3s/containerd/containerd.sock -n k8s.io images ls
cd /var/lib/rancher/k3s
[ ! -d server/manifests ] || find server/manifests -type f -exec sha256sum {} + | sort
find /etc/rancher -type f -exec stat -c '%n %a %y' {} +
"""
_numbers = itertools.count()


class Steps(NamedTuple):
    """The results of a module that ran four times: check, run, check, run."""

    predicted: dict[str, Any]
    done: dict[str, Any]
    predicted_again: dict[str, Any]
    again: dict[str, Any]


class Run(NamedTuple):
    """A run of a playbook: its exit code, what it printed, and a row for each result (see callback/record.py)."""

    rc: int
    output: str
    rows: list[dict[str, Any]]

    def result(self, task, host):
        """The result of a task on a host."""
        return next(row["result"] for row in self.rows if (row["task"], row["host"]) == (task, host))

    @property
    def failures(self):
        """The results that failed or could not reach their host."""
        return [row["result"] for row in self.rows if row["status"] in ("failed", "unreachable")]


def play(lab, folder, playbook, *options):
    """Run a playbook, by path or by its name in the collection, in the controller's network."""
    record = folder / ("record-%d" % next(_numbers))
    record.touch()
    environment = dict(
        os.environ,
        ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".venv/collections"),
        ANSIBLE_CALLBACK_PLUGINS=str(HERE / "callback"),
        ANSIBLE_CALLBACKS_ENABLED="record",
        ANSIBLE_PIPELINING="1",
        ANSIBLE_LOCALHOST_WARNING="0",
        RECORD_FILE=str(record),
    )
    program = pathlib.Path(sys.executable).with_name("ansible-playbook")
    argv = [str(program), "-i", str(lab.inventory), "-i", str(ROOT / "tests/lab/inventory"), str(playbook), *options]
    done = lab.ctl(argv, check=False, env=environment)
    return Run(
        done.returncode,
        done.stdout + done.stderr,
        [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()],
    )


def tasks(lab, folder, host, *wanted, options=()):
    """Run tasks on a host (dictionaries as in a playbook), each even if the one before it failed. Returns their Run."""
    playbook = folder / ("play-%d.yml" % next(_numbers))
    numbered = [dict(task, name="task %d" % number, ignore_errors=True) for number, task in enumerate(wanted)]
    playbook.write_text(yaml.safe_dump([{"hosts": host, "gather_facts": False, "tasks": numbered}]), encoding="utf-8")
    run = play(lab, folder, playbook, *options)
    assert [row["task"] for row in run.rows] == [task["name"] for task in numbered], run.output
    assert "Traceback" not in run.output
    return run


def task(lab, folder, host, module, args, options=(), **keywords):
    """Run a module once and return its result."""
    return tasks(lab, folder, host, dict({"riscv.k3s." + module: args}, **keywords), options=options).rows[0]["result"]


def failure(lab, folder, host, module, args, options=()):
    """Run a module that must fail once, and return its result."""
    run = tasks(lab, folder, host, {"riscv.k3s." + module: args}, options=options)
    assert run.failures, run.output
    return run.failures[0]


def four(module, args):
    """The tasks that run a module in check mode, really, in check mode, really; all with diff."""
    return [{"riscv.k3s." + module: args, "check_mode": check, "diff": True} for check in (True, False, True, False)]


def steps(lab, folder, host, module, args):
    """Run these four tasks in one play. None of them may fail."""
    run = tasks(lab, folder, host, *four(module, args))
    assert run.failures == []
    return Steps(*[row["result"] for row in run.rows])


def told(result, *left_out):
    """What a result says about its subject: without what Ansible adds, and without what only a real run can know."""
    return {
        key: value
        for key, value in result.items()
        if key not in ("invocation", "warnings", "seconds", *left_out) and not key.startswith("_")
    }


def assert_four_steps(taken, *left_out):
    """The prediction is what was done, diff included; after that there is nothing to do, in check mode and really."""
    assert taken.done["changed"] is True
    assert told(taken.predicted, *left_out) == told(taken.done, *left_out)
    assert taken.again["changed"] is False
    assert told(taken.predicted_again, *left_out) == told(taken.again, *left_out)


def image_names(lab, board):
    """The names in a board's store, without those by digest."""
    names = lab.exec(board, ["k3s", "ctr", "images", "ls", "-q"]).stdout.split()
    return {name for name in names if "@" not in name and not name.startswith("sha256:")}


def state(lab, board):
    """What must stay as it is when a module refuses: the images, the manifests' checksums and registries.yaml."""
    return lab.exec(board, STATE).stdout


def remove_images(lab, board, *names):
    """Remove names from a board's store, and nothing where they are not there."""
    there = image_names(lab, board) & set(names)
    if there:
        lab.exec(board, ["k3s", "ctr", "images", "rm", *sorted(there)])


@contextlib.contextmanager
def hidden(lab, board, path):
    """A file or folder of a board that is away for a while."""
    lab.exec(board, ["mv", path, path + ".hidden"])
    try:
        yield
    finally:
        lab.exec(board, ["mv", path + ".hidden", path])


def build(lab, folder, *wanted):
    """Build and push images, each as options of oci_image_build, from programs of the lab."""
    done = tasks(lab, folder, "localhost", *[{"riscv.k3s.oci_image_build": by_http(args)} for args in wanted])
    if done.failures:
        pytest.fail("\n".join(row["msg"] for row in done.failures))


def by_http(args):
    """Options of oci_image_build for a registry that speaks plain http."""
    return dict(args, registries=[{"host": args["image"].partition("/")[0], "plain_http": True}])


def program(name):
    """The path of a riscv64 program that a recipe makes, and that the lab has made."""
    return programs(name)[name]


@functools.cache
def programs(*names):
    """{name: path} of what these recipes make."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests/lab/programs.py", *names], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


def connect_boards(lab, folder):
    """Let both boards reach the private registry: the role registries, where that was not done yet."""
    if all(lab.registry in lab.exec(board, "cat %s || true" % REGISTRIES).stdout for board in (lab.server, lab.agent)):
        return
    playbook = folder / "connect.yml"
    playbook.write_text(
        yaml.safe_dump([{"hosts": "k3s_cluster", "gather_facts": False, "roles": ["riscv.k3s.start"]}]),
        encoding="utf-8",
    )
    run = play(lab, folder, playbook)
    assert run.rc == 0, run.output
