# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What k3s itself wrote last: the reader of what last_words.sh writes. Pure."""

from __future__ import annotations

from typing import Any, Dict, List


def read_last_words(seen: Any) -> Dict[str, List[str]]:
    """The part ``last_words``: the errors at the end of k3s's log, oldest first; empty where k3s runs."""
    if "last_words" not in seen.sections:
        return {"last_words": []}
    return {"last_words": [line.rstrip() for line in seen.sections["last_words"].out.split("\n") if line.strip()]}
