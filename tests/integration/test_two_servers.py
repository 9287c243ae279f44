# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two servers and an agent: each server applies its own files, and with one of them dead the other will do."""

from __future__ import annotations

import json
import os
import time

import pytest
from runs import play

pytestmark = pytest.mark.slow

ONE_PASS = 20  # seconds: the deploy controller looks every 15 s
SITE, PLAN, UNDO = "riscv.k3s.site", "riscv.k3s.plan", "riscv.k3s.undo"


class TwoServers:
    """A second lab with two servers and an agent; their cluster is kept outside of the boards."""

    second, agent = "board-2", "board-3"
    own = {
        "RISCV_K3S_LAB_NAME": os.environ.get("RISCV_K3S_LAB_NAME", "riscv.k3s") + "-two",
        "RISCV_K3S_LAB_BOARDS": "server,server,agent",
    }

    def lab(self, *args, check=True, env=None, **options):
        """Run the command line of that lab."""
        return super().lab(*args, check=check, env=dict(env or os.environ, **self.own), **options)


@pytest.fixture(name="two", scope="module")
def _two(lab):
    two = type("TwoServersLab", (TwoServers, type(lab)), {})()
    two.lab("up")
    yield two
    two.lab("down", "--check")


def nodes_by(two, server):
    """{node: is it Ready?} as one server says."""
    done = two.exec(server, ["k3s", "kubectl", "get", "nodes", "-o", "json"], check=False)
    nodes = json.loads(done.stdout)["items"] if done.returncode == 0 else []
    return {
        node["metadata"]["name"]: any(
            (c["type"], c["status"]) == ("Ready", "True") for c in node["status"]["conditions"]
        )
        for node in nodes
    }


def test_two_servers_have_one_cluster_and_each_applies_its_own_files(two):
    everyone = dict.fromkeys(("board-1", "board-2", "board-3"), True)
    assert nodes_by(two, two.server) == nodes_by(two, two.second) == everyone
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: default}\n"
    for board in (two.server, two.second):
        two.write(board, "%s/lab-%s.yaml" % (two.manifests, board), config % board)
    for board in (two.server, two.second):
        two.wait("the file of " + board, lambda name=board: two.get("configmap", name), ONE_PASS)
    assert two.exec(two.second, "ls %s" % two.manifests).stdout.count("lab-") == 1
    found = two.get("node", two.second)["metadata"]["annotations"]
    args = json.loads(found["k3s.io/node-args"])
    assert args[args.index("--datastore-endpoint") + 1] == "********"


def test_with_one_server_dead_the_other_serves_and_the_agent_stays(two):
    two.exec(two.server, "kill -9 $(cat /run/k3s.pid)")
    try:
        two.wait("board-1 is missed", lambda: nodes_by(two, two.second).get("board-1") is False, 120)
        assert nodes_by(two, two.server) == {}
        time.sleep(ONE_PASS)
        assert nodes_by(two, two.second) == {"board-1": False, "board-2": True, "board-3": True}
        two.write(
            two.second, two.manifests + "/lab-later.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: later}\n"
        )
        two.wait(
            "a file of the other server", lambda: "later" in two.exec(two.second, "k3s kubectl get ns").stdout, ONE_PASS
        )
    finally:
        two.exec(two.server, ["service", "k3s", "start"])
    two.wait("board-1 is back", lambda: all(nodes_by(two, two.server).values()), 60)


def test_both_servers_are_made_healthy(two):
    play(two, "riscv.k3s.build_images")
    first = play(two, SITE)
    assert "All healthy." in first.text and all(first.changed.values())
    second = play(two, SITE)
    assert "All healthy." in second.text and not any(second.changed.values())


@pytest.fixture(name="one_is_dead")
def _one_is_dead(two):
    """The server that the inventory names first does not run."""
    two.exec(two.server, "kill -9 $(cat /run/k3s.pid)")
    two.wait("board-1 is missed", lambda: nodes_by(two, two.second).get("board-1") is False, 120)
    yield
    two.exec(two.server, ["service", "k3s", "start"])
    two.wait("board-1 is back", lambda: all(nodes_by(two, two.server).values()), 60)


def test_the_other_server_will_do_and_the_dead_one_is_named(two, one_is_dead):
    plan = play(two, PLAN, check=False)
    assert "All healthy." not in plan.text and "board-1" in plan.text
    # Something is to be done on the agent: it is done, although the first server is dead.
    name = "docker.io/rancher/mirrored-pause:3.6"
    two.exec(two.agent, ["k3s", "ctr", "images", "rm", name])
    run = play(two, SITE, check=False)
    assert run.changed[two.agent] and run.rc != 0 and "All healthy." not in run.text
    assert name in two.exec(two.agent, ["k3s", "ctr", "images", "ls", "-q"]).stdout
    assert "unreachable=1" not in run.text, "no board is out of reach, and none is called so"
    limited = play(two, SITE, "--limit", two.agent, check=False)
    assert not any(limited.changed.values()) and "Traceback" not in limited.text


def test_what_was_done_is_undone_with_one_server_dead(two, one_is_dead):
    undone = play(two, UNDO, "--limit", "%s,%s" % (two.second, two.agent), check=False)
    assert undone.changed[two.agent] and undone.changed[two.second]
    assert "registry" not in two.exec(two.agent, ["cat", "/etc/rancher/k3s/registries.yaml"], check=False).stdout
