# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands that enrol a board. What they write there comes by stdin. Pure."""

from __future__ import annotations

import functools
import pathlib
from typing import Any

from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.script import framed, stripped
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.fed import Fed, fed

_FOLDER = pathlib.Path(__file__).resolve().parent
LARGEST = 64 * 1024  # bytes of a file


def command(name: str, token: str, before: str = "", **values: Any) -> Fed:
    """``before`` is how it is to be root."""
    text = framed(token, _text(name), root="", largest=LARGEST + 1, **values)
    return fed(text, token, before)


@functools.cache
def _text(name: str) -> str:
    return stripped((_FOLDER / (name + ".sh")).read_text(encoding="utf-8"))
