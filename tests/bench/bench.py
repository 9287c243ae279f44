# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run costs, on the lab: a bare ping, plain tasks by hand, and riscv.k3s.site, each measured in one go.

The lab is made anew before each of the two that mend it, so both start from the same broken boards. Every run is
counted by what the boards themselves noted: each ssh session comes through a ForceCommand that writes down what was
asked for.

Before that, what fleets of simulated boards cost the controller (fleets.py, which needs no lab).

    make bench      takes some 15 minutes once the lab's programs are built, takes down a lab that is up; prints tables;
                    with ALL=1 some 10 minutes more, for 1,000 boards
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import time
from typing import NamedTuple

import sandboxes
import scale

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab" / "lab"
BENCH = ROOT / "tests" / "bench"
LOGS = ROOT / "build" / "logs"
BOARDS = ("board-1", "board-2")
SESSIONS = "/var/log/ssh-sessions.log"
# Starting an interpreter by its path is how Ansible runs a module; `command -v python3` only looks for one.
PYTHON_START = re.compile(r"/python3[0-9.]*(?=[\s'\"]|$)")
REPEATS = 3
REGISTRY = "10.99.0.1:5000"
# As anyone does who minds the time: without it a ping alone is six commands.
ENVIRONMENT = dict(os.environ, ANSIBLE_PIPELINING="1")


class Run(NamedTuple):
    """One measured run of a playbook."""

    name: str
    seconds: float
    commands: int  # over ssh, both boards
    pythons: int  # of those, how many started Python


class BenchError(Exception):
    """Something did not work, so that there is nothing to compare."""


def call(argv, log):
    """Run a command with its output in a log file; where it fails, say so with the end of that."""
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"bench-{log}.log"
    with open(path, "w", encoding="utf-8") as output:
        code = subprocess.run(
            argv,
            cwd=ROOT,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code:
        tail = "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-25:])
        raise BenchError(f"{' '.join(map(str, argv))} ended with {code}, see {path}:\n{tail}")


def on_board(board, *command):
    return subprocess.run(
        [LAB, "exec", board, "--", *command], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
    ).stdout


def sessions():
    """{board: the commands it was asked for by ssh so far}"""
    return {board: on_board(board, "cat", SESSIONS).splitlines() for board in BOARDS}


def fresh_lab():
    print("bench: making the lab anew: broken boards, images in its registry", flush=True)
    call([LAB, "reset"], "lab-reset")
    call([ROOT / "tools" / "play", "riscv.k3s.build_images"], "build-images")


def measure(name, playbook, repeats=1, variables=None):
    """The fastest of some runs: the others waited for something else on this machine."""
    extra = ["-e", json.dumps(variables)] if variables else []
    runs = []
    for _repeat in range(repeats):
        before = sessions()
        begin = time.monotonic()
        call([ROOT / "tools" / "play", str(playbook), *extra], re.sub(r"\W+", "-", name))
        seconds = time.monotonic() - begin
        asked = [line for board, lines in sessions().items() for line in lines[len(before[board]) :]]
        runs.append(Run(name, seconds, len(asked), sum(bool(PYTHON_START.search(line)) for line in asked)))
    best = min(runs, key=lambda run: run.seconds)
    print(f"bench: {best.name}: {best.seconds:.1f} s", flush=True)
    return best


def check_healthy():
    """Both ways must end where every pod of kube-system is Ready, or they cannot be compared."""
    pods = json.loads(on_board("board-1", "k3s", "kubectl", "-n", "kube-system", "get", "pods", "-o", "json"))["items"]
    unready = [
        pod["metadata"]["name"]
        for pod in pods
        if not any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))
    ]
    if unready or not pods:
        raise BenchError(
            f"after this run these pods of kube-system are not Ready: {', '.join(unready) or 'there are none'}"
        )


def table(runs):
    """One row a run, each compared with the ping and with the run by hand of the same kind."""
    ping, hand_first, hand_again = runs[:3]
    by_hand = {
        "by hand, first": hand_first,
        "by hand, again": hand_again,
        "site, first": hand_first,
        "site, converged": hand_again,
    }
    rows = [("run", "seconds", "ssh commands", "Python starts", "time / ping", "time / by hand")]
    for run in runs:
        of_hand = f"{run.seconds / by_hand[run.name].seconds:.2f}" if run.name in by_hand else ""
        rows.append(
            (
                run.name,
                f"{run.seconds:.1f}",
                str(run.commands),
                str(run.pythons),
                f"{run.seconds / ping.seconds:.2f}",
                of_hand,
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])])
        for row in rows
    )


def measure_images():
    """Lines about what images cost."""
    fresh_lab()
    call([ROOT / "tools" / "play", str(BENCH / "pulls.yml")], "registries")
    seconds = scale.pull_seconds(LAB, REGISTRY, "board-2")
    lines = [f"`crictl pull` alone, the {len(scale.SOURCES)} images of a first run, one board: {seconds:.1f} s"]
    call([LAB, "ctl", "--", sys.executable, str(BENCH / "scale.py"), REGISTRY, str(max(scale.COUNTS))], "publish")
    for count in scale.COUNTS:
        variables = {"bench_images": scale.images(REGISTRY, count)}
        first = measure(f"{count} images, first", BENCH / "scale.yml", variables=variables)
        again = measure(f"{count} images, again", BENCH / "scale.yml", REPEATS, variables)
        lines.append(
            f"{count} images pulled and tagged on one board: first {first.seconds:.1f} s, again {again.seconds:.1f} s "
            f"({again.pythons} Python starts)"
        )
    return lines


def main():
    subprocess.run([sys.executable, str(BENCH / "fleets.py")], check=True, stdin=subprocess.DEVNULL)
    print()
    fresh_lab()
    runs = [measure("ping", BENCH / "ping.yml", REPEATS)]
    for name, again, playbook in (("by hand", "again", BENCH / "by_hand.yml"), ("site", "converged", "riscv.k3s.site")):
        if name == "site":
            fresh_lab()
        first = measure(f"{name}, first", playbook)
        check_healthy()
        runs += [first, measure(f"{name}, {again}", playbook, REPEATS)]
    looking = sandboxes.lines()
    print(f"\n{table(runs)}\n")
    print(
        f"Two boards, ssh with pipelining; ssh commands and Python starts are summed over both. The fastest of "
        f"{REPEATS} runs, of one for the first ones."
    )
    print("\n" + "\n".join(looking))
    print("\n" + "\n".join(measure_images()))


if __name__ == "__main__":
    try:
        main()
    except (BenchError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: {error}")
    finally:
        subprocess.run([LAB, "down"], stdin=subprocess.DEVNULL, check=False)
