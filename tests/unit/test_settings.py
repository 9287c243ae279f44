# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of an inventory: one declaration, told from in the inventory's words, and held against its copies."""

from __future__ import annotations

import json
import pathlib
import re
import sys

import pytest
import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import PROGRAM_TIMEOUT
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings import declared
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.controller import inventory_settings
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.read import read
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import supply

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import role_specs  # noqa: E402  (it lives in tools/, which is no package)

SCHEMA = json.loads((ROOT / "docs/schema/catalogue.schema.json").read_text(encoding="utf-8"))["properties"]
SAMPLE = (ROOT / "inventory/sample/group_vars/k3s_cluster.yml").read_text(encoding="utf-8")
ROLES = sorted(path for path in (ROOT / "roles").rglob("*.yml"))
TYPES = {
    "text": {"string"},
    "flag": {"boolean"},
    "count": {"integer"},
    "share": {"number"},
    "texts": {"array"},
    "dictionary": {"object"},
    "dictionaries": {"array"},
}
DEFINITIONS = {"#/$defs/registries": "object", "#/$defs/catalogue": "array"}


class Tagged(str):
    """As Ansible hands over texts."""


def one(**variables):
    return read({"b": {"riscv_k3s_" + name: value for name, value in variables.items()}})["b"]


@pytest.mark.parametrize(
    "name, value, made",
    [
        ("pull_retries", "5", 5),
        ("pull_retries", 0, 0),
        ("pinned", "no", False),
        ("deep", Tagged("True"), True),
        ("fixes", "tag, flag", ["tag", "flag"]),
        ("fixes", ["preload"], ["preload"]),
        ("max_fail_percentage", "25%", 25.0),
        ("target_version", 1.36, "1.36"),
        ("serial", [1, "50%"], [1, "50%"]),
        ("gates", [], []),
        # It says that there shall be no lock.
        ("lock_file", "", ""),
        # A variable that is null is one that is not set.
        ("pull_policy", None, "missing"),
    ],
)
def test_values(name, value, made):
    assert one(**{name: value})[name] == made


@pytest.mark.parametrize(
    "name, value, told",
    [
        ("pull_policy", "never", "riscv_k3s_pull_policy must be one of missing, always. Found: never."),
        ("fixes", ["tag", "magic"], "riscv_k3s_fixes must be one of mirror, tag, flag, preload. Found: magic."),
        ("fixes", {"tag": 1}, "riscv_k3s_fixes must be a list. Found: a dictionary."),
        ("catalogue", Tagged("x"), "riscv_k3s_catalogue must be a list of dictionaries. Found: text x."),
        ("catalogue", ["x"], "riscv_k3s_catalogue must be a list of dictionaries. Found: a list."),
        ("pinned", "perhaps", "riscv_k3s_pinned must be true or false. Found: text perhaps."),
        ("wait_timeout", -1, "riscv_k3s_wait_timeout must be a whole number from 0 on. Found: -1."),
        ("wait_timeout", "9" * 5000, "riscv_k3s_wait_timeout must be a whole number from 0 on. Found: "),
        ("wait_timeout", True, "riscv_k3s_wait_timeout must be a whole number from 0 on. Found: true."),
        ("max_fail_percentage", 101, "riscv_k3s_max_fail_percentage must be a number from 0 to 100. Found: 101."),
        ("data_dir", ["/x"], "riscv_k3s_data_dir must be text. Found: a list."),
        ("regsitries", {}, "riscv_k3s_regsitries is not a setting: did you mean riscv_k3s_registries?"),
        ("colour", "red", "riscv_k3s_colour is not a setting."),
    ],
)
def test_mistakes_are_told_in_words_of_the_inventory(name, value, told):
    with pytest.raises(Problem) as caught:
        one(**{name: value})
    assert told in str(caught.value) and "Tagged" not in str(caught.value) and "Where: b." in str(caught.value)


@pytest.mark.parametrize("name", sorted(declared.SETTINGS))
def test_an_empty_answer_of_a_survey_is_none(name):
    """AWX hands on an empty text for a question that nobody answered."""
    if name == "lock_file":
        return  # there it says that there shall be no lock
    for value in ("", "  ", Tagged("")):
        if declared.SETTINGS[name].kind.startswith("dictionar"):
            with pytest.raises(Problem, match="must be a "):
                one(**{name: value})
        else:
            assert one(**{name: value}) == one(), name


@pytest.mark.parametrize("value", [",", " , ", [""], [" ", ""]])
def test_a_list_that_names_nothing_is_not_all(value):
    """undo takes back everything where no component is named."""
    with pytest.raises(Problem, match="riscv_k3s_undo_components must be a list, and that names nothing"):
        one(undo_components=value)
    assert one(undo_components="coredns, ,")["undo_components"] == ["coredns"] and one(undo_components=[]) == one()


def test_roles_take_an_empty_answer_for_none():
    """Where they read a variable before a plan has looked at it."""
    # An empty password says that the key logs in; in the place of a dictionary it is a mistake, which the plan tells;
    # a module, a lookup and Ansible's check of numbers take care of the others.
    others = {"enroll_password", "catalogue", "registries", "data_dir", "hosts", "program_timeout"}
    paths = [*ROLES, *ROOT.glob("playbooks/*.yml")]
    uses = [
        use
        for path in paths
        for use in re.findall(
            r"riscv_k3s_(\w+) (\| default\([^)]*\)|is (?:not )?defined)", path.read_text(encoding="utf-8")
        )
    ]
    assert len(uses) > 40
    assert {name for name, how in uses if not how.endswith((", true)", "default('')"))} == others


def test_a_mistake_is_told_once_for_all_boards():
    boards = {"board-%d" % number: {"riscv_k3s_pinned": "x"} for number in range(20)}
    with pytest.raises(Problem) as caught:
        read(boards)
    assert caught.value.where == "board-0, board-1, board-2 and 17 more"


def test_a_value_that_may_be_a_password_is_not_shown():
    for value in ("hunter2", ["hunter2"], 83):
        with pytest.raises(Problem) as caught:
            one(registries=value)
        assert "hunter2" not in str(caught.value) and "83" not in str(caught.value)


def test_boards_with_equal_settings_share_them():
    made = read({name: {"riscv_k3s_pinned": False} for name in "ab"} | {"c": {}})
    assert made["a"] is made["b"] and made["c"]["pinned"] is True


def test_the_schema_has_the_same_settings():
    named = {"riscv_k3s_" + name for name in declared.SETTINGS}
    assert named == set(SCHEMA) - {"riscv_k3s_default_catalogue"}


@pytest.mark.parametrize("name", sorted(declared.SETTINGS))
def test_a_setting_is_the_same_in_the_schema(name):
    setting, known = declared.SETTINGS[name], SCHEMA["riscv_k3s_" + name]
    assert known.get("default") == declared.default_of(name)
    forms = [known, *known.get("anyOf", ())]
    choices = [form.get("enum") or form.get("items", {}).get("enum") for form in forms]
    assert [tuple(choice) for choice in choices if choice] in ([], [setting.choices])
    assert bool(setting.choices) == any(choices)
    types = {form["type"] for form in forms if "type" in form} | {
        DEFINITIONS[form["$ref"]] for form in forms if form.get("$ref") in DEFINITIONS
    }
    if setting.kind != "any" and not setting.choices:
        assert TYPES[setting.kind] <= types


@pytest.mark.parametrize("name", sorted(declared.SETTINGS))
def test_the_sample_shows_the_default(name):
    """Where it shows a value in one line that is commented out."""
    shown = re.search(r"^# riscv_k3s_%s: *([^#\n]*?) *(#.*)?$" % name, SAMPLE, re.MULTILINE)
    default = declared.default_of(name)
    if shown and shown.group(1) and default is not None:
        assert yaml.safe_load(shown.group(1)) == default


@pytest.mark.parametrize("path", ROLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_role_declares_a_default_of_its_own(path):
    """But for where to look before anything was looked at, and for roles that run on the controller alone."""
    text = path.read_text(encoding="utf-8")
    found = {name[len("riscv_k3s_") :] for name in re.findall(r"(riscv_k3s_\w+) \| default\((?!omit)", text)}
    declared_elsewhere = {name for name in found if declared.default_of(name) is not None} - declared.READ_LATER
    assert declared_elsewhere - {"server_group", "hosts", "architecture"} == set()


def test_programs_have_as_long_as_a_look_by_itself_gives_them():
    assert declared.default_of("program_timeout") == PROGRAM_TIMEOUT


def test_every_look_at_a_board_has_the_time_of_the_inventory():
    looks = [
        (path.name, task[module])
        for path in (*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("playbooks/*.yml"))
        for task in tasks(yaml.safe_load(path.read_text(encoding="utf-8")))
        for module in ("riscv.k3s.k3s_info", "riscv.k3s.k3s_wait")
        if module in task
    ]
    assert len(looks) > 8
    assert [name for name, arguments in looks if "program_timeout" not in arguments] == []


def tasks(nodes):
    """All tasks of a file, those in plays and blocks, too."""
    for node in nodes or ():
        yield node
        for key in ("tasks", "block", "rescue", "always"):
            yield from tasks(node.get(key))


def test_roles_of_the_controller_read_settings_as_a_plan_does():
    made = inventory_settings({"inventory_hostname": "b", "riscv_k3s_fixes": "tag", "ansible_host": "x"})
    assert (made["fixes"], made["target_images"]) == (["tag"], [])
    with pytest.raises(Problem, match="did you mean riscv_k3s_target_version"):
        inventory_settings({"riscv_k3s_target_versoin": "v1"})


def test_roles_of_the_controller_look_at_no_password():
    class Vault(dict):
        def __getitem__(self, name):
            assert "regist" not in name, name
            return super().__getitem__(name)

    names = ("riscv_k3s_registries", "riscv_k3s_registry_password")
    made = inventory_settings(Vault(dict.fromkeys(names, "secret"), inventory_hostname="b"))
    assert made["registries"] is made["registry_password"] is None


@pytest.mark.parametrize(
    "variables, version",
    [
        ({"k3s_version": "v1.35.8+k3s1"}, "v1.35.8+k3s1"),
        # As k3s says it of itself, or an upgrade would wait for ever for a node that runs it.
        ({"riscv_k3s_target_version": " 1.36.3+k3s1"}, "v1.36.3+k3s1"),
        ({"riscv_k3s_target_version": ""}, None),
        ({"k3s_version": "v1.35.8+k3s1", "riscv_k3s_target_version": "v1.36.3+k3s1"}, "v1.36.3+k3s1"),
        # Words that k3s-ansible's relatives know.
        ({"k3s_version": "latest"}, None),
        ({"k3s_version": None}, None),
        ({}, None),
    ],
)
def test_the_version_of_k3s_ansible_counts_where_the_inventory_says_no_other(variables, version):
    assert read({"b": variables})["b"]["target_version"] == version
    assert inventory_settings(variables)["target_version"] == version


def test_no_plan_reads_what_k3s_is_told_where_it_is_installed():
    assert set(declared.OF_CONFIG) <= declared.READ_LATER


def test_the_supply_has_the_same_fixes():
    assert declared.SETTINGS["fixes"].choices == supply.FIXES
    assert declared.SETTINGS["fixes"].default == supply.DEFAULT_FIXES


def test_argument_specs_of_roles_are_made_from_the_declaration():
    assert {path.parents[1].name for path in role_specs.files()} == {path.name for path in (ROOT / "roles").iterdir()}
    for path, text in role_specs.files().items():
        assert path.read_text(encoding="utf-8") == text, "run tools/role-specs"
