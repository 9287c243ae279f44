# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What k3s and df print, as values. Pure."""

from __future__ import annotations

import re
from typing import Optional


def parse_k3s_version(text: str) -> Optional[str]:
    """``v1.24.2+k3s2`` from what ``k3s --version`` prints, or None."""
    match = re.search(r"(?m)^k3s version (\S+).*\n", text)  # of a line that breaks off it may be half of one
    return match.group(1) if match else None


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
