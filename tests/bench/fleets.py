# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fleets cost the controller: a converged site beside a raw play of one command, on the same simulated boards.

Seconds of the processor, since those of the clock depend on what else a machine does. Of both plays the least of some
runs counts. The boards run on this machine, so what their commands take is measured by itself and taken off.

    .venv/bin/python tests/bench/fleets.py     as root; 20, 100 and 300 boards, with ALL=1 also 1,000
"""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile
from typing import NamedTuple

from converged import BENCH, Converged, Cost
from many_pods import lines as of_many_pods

SIZES = (20, 100, 300)
LARGE = 1000
# Small fleets are measured so often; of large ones chance is a small part.
REPEATS, SMALL = 3, 100
MIB = 1 << 20
EXPLAINED = """
Seconds of the processor but for the clock. boards': the same commands by themselves on the same boards, without
Ansible. own: without the boards' part. memory: of the main process; the largest child shares much of that.
"""
# The goals: growth from the smallest to 300 boards, site beside raw, and the memory at 1,000 boards.
GROWTH, RATIO, PEAK = 1.2, 4, 1024


class Figures(NamedTuple):
    """What was measured with a fleet; the last two are what its boards take without Ansible, in seconds."""

    boards: int
    site: Cost
    raw: Cost
    observing: float
    entering: float

    @property
    def own(self):
        """Seconds of the processor of site, without what its boards take for the observing script."""
        return self.site.processor - self.observing

    @property
    def ratio(self):
        """Site beside raw."""
        return self.own / self.raw.processor

    @property
    def strict_ratio(self):
        """The same where of raw, too, its boards' part is taken off."""
        return self.own / (self.raw.processor - self.entering)


def measure(size):
    """The Figures of a fleet, each the least of some runs that take turns."""
    with tempfile.TemporaryDirectory(prefix="bench-fleet-") as folder:
        fleet = Converged(pathlib.Path(folder), size)
        rounds = [
            (fleet.cost("riscv.k3s.site"), fleet.cost(str(BENCH / "raw.yml")), fleet.observing(), fleet.entering())
            for dummy in range(REPEATS if size <= SMALL else 1)
        ]
    sites, raws, observing, entering = zip(*rounds)
    return Figures(size, _least(sites), _least(raws), min(observing), min(entering))


def _least(costs):
    return min(costs, key=lambda cost: cost.processor)


def table(rows):
    """Two lines a fleet, for site and for raw."""
    lines = [
        "boards  play   processor   main  workers  boards'   own/board    clock   memory  largest child  beside raw"
    ]
    for row in rows:
        for name, cost, of_boards in (("site", row.site, row.observing), ("raw", row.raw, row.entering)):
            own = cost.processor - of_boards
            cells = (row.boards, name, cost.processor, cost.main, cost.children - of_boards, of_boards)
            text = "%6d  %-4s %9.2f s %6.2f %8.2f %8.2f" % cells
            cells = (own * 1e3 / row.boards, cost.seconds, cost.peak / MIB, cost.peak_child / MIB)
            text += " %8.1f ms %6.1f s %4.0f MiB %10.0f MiB" % cells
            lines.append(text + ("  %.2f times" % row.ratio if name == "site" else ""))
    return lines


def goals(rows):
    """What was aimed at, and whether it is so."""
    first, last = rows[0], next(row for row in rows if row.boards == max(SIZES))
    growth = (last.own / last.boards) / (first.own / first.boards)
    worst = max(rows, key=lambda row: row.ratio)
    strict = max(row.strict_ratio for row in rows)
    large, is_large = rows[-1], rows[-1].boards == LARGE
    text = "a board at %d costs %.2f times what it costs at %d (goal: at most %.1f; the start of Ansible is in both)"
    return [
        _goal(text % (last.boards, growth, first.boards, GROWTH), growth <= GROWTH),
        "      what each further board adds: %s" % ", ".join(_added(rows)),
        _goal(
            "site costs %.2f times a raw play at most, observing taken off (goal: at most %d; %.2f times where the "
            "boards' part of raw is taken off, too)" % (worst.ratio, RATIO, strict),
            worst.ratio <= RATIO,
        ),
        _goal(
            "memory of the main process at %d boards: %.0f MiB (goal: below %d MiB at %d%s)"
            % (large.boards, large.site.peak / MIB, PEAK, LARGE, "" if is_large else ", measured with ALL=1"),
            large.site.peak < PEAK * MIB,
        ),
    ]


def _goal(text, is_met):
    return "%-6s%s" % ("met" if is_met else "MISSED", text)


def _added(rows):
    """The cost of one more board, between each size and the next."""
    for less, more in zip(rows, rows[1:]):
        added = (more.own - less.own) / (more.boards - less.boards)
        yield "%.1f ms from %d to %d" % (added * 1e3, less.boards, more.boards)


def main():
    rows = []
    for size in (*SIZES, LARGE) if os.environ.get("ALL") else SIZES:
        rows.append(measure(size))
        print("bench: %d simulated boards: site %.1f s of the processor" % (size, rows[-1].site.processor), flush=True)
    print("\n" + "\n".join(table(rows)))
    print(EXPLAINED)
    print("\n".join(goals(rows)) + "\n\n" + "\n".join(of_many_pods()))


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("bench: simulated boards need mount namespaces: run this as root")
    main()
