# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""diagnose asks every server, says which are dead, and never calls a cluster healthy that nobody showed."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(name="fleet", scope="module")
def _fleet(make_fleet):
    return make_fleet(servers=3, agents=1)


@pytest.fixture(name="diagnose")
def _diagnose(fleet):
    path = fleet.folder / "diagnose.json"

    def run(check=0):
        path.unlink(missing_ok=True)
        done = fleet.play("-e", "riscv_k3s_diagnose_json=%s" % path, playbook="riscv.k3s.diagnose", check=check)
        document = json.loads(path.read_text(encoding="utf-8"))
        return done, document, [(row["cause"], row["subject"]["board"]) for row in document["findings"]]

    return run


@pytest.mark.parametrize("dead", ["server-01", "server-02", "server-03"])
def test_each_server_may_be_dead_in_turn(fleet, diagnose, dead):
    fleet.vanish(dead)
    try:
        run, document, findings = diagnose()
    finally:
        fleet.vanish(dead, None)
    assert [row for row in findings if row[0] in ("board-unreachable", "api-down", "cluster-unknown")] == [
        ("board-unreachable", dead)
    ]
    seen = {board["name"]: (board["observed"], board["node"]) for board in document["boards"]}
    assert seen == {name: (name != dead, name if name != dead else None) for name in fleet.boards}
    assert "NOT KNOWN" not in run.text


def test_a_cluster_without_a_server_that_answers_is_not_known_and_the_run_fails(fleet, diagnose):
    for name in fleet.servers:
        fleet.vanish(name)
    try:
        run, dummy, findings = diagnose(check=2)
    finally:
        for name in fleet.servers:
            fleet.vanish(name, None)
    # Of this machine's kernel there may be findings, too.
    assert findings[:3] == [("board-unreachable", name) for name in fleet.servers]
    assert findings[-1] == ("cluster-unknown", None)
    assert "NOT KNOWN: the cluster" in run.text and "The cluster's view is not known" in run.text


def test_a_board_that_is_no_node_is_a_finding(fleet, diagnose):
    fleet.set("agent-01", node=None)
    try:
        dummy, dummy, findings = diagnose()
    finally:
        fleet.set("agent-01", node="")
    assert ("no-node", "agent-01") in findings
