# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_info, cri_sandbox_info and diagnose on the running lab, over ssh. They fit any lab and change nothing."""

from __future__ import annotations

import hashlib
import json
import os
import sys

import pytest

ANSIBLE = os.path.join(os.path.dirname(sys.executable), "ansible")


@pytest.fixture(name="run")
def _run(lab):
    """Run a module on a board by name: its result as a dictionary."""

    def run(module, board, *options, **args):
        argv = [
            ANSIBLE,
            "-i",
            str(lab.inventory),
            board,
            "-m",
            "riscv.k3s." + module,
            *(["-a", json.dumps(args)] if args else []),
            *options,
        ]
        done = lab.ctl(argv, check=False)
        assert "Traceback" not in done.stdout + done.stderr
        status, arrow, result = done.stdout.partition(" => ")
        assert arrow, done.stdout + done.stderr
        return dict(json.loads(result), failed="FAILED" in status)

    return run


@pytest.fixture(name="waiting_sandbox")
def _waiting_sandbox(lab):
    """A pod of the server with a sandbox of its own: what containerd tells of it."""

    def ask():
        rows = json.loads(lab.exec(lab.server, "k3s crictl pods --state ready -o json").stdout)["items"]
        pods = {
            pod["metadata"]["uid"]
            for pod in lab.get("pods", "-A")["items"]
            if "deletionTimestamp" not in pod["metadata"]
        }
        return next((row for row in rows if row["metadata"]["uid"] in pods), None)

    return lab.wait("a sandbox on the server", ask, 60)


def test_server(lab, run):
    result = run("k3s_info", lab.server)
    assert result["errors"] == [] and result["changed"] is False
    known = {
        "installed": True,
        "program": "/usr/local/bin/k3s",
        "without_program": None,
        "version": result["k3s"]["version"],
    }
    known.update(role="server", running=True)
    assert result["k3s"] == dict(known, seconds=result["k3s"]["seconds"]) and result["k3s"]["seconds"] >= 0
    assert result["k3s"]["version"] in lab.versions.values()
    assert [node["name"] for node in result["api"]["nodes"]] == [lab.server, lab.agent]
    listed = {
        line.split()[0]
        for line in lab.exec(
            lab.server, "ctr -a /run/k3s/containerd/containerd.sock -n k8s.io images ls -q"
        ).stdout.splitlines()
    }
    assert {row["name"] for row in result["images"]} == {
        name for name in listed if "@" not in name and not name.startswith("sha256:")
    }
    for row in result["manifests"]:
        text = lab.read(lab.server, lab.manifests + "/" + row["path"])
        assert row["sha256"] == hashlib.sha256(text.encode()).hexdigest()
        # What is not needed of it stays on the board.
        assert not row["whole"] and ("image:" in text) == ("image:" in row["text"])
    checksums = {addon["name"]: addon["checksum"] for addon in result["api"]["addons"]}
    assert checksums["coredns"]


def test_agent_has_no_api(lab, run):
    result = run("k3s_info", lab.agent)
    assert result["k3s"]["role"] == "agent" and result["k3s"]["running"]
    assert result["manifests"] == [] and "api" not in result
    assert result["pause_image"].startswith("docker.io/rancher/mirrored-pause:")


def test_stated_architecture(lab, run):
    assert run("k3s_info", lab.agent, gather=["disk"], architecture="riscv64")["architecture"] == "riscv64"


def test_one_command_over_ssh(lab, run):
    before = lab.exec(lab.server, "wc -l </var/log/ssh-sessions.log").stdout
    run("k3s_info", lab.server)
    assert int(lab.exec(lab.server, "wc -l </var/log/ssh-sessions.log").stdout) == int(before) + 1


def test_sandbox_is_not_its_pod(lab, run, waiting_sandbox):
    meta = waiting_sandbox["metadata"]
    row = next(
        row
        for row in run("cri_sandbox_info", lab.server, name=meta["name"], states=["ready"])["pods"]
        if row["sandbox_id"] == waiting_sandbox["id"]
    )
    pod = lab.get("pod", "-n", meta["namespace"], meta["name"])
    assert row["uid"] == pod["metadata"]["uid"] and row["sandbox_id"] != row["uid"]
    assert (row["relation"], row["node"], row["api"]["phase"]) == ("matched", lab.server, pod["status"]["phase"])
    assert [container["name"] for container in row["containers"]] == [
        container["name"] for container in pod["spec"]["containers"]
    ]


def test_earlier_attempt_is_previous(lab, run, waiting_sandbox):
    lab.exec(lab.server, ["k3s", "crictl", "stopp", waiting_sandbox["id"]])

    def relations():
        rows = run("cri_sandbox_info", lab.server, name=waiting_sandbox["metadata"]["name"])["pods"]
        found = {row["relation"]: row["attempt"] for row in rows if row["uid"] == waiting_sandbox["metadata"]["uid"]}
        return found if set(found) == {"matched", "previous"} else None

    found = lab.wait("the next attempt", relations, 60)
    assert found["matched"] > found["previous"]


def test_agent_is_joined_by_the_controller(lab, run):
    result = run("cri_sandbox_info", lab.agent)
    assert "api" not in result and all(row["relation"] is None and row["api"] is None for row in result["pods"])


@pytest.mark.parametrize("options", [[], ["--check"]])
def test_diagnose(lab, options):
    done = lab.ctl([ANSIBLE + "-playbook", "-i", str(lab.inventory), "riscv.k3s.diagnose", *options])
    assert "changed=0" in done.stdout and "KUBECTL SAYS" in done.stdout
    for pod in lab.get("pods", "-n", "kube-system")["items"]:
        assert pod["metadata"]["name"].rpartition("-")[0] in done.stdout


@pytest.mark.parametrize("module", ["k3s_info", "cri_sandbox_info"])
@pytest.mark.parametrize(
    "options, args, what, next_step",
    [
        (
            ["--become", "--become-method=su", "--become-user=nobody", "-eansible_become_flags=-s/bin/sh"],
            {},
            "observing a board needs root there",
            "set become: true",
        ),
        (
            [],
            {"k3s": "/not/there/k3s"},
            "k3s runs here as server, and its program was not found",
            "see how k3s is started",
        ),
    ],
)
def test_one_clear_error(lab, run, module, options, args, what, next_step):
    result = run(module, lab.server, *options, **args)
    assert result["failed"] and result["what"] == what and result["next_step"].startswith(next_step)
