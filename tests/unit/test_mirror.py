# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mirror by prefix: where docker.io is sent, what is asked, what the answers mean."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import mirror as _mirror

PREFIX = "reg:5000/riscv64"
HTTP = {"reg:5000": {"endpoint": ["http://reg:5000"]}}
PAUSE = "docker.io/rancher/mirrored-pause:3.6"


@pytest.mark.parametrize(
    "mirrors, endpoints",
    [
        (HTTP, ["http://reg:5000/v2/riscv64"]),
        ({}, ["https://reg:5000/v2/riscv64"]),
        ({"reg:5000": {"endpoint": ["https://cache", "http://reg:5000"]}}, ["http://reg:5000/v2/riscv64"]),
        ({"reg:5000": {"endpoint": ["http://cache"]}}, ["https://reg:5000/v2/riscv64"]),
        (dict(HTTP, **{"docker.io": {"endpoint": ["https://other"]}}), ["http://reg:5000/v2/riscv64", "https://other"]),
        (
            dict(HTTP, **{"docker.io": {"endpoint": ["https://other", "http://reg:5000/v2/riscv64"]}}),
            ["http://reg:5000/v2/riscv64", "https://other"],
        ),
    ],
)
def test_docker_io_is_sent_to_the_prefix_first(mirrors, endpoints):
    config = _mirror.with_mirror({"mirrors": mirrors, "configs": {"reg:5000": {}}}, PREFIX + "/")
    assert config["mirrors"]["docker.io"]["endpoint"] == endpoints
    assert {name: config["mirrors"][name] for name in mirrors if name != "docker.io"} == {
        name: mirrors[name] for name in mirrors if name != "docker.io"
    }
    assert "configs" in config


def test_settings_are_not_changed_in_place():
    config = {"mirrors": {"docker.io": {"endpoint": ["https://other"]}}}
    _mirror.with_mirror(config, PREFIX)
    assert config == {"mirrors": {"docker.io": {"endpoint": ["https://other"]}}}
    assert _mirror.with_mirror(None, PREFIX)["mirrors"]["docker.io"]


def test_a_registry_alone_is_a_prefix_too():
    """As k3s's guide to installing without internet fills one (k3s 2961, 5486, 2149)."""
    config = _mirror.with_mirror({"mirrors": HTTP}, "reg:5000")
    assert config["mirrors"]["docker.io"]["endpoint"] == ["http://reg:5000"]
    name = _mirror.in_mirror("reg:5000", ImageName.parse(PAUSE))
    assert name == "reg:5000/rancher/mirrored-pause:3.6"
    row = {"image": name, "has_architecture": True, "cause": None}
    assert _mirror.served([row], "reg:5000") == [PAUSE]


@pytest.mark.parametrize("prefix", ["harbor/stock", "harbor", "docker.io/me", "a b/c"])
def test_a_prefix_that_is_in_no_private_registry(prefix):
    with pytest.raises(Problem, match="must be a registry, or a registry and a path.*needs its port"):
        _mirror.with_mirror({}, prefix)


def board(demand, held):
    return {"demand": [{"image": name} for name in demand], "images": [{"name": name} for name in held]}


@pytest.mark.parametrize(
    "boards, names",
    [
        ([board([PAUSE], [PAUSE])], []),
        ([board([PAUSE], [])], ["reg:5000/riscv64/rancher/mirrored-pause:3.6"]),
        ([board([PAUSE], [PAUSE]), board([], [])], ["reg:5000/riscv64/rancher/mirrored-pause:3.6"]),
        ([board(["reg:5000/riscv64/pause:1"], [])], []),
    ],
)
def test_only_what_some_board_lacks_is_asked_for(boards, names):
    assert _mirror.lacking(boards, PREFIX) == names


def answer(cause=None, has=True):
    return {
        "image": "reg:5000/riscv64/rancher/mirrored-pause:3.6",
        "cause": cause,
        "has_architecture": has,
        "message": "refused by reg:5000",
    }


@pytest.mark.parametrize(
    "row, served, told",
    [
        (answer(), [PAUSE], False),
        (answer("no-such-image", False), [], False),
        (answer("no-platform", False), [], False),
        (answer("refused", None), [], True),
    ],
)
def test_answers(row, served, told):
    assert _mirror.served([row], PREFIX) == served
    assert bool(_mirror.unanswered([row])) == told
