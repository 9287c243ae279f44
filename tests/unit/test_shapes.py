# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of module_utils/shapes.py are true: recorded outputs, an observed board and a plan fit them key by key."""

from __future__ import annotations

import shutil
from typing import Any, Union, get_args, get_origin, get_type_hints

import planning
import pytest
from fake_board import TOKEN, FakeBoard
from fakes import read

from ansible_collections.riscv.k3s.plugins.module_utils import shapes
from ansible_collections.riscv.k3s.plugins.module_utils._output.images import parse_image_list
from ansible_collections.riscv.k3s.plugins.module_utils._output.pods import (
    parse_api,
    parse_containers,
    parse_events,
    parse_sandboxes,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import waves
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.joined_pods import join, join_boards
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import EXTRAS, PARTS, observe
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.undo import undo_plan

API = parse_api(read("kubectl_get_1.34.txt"), TOKEN)
SANDBOXES = parse_sandboxes(read("crictl_pods_1.34.json"))
CONTAINERS = parse_containers(read("crictl_ps_1.34.json"))
EVENTS = parse_events(read("kubectl_events_1.34.txt"), TOKEN)
BOARD = {"sandboxes": SANDBOXES, "containers": CONTAINERS, "hostname": "board-1"}
JOINED = join(SANDBOXES, CONTAINERS, API["pods"], "board-1", EVENTS)


def misfits(value, shape, where="it"):
    """Where a value is not what a type says, as a list of sentences."""
    if shape is Any:
        return []
    if hasattr(shape, "__required_keys__") and isinstance(value, dict):
        return _keys(value, shape, where)
    origin, inner = get_origin(shape), get_args(shape)
    if origin is Union:
        return min((misfits(value, one, where) for one in inner), key=len)
    if origin is dict and isinstance(value, dict):
        return [text for key in value for text in misfits(value[key], inner[1], f"{where}[{key!r}]")]
    if origin is list and isinstance(value, list):
        return [text for number, one in enumerate(value) for text in misfits(one, inner[0], f"{where}[{number}]")]
    plain = dict if hasattr(shape, "__required_keys__") else origin or shape
    return [] if _is_a(value, plain) else [f"{where} is {value!r}, no {plain.__name__}"]


def _is_a(value, plain):
    # A bool is an int to Python.
    return isinstance(value, plain) and isinstance(value, bool) == (plain is bool)


def _keys(value, shape, where):
    hints = get_type_hints(shape)
    wrong = [f"{where} has no {key}" for key in sorted(shape.__required_keys__ - set(value))]
    wrong += [f"{where} has {key}" for key in sorted(set(value) - set(hints))]
    known = sorted(set(value) & set(hints))
    return wrong + [text for key in known for text in misfits(value[key], hints[key], f"{where}.{key}")]


@pytest.mark.parametrize(
    "rows, shape",
    [
        (parse_image_list(read("ctr_images_ls_1.6.txt")), shapes.StoredImage),
        (parse_image_list(read("ctr_images_ls_2.4.txt")), shapes.StoredImage),
        (SANDBOXES, shapes.SandboxRow),
        (CONTAINERS, shapes.ContainerRow),
        ([API], shapes.ApiObjects),
        ([dict(API, reachable=True, error=None, events=EVENTS)], shapes.Api),
        (JOINED, shapes.PodRow),
        (join_boards({"board-1": BOARD}, dict(API, reachable=True)), shapes.BoardPodRow),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_recorded_outputs_fit(rows, shape):
    assert rows and [text for row in rows for text in misfits(row, shape)] == []


def test_an_observed_board_fits(tmp_path, k3s_manifests):
    board, parts = FakeBoard(tmp_path), [*PARTS, *EXTRAS]
    shutil.copytree(k3s_manifests / "v1.24.2", board.manifests, dirs_exist_ok=True)
    board.file("etc/k3s.yaml", "")
    seen = observe(board.run(parts), TOKEN, parts)
    assert misfits(seen, shapes.Observed) == []
    # What a closer look found comes with a second answer, and only where it was asked for. The other one no board says.
    assert set(get_type_hints(shapes.Observed)) - set(seen) == {"closer", "has_not_run"}


def test_a_plan_fits():
    store = [planning.held(planning.PAUSE)]
    observed = planning.observed(store, [planning.asked(planning.PAUSE), planning.asked("docker.io/library/nobody:1")])
    plan = planning.decide(observed)
    assert plan["problems"] and misfits(plan, shapes.Plan) == []


def test_the_plan_of_an_undo_and_the_steps_of_a_run_fit():
    observed = planning.observed([planning.held(planning.PAUSE)], [planning.asked(planning.PAUSE)])
    plan = planning.decide(observed)
    assert misfits(undo_plan(observed, [observed], "board-1"), shapes.UndoPlan) == []
    steps = waves.fleet({"board-1": plan}, [])
    assert misfits(steps, shapes.Steps) == []
    failed = waves.verdict(dict(steps, waves=[["board-1"]]), "board-1", {"board-1": "no"}, [])
    assert failed["stop"] and misfits(failed, shapes.Verdict) == []


def test_what_does_not_fit_is_named():
    row = dict(JOINED[0], attempt="1", extra=1)
    del row["ip"]
    assert misfits(row, shapes.PodRow) == ["it has no ip", "it has extra", "it.attempt is '1', no int"]
