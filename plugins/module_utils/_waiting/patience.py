# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long to wait for something: as long as anything moves. Pure; a board and the controller share it.

What was seen is told as *marks*: {what: a short text of how it is}, see moves.py. A mark that is new, gone, or was
never seen like this before is a move. So a container that swings between ErrImagePull and ImagePullBackOff does not
move, and one that is restarted over and over moves only so often.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple

# The outer limit of every wait: so many times the seconds in which something has to move.
OUTER = 10
# How often one and the same thing counts as a move: what changes again and again gets nowhere.
MOST_CHANGES = 4
# Seconds between looks: soon at first, then seldom.
INTERVALS = (1, 2, 3, 5)

Marks = Dict[str, str]


class Patience:
    """Ends when nothing has moved for ``quiet`` seconds, or after OUTER times that. Moments are the caller's clock's.

    ``state`` is what another one has left in its own ``state``, so that a wait may go on in another process.
    """

    def __init__(self, quiet: float, state: Optional[Mapping[str, Any]] = None) -> None:
        self._quiet = quiet
        known = state or {}
        self._began: Optional[float] = known.get("began")
        self._moved: float = known.get("moved", 0)
        self._seen: Dict[str, List[str]] = {key: list(values) for key, values in known.get("seen", {}).items()}

    @property
    def state(self) -> Dict[str, Any]:
        """All that it knows, as plain values."""
        return {"began": self._began, "moved": self._moved, "seen": self._seen}

    def look(self, now: float, marks: Marks) -> None:
        """Take note of what is seen now."""
        moved = [self._is_move(key, marks.get(key, "gone")) for key in sorted({*self._seen, *marks})]
        if self._began is None:
            self._began = now
        if any(moved) or self._began == now:
            self._moved = now

    def _is_move(self, key: str, value: str) -> bool:
        seen = self._seen.setdefault(key, [])
        if value in seen or len(seen) > MOST_CHANGES:
            return False
        seen.append(value)
        return True

    def left(self, now: float) -> float:
        """Seconds that are left if nothing moves; 0 or less when the wait is over."""
        began = now if self._began is None else self._began
        return min(self._moved + self._quiet, began + self._quiet * OUTER) - now

    def why(self, now: float) -> str:
        """Why the wait is over, for people."""
        waited = now - (now if self._began is None else self._began)
        if self._moved + self._quiet <= now:
            return "nothing moved for %d seconds (of %d that it was waited for)" % (now - self._moved, waited)
        return "it still moves after %d seconds, the outer limit (%d times %d)" % (waited, OUTER, self._quiet)


def wait(
    look: Callable[[], Tuple[bool, Marks]],
    quiet: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    intervals: Iterable[float] = INTERVALS,
) -> Optional[str]:
    """Call ``look`` until it says (True, marks). Returns None then, and why the wait is over when it ended without.

    Between two looks lies at least the next of ``intervals``, and the time that the last look took.
    """
    patience, pauses = Patience(quiet), list(intervals)
    while True:
        began = clock()
        done, marks = look()
        now = clock()
        if done:
            return None
        patience.look(now, marks)
        left = patience.left(now)
        if left <= 0:
            return patience.why(now)
        sleep(min(max(pauses[0], now - began), left))
        pauses = pauses[1:] or pauses
