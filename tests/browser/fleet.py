# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of any size, made from the example of the data: every tenth board lacks the pause image."""

from __future__ import annotations

import copy
import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = json.loads((ROOT / "tests" / "unit" / "fixtures" / "diagnose.json").read_text(encoding="utf-8"))
PODS_A_BOARD = 8


def fleet(size):
    """Data of `size` boards with PODS_A_BOARD pods each."""
    data = dict(EXAMPLE, boards=[], pods=[], images=[], events=[], findings=[])
    for number in range(1, size + 1):
        name, broken = f"board-{number:04d}", number % 10 == 0
        if broken:
            data["findings"].append(_finding(name))
        data["boards"].append(_board(name, broken))
        data["pods"] += [
            _pod(name, place, broken and place == 0, len(data["findings"]) - 1) for place in range(PODS_A_BOARD)
        ]
        data["images"] += [
            dict(image, board=name) for image in EXAMPLE["images"] if not broken or "pause" not in image["name"]
        ]
    for number in range(500):
        event = EXAMPLE["events"][number % 3]
        minutes = number // 10
        data["events"].append(
            dict(event, time=f"2026-11-24T09:{minutes:02d}:{number % 60:02d}Z", board=f"board-{number % size + 1:04d}")
        )
    return data


def healthy(size=2):
    data = fleet(size)
    return dict(data, findings=[], pods=[dict(pod, finding=None) for pod in data["pods"]], events=[])


def _board(name, broken):
    counts = {"pods": PODS_A_BOARD, "unready": int(broken), "findings": int(broken)}
    return dict(copy.deepcopy(EXAMPLE["boards"][0]), name=name, hostname=name, node=name, **counts)


def _pod(board, place, broken, finding):
    pod = copy.deepcopy(EXAMPLE["pods"][3 if broken else 1])
    name = f"worker-{place}-{board}"
    return dict(
        pod,
        board=board,
        node=board,
        namespace="jobs",
        name=name,
        uid=f"{board}-{place}",
        finding=finding if broken else None,
    )


def _finding(board):
    finding = copy.deepcopy(EXAMPLE["findings"][0])
    finding["subject"]["board"] = board
    finding["pods"] = [{"board": board, "pod": f"jobs/worker-0-{board}"}]
    return finding
