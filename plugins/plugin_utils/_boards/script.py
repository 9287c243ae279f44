# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one command that tells what a board is. Pure."""

from __future__ import annotations

import functools
import pathlib
import shlex
from typing import Any

from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.script import build_script, stripped
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.fed import Fed, fed

_FOLDER = pathlib.Path(__file__).resolve().parent
# Neither asks for a password: there is nobody to give one.
BECOME = {"sudo": "sudo -n ", "doas": "doas -n "}


def command(token: str, become: str = "", **options: Any) -> Fed:
    """``become`` is how it is to be root: sudo, doas or "" for as it is."""
    return fed(script(token, **options), token, BECOME.get(become, ""))


def script(token: str, root: str = "", **options: Any) -> str:
    """As text. ``root`` stands for / in a test, ``options`` are those of build_script."""
    first = "root=%s\n%s" % (shlex.quote(root), _text("first"))
    return build_script(token, (), first=first, last=_text("last"), **options)


@functools.cache
def _text(name: str) -> str:
    return stripped((_FOLDER / (name + ".sh")).read_text(encoding="utf-8"))
