# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When something was, on a board whose clock may be years off: by the machine's start and the time since then.

Boards have no battery for their clock. The kernel's boot id and its uptime are right from the first second on, and no
setting of the clock moves them.
"""

from __future__ import annotations

import time
from typing import NamedTuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

BOOT_ID = "/proc/sys/kernel/random/boot_id"
UPTIME = "/proc/uptime"


class Moment(NamedTuple):
    """``boot`` is the kernel's boot id, ``uptime`` the whole seconds since that start, rounded down. ``date`` are
    seconds since 1970 by the machine's clock: for people, never to decide by.
    """

    boot: str
    uptime: int
    date: int


def moment() -> Moment:
    """This moment, on this machine. Raises Problem where the kernel does not tell."""
    try:
        return Moment(_read(BOOT_ID).strip(), int(float(_read(UPTIME).split()[0])), int(time.time()))
    except (OSError, ValueError, IndexError) as error:
        raise Problem(
            "it is not known how long this machine has been running",
            found=str(error),
            where="%s, %s" % (BOOT_ID, UPTIME),
            next_step="see that /proc is mounted",
        ) from error


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()
