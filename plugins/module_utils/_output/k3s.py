# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What k3s and df print, and the settings in k3s's config.yaml, as values. Pure."""

from __future__ import annotations

import re
from typing import Any, Optional

# Settings of which k3s takes all values; of any other one it takes the last.
_LISTS = ("disable", "helm-controller-arg")


def parse_k3s_version(text: str) -> Optional[str]:
    """``v1.24.2+k3s2`` from what ``k3s --version`` prints, or None."""
    match = re.search(r"(?m)^k3s version (\S+)", text)
    return match.group(1) if match else None


def parse_config(text: str) -> dict[str, Any]:
    """The settings in the lines of k3s's config.yaml and its drop-ins, in the order in which k3s reads them.

    Knows what those few settings use: ``key: value``, ``key: [a, b]``, ``- item`` lines, and ``key+:``, which adds to
    what an earlier file said. ``disable`` is always a list of names.
    """
    config: dict[str, Any] = {}
    key = None
    for line in text.splitlines():
        item = re.match(r"\s*-\s+(.*)", line)
        if item and key:
            config[key] = _as_list(config.get(key)) + [_scalar(item.group(1))]
            continue
        pair = re.match(r"[\"']?([a-z-]+)(\+?)[\"']?(\+?)\s*:\s*(.*)", line)
        if not pair:
            continue
        key, value = pair.group(1), _value(pair.group(4))
        adds = pair.group(2) or pair.group(3)
        config[key] = _as_list(config.get(key)) + _as_list(value) if adds else value
    config = {
        key: value if key in _LISTS or not isinstance(value, list) else value[-1] if value else ""
        for key, value in config.items()
    }
    if "disable" in config:
        config["disable"] = [
            name.strip() for entry in _as_list(config["disable"]) for name in entry.split(",") if name.strip()
        ]
    return config


def parse_df(text: str) -> Optional[dict[str, int]]:
    """``{size, available}`` in bytes from what ``df -Pk`` prints for one path, or None."""
    lines = text.splitlines()
    # A device's name may hold blanks: the numbers are counted from the percentage.
    match = (
        re.search(r"\s([0-9]{1,18})\s+([0-9]{1,18})\s+(-?[0-9]{1,18})\s+(?:[0-9]+%|-)\s", lines[1] + " ")
        if len(lines) > 1
        else None
    )
    if not match:
        return None
    return {"size": int(match.group(1)) * 1024, "available": int(match.group(3)) * 1024}


def _value(text):
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        return [_scalar(word) for word in text[1:-1].split(",") if word.strip()]
    return _scalar(text)


def _scalar(text):
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def _as_list(value):
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list) else [value]
