# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of k3s for boards that have none: the stand-in, and behind it what version it is."""

from __future__ import annotations

import json
import shutil
import sys

from common import STATE, VERSIONS, LabError

# By the name that `lab binary` takes: version, and what is wrong with it. C is one minor version before B.
BINARIES = {
    **{name: (version, "") for name, version in VERSIONS.items()},
    "C": ("v1.35.8+k3s1", ""),
    "broken": (VERSIONS["B"], "ends"),
    "stuck": (VERSIONS["B"], "waits"),
}


def write(name, target=None):
    """Write such a file to stdout, or to an open binary file."""
    if name not in BINARIES:
        versions = {version: letter for letter, (version, fault) in BINARIES.items() if not fault}
        if name not in versions:
            raise LabError("there is no k3s %s, there are %s" % (name, ", ".join([*BINARIES, *versions])))
        name = versions[name]
    version, fault = BINARIES[name]
    program = STATE / "programs/k3s"
    if not program.exists():
        raise LabError("the lab is not up. Next: tests/lab/lab up --blank")
    target = target or sys.stdout.buffer
    with open(program, "rb") as source:
        shutil.copyfileobj(source, target)
    target.write(b"\nk3s-lab: " + json.dumps({"version": version, "fault": fault}).encode() + b"\n")
    target.flush()
