# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on many boards at a time, each within its time."""

from __future__ import annotations

import collections
import queue
import threading
import time
from typing import Callable, Dict, Hashable, Iterable, TypeVar

Item = TypeVar("Item", bound=Hashable)
Answer = TypeVar("Answer")


def gather(
    items: Iterable[Item],
    work: Callable[[Item], Answer],
    late: Callable[[Item], Answer],
    most: int,
    seconds: float,
) -> Dict[Item, Answer]:
    """What ``work`` returns for each item, ``most`` of them at a time; what ``late`` returns for one that takes longer
    than ``seconds``. An exception of ``work`` is the answer's stead and raised here.

    One that is late is left behind: nothing ends a thread that looks up a name. So it is none that Python waits for
    at its end, as it would for those of concurrent.futures.
    """
    waiting = collections.deque(dict.fromkeys(items))
    order = list(waiting)
    ends: Dict[Item, float] = {}
    answers: Dict[Item, Answer] = {}
    done: queue.SimpleQueue = queue.SimpleQueue()

    def run(item):
        try:
            done.put((item, work(item), None))
        except BaseException as error:  # told to who waits
            done.put((item, None, error))

    while waiting or ends:
        while waiting and len(ends) < most:
            item = waiting.popleft()
            ends[item] = time.monotonic() + seconds
            threading.Thread(target=run, args=(item,), daemon=True).start()
        try:
            item, answer, error = done.get(timeout=max(0.01, min(ends.values()) - time.monotonic()))
        except queue.Empty:
            for item in [item for item, end in ends.items() if end <= time.monotonic()]:
                del ends[item]
                answers[item] = late(item)
            continue
        # One that was given up may answer after all.
        if ends.pop(item, None) is None:
            continue
        if error:
            raise error
        answers[item] = answer
    return {item: answers[item] for item in order}
