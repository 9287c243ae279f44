# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run costs on an emulated riscv64 board: beside a ping, beside pulls and restarts alone, and beside plain tasks
by hand. Part of `make board`, which prints it; more than an hour. One part of it: `emulated.py converged|parts|hand`.

Seconds there are those of this machine's emulator. The ratios are what a real board shares: a start of a big program is
dear there, and the network is not. A Kubernetes that has just been started takes all of both processors for minutes:
each part begins two minutes after it has come up, and how busy they were stands beside each run.
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
# Seconds for which the processors are looked at before a run, and what is little for them: an idle k3s takes half.
QUIET, LITTLE = 20, 0.6


def fresh(board):
    """The board as it was after its first boot, a k3s whose pods wait for images, and a registry that has them."""
    board.up()
    board.put_k3s()
    board.wait("stock pods", lambda: len(board.pods()) == PODS, WAITING, 10)
    board.play("riscv.k3s.publish")
    time.sleep(SETTLING)


def busy(board):
    """How much of both processors was taken in QUIET seconds, 0 to 1."""
    text = board.exec("board-1", f"head -n 1 /proc/stat; sleep {QUIET}; head -n 1 /proc/stat").stdout
    before, after = ([int(word) for word in line.split()[1:]] for line in text.splitlines())
    spent = [now - then for then, now in zip(before, after)]
    # user nice system idle iowait irq softirq ...: proc_stat(5)
    return 1 - (spent[3] + spent[4]) / sum(spent)


def quiet(board):
    """How busy the board is once little goes on there, or after some minutes in which it never was."""
    share = 1.0
    for _time in range(SETTLING // QUIET):
        share = busy(board)
        if share < LITTLE:
            break
    return share


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
    """Seconds of the first time, then of the second, each as soon as it is known: it may take half an hour."""
    published = images(board)
    (coredns,) = [image["stock"] for image in published if "coredns" in image["stock"]]
    words = ["-e", json.dumps({"by_hand_images": published, "by_hand_coredns": coredns})]
    yield board.play(BENCH / "by_hand.yml", *words).seconds
    healthy(board)
    yield board.play(BENCH / "by_hand.yml", *words).seconds


def converged(board, words):
    """(a run that found all pods Ready, how busy the board was before it). The probe of one fails there now and then,
    and site says so.
    """
    for _time in range(ATTEMPTS):
        healthy(board)
        share = quiet(board)
        done = board.play(*words, check=False)
        if not done.failed:
            return done, share
    sys.exit(f"bench: no run of {words[0]} found a healthy board\n{done.text}")


def rounds(board, typed):
    """{name: [(seconds, busy before)]} of runs that have nothing to do, in turns. What the first one fills and leaves
    belongs to no round.
    """
    found = {name: [] for name in typed}
    for number in range(ROUNDS + 1):
        for name, words in typed.items():
            done, share = converged(board, words)
            print(f"{name}: {done.seconds:.1f} s, processors {share:.0%} busy before it", flush=True)
            if done.changed:
                sys.exit(f"bench: {name} changed something")
            if number:
                found[name].append((done.seconds, share))
    return found


def starts(board):
    """{command: seconds}, the fastest of some."""
    return {
        name: min(seconds(lambda: board.exec("board-1", command)) for _time in range(ROUNDS))
        for name, command in STARTS.items()
    }


def line(name, one, ping, more=""):
    ratio = f"{one / ping:.2f}" if ping else ""
    print(f"{name:<36}{one:>9.1f}{ratio:>9}   {more}".rstrip(), flush=True)


def of_converged(board):
    """A first site, then what a run costs that has nothing to do. Seconds of the first one and of the ping."""
    fresh(board)
    first = board.play("riscv.k3s.site").seconds
    found = rounds(board, TYPED)
    ping = statistics.median(one for one, _share in found["ping"])
    print(f"\n{'run on an emulated riscv64 board':<36}{'seconds':>9}{'/ ping':>9}   of each round")
    for name, each in found.items():
        told = ", ".join(f"{one:.1f} ({share:.0%} busy)" for one, share in each)
        line(name, statistics.median(one for one, _share in each), ping, told)
    line("site, first", first, ping)
    asked = ", ".join(f"{name} {one:.1f} s" for name, one in starts(board).items())
    print(f"one start, the fastest: {asked}", flush=True)
    return first, ping


def of_parts(board, first, ping):
    fresh(board)
    parts = alone(board)
    needed = sum(parts.values())
    line("pulls and restarts alone", needed, ping, ", ".join(f"{name} {one:.1f}" for name, one in parts.items()))
    if first:
        print(f"site, first / pulls and restarts alone: {first / needed:.2f}", flush=True)


def of_hand(board, ping):
    fresh(board)
    for name, one in zip(("by hand, first", "by hand, again"), by_hand(board)):
        line(name, one, ping)


def main():
    """`emulated.py [converged] [parts] [hand]`: only these. A ratio needs the first one."""
    wanted = sys.argv[1:] or ["converged", "parts", "hand"]
    board = Emulated(ROOT / "build" / "emulated")
    first = ping = None
    if "converged" in wanted:
        first, ping = of_converged(board)
    if "parts" in wanted:
        of_parts(board, first, ping)
    if "hand" in wanted:
        of_hand(board, ping)


if __name__ == "__main__":
    main()
