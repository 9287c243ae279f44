# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON schema that editors use: it agrees with the code that reads the same variables, and with the sample
inventory.
"""

from __future__ import annotations

import json
import pathlib
import re

import jsonschema
import pytest
import yaml

from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import HELM_CHART, POD_SPEC_PATHS
from ansible_collections.riscv.k3s.plugins.plugin_utils._build import builds as _image_builds
from ansible_collections.riscv.k3s.plugins.plugin_utils._build.recipes import recipes
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATH = ROOT / "docs" / "schema" / "catalogue.schema.json"
SCHEMA = json.loads(PATH.read_text(encoding="utf-8"))
FILES = [
    "inventory/sample/group_vars/k3s_cluster.yml",
    "playbooks/vars/catalogue.yml",
    "tests/lab/inventory/group_vars/k3s_cluster.yml",
]
ENTRY = {"stock": "docker.io/rancher/mirrored-pause", "source": "reg:5000/riscv64/pause:3.10"}
URL = "https://releases.example/coredns_1.12.1_linux_riscv64.tgz"
PATCH = {
    "manifest": "coredns.yaml",
    "kind": "Deployment",
    "name": "coredns",
    "container": "coredns",
    "command": ["/coredns"],
}


def test_patches_take_the_kinds_that_can_be_patched():
    (kinds,) = [found["enum"] for found in _values(SCHEMA, "kind") if "enum" in found]
    assert kinds == sorted([*POD_SPEC_PATHS, HELM_CHART])


def _values(value, key):
    if isinstance(value, dict):
        yield from (value[one] for one in value if one == key)
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from _values(item, key)


def errors(variables):
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(variables)]


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", FILES)
def test_files_of_the_project_fit(name):
    assert errors(yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("name", FILES[:2])
def test_files_name_the_schema_for_editors(name):
    (path,) = re.findall(
        r"^# yaml-language-server: \$schema=(\S+)$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE
    )
    assert ((ROOT / name).parent / path).resolve() == PATH


def test_the_sample_names_every_variable():
    text = (ROOT / FILES[0]).read_text(encoding="utf-8")
    described = set(re.findall(r"^(?:# )?(riscv_k3s_\w+):", text, re.MULTILINE))
    assert described - set(SCHEMA["properties"]) == set()
    # The default catalogue's own file.
    assert set(SCHEMA["properties"]) - described == {"riscv_k3s_default_catalogue"}


def test_entries_and_builds_have_the_keys_that_the_code_knows():
    assert set(SCHEMA["$defs"]["entry"]["properties"]) == _catalogue._KEYS
    build = SCHEMA["$defs"]["build"]["properties"]
    assert set(build) == set(_image_builds._KEYS)
    assert set(build["go"]["properties"]) == set(_image_builds._GO_KEYS)
    assert set(build["debian"]["properties"]) == set(_image_builds._DEBIAN_KEYS)
    assert all(" %s" % name in build["recipe"]["description"] for name in recipes())


@pytest.mark.parametrize(
    "variables",
    [
        {"riscv_k3s_catalogue": [ENTRY]},
        {"riscv_k3s_catalogue": "{{ other }}", "unrelated": 1},
        {
            "riscv_k3s_catalogue": [
                dict(ENTRY, patch=PATCH, build={"src": "x.tgz", "env": {"A": 1}}, keep=True, min_version="v0.0.29")
            ]
        },
        {
            "riscv_k3s_registries": {
                "mirrors": {"reg:5000": {"endpoint": ["http://reg:5000"]}},
                "configs": {"reg:5000": {"auth": {"username": "u", "password": "p"}}},
            }
        },
        {"riscv_k3s_pinned": "{{ false }}", "riscv_k3s_wait_timeout": 5},
        {"riscv_k3s_catalogue": [dict(ENTRY, build={"recipe": "pause"})]},
        {"riscv_k3s_catalogue": [dict(ENTRY, build={"go": {"recipe": "src/x"}, "entrypoint": ["/x"]})]},
        {"riscv_k3s_catalogue": [dict(ENTRY, build={"debian": {"package": "x", "files": ["/usr/bin/x"]}})]},
        {"riscv_k3s_catalogue": [dict(ENTRY, build={"url": URL, "checksum": "sha256:" + "0" * 64})]},
    ],
)
def test_good_variables(variables):
    assert errors(variables) == []
    if isinstance(variables.get("riscv_k3s_catalogue"), list):
        _catalogue.read(variables["riscv_k3s_catalogue"])


@pytest.mark.parametrize(
    "variables",
    [
        {"riscv_k3s_catalog": []},
        {"riscv_k3s_catalogue": {}},
        {"riscv_k3s_catalogue": [{"stock": "a/b"}]},
        {"riscv_k3s_catalogue": [dict(ENTRY, sorce="x")]},
        {"riscv_k3s_catalogue": [dict(ENTRY, stock="docker.io/rancher/mirrored-pause:3.6")]},
        {"riscv_k3s_catalogue": [dict(ENTRY, min_version="master")]},
        {"riscv_k3s_catalogue": [dict(ENTRY, patch=dict(PATCH, commnd=["x"]))]},
        {"riscv_k3s_catalogue": [dict(ENTRY, build={"entrypoint": ["x"]})]},
        {"riscv_k3s_catalogue": [dict(ENTRY, build={"go": {"package": "x"}})]},
        {"riscv_k3s_catalogue": [dict(ENTRY, build={"url": URL, "checksum": "md5:1"})]},
        {"riscv_k3s_registries": {"mirrors": {"reg:5000": {"endpoints": ["http://reg:5000"]}}}},
        {"riscv_k3s_registries": {"mirrors": {"reg:5000": {"endpoint": ["reg:5000"]}}}},
        {"riscv_k3s_pinned": "yes"},
        {"riscv_k3s_pull_policy": "never"},
        {"riscv_k3s_target_disable": ["ingress"]},
    ],
)
def test_bad_variables(variables):
    assert errors(variables) != []
