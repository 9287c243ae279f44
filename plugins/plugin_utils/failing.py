# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a task failed, by its result, in a sentence for the end of a run. Pure."""

from __future__ import annotations

import re
from typing import Any, Mapping, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import last_lines
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable, redact
from ansible_collections.riscv.k3s.plugins.plugin_utils.reaching import remedy_of_time

_NO_MESSAGE = "no message"
# What ansible-core says of a module that wrote no result, or did not start.
_NO_RESULT = re.compile(r"Module result deserialization failed|module interpreter .* was not found", re.DOTALL)
# What a Python writes that is too old for the syntax of ansible-core's modules. What it is too old for otherwise,
# ansible-core tells by itself.
_OLD = re.compile(r"\bSyntaxError: ")
_NOT_FOUND = 127  # the exit status of shells, env, and pyenv's stand-ins for a program
_LINES = 2


def reason(result: Mapping[str, Any]) -> str:
    """Why the task with this ``result`` failed; of one with a loop, why the first item did that failed."""
    items = result.get("results")
    failed = [item for item in items if _has_failed(item)] if isinstance(items, (list, tuple)) else []
    return _of_one((failed or [result])[0])


def _has_failed(item: object) -> bool:
    return isinstance(item, Mapping) and bool(item.get("failed"))


def _of_one(result: Mapping[str, Any]) -> str:
    text = printable(result.get("msg") or _NO_MESSAGE)
    said, remedy = _of_python(result) if _NO_RESULT.search(text) else ("", remedy_of_time(text))
    if not said and not remedy:
        return text
    told = (("", text.removesuffix(".")), ("On the board: ", said), ("Next: ", remedy))
    return ". ".join(name + what for name, what in told if what)


def _of_python(result: Mapping[str, Any]) -> Tuple[str, str]:
    """(what was written in the place of a result, what to do, where that is known)."""
    written = str(result.get("module_stderr") or result.get("module_stdout") or "")
    said = printable(redact(last_lines(written, _LINES)))
    if result.get("rc") == _NOT_FOUND and "python" in said:
        return said, "install python3 there, or name it by ansible_python_interpreter"
    if _OLD.search(said):
        return said, (
            "its Python is older than this ansible-core works with: install a newer one there, and name it by "
            "ansible_python_interpreter"
        )
    return said, ""
