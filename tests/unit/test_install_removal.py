# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run that uninstalls k3s: from whom, in which order, who is asked to delete nodes, and what is told to be lost."""

from __future__ import annotations

import pytest
from test_install_board import entry
from test_install_document import api, fleet_of, fresh, of_us, running

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.removal import uninstalled
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.units import paths

NODES = ("s1", "s2", "a1", "a2")


def agent(name, manager="systemd"):
    files = {paths("agent")[manager]: entry("x"), "/etc/rancher/k3s/config.yaml": entry("y")}
    files["/etc/rancher/k3s/registries.yaml"] = entry("z", kind="file")
    files["/etc/modules-load.d/k3s.conf"] = entry("z", kind="system")
    files["/var/lib/rancher/k3s/agent/images/riscv-k3s-00.tar"] = entry("z", kind="archive")
    programs = {"/usr/local/bin/k3s": {"before": None}}
    return dict(running(name), api={}, manager=manager, journal={"files": files, "programs": programs}, images=[])


def test_agents_first_and_the_first_server_last():
    boards = {"s1": of_us("s1", *NODES), "a1": agent("a1"), "s2": of_us("s2", *NODES), "a2": agent("a2")}
    made = uninstalled(fleet_of(boards, ("s1", "s2")))
    assert made["waves"] == [["a1", "a2"], ["s2"], ["s1"]]
    assert [name for name, row in made["boards"].items() if row["is_last"]] == ["s1"]
    assert made["keeper"] == "s1" and made["boards"]["a1"]["node"] == "a1"
    assert "s1: k3s is removed with ALL DATA OF THE CLUSTER, since no other server stays" in made["lines"]


def test_what_is_taken_back_and_in_the_end_the_service():
    made = uninstalled(fleet_of({"s1": of_us("s1", "s1"), "a1": agent("a1", "openrc")}))["boards"]["a1"]
    assert made["files"] == ["/etc/rancher/k3s/config.yaml", "/etc/rancher/k3s/registries.yaml"]
    assert (made["unit"], made["service"], made["program"]) == (
        "/etc/init.d/k3s-agent",
        "k3s-agent",
        "/usr/local/bin/k3s",
    )


def test_a_server_that_stays_deletes_the_node():
    fleet = fleet_of({"s2": of_us("s2", *NODES)}, ("s1", "s2"), away={"s1": of_us("s1", *NODES)})
    made = uninstalled(fleet)
    assert made["keeper"] == "s1" and not made["boards"]["s2"]["is_last"] and made["boards"]["s2"]["node"] == "s2"
    assert not any("ALL DATA" in line for line in made["lines"])


def test_another_server_that_does_not_answer_may_hold_the_cluster_or_not():
    fleet = fleet_of({"s1": of_us("s1", "s1")}, ("s1", "s2"), away={"s2": dict(of_us("s2"), api={"reachable": False})})
    lines = uninstalled(fleet)["lines"]
    assert (
        "s1: k3s is removed with its data: whether s2 has that of the cluster is not known, it does not answer" in lines
    )


def test_the_k3s_of_the_server_that_deletes_nodes_is_where_it_was_seen():
    """It may be no board of this run."""
    away = of_us("s1", *NODES)
    away.update(k3s=dict(away["k3s"], program="/opt/k3s"), data_dir="/srv/k3s")
    made = uninstalled(fleet_of({"a1": agent("a1")}, ("s1",), away={"s1": away}))
    assert (made["keeper"], made["keeper_program"], made["keeper_data_dir"]) == ("s1", "/opt/k3s", "/srv/k3s")


def test_a_service_that_is_not_there_is_not_stopped():
    """By a run that was cut short before it was written, or behind its removal."""
    seen = agent("a1")
    seen["journal"]["files"][paths("agent")["systemd"]]["current"] = None
    made = uninstalled(fleet_of({"s1": of_us("s1", "s1"), "a1": seen}))["boards"]["a1"]
    assert made["action"] == "remove" and made["service"] is None


def test_where_no_server_that_stays_answers_it_is_told():
    fleet = fleet_of({"a1": agent("a1")}, ("s1",), away={"s1": dict(of_us("s1"), api={"reachable": False})})
    made = uninstalled(fleet)
    assert made["keeper"] is None
    assert "warning: no server that stays answers (s1): nodes stay in its API" in made["lines"]


@pytest.mark.parametrize(
    "seen, action, line",
    [
        (running("s1", "s1"), "left", "s1: left alone: its k3s was installed by somebody else"),
        (fresh("s1"), "nothing", "s1: nothing to remove"),
        (dict(fresh("s1"), k3s={"installed": False, "without_program": "it runs"}), "left", "s1: left alone"),
        # Upgraded by this collection, and not installed by it.
        (
            running("s1", "s1", journal={"files": {}, "programs": {"/usr/local/bin/k3s": {"before": {"sha256": "0"}}}}),
            "left",
            "s1: left alone",
        ),
    ],
)
def test_a_k3s_of_somebody_else_stays(seen, action, line):
    made = uninstalled(fleet_of({"s1": seen}))
    assert (made["boards"]["s1"]["action"], made["waves"], made["changes"]) == (action, [], 0)
    assert made["lines"][0].startswith(line)


def test_one_that_was_cut_short_is_gone_on_with():
    """The service's entry is the last: by it the board is known as ours."""
    files = {paths("server")["systemd"]: entry("x")}
    seen = dict(fresh("s1"), journal={"files": files}, api=api())
    made = uninstalled(fleet_of({"s1": seen}))
    assert made["waves"] == [["s1"]] and made["boards"]["s1"]["files"] == []


def test_nothing_is_begun_where_a_data_folder_is_one_of_the_system():
    boards = {"s1": of_us("s1", *NODES), "a1": dict(agent("a1"), data_dir="/var")}
    with pytest.raises(Problem, match="nothing is removed in the data folder /var"):
        uninstalled(fleet_of(boards))
