# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to divide boards into clusters, each with an inventory and a run of its own, beside one for all.

A converged site on simulated boards. The clusters of a row are alike, so one of them is measured, and counted as often
as there are clusters.

    .venv/bin/python tests/bench/sharded.py [BOARDS]      as root; 100 boards by default
"""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile

from converged import Converged

CLUSTERS = (1, 2, 5)
REPEATS = 3
MIB = 1 << 20


def row(boards, clusters):
    """A line of the table: the least of some runs, without what the boards take themselves."""
    size = boards // clusters
    with tempfile.TemporaryDirectory(prefix="bench-sharded-") as folder:
        fleet = Converged(pathlib.Path(folder), size)
        costs = [fleet.cost("riscv.k3s.site") for dummy in range(REPEATS)]
        of_boards = min(fleet.observing() for dummy in range(REPEATS))
    cost = min(costs, key=lambda one: one.processor)
    own = cost.processor - of_boards
    cells = (clusters, size, own * clusters, own * 1e3 / size, min(one.seconds for one in costs), cost.peak / MIB)
    return "%8d  %6d  %20.2f s  %8.0f ms  %12.1f s  %7.0f MiB" % cells


def main(boards):
    print("clusters  boards  processor, all runs     a board  longest run   memory of a run")
    for clusters in CLUSTERS:
        print(row(boards, clusters), flush=True)


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("bench: simulated boards need mount namespaces: run this as root")
    main(int(sys.argv[1]) if sys.argv[1:] else 100)
