# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""k3s's embedded registry: where there is one, what it needs, what it cannot."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings import derived as _derived
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.read import read
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import embedded as _embedded
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import registries as _registries

LISTED = ["docker.io", "registry.k8s.io"]


@pytest.mark.parametrize(
    "version, has, shared",
    [
        ("v1.24.2+k3s2", False, []),
        ("v1.26.12+k3s1", False, []),
        ("v1.26.13+k3s1", True, LISTED),
        ("v1.26.15+k3s1", True, ["*"]),
        ("v1.28.5+k3s1", False, []),
        ("v1.29.1+k3s1", True, LISTED),
        ("v1.29.3+k3s1", True, ["*"]),
        ("v1.30.0+k3s1", True, ["*"]),
        ("v1.36.3+k3s1", True, ["*"]),
        (None, False, []),
        ("dev", False, []),
    ],
)
def test_versions(version, has, shared):
    assert _embedded.settings(version, "server") == ({"embedded-registry": True} if has else {})
    assert _embedded.settings(version, "agent") == {}
    assert _embedded.hosts(version, ["*"]) == shared
    assert _embedded.hosts(version, ["reg:5000"]) == (["reg:5000"] if has else [])
    (first, *_others) = _embedded.warnings(version, ["riscv64"], [], "missing") or [""]
    assert ("has no embedded registry" in first) == (not has)


@pytest.mark.parametrize(
    "version, experimental",
    [("1.29.11", True), ("1.29.12", False), ("1.30.7", True), ("1.31.4", False), ("1.32.0", False)],
)
def test_experimental(version, experimental):
    assert (
        any("experimental" in text for text in _embedded.warnings("v%s+k3s1" % version, ["riscv64"], [], "missing"))
        == experimental
    )


@pytest.mark.parametrize(
    "architectures, images, pull_policy, words",
    [
        (["riscv64"], ["docker.io/a/b:1"], "missing", []),
        (["riscv64", "riscv64"], [], "missing", []),
        (["riscv64", "amd64"], [], "missing", ["amd64, riscv64"]),
        (["riscv64"], ["docker.io/a/b:latest", "docker.io/a/b:1"], "missing", ["for itself: docker.io/a/b:latest"]),
        (["riscv64"], [], "always", ["before it moved"]),
    ],
)
def test_limits(architectures, images, pull_policy, words):
    found = _embedded.warnings("v1.36.3+k3s1", architectures, images, pull_policy)
    assert len(found) == len(words) and all(word in text for word, text in zip(words, found))


@pytest.mark.parametrize(
    "config, shared, mirrors",
    [
        ({}, ["*"], {"*": {}}),
        ({"mirrors": None}, LISTED, {"docker.io": {}, "registry.k8s.io": {}}),
        (
            {"mirrors": {"docker.io": {"endpoint": ["http://r"]}}},
            LISTED,
            {"docker.io": {"endpoint": ["http://r"]}, "registry.k8s.io": {}},
        ),
    ],
)
def test_mirrors(config, shared, mirrors):
    before = repr(config)
    assert _embedded.with_hosts(config, shared) == {"mirrors": mirrors}
    assert repr(config) == before


def test_no_registries():
    assert _embedded.with_hosts(None, []) is None
    with pytest.raises(Problem, match="riscv_k3s_registries is not set"):
        _embedded.with_hosts(None, ["*"])


@pytest.mark.parametrize("said, kept", [({}, True), ({"riscv_k3s_registries": {}}, False)])
def test_what_follows_from_a_private_registry_is_enough(said, kept):
    """docs/lock.md: beside one, the {} of an inventory that has none would take its entries away."""
    settings = read({"b": {"riscv_k3s_registry": "reg:5000", **said}})["b"]
    if _derived.derived_from(settings):
        settings = _derived.with_derived(settings, "http")
    assert ("reg:5000" in _embedded.with_hosts(settings["registries"], ["*"])["mirrors"]) == kept


@pytest.mark.parametrize("mirror", [{}, None])
def test_an_entry_without_endpoints_is_written(mirror):
    assert _registries.render({"mirrors": {"*": mirror}}).endswith("mirrors:\n  '*': {}\n")
