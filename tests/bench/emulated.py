# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run costs on an emulated riscv64 board: beside a ping, beside pulls and restarts alone, and beside plain tasks
by hand. Part of `make board`, which prints it; more than half an hour.

Seconds there are those of this machine's emulator. The ratios are what a real board shares: a start of a big program is
dear there, and the network is not. A Kubernetes that has just been started takes all of both processors for minutes:
each part begins two minutes after it has come up.
"""

from __future__ import annotations

import datetime
import json
import pathlib
import statistics
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / "tests" / "bench"
sys.path.insert(0, str(ROOT / "tests" / "emulated"))

from riscv64 import Emulated  # noqa: E402

ROUNDS, ATTEMPTS = 3, 5
TYPED = {
    "ping": [BENCH / "ping.yml"],
    "site, converged": ["riscv.k3s.site"],
    "site --check": ["riscv.k3s.site", "--check"],
}
# Prints the images of a registry as {name: [tag]}.
CATALOG = """\
import json, urllib.request
def ask(path):
    with urllib.request.urlopen("http://%s/v2/" + path, timeout=60) as answer:
        return json.load(answer)
print(json.dumps({name: ask(name + "/tags/list")["tags"] for name in ask("_catalog")["repositories"]}))
"""
STARTS = {
    "k3s --version": "k3s --version",
    "k3s ctr images ls": "k3s ctr images ls -q",
    "k3s crictl pods": "k3s crictl pods -o json",
    "k3s kubectl get nodes": "k3s kubectl get nodes -o json",
}
REGISTRIES = 'mirrors:\n  "{0}":\n    endpoint: ["http://{0}"]\n'
WAITING, PODS = 1200, 3
# Seconds until what k3s does after a start is over, most of it. It is never quiet there while pods wait for images.
SETTLING = 120


def fresh(board):
    """The board as it was after its first boot, a k3s whose pods wait for images, and a registry that has them."""
    board.up()
    board.put_k3s()
    board.wait("stock pods", lambda: len(board.pods()) == PODS, WAITING, 10)
    board.play("riscv.k3s.publish")
    time.sleep(SETTLING)


def healthy(board):
    """{name: since when} of the pods, once all are Ready. Each question is the start of a large program there, which
    keeps the pods waiting.
    """
    found = {}

    def all_ready():
        found.clear()
        found.update(board.pods())
        return len(found) == PODS and all(found.values())

    board.wait("Ready pods", all_ready, WAITING, 15)
    return found


def seconds(act):
    begin = time.monotonic()
    act()
    return time.monotonic() - begin


def moment(text):
    """Seconds since 1970 of a time as Kubernetes writes it."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def alone(board):
    """{what: seconds} of what a first run cannot do without: pulls, a restart of k3s with that registry, new pods."""
    board.write("board-1", "/etc/rancher/k3s/registries.yaml", REGISTRIES.format(board.registry))
    found = {"a restart of k3s": seconds(lambda: board.exec("board-1", ["systemctl", "restart", "k3s"]))}
    published = images(board)
    pulls = " && ".join(f"k3s crictl pull {image['source']}" for image in published)
    found["pulls"] = seconds(lambda: board.exec("board-1", pulls))
    for image in published:
        board.exec("board-1", ["k3s", "ctr", "images", "tag", "--force", image["source"], image["stock"]])
    begin = float(board.exec("board-1", ["date", "+%s"]).stdout)
    # Their kubelet tries again by itself, so that they may have been Ready before the last tag.
    found["pods"] = max(0.0, max(map(moment, healthy(board).values())) - begin)
    return found


def images(board):
    """Where publish put them, and what k3s calls them."""
    found = json.loads(board.ctl(["python3", "-c", CATALOG % board.registry]).stdout)
    return [
        {"source": f"{board.registry}/{name}:{tag}", "stock": f"docker.io/{name.removeprefix('stock/')}:{tag}"}
        for name, tags in found.items()
        for tag in tags
        if name.startswith("stock/")
    ]


def by_hand(board):
    """(first, again) in seconds."""
    published = images(board)
    coredns = next(image["stock"] for image in published if "coredns" in image["stock"])
    words = ["-e", json.dumps({"by_hand_images": published, "by_hand_coredns": coredns})]
    first = board.play(BENCH / "by_hand.yml", *words).seconds
    healthy(board)
    return first, board.play(BENCH / "by_hand.yml", *words).seconds


def converged(board, words):
    """A run that found all pods Ready. The probe of one fails there now and then, and site says so."""
    for _time in range(ATTEMPTS):
        healthy(board)
        done = board.play(*words, check=False)
        if not done.failed:
            return done
    sys.exit(f"bench: no run of {words[0]} found a healthy board\n{done.text}")


def rounds(board, typed):
    """{name: [seconds]} of runs that have nothing to do, in turns. The page cache and what a first run leaves behind
    belong to no round.
    """
    found = {name: [] for name in typed}
    for number in range(ROUNDS + 1):
        for name, words in typed.items():
            done = converged(board, words)
            if done.changed:
                sys.exit(f"bench: {name} changed something")
            if number:
                found[name].append(done.seconds)
    return found


def starts(board):
    """{command: seconds}, the fastest of some."""
    return {
        name: min(seconds(lambda: board.exec("board-1", command)) for _time in range(ROUNDS))
        for name, command in STARTS.items()
    }


def line(name, one, ping, more=""):
    print(f"{name:<36}{one:>9.1f}{one / ping:>9.2f}   {more}".rstrip(), flush=True)


def main():
    board = Emulated(ROOT / "build" / "emulated")
    fresh(board)
    first = board.play("riscv.k3s.site").seconds
    healthy(board)
    time.sleep(SETTLING)
    found = rounds(board, TYPED)
    ping = statistics.median(found["ping"])
    print(f"\n{'run on an emulated riscv64 board':<36}{'seconds':>9}{'/ ping':>9}   of each round")
    for name, each in found.items():
        line(name, statistics.median(each), ping, ", ".join(f"{one:.1f}" for one in each))
    line("site, first", first, ping)
    print(
        "one start, the fastest: " + ", ".join(f"{name} {one:.1f} s" for name, one in starts(board).items()), flush=True
    )
    fresh(board)
    parts = alone(board)
    needed = sum(parts.values())
    line("pulls and restarts alone", needed, ping, ", ".join(f"{name} {one:.1f}" for name, one in parts.items()))
    print(f"site, first / pulls and restarts alone: {first / needed:.2f}", flush=True)
    fresh(board)
    for name, one in zip(("by hand, first", "by hand, again"), by_hand(board)):
        line(name, one, ping)


if __name__ == "__main__":
    main()
