# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What k3s itself wrote last: the reader of what last_words.sh writes. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, Optional

# When k3s started and what time it is, in seconds since the boot.
_MOMENTS = re.compile(r"([0-9]+) ([0-9]+)(?:\.[0-9]+)?(?: |$)")


def read_last_words(seen: Any) -> Dict[str, Any]:
    """The part ``last_words``: errors and starts at the end of k3s's log, oldest first; empty where k3s runs."""
    if "last_words" not in seen.sections:
        return {"last_words": []}
    lines = [line.rstrip() for line in seen.sections["last_words"].out.split("\n") if line.strip()]
    return {"last_words": lines[1:] if lines and _MOMENTS.match(lines[0]) else lines}


def seconds_of_k3s(seen: Any) -> Optional[int]:
    """For how many seconds k3s has been running, None where it was not seen: looked for anew after its containerd did
    not answer.
    """
    words = seen.sections["last_words"].out.lstrip() if "last_words" in seen.sections else ""
    if not words and "last_words" not in seen.sections:
        words = "%s %s" % (seen.board["k3s_started"], seen.board["uptime"])
    found = _MOMENTS.match(words.split("\n")[0])
    return max(0, int(found.group(2)) - int(found.group(1))) if found else None
