# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which steps a fleet is changed, and what a wave that failed is told as."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import waves as _waves


def boards(count, first=1):
    return ["b%d" % number for number in range(first, first + count)]


def plan(changes=2, patches=0):
    return {"changes": changes + patches, "patches": {"present": [{}] * patches, "absent": []}}


@pytest.mark.parametrize(
    "agents, servers, serial, sizes",
    [
        pytest.param(0, 0, _waves.DEFAULT_SERIAL, [], id="nothing to do"),
        pytest.param(1, 1, _waves.DEFAULT_SERIAL, [1, 1], id="two boards"),
        pytest.param(0, 3, _waves.DEFAULT_SERIAL, [1, 1, 1], id="servers alone"),
        pytest.param(20, 0, _waves.DEFAULT_SERIAL, [1, 2, 5, 12], id="20"),
        pytest.param(997, 3, _waves.DEFAULT_SERIAL, [1, 99, 249, 648, 1, 1, 1], id="1,000"),
        pytest.param(5, 2, 2, [2, 2, 1, 1, 1], id="a number"),
        pytest.param(5, 2, "40%", [2, 2, 1, 1, 1], id="a share"),
        pytest.param(5, 2, "100%", [5, 1, 1], id="servers are one at a time in any case"),
        pytest.param(6, 0, [1, "2"], [1, 2, 2, 1], id="the last one is repeated"),
        pytest.param(3, 0, ["1%"], [1, 1, 1], id="one at least"),
    ],
)
def test_sizes(agents, servers, serial, sizes):
    names = boards(agents)
    masters = boards(servers, first=agents + 1)
    found = _waves.waves(masters + names, masters, serial)
    assert [len(wave) for wave in found] == sizes
    assert [board for wave in found for board in wave] == names + masters


def test_what_nobody_answered_in_a_survey_is_the_default():
    assert _waves.waves(boards(30), [], "") == _waves.waves(boards(30), [])


@pytest.mark.parametrize("serial", [0, -1, "x", "-5%", [], [1, None], "5 %%", True, "9" * 5000, "9" * 5000 + "%"])
def test_a_serial_that_is_none(serial):
    with pytest.raises(Problem, match="riscv_k3s_serial"):
        _waves.waves(boards(3), [], serial)


@pytest.mark.parametrize("share", [-1, 101, "some", None])
def test_a_percentage_that_is_none(share):
    with pytest.raises(Problem, match="riscv_k3s_max_fail_percentage must be a number from 0 to 100"):
        _waves.fleet({}, [], max_fail_percentage=share)


def test_only_boards_with_something_to_do_are_in_waves():
    run = _waves.fleet(
        {"s1": plan(0, patches=1), "s2": plan(0), "a1": plan(0), "a2": plan(), "a3": plan()}, ["s1", "s2", "elsewhere"]
    )
    assert run["waves"] == [["a2"], ["a3"]]
    assert (run["boards"], run["servers"], run["changes"]) == (["s1", "s2", "a1", "a2", "a3"], ["s1", "s2"], 5)
    assert run["lines"] == ["wave 1 of 2: a2", "wave 2 of 2: a3"]
    assert run["lost"] == []


def test_servers_that_are_lost():
    assert _waves.fleet({"s1": plan()}, ["s1", "s2"], lost={"a1": {}, "s2": {}})["lost"] == ["s2"]


def test_many_boards_of_a_wave_are_counted():
    run = _waves.fleet(dict.fromkeys(boards(30), plan()), [], serial="100%")
    assert run["lines"] == ["wave 1 of 1: b1, b2, b3, b4, b5, b6, b7, b8 and 22 more"]


def fleet(**options):
    return _waves.fleet(dict.fromkeys(boards(10), plan()), [], serial=[1, 4], **options)


def test_a_good_wave():
    found = _waves.verdict(fleet(), "b1", {"b1": ""}, ["b1"])
    assert (found["failed"], found["stop"], found["lines"]) == ({}, False, [])


def test_a_bad_canary_names_all_others():
    found = _waves.verdict(fleet(), "b1", {"b1": "no"}, ["b1"])
    assert found["stop"] and found["untouched"] == boards(9, first=2)
    assert found["lines"][:3] == [
        "wave 1 of 4 failed:",
        "b1: no",
        "not touched (9): b2, b3, b4, b5, b6, b7, b8, b9, b10",
    ]


@pytest.mark.parametrize("share, stop", [(0, True), (24, True), (25, False), ("50%", False)])
def test_how_much_may_fail(share, stop):
    found = _waves.verdict(fleet(max_fail_percentage=share), "b3", {"b2": "no", "b3": ""}, boards(4, first=2))
    assert found["stop"] == stop and found["number"] == 2
    assert ("the run ends here" in found["lines"][-1]) == stop
    assert ("the run continues" in found["lines"][-1]) != stop


def test_a_whole_wave_never_may_fail():
    assert _waves.verdict(fleet(max_fail_percentage=100), "b1", {"b1": "no"}, ["b1"])["stop"]


def test_a_board_that_vanished_has_failed():
    found = _waves.verdict(fleet(), "b2", {}, ["b2", "b4", "b5"])
    assert found["failed"] == {"b3": "it became unreachable"} and found["stop"]


def test_the_last_wave_leaves_nobody_untouched():
    found = _waves.verdict(fleet(), "b10", {"b10": "no"}, ["b10"])
    assert found["untouched"] == [] and not any(line.startswith("not touched") for line in found["lines"])
