# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of registries.yaml: what is ours is written, what is not is looked at first, kept or refused."""

from __future__ import annotations

import json

import pytest
from planning import COREDNS, PAUSE, REGISTRIES, fleet_of, held, observed, settings_of, wanting

from ansible_collections.riscv.k3s.plugins.filter.registries_yaml import registries_yaml
from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import run as _run
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import registries as _plan_registries
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import registries as _registries

PATH = "/etc/rancher/k3s/registries.yaml"
WANTED = sha256(_registries.render(REGISTRIES).encode())
OTHER, OLD = "1" * 64, "2" * 64
LOOKED = {"others": ["configs.corp.auth"], "replaced": ["mirrors.docker.io.endpoint"]}


def board(sha=OTHER, ours=(), before=None, wanted=None, closer=None, **more):
    entry = {"sha256": None, "previous": None, "before": before and {"sha256": before}}
    files = {PATH: dict(entry, **dict(zip(("sha256", "previous"), ours)))} if ours or before else {}
    seen = {"path": PATH, "present": True, "sha256": sha, "mode": "0600", "stale": False, "wanted": wanted}
    journal = {"files": files, "images": {}, "error": None, "lease": None}
    looked = {} if closer is None else {"registries": closer}
    return observed(
        [held(PAUSE), held(COREDNS)],
        registries=dict(seen, **more),
        journal=journal,
        closer=looked,
        data_dir="/d",
        disk=None,
    )


def made(seen, **wanted):
    return _plan_registries.action(seen, wanting(**dict({"registries": REGISTRIES}, **wanted)), "v1.30.0+k3s1")


@pytest.mark.parametrize(
    "seen, merge, change, look, merges",
    [
        (board(WANTED), False, False, False, False),
        (board(OLD, ours=(OLD,)), False, True, False, False),
        (board(OLD, ours=(WANTED, OLD)), False, True, False, False),
        (board(OTHER, ours=(OLD,)), False, True, True, False),
        (board(OTHER), False, True, True, False),
        (board(OTHER), True, True, True, True),
        (board(OLD, ours=(OLD,), before=OLD), False, True, True, False),
        # What was merged with what is wanted now; with something older; and while nothing is to be kept any more.
        (board(OTHER, ours=(OTHER,), wanted=WANTED), True, False, False, False),
        (board(OTHER, ours=(OTHER,), wanted=OLD), True, True, True, True),
        (board(OTHER, ours=(OTHER,), wanted=WANTED), False, True, True, False),
        # Somebody changed it since: its second line says nothing then.
        (board(OTHER, ours=(OLD,), wanted=WANTED), True, True, True, True),
    ],
)
def test_a_closer_look_only_where_the_file_may_hold_what_is_not_ours(seen, merge, change, look, merges):
    plan = made(seen, merge=merge)
    assert (plan["change"], plan["look"], plan["merge"], plan["refused"]) == (change, look, merges, None)


def test_what_would_be_lost_is_refused_by_name_with_what_to_do():
    plan = made(board(closer=LOOKED))
    assert "would go: configs.corp.auth; would be replaced: mirrors.docker.io.endpoint" in plan["refused"]
    assert "riscv_k3s_registries_merge: true" in plan["refused"] and not plan["look"]
    assert plan["refused"] in plan["warnings"][0]


def test_where_it_is_kept_the_plan_names_it():
    plan = made(board(closer=LOOKED), merge=True)
    assert plan["merge"] and plan["change"] and not plan["refused"]
    assert plan["warnings"] == [
        PATH + " was written by somebody else; kept of it: configs.corp.auth; replaced by the inventory's: "
        "mirrors.docker.io.endpoint"
    ]


def test_a_file_of_somebody_else_that_has_nothing_more_is_written():
    plan = made(board(closer={"others": [], "replaced": []}))
    assert plan["change"] and not plan["refused"] and not plan["look"] and plan["warnings"] == []


def test_a_merged_file_of_a_wrong_mode_stays_merged():
    plan = made(board(OTHER, ours=(OTHER,), wanted=WANTED, mode="0644"), merge=True)
    assert (plan["change"], plan["merge"], plan["restart"]) == (True, True, False)


def test_names_are_not_shown_without_end():
    plan = made(board(closer={"others": ["mirrors.h%d" % number for number in range(1000)], "replaced": []}))
    assert "and 980 more" in plan["refused"] and len(plan["refused"]) < 1000


def test_the_document_says_where_to_look_and_what_is_refused():
    settings = settings_of(registries=REGISTRIES)
    first = _run.present(fleet_of({"b1": (board(WANTED), settings), "b2": (board(), settings)}), {})
    assert first["closer"] == {"b2": ["registries"]} and first["problems"] == {}
    then = _run.present(fleet_of({"b1": (board(WANTED), settings), "b2": (board(closer=LOOKED), settings)}), {})
    assert then["closer"] == {} and list(then["problems"]) == ["b2"] and "configs.corp.auth" in then["problems"]["b2"]
    assert any("configs.corp.auth" in line for line in then["table"])


TEXT = "# k3s-ansible's\nmirrors:\n  'reg:5000': {endpoint: ['http://reg:5000']}\n"


def test_what_k3s_ansible_writes_is_what_is_wanted_byte_for_byte():
    assert registries_yaml(None, k3s_ansible=TEXT) == TEXT == registries_yaml(REGISTRIES, k3s_ansible=TEXT)
    assert registries_yaml(None, k3s_ansible=REGISTRIES) == json.dumps(REGISTRIES)
    assert _registries.chosen(None, TEXT) == REGISTRIES and _registries.chosen(None, None) is None
    settings = settings_of() | {"registries_config_yaml": TEXT}
    there = board(sha256(TEXT.encode()), mode="0644")
    plan = _run.present(fleet_of({"b1": (there, settings)}), {})["boards"]["b1"]
    assert plan["registries"]["reason"] == "as wanted", "its mode is k3s-ansible's, too"
    assert "reg:5000" not in json.dumps(plan["settings"])


def test_two_tools_that_would_undo_each_other_s_work_are_an_error():
    for arguments in (
        {"config": {"mirrors": {"other.example": {}}}},
        {"config": None, "mirror": "reg:5000/stock"},
        {"config": None, "shared": ["*"]},
    ):
        with pytest.raises(Problem, match="overwrite each other") as error:
            registries_yaml(k3s_ansible=TEXT, **arguments)
        assert "riscv.k3s.registries_yaml" in error.value.next_step
    # As the advice says.
    both = registries_yaml(REGISTRIES, mirror="reg:5000/stock")
    assert registries_yaml(REGISTRIES, mirror="reg:5000/stock", k3s_ansible=both) == both
    assert registries_yaml(None, mirror="reg:5000/stock", k3s_ansible=both) == both


@pytest.mark.parametrize(
    "value",
    ["configs: {a: {auth: {password: *hunter2}}}", "a: [", "- hunter2", 7, "configs: {a: {auth: {hunter2: x}}}"],
)
def test_a_mistake_in_it_is_told_in_its_own_name_without_values(value):
    with pytest.raises(Problem) as error:
        registries_yaml(None, k3s_ansible=value)
    told = str(error.value)
    assert "registries_config_yaml" in told and "riscv_k3s_registries" not in told
    assert "password: " not in told and "*hunter2" not in told
