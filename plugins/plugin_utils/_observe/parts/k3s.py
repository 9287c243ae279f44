# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of k3s and of its containerd: the reader of what k3s.sh writes. Pure."""

from __future__ import annotations

import contextlib
from typing import Optional

from ansible_collections.riscv.k3s.plugins.module_utils import elf
from ansible_collections.riscv.k3s.plugins.module_utils._output.images import parse_version, pins_supported
from ansible_collections.riscv.k3s.plugins.module_utils._output.k3s import parse_k3s_version
from ansible_collections.riscv.k3s.plugins.module_utils.platform import to_oci
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.diagnosis_parts.last_words import seconds_of_k3s
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.board import without_program

# Programs that kernels of another architecture may run as well.
_COMPATIBLE = {("arm", "arm64"), ("386", "amd64")}


def read_k3s(seen):
    """The part ``k3s``."""
    for text in _not_executable(seen):
        seen.error("program", text)
    version = seen.out("containerd", parse_version)
    own = seen.out("version", parse_k3s_version)
    if own is None and seen.good("version"):
        seen.error("version", "no version in it: %s" % (seen.sections["version"].out.strip()[:300] or "nothing"))
    k3s = {
        "installed": bool(seen.board["k3s"]),
        "program": seen.board["k3s"] or None,
        "without_program": without_program(seen.board),
        "version": own,
        "role": seen.board["role"] or None,
        "running": _running(seen),
        "seconds": seconds_of_k3s(seen),
    }
    return {"k3s": k3s, "containerd": {"version": version, "pins": bool(version) and pins_supported(version)}}


def _running(seen):
    # The step that asked containerd: where its version was not asked for, it listed its images.
    asked = "containerd" if "containerd" in seen.sections else "images"
    # A board that is busy is none that is down.
    if asked not in seen.sections or seen.is_late(asked):
        return None
    return seen.good(asked)


def _not_executable(seen):
    """Why the board cannot run k3s, as its files tell: a shell reads a program for another machine as a script, and
    what it says then is of no use.
    """
    if not seen.good("program"):
        return
    header, *lines = seen.sections["program"].out.split("\n")
    own = ""
    made_for: Optional[str] = None
    with contextlib.suppress(Problem, ValueError):
        own, made_for = to_oci(seen.board["machine"]), elf.architecture_of(bytes.fromhex(header))
    if made_for and made_for != own and (made_for, own) not in _COMPATIBLE:
        yield "%s is a program for %s, and this board is %s" % (seen.board["k3s"], made_for, own)
    for line in lines:
        if line.startswith("shut "):
            yield "%s may not be executed: its file system is mounted noexec, or its mode is wrong" % line[5:]
