# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""5,000 pods on 1,000 boards through the plan and the diagnosis: the pure functions, each in a process of its own."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "unit"), str(ROOT / ".venv" / "collections")]

from fake_fleet import PAUSE, STOCK, FakeFleet  # noqa: E402
from planning import asked, fleet_of, settings_of  # noqa: E402

from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import demand  # noqa: E402
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.run import present  # noqa: E402

BOARDS, PODS = 1000, 5
# One of so many pods waits for an image that is nowhere.
ILL = 20
WAITING = {
    "state": "waiting",
    "reason": "ErrImagePull",
    "message": "rpc error: code = NotFound desc = a/b:1: not found",
}
MIB = 1 << 20


def fleet():
    """A FakeFleet of that size, each board with its pods; the first pod of a board is one of kube-system."""
    made = FakeFleet()
    agent, node = made.boards.pop("board-2"), made.server["api"]["nodes"].pop()
    for number in range(2, BOARDS + 1):
        name = "board-%d" % number
        made.boards[name] = dict(agent, hostname=name, sandboxes=[], containers=[])
        made.server["api"]["nodes"].append(dict(node, name=name, uid=name))
    names = list(made.boards)
    for number in range(BOARDS * PODS - 1):  # and CoreDNS
        board, place = names[number % BOARDS], number // BOARDS
        namespace = "jobs" if place else "kube-system"
        pod = "p-%d-%s" % (place, board)
        if number % ILL:
            made.pod(pod, board, STOCK, namespace=namespace)
        else:
            made.pod(pod, board, "reg.example/a/b:1", namespace=namespace, ready=False, phase="Pending", **WAITING)
    return made


def plan(made):
    """The document of a run."""
    server = made.server
    rows, dummy = demand(server["manifests"], PAUSE, server["api"]["pods"])
    server["demand"] = rows + [asked(STOCK)]
    settings = settings_of()
    document = present(fleet_of({name: (seen, settings) for name, seen in made.boards.items()}), {})
    return "%d to be changed, %d pods to be restarted" % (document["changes"], len(document["restarts"]))


def diagnosis(made):
    """The document of a diagnosis."""
    document = made.document()
    return "%d pods, %d findings" % (len(document["pods"]), len(document["findings"]))


STEPS = {"plan": plan, "diagnosis": diagnosis}


def measure(step):
    """{seconds of the processor, peak of memory, the memory before, what came of it} of one step, in this process."""
    made, before = fleet(), _memory("VmRSS")
    begin = time.process_time()
    found = STEPS[step](made)
    return {"seconds": time.process_time() - begin, "before": before, "peak": _memory("VmHWM"), "found": found}


def _memory(key):
    status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(key + r":\s+(\d+) kB", status).group(1)) << 10


def lines():
    """Lines about all steps."""
    text = ["%d pods on %d boards, the pure functions alone:" % (BOARDS * PODS, BOARDS)]
    for step in STEPS:
        done = subprocess.run([sys.executable, __file__, step], capture_output=True, text=True, check=True)
        row = json.loads(done.stdout)
        text.append(
            "%-9s  %5.2f s of the processor, memory %3.0f MiB (%.0f before it), %s"
            % (step, row["seconds"], row["peak"] / MIB, row["before"] / MIB, row["found"])
        )
    return text


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])) if sys.argv[1:] else "\n".join(lines()))
