# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cri_sandbox_info costs on a board with 200 pods, beside the calls of crictl that it needs.

A lab cannot run 200 pods. So one board's own pods are multiplied: a stand-in for k3s prints them, and what the
observing script takes with it, less what the stand-in's calls take, is the script's own work. crictl's share is taken
with the real one, on the few pods that the board has, which is less than it would take for 200. So the ratio that is
printed is higher than on a board with 200 pods. All is processor time, but for containerd's.

    .venv/bin/python tests/bench/sandboxes.py      on a lab that is up and healthy
"""

from __future__ import annotations

import copy
import json
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".venv" / "collections"))

from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.joined_pods import join  # noqa: E402
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import observe  # noqa: E402
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.script import build_script  # noqa: E402

LAB = ROOT / "tests" / "lab" / "lab"
PODS = 200
PARTS = ["config", "sandboxes", "logs", "inspect"]
TOKEN = "riscv-k3s-bench"
FOLDER = "/tmp/bench-sandboxes"
REPEATS = 10
STAND_IN = """#!/bin/sh
case "$2" in pods | ps) cat %s/$2.json ;; logs) echo "it ends" ;; inspect*) cat %s/$2.txt ;; esac
""" % (FOLDER, FOLDER)


def on_board(board, text, stdin=None):
    return subprocess.run(
        [LAB, "exec", board, "--", "sh", "-c", text], check=True, capture_output=True, text=True, input=stdin or ""
    ).stdout


def seconds(board, text):
    """Processor time that the programs of a shell text take on the board, the least of some runs: what else the machine
    does matters little.
    """
    measured = 'TIMEFORMAT="%%U %%S"; for i in %s; do { time sh -c "$1" >/dev/null 2>&1; } 2>&1; done' % " ".join(
        "x" * REPEATS
    )
    done = subprocess.run(
        [LAB, "exec", board, "--", "bash", "-c", measured, "bash", text], check=True, capture_output=True, text=True
    )
    return min(sum(map(float, line.split())) for line in done.stdout.splitlines())


def multiplied(rows, count, references):
    """``count`` rows like those given; ids are numbered anew, and so are references to other rows."""
    made = []
    for number in range(count):
        row = copy.deepcopy(rows[number % len(rows)])
        row["id"] = "%064x" % (number + references)
        if "podSandboxId" in row:
            row["podSandboxId"] = "%064x" % (number + 1)
        else:
            row["metadata"].update(name="pod-%d" % number, uid="uid-%d" % number)
        made.append(row)
    return made


def outputs(board, ended):
    """What the stand-in prints: the board's rows multiplied, the first ``ended`` containers ended."""
    pods = multiplied(json.loads(on_board(board, "k3s crictl pods -o json"))["items"], PODS, 1)
    containers = multiplied(json.loads(on_board(board, "k3s crictl ps -o json"))["containers"], PODS, 10_001)
    for row in containers[:ended]:
        row["state"] = "CONTAINER_EXITED"
    inspected = ["container\t%s\t1\t2026-01-01T00:00:00Z\tError" % row["id"] for row in containers[:ended]]
    boxes = ["sandbox\t%s\t10.42.0.9\t/run/netns/x\t10.42.0.9 " % row["id"] for row in pods[:ended]]
    return {
        "pods.json": json.dumps({"items": pods}, indent=2),
        "ps.json": json.dumps({"containers": containers}, indent=2),
        "inspect.txt": "\n".join(inspected) + "\n",
        "inspectp.txt": "\n".join(boxes) + "\n",
        "k3s": STAND_IN,
    }


def calls(program, ended, ids=("x", "y")):
    """The calls of crictl that are needed, as a shell text; ``ids`` are those of a container and of a sandbox."""
    one = ["%s crictl pods -o json" % program, "%s crictl ps -a -o json" % program]
    if ended:
        # Of ten containers the log is read; the real crictl is asked for some container that runs, which costs the
        # same.
        one.insert(0, "x=%s y=%s" % tuple(ids))
        one += ["%s crictl logs --tail 15 $x" % program] * min(ended, 10)
        one += ["%s crictl inspect -o go-template --template '{{.status.id}}' $x" % program]
        one += ["%s crictl inspectp -o go-template --template '{{.status.id}}' $y" % program]
    return "\n".join(one)


def measure(board, ended):
    """(seconds of the calls it needs, seconds of the script's own work, seconds to read and join its answer, bytes of
    that)
    """
    on_board(board, "mkdir -p %s" % FOLDER)
    for name, text in outputs(board, ended).items():
        on_board(board, "cat >%s/%s" % (FOLDER, name), text)
    script = build_script(TOKEN, PARTS, programs={"k3s": FOLDER + "/k3s"}, api="never")
    on_board(board, "chmod 755 %s/k3s; cat >%s/script" % (FOLDER, FOLDER), script)
    try:
        own = seconds(board, "sh %s/script" % FOLDER) - seconds(board, calls(FOLDER + "/k3s", ended))
        ids = on_board(board, "k3s crictl ps -q | head -n 1; k3s crictl pods -q --state ready | head -n 1").split()
        needed = seconds(board, calls("k3s", ended, ids))
        answer = on_board(board, "sh %s/script" % FOLDER)
    finally:
        on_board(board, "rm -rf %s" % FOLDER)
    begin = time.monotonic()
    seen = observe(answer, TOKEN, PARTS, architecture="riscv64")
    rows = join(seen["sandboxes"], seen["containers"], None)
    read = time.monotonic() - begin
    assert len(rows) == PODS and sum(row["containers"][0]["exit_code"] == 1 for row in rows) == ended, (
        "the script's answer is not what was put in"
    )
    return needed, max(own, 0), read, len(answer)


def lines(boards=("board-2", "board-1")):
    """Lines about what looking costs, on the first of the boards that runs something."""
    board = next(board for board in boards if on_board(board, "k3s crictl ps -q").strip())
    text = ["%d pods on a board       crictl    the rest    together   reading it   answer" % PODS]
    for ended in (0, 20):
        needed, own, read, size = measure(board, ended)
        name = "all run" if not ended else "%d ended" % ended
        row = (name, needed * 1e3, own * 1e3, (needed + own) / needed, read * 1e3, size / 1e3)
        text.append("%-20s  %5.0f ms   %5.0f ms   %4.2f times   %7.0f ms   %.0f kB" % row)
    return text


if __name__ == "__main__":
    print("\n".join(lines()))
