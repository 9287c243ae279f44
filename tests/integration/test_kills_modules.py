# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL of a module at each program that it starts and each file that it writes, renames or removes.

After each kill the board holds nothing half done, and the module run again brings what was asked. The kernel does the
killing: strace injects the signal at the Nth of those system calls, for N = 1, 2, … until the module ends before it
gets there.
"""

from __future__ import annotations

import json

import modules
import pytest

pytestmark = pytest.mark.slow

PYTHON = "/usr/local/sbin/python3-killed"
WRAPPER = """#!/bin/sh
exec strace -qq -o /dev/null -e trace=%(calls)s -e inject=%(calls)s:signal=KILL:when=%(number)d /usr/bin/python3 "$@"
"""
CALLS = "vfork,fork,clone,clone3,mkdir,rename,unlink,fsync"
JOURNAL = "/var/lib/rancher/k3s/riscv-k3s/journal.json"
TARGET = "docker.io/tests/killed:1"
REGISTRIES = "mirrors: {'10.99.0.1:5000': {endpoint: ['http://10.99.0.1:5000']}}\n"
COREDNS = "/var/lib/rancher/k3s/server/manifests/coredns"
PATCH = {
    "manifest": "coredns.yaml",
    "kind": "Deployment",
    "name": "coredns",
    "container": "coredns",
    "command": ["/coredns"],
}


def killed_run(lab, folder, board, module, args, number):
    """Run a module that is killed at its ``number``th call. Its result, or None when it was killed."""
    lab.write(board, PYTHON, WRAPPER % {"calls": CALLS, "number": number})
    lab.exec(board, ["chmod", "755", PYTHON])
    run = modules.tasks(
        lab, folder, board, {"riscv.k3s." + module: args, "vars": {"ansible_python_interpreter": PYTHON}}
    )
    result = run.rows[0]["result"]
    return None if "changed" not in result or result.get("rc") or result.get("module_stdout") is not None else result


def kill_at_each_call(lab, folder, board, module, args, before, assert_whole):
    """Kill a module at each call in turn, each time from the state ``before()`` makes. Returns the number of kills."""
    number = 0
    while True:
        number += 1
        assert number < 100, "%s never ended before its kill" % module
        before()
        result = killed_run(lab, folder, board, module, args, number)
        if result:
            assert result["changed"], result
            return number - 1
        assert_whole()
        done = modules.task(lab, folder, board, module, args)
        assert not done.get("failed"), done
        again = modules.task(lab, folder, board, module, args)
        assert again["changed"] is False, again


@pytest.fixture(scope="module", autouse=True)
def _afterwards(lab):
    yield
    for board in (lab.server, lab.agent):
        lab.exec(board, ["rm", "-f", PYTHON])


@pytest.fixture(name="source")
def _source(lab, connected, tmp_path):
    source = lab.registry + "/tests/killed-source:1"
    modules.build(lab, tmp_path, {"src": modules.program("pause"), "entrypoint": ["/pause"], "image": source})
    return source


def show(capsys, kills, what):
    with capsys.disabled():
        print("\n%s: %d kills" % (what, kills))
    assert kills >= 3


def test_config_file(lab, tmp_path, capsys):
    path = "/etc/rancher/k3s/killed.yaml"
    args = {"path": path, "content": "new\n"}

    def before():
        modules.task(lab, tmp_path, lab.agent, "k3s_config_file", {"path": path, "state": "absent"})
        lab.write(lab.agent, path, "old\n")

    def whole():
        assert lab.read(lab.agent, path) in ("old\n", "new\n")

    kills = kill_at_each_call(lab, tmp_path, lab.agent, "k3s_config_file", args, before, whole)
    # Whatever the kills, what stood there before is known.
    modules.task(lab, tmp_path, lab.agent, "k3s_config_file", {"path": path, "state": "absent"})
    assert lab.read(lab.agent, path) == "old\n"
    lab.exec(lab.agent, ["rm", path])
    show(capsys, kills, "k3s_config_file")


def test_image_tag(lab, source, tmp_path, capsys):
    modules.task(lab, tmp_path, lab.agent, "crictl_image_pull", {"images": [source], "architecture": "riscv64"})
    args = {"images": [{"source": source, "targets": [TARGET]}], "architecture": "riscv64"}

    def before():
        modules.task(
            lab, tmp_path, lab.agent, "crictl_image_tag", {"images": [{"targets": [TARGET]}], "state": "absent"}
        )

    def whole():
        lines = lab.exec(lab.agent, ["k3s", "ctr", "images", "ls", "name==" + TARGET]).stdout.splitlines()[1:]
        assert len(lines) <= 1 and all("linux/riscv64" in line for line in lines)
        if lines:  # what undo has to know
            assert TARGET in json.loads(lab.read(lab.agent, JOURNAL))["images"]

    show(
        capsys, kill_at_each_call(lab, tmp_path, lab.agent, "crictl_image_tag", args, before, whole), "crictl_image_tag"
    )


def test_image_pull(lab, source, tmp_path, capsys):
    args = {"images": [source], "architecture": "riscv64"}

    def before():
        modules.remove_images(lab, lab.agent, source, TARGET)

    def whole():
        # Of a pull that was killed there is no name, or one whose content is all there; and undo knows of it.
        lines = lab.exec(lab.agent, ["k3s", "ctr", "images", "check", "name==" + source]).stdout.splitlines()[1:]
        assert len(lines) <= 1 and all("complete (" in line and "incomplete" not in line for line in lines)
        if lines:
            assert source in json.loads(lab.read(lab.agent, JOURNAL))["images"]

    show(
        capsys,
        kill_at_each_call(lab, tmp_path, lab.agent, "crictl_image_pull", args, before, whole),
        "crictl_image_pull",
    )


def test_manifest_patch(lab, tmp_path, capsys):
    args = {"patches": [PATCH], "wait": False}
    absent = {"patches": [{"manifest": "coredns.yaml"}], "state": "absent", "wait": True}
    names = "ls -A /var/lib/rancher/k3s/server/manifests | grep -v '^.riscv-k3s-' || true"

    def before():
        modules.task(lab, tmp_path, lab.server, "k3s_manifest_patch", absent)

    def whole():
        there = lab.exec(lab.server, names).stdout.split()
        # A .skip without its overlay would leave the component without upgrades.
        assert "coredns.yaml" in there and ("coredns.yaml.skip" not in there or "coredns-riscv64.yaml" in there)
        assert "kind: Deployment" in lab.read(lab.server, COREDNS + ".yaml")

    kills = kill_at_each_call(lab, tmp_path, lab.server, "k3s_manifest_patch", args, before, whole)
    before()
    show(capsys, kills, "k3s_manifest_patch")
