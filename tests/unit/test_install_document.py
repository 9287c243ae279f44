# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run that installs k3s on a fleet: who is first, in which order, by which address, and what new boards need."""

from __future__ import annotations

import json

import pytest
from planning import observed
from test_install_board import blank, ours

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.derived import derived
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.fleet import Board, Fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.run import present
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import blank as _blank
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.board import Place
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.cluster import first, url
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.config import Form
from ansible_collections.riscv.k3s.plugins.plugin_utils._install.document import installed
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.read import read

VERSION = "v1.36.3+k3s1"
SERVER = Place("server", True)
DOWN = {"reachable": False, "nodes": [], "pods": []}


def settings_of(**variables):
    given = dict({"target_version": VERSION, "binary": "/k3s", "serial": 2}, **variables)
    return read({"b": {"riscv_k3s_" + name: value for name, value in given.items()}})["b"]


def node(name, ready=True):
    row = {"name": name, "uid": name, "ready": ready, "architecture": "riscv64", "internal_ip": "10.0.0.1"}
    return dict(row, created_at="", boot_id="boot-" + name, machine_id=name, kubelet=VERSION, runtime="", settings=None)


def api(*names):
    return {"reachable": True, "error": None, "nodes": [node(name) for name in names], "pods": [], "addons": []}


def fresh(name):
    identity = {"boot_id": "boot-" + name, "machine_id": name, "addresses": ["127.0.0.1", "10.0.0.7"], "said": []}
    return dict(blank(), hostname=name, identity=identity, architecture="riscv64", api={}, errors=[], images=None)


def running(name, *nodes, **more):
    seen = observed(hostname=name, api=api(*nodes) if nodes else DOWN, machine="riscv64", manager="systemd")
    seen.update(fresh(name), api=seen["api"], images=[], k3s=dict(seen["k3s"], role="server", installed=True))
    return dict(seen, **more)


def of_us(name, *nodes):
    own = ours(SERVER, Form())
    return running(name, *nodes, journal=own["journal"], k3s=own["k3s"], file_settings={})


def fleet_of(boards, servers=("s1",), settings=None, **more):
    settings = settings or settings_of()
    rows = [Board(name, seen, settings, name in servers) for name, seen in boards.items()]
    return Fleet(rows, list(servers), **more)


def run(fleet, tokens=(), hosts=None):
    planned = {"boards": {}, "warnings": []}
    return installed(fleet, planned, hosts or {"s1": "10.0.0.7", "s2": "10.0.0.8"}, tokens)


def test_the_first_server_then_the_others_one_at_a_time_then_agents_by_share():
    names = ("a1", "s2", "a2", "s1", "s3", "a3")
    made = run(fleet_of({name: fresh(name) for name in names}, ("s1", "s2", "s3")))
    assert made["waves"] == [["s1"], ["s2"], ["s3"], ["a1", "a2"], ["a3"]]
    assert made["problems"] == {} and made["programs"] == list(names) and made["first"] == "s1"
    forms = {name: row["install"]["config"]["form"] for name, row in made["boards"].items()}
    assert forms["s1"] == {"server": None, "init": True, "token_file": False, "sans": ()}
    assert (
        forms["s2"] == forms["a1"] == {"server": "https://10.0.0.7:6443", "init": False, "token_file": True, "sans": ()}
    )


@pytest.mark.parametrize(
    "boards, more, expected",
    [
        ({"s1": fresh("s1"), "s2": fresh("s2")}, {}, ("s1", False, False)),
        # It answers: others join it, whatever stands first in the inventory.
        ({"s1": fresh("s1"), "s2": of_us("s2", "s2")}, {}, ("s2", True, True)),
        # It has run, and does not answer: a second cluster beside it would be wrong.
        ({"s1": fresh("s1"), "s2": of_us("s2")}, {}, ("s2", False, True)),
        ({"s1": fresh("s1")}, {"away": {"s2": of_us("s2", "s2")}}, ("s2", True, True)),
    ],
)
def test_which_server_is_first(boards, more, expected):
    assert tuple(first(fleet_of(boards, ("s1", "s2"), **more))) == expected


@pytest.mark.parametrize(
    "boards, more, told",
    [
        ({"s1": fresh("s1")}, {"lost": {"s2": {}}}, "whether there is a cluster already is not known. Found: s2"),
        ({"s1": fresh("s1")}, {"away": {"s2": {}}}, "s2 cannot be reached, or is left out by --limit"),
        ({"a1": fresh("a1")}, {"away": {"s1": {}, "s2": {}}}, "s1, s2 cannot be reached"),
    ],
)
def test_no_second_cluster_is_begun_beside_one_that_nobody_sees(boards, more, told):
    with pytest.raises(Problem, match=told):
        run(fleet_of(boards, ("s1", "s2"), **more))


def test_without_servers_nothing_is_installed():
    with pytest.raises(Problem, match="no board is a server"):
        run(fleet_of({"a1": fresh("a1")}, ()))


def test_a_board_joins_one_that_runs_and_nothing_else_happens():
    made = run(fleet_of({"s1": of_us("s1", "s1"), "a1": fresh("a1")}))
    assert made["waves"] == [["a1"]] and made["boards"]["s1"]["install"]["action"] == "nothing"
    assert made["boards"]["a1"]["install"]["config"]["form"]["server"] == "https://10.0.0.1:6443"


@pytest.mark.parametrize("endpoint", ["10.0.0.7", "S1", "https://10.0.0.7:6443"])
def test_a_server_that_is_installed_anew_joins_another_one_though_the_inventory_names_itself(endpoint):
    """k3s-ansible's sample has the first server as api_endpoint."""
    boards = {"s1": fresh("s1"), "s2": of_us("s2", "s2"), "a1": fresh("a1")}
    boards["a1"]["identity"]["addresses"] = ["10.0.0.9"]
    made = run(fleet_of(boards, ("s1", "s2"), settings_of(api_endpoint=endpoint)))
    joins = {name: row["install"]["config"]["form"]["server"] for name, row in made["boards"].items() if name != "s2"}
    assert joins["s1"] == "https://10.0.0.1:6443"
    assert joins["a1"].lower() == "https://%s:6443" % endpoint.lower().replace("https://", "").replace(":6443", "")


def test_a_second_server_comes_after_the_first_has_etcd():
    made = run(fleet_of({"s1": of_us("s1", "s1"), "s2": fresh("s2")}, ("s1", "s2")))
    assert made["waves"] == [["s1"], ["s2"]] and made["boards"]["s1"]["install"]["config"]["form"]["init"]


def test_nobody_joins_a_server_of_somebody_else_that_does_not_answer():
    made = run(fleet_of({"s1": running("s1"), "a1": fresh("a1")}))
    assert made["boards"]["s1"]["install"]["action"] == "left" and made["waves"] == []
    assert "the server s1 does not answer" in made["problems"]["a1"]


def test_our_own_server_that_is_down_is_started_first():
    down = dict(
        of_us("s1"), images=None, k3s={"installed": True, "running": False, "role": "server", "version": VERSION}
    )
    made = run(fleet_of({"s1": down, "a1": fresh("a1")}))
    assert made["waves"] == [["s1"], ["a1"]] and made["problems"] == {}


def test_a_mistake_of_one_board_names_it():
    settings = settings_of(binary=None)
    made = run(fleet_of({"s1": fresh("s1")}, settings=settings))
    assert "riscv_k3s_binary is not set" in made["problems"]["s1"] and made["waves"] == []


def test_the_gates_of_a_board_are_those_that_tell_whether_k3s_is_there():
    made = run(fleet_of({"s1": fresh("s1")}))
    assert [gate["query"] for gate in made["boards"]["s1"]["settings"]["gates"]] == ["k3s.running", "node.ready"]


@pytest.mark.parametrize(
    "settings, told, nodes, host, expected",
    [
        ({}, {}, (), "10.0.0.7", "https://10.0.0.7:6443"),
        # The only address of its own, where it is reached by another one from here.
        ({}, {}, (), "gateway.lan", "https://10.0.0.7:6443"),
        ({}, {"node-ip": "10.1.1.1,fd00::1"}, (), "h", "https://10.1.1.1:6443"),
        ({}, {"https-listen-port": 7443}, (), "10.0.0.7", "https://10.0.0.7:7443"),
        ({}, {}, [node("s1")], "10.0.0.7", "https://10.0.0.1:6443"),
        ({"api_endpoint": "lb.lan"}, {}, (), "h", "https://lb.lan:6443"),
        ({"api_endpoint": "lb.lan:443"}, {}, (), "h", "https://lb.lan:443"),
        ({"api_endpoint": "fd00::1"}, {}, (), "h", "https://[fd00::1]:6443"),
        ({"api_endpoint": "[fd00::1]:7000"}, {}, (), "h", "https://[fd00::1]:7000"),
        ({"api_endpoint": "https://lb.lan:1/"}, {}, (), "h", "https://lb.lan:1"),
        ({"k3s_ansible": {"api_endpoint": "lb", "api_port": 6444}}, {}, (), "h", "https://lb:6444"),
    ],
)
def test_the_address_by_which_boards_join(settings, told, nodes, host, expected):
    assert url(settings, fresh("s1"), nodes, told, host) == expected


def planned(fleet):
    fleet = _blank.expected(fleet)
    return present(fleet, {})


def test_what_a_new_board_needs_before_its_first_start_is_planned_as_for_one_that_runs():
    variables = {"fixes": ["flag", "preload"], "server_config": {"disable": ["traefik", "servicelb"]}}
    catalogue = [{"stock": "docker.io/rancher/mirrored-pause", "source": "reg:5000/riscv64/pause:3.10"}]
    settings = settings_of(catalogue=catalogue, registries={"mirrors": {"reg:5000": {}}}, **variables)
    fleet = fleet_of({"s1": fresh("s1"), "a1": fresh("a1")}, settings=settings)
    document = planned(fleet)
    made = installed(fleet, document, {}, ())
    for name in ("s1", "a1"):
        row = made["boards"][name]
        assert row["registries"]["change"] and "reg:5000/riscv64/pause:3.10" in row["config"]["text"]
        assert not any(row[key]["restart"] for key in ("registries", "config", "preload"))
    names = {row["image"].rpartition("/")[2] for row in document["asked"]["riscv64"]}
    assert "mirrored-pause:3.10.2" in names and not any("traefik" in name or "klipper" in name for name in names)


def test_a_patch_of_the_catalogue_waits_for_the_manifest_that_k3s_writes():
    patch = {"manifest": "coredns.yaml", "kind": "Deployment", "name": "coredns", "container": "coredns"}
    entry = {"stock": "docker.io/rancher/mirrored-coredns-coredns", "source": "reg:5000/riscv64/coredns:1.12.1"}
    settings = settings_of(catalogue=[dict(entry, patch=dict(patch, command=["/coredns"]))], fixes=["tag"])
    fleet = fleet_of({"s1": fresh("s1")}, settings=settings)
    assert planned(fleet)["patches"] == [] and installed(fleet, planned(fleet), {}, ())["waves"] == [["s1"]]


def test_what_follows_from_the_address_of_a_registry_is_what_a_plan_says():
    settings = settings_of(registry="10.0.0.9:5000")
    fleet = fleet_of({"s1": fresh("s1")}, settings=settings)
    expected = _blank.expected(fleet)
    expected = expected._replace(boards=derived(expected.boards, lambda dummy: "http"))
    row = installed(fleet, present(expected, {}), {}, ())["boards"]["s1"]
    assert row["registries"]["change"] and row["settings"]["mirror_prefix"] == "10.0.0.9:5000/stock"
    assert row["derived_registries"]["mirrors"]["10.0.0.9:5000"]["endpoint"] == ["http://10.0.0.9:5000"]


def test_files_of_boards_that_run_are_for_site_to_change():
    settings = settings_of(registries={"mirrors": {"reg:5000": {}}})
    fleet = fleet_of({"s1": of_us("s1", "s1")}, settings=settings)
    made = installed(fleet, planned(fleet), {}, ())
    assert not made["boards"]["s1"]["registries"]["change"] and made["changes"] == 0


def test_without_a_version_nothing_is_planned():
    with pytest.raises(Problem, match="riscv_k3s_target_version is not set"):
        _blank.expected(fleet_of({"s1": fresh("s1")}, settings=settings_of(target_version=None)))


def test_the_document_holds_no_secret():
    settings = settings_of(server_config={"datastore-endpoint": "mysql://u:hunter2@h"}, token="hunter2")
    settings["k3s_ansible"] = {"extra_server_args": "--etcd-s3-secret-key hunter2"}
    made = run(fleet_of({"s1": fresh("s1")}, settings=settings), ["s1"])
    assert "hunter2" not in json.dumps(made) and made["boards"]["s1"]["install"]["token"]["change"]
