# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run costs on an emulated riscv64 board: beside a ping, beside plain tasks by hand, and beside what cannot be
spared. Part of `make board`, which prints it; some 15 minutes on an idle machine.

Seconds there are those of this machine's emulator. The ratios are what a real board shares: a start of a big program is
dear there, and the network is not.
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

ROUNDS = 3
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
WAITING, PODS = 600, 3


def fresh(board):
    """The board as it was after its first boot, a k3s whose pods wait for images, and a registry that has them."""
    board.up()
    board.put_k3s()
    board.wait("stock pods", lambda: len(board.pods()) == PODS, WAITING, 10)
    board.play("riscv.k3s.publish")


def seconds(act):
    begin = time.monotonic()
    act()
    return time.monotonic() - begin


def spared_by_nobody(board):
    """{what: seconds} of what a first run cannot do without: pulls, a restart of k3s with that registry, new pods."""
    fresh(board)
    board.write("board-1", "/etc/rancher/k3s/registries.yaml", REGISTRIES.format(board.registry))
    found = {"a restart of k3s": seconds(lambda: board.exec("board-1", ["systemctl", "restart", "k3s"]))}
    published = images(board)
    pulls = " && ".join(f"k3s crictl pull {image['source']}" for image in published)
    found["pulls"] = seconds(lambda: board.exec("board-1", pulls))
    for image in published:
        board.exec("board-1", ["k3s", "ctr", "images", "tag", "--force", image["source"], image["stock"]])
    before = board.pods()
    board.kubectl("delete", "pods", "-n", "kube-system", "--all", "--wait=false")
    begin = float(board.exec("board-1", ["date", "+%s"]).stdout)
    # Each question is the start of a large program there, and keeps the pods waiting: their own times count.
    after = {}

    def renewed():
        after.clear()
        after.update(board.pods())
        return len(after) == PODS and all(after.values()) and not set(after) & set(before)

    board.wait("new pods", renewed, WAITING, 15)
    found["pods that become Ready"] = max(map(moment, after.values())) - begin
    return found


def moment(text):
    """Seconds since 1970 of a time as Kubernetes writes it."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


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
    fresh(board)
    published = images(board)
    coredns = next(image["stock"] for image in published if "coredns" in image["stock"])
    words = ["-e", json.dumps({"by_hand_images": published, "by_hand_coredns": coredns})]
    return [board.play(BENCH / "by_hand.yml", *words).seconds for _time in range(2)]


def main():
    board = Emulated(ROOT / "build" / "emulated")
    alone = spared_by_nobody(board)
    hand = by_hand(board)
    fresh(board)
    first = board.play("riscv.k3s.site").seconds
    # The page cache and what a first run leaves behind belong to no round.
    rounds = {"ping": [], "site, converged": [], "site --check": []}
    typed = {"ping": [BENCH / "ping.yml"], "site, converged": ["riscv.k3s.site"]}
    typed["site --check"] = ["riscv.k3s.site", "--check"]
    for number in range(ROUNDS + 1):
        for name, words in typed.items():
            done = board.play(*words)
            if done.changed:
                sys.exit(f"bench: {name} changed something")
            if number:
                rounds[name].append(done.seconds)
    starts = {
        name: min(seconds(lambda: board.exec("board-1", command)) for _time in range(ROUNDS))
        for name, command in STARTS.items()
    }
    report(alone, hand, first, rounds, starts)


def report(alone, hand, first, rounds, starts):
    ping = statistics.median(rounds["ping"])
    needed = sum(alone.values())
    print(f"\n{'run on an emulated riscv64 board':<36}{'seconds':>9}{'/ ping':>9}   of each round")
    for name, found in rounds.items():
        middle = statistics.median(found)
        each = ", ".join(f"{one:.1f}" for one in found)
        print(f"{name:<36}{middle:>9.1f}{middle / ping:>9.2f}   {each}")
    for name, one in (("by hand, again", hand[1]), ("by hand, first", hand[0]), ("site, first", first)):
        print(f"{name:<36}{one:>9.1f}{one / ping:>9.2f}")
    parts = ", ".join(f"{name} {one:.1f}" for name, one in alone.items())
    print(f"{'what no first run can spare':<36}{needed:>9.1f}{needed / ping:>9.2f}   {parts}")
    print(f"\nsite, first / what no first run can spare: {first / needed:.2f}")
    print("one start, the fastest: " + ", ".join(f"{name} {one:.1f} s" for name, one in starts.items()))


if __name__ == "__main__":
    main()
