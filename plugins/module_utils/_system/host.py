# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine whose system is set up: its files and its programs. Tests give one in a folder."""

from __future__ import annotations

import os
import time
from typing import Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Result, Runner, find_program
from ansible_collections.riscv.k3s.plugins.module_utils._host.files import read_bytes
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


class Host:
    """``root`` is the folder that stands for /, for tests; ``runner`` starts the programs."""

    def __init__(self, runner: Optional[Runner] = None, root: str = "") -> None:
        self.runner = runner or Runner()
        self.root = root

    def path(self, path: str) -> str:
        """Where an absolute path lies."""
        return self.root + path

    def read(self, path: str) -> Optional[str]:
        """The text of a file, None where there is none."""
        data = read_bytes(self.path(path))
        return None if data is None else data.decode("utf-8", "replace")

    def write_kernel(self, path: str, text: str) -> None:
        """Write a file of the kernel's own, below /proc or /sys: in place, since nothing can be renamed there."""
        try:
            with open(self.path(path), "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise Problem("cannot write %s" % path, found=error.strerror) from error

    def is_there(self, path: str) -> bool:
        """Whether there is a file, folder or device."""
        return os.path.exists(self.path(path))

    def now(self) -> float:
        """The time by this machine's clock, in seconds since 1970."""
        return time.time()

    def uptime(self) -> float:
        """Seconds since this machine's start."""
        return float((self.read("/proc/uptime") or "").split()[0])

    def set_clock(self, seconds: float) -> None:
        """Set this machine's clock."""
        try:
            time.clock_settime(time.CLOCK_REALTIME, seconds)
        except OSError as error:
            raise Problem("the clock cannot be set", found=error.strerror) from error

    def has(self, program: str) -> bool:
        """Whether there is a program of that name."""
        return find_program(program) is not None

    def run(self, *argv: str, check: bool = True, timeout: float = 120) -> Result:
        """Run a program; Problem where it fails, unless ``check`` is false."""
        return self.runner.run(argv, check=check, timeout=timeout)
