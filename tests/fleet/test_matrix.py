# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A matrix of clusters: the answer of a run is right in each cell. Boards that differ share a run."""

from __future__ import annotations

import pytest
import yaml
from boards import VARIABLES
from cells import FAR, WAYS, home, journals, move, runs
from test_inventories import FLAT, SHAPES

YEARS = 30 * 365 * 86400
REGISTRIES = {"mirrors": {"registry.example:5000": {"endpoint": ["http://registry.example:5000"]}}}
STOCK = {"docker.io/rancher/mirrored-pause:3.6", "docker.io/rancher/mirrored-coredns-coredns:1.9.1"}
# Waves are tested elsewhere.
AT_ONCE = {"riscv_k3s_serial": ["100%"]}
SIX = dict(SHAPES, flat=FLAT)
_CELLS: list[str] = []


@pytest.fixture(name="cell")
def _cell():
    """Notes a cell that was judged."""
    return _CELLS.append


@pytest.fixture(autouse=True, scope="module")
def _count(pytestconfig):
    yield
    with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("\nthe matrix: %d cells" % len(_CELLS))


def said(run):
    return " ".join(run.text.split())


def healthy(run):
    assert run.rc == 0 and "All healthy." in run.text and run.failed == [], run.text


def unhealthy(run, *told):
    assert run.rc != 0 and "ealthy." not in run.text.replace("called healthy.", ""), run.text
    assert all(text in said(run) for text in told), run.text


@pytest.mark.slow
def test_a_data_folder_told_in_six_ways(make_fleet, cell):
    """Of a k3s that can be seen to run, and of one that cannot."""
    fleet = make_fleet(servers=1, agents=12, **AT_ONCE)
    ways = dict(zip(fleet.agents, [*WAYS, *WAYS]))
    for number, (name, way) in enumerate(ways.items()):
        move(fleet, name, way)
        if number >= 6:
            runs(fleet, name)
    healthy(fleet.play())
    before = fleet.look()
    again = fleet.play()
    healthy(again)
    assert again.changed == 0 and fleet.touched(before) == []
    for name, way in ways.items():
        assert journals(fleet, name) == [FAR] and set(fleet.state(name)["store"]) >= STOCK, way
        assert not (home(fleet, name) / "var-lib/rancher/k3s").exists(), way
        cell("data folder: %s" % way)


def test_a_data_folder_that_is_not_the_one_in_use(make_fleet, cell):
    fleet = make_fleet(servers=1, agents=4, **AT_ONCE)
    given, empty, well, differs = fleet.agents
    path = fleet.folder / "hosts.yml"
    inventory = yaml.safe_load(path.read_text())
    hosts = inventory["k3s_cluster"]["children"]["agent"]["hosts"]
    hosts[given] = {"riscv_k3s_data_dir": "/var/lib/rancher/k3s"}
    move(fleet, well, "a drop-in")
    hosts[well] = {"riscv_k3s_data_dir": FAR}
    path.write_text(yaml.safe_dump(inventory))
    (home(fleet, given) / "var-lib/far/k3s/agent/etc/containerd").mkdir(parents=True)
    fleet.set(given, data=FAR)
    runs(fleet, given)
    (home(fleet, empty) / "var-lib/rancher/k3s").rename(home(fleet, empty) / "var-lib/elsewhere")
    runs(fleet, differs)
    fleet.set(differs, args='["agent", "--data-dir", "%s"]' % FAR)
    before = fleet.look()
    unhealthy(fleet.play(playbook="riscv.k3s.site"))
    assert not {given, empty, differs} & set(fleet.touched(before))
    run = fleet.play(playbook="riscv.k3s.plan")
    assert "All healthy." not in run.text, run.text
    assert "riscv_k3s_data_dir is /var/lib/rancher/k3s, but the k3s that runs uses %s" % FAR in said(run), run.text
    assert "%s: k3s has not run with the data folder" % empty in said(run) or empty in run.failed, run.text
    assert "%s: k3s's own account (the node %s) names the data folder %s" % (differs, differs, FAR) in said(run), (
        run.text
    )
    for name in fleet.agents:
        cell("data folder of %s" % name)


@pytest.fixture(name="pair", scope="module")
def _pair(make_fleet):
    fleet = make_fleet(servers=1, agents=1)
    healthy(fleet.play())
    fleet.commands()
    return fleet


@pytest.mark.parametrize("shape", SIX)
def test_an_inventory_in_six_shapes(pair, cell, shape):
    path = pair.folder / "hosts.yml"
    path.write_text(yaml.safe_dump({"all": {"vars": VARIABLES, "children": SIX[shape]}}))
    options = ("-e", "riscv_k3s_hosts=all") if shape == "flat" else ()
    run = pair.play(*options)
    healthy(run)
    assert run.changed == 0 and pair.commands() == dict.fromkeys(pair.boards, 1)
    cell("inventory: %s" % shape)


@pytest.fixture(name="three", scope="module")
def _three(make_fleet):
    fleet = make_fleet(servers=3, agents=1)
    healthy(fleet.play())
    return fleet


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("how", ["cannot be reached", "k3s does not run"])
def test_three_servers_with_each_one_dead_in_turn(three, cell, how, number):
    dead = three.servers[number]
    store = three.state("agent-01")["store"]
    three.set("agent-01", store={})
    if how == "cannot be reached":
        three.vanish(dead)
    else:
        three.set(dead, running=False)
    before = three.look()
    run = three.play()
    three.vanish(dead, None)
    three.set(dead, running=True)
    unhealthy(run, dead)
    # A run that must not end well fails where it reports, on a server.
    assert dead in run.failed and "agent-01" not in run.failed, run.text
    # The agent that lacks its images gets them all the same: any server will do.
    assert three.state("agent-01")["store"] == store and set(three.touched(before)) <= {"agent-01", dead}
    cell("%s %s" % (dead, how))


def test_after_all_of_it_they_are_healthy_again(three):
    run = three.play()
    healthy(run)
    assert run.changed == 0


def test_mixed_architectures_and_an_agent_that_is_no_node(make_fleet, cell):
    fleet = make_fleet(servers=1, agents=2, **AT_ONCE)
    path = fleet.folder / "hosts.yml"
    inventory = yaml.safe_load(path.read_text())
    inventory["k3s_cluster"]["children"]["agent"]["hosts"]["agent-02"] = {"riscv_k3s_architecture": "amd64"}
    path.write_text(yaml.safe_dump(inventory))
    fleet.set("agent-02", architecture="amd64")
    before = fleet.look()
    healthy(fleet.play())
    assert fleet.touched(before) == ["server-01", "agent-01"], "an amd64 board runs the stock images"
    cell("mixed architectures")
    for name, architecture in (("agent-01", "riscv64"), ("agent-02", "amd64")):
        fleet.set(name, node=None)
        unhealthy(fleet.play(), "NOT KNOWN", "%s: this board (%s" % (name, name), "is no node of")
        cell("an agent that is no node, %s" % architecture)
        fleet.set(name, node="")
    healthy(fleet.play())


@pytest.mark.slow
def test_clocks_that_are_years_off(make_fleet, cell):
    """k3s is restarted once after a change, and a change that a run did not end with a restart is made up."""
    fleet = make_fleet(servers=1, agents=4, riscv_k3s_registries=REGISTRIES, **AT_ONCE)
    seen = fleet.agents[2:]
    for name, years in zip(fleet.agents, (-YEARS, YEARS, -YEARS, YEARS)):
        fleet.set(name, clock=years)
        if name in seen:
            runs(fleet, name)
    fleet.play(check=0)
    assert {name: fleet.state(name)["restarts"] for name in fleet.boards} == dict.fromkeys(fleet.boards, 1)
    again = fleet.play()
    healthy(again)
    assert again.changed == 0
    assert {name: fleet.state(name)["restarts"] for name in fleet.boards} == dict.fromkeys(fleet.boards, 1)
    for name in fleet.agents:
        cell("clock of %s" % name)
