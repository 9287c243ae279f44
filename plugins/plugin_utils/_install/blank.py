# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A board on which k3s has not run, as it will be: with it a plan tells what must be there before the first start.

So what a new board needs is decided by the code that decides it for boards that run. Pure.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, cast

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.fleet import Board, Fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._install import config as _config
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.k3s_settings import CONFIG_KEYS
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.wanted import next_demand

_LISTS = ("cluster-cidr", "disable", "helm-controller-arg", "service-cidr")


def has_not_run(seen: Mapping[str, Any]) -> bool:
    """Whether a board was looked at, and has no store of images that could be read."""
    return "hostname" in seen and seen.get("images") is None


def expected(fleet: Fleet) -> Fleet:
    """The fleet, with what boards will be where k3s has not run. Raises Problem where no version is said."""
    return fleet._replace(boards=[_expected(board) for board in fleet.boards])


def _expected(board: Board) -> Board:
    if not has_not_run(board.seen):
        return board
    version = board.settings["target_version"]
    if not version:
        raise Problem(
            "which k3s shall run is not known",
            found="k3s has not run there, and riscv_k3s_target_version is not set",
            where=board.name,
            next_step="set riscv_k3s_target_version, for example v1.36.3+k3s1",
        )
    role = "server" if board.is_server else "agent"
    told = shown(_config.options(board.settings, role))
    pause = _releases.stock_images(version)[_releases.PAUSE].tag
    registry = told.get("system-default-registry")
    rows = [dict(row, required=_runs(row["image"])) for row in next_demand(version, told.get("disable") or ())]
    pause_image = "%s:%s" % (_releases.PAUSE, pause) if pause else None
    seen: Dict[str, Any] = dict(
        board.seen,
        images=[],
        image_configs={},
        preloads=board.seen.get("preloads") or [],
        sandboxes=[],
        containers=[],
        manifests=[],
        has_not_run=True,
        own_config=board.seen.get("own_config") or [],
        containerd={"version": None, "pins": True},
        config=told,
        doubts=[],
        k3s=dict(board.seen.get("k3s") or {}, version=version, role=role, running=False),
        pause_image=_below(registry, pause_image),
        demand=[dict(row, image=_below(registry, row["image"])) for row in rows] if board.is_server else [],
    )
    return board._replace(seen=cast(Any, seen))


def shown(told: Mapping[str, Any]) -> Dict[str, Any]:
    """Of the options those that an observation tells, in its form: texts, and lists of them."""
    found: Dict[str, Any] = {}
    for key, value in told.items():
        if key not in CONFIG_KEYS:
            continue
        texts = [_text(one) for one in (value if isinstance(value, list) else [value])]
        names: List[str] = [name.strip() for one in texts for name in one.split(",") if name.strip()]
        found[key] = names if key == "disable" else texts if key in _LISTS else texts[-1]
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _runs(image: str) -> bool:
    """The helper of local-path runs when somebody asks for a volume."""
    return _releases.BUSYBOX + ":" not in image


def _below(registry: Any, image: Any) -> Any:
    return "%s/%s" % (registry, image.partition("/")[2]) if registry and image else image
