# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program k3s of a simulated board, and its service manager: what it prints is in the form recorded from real ones.

The board is a folder, see boards.py. In its state.json: the store of images {name: [seed, labels]}, running, restarts,
and what is wrong with it: pull (an error that pulls end with), restart (whether its service does not start), breaks
(whether its node is no longer Ready once it has a stock image), slow (for how many seconds from then on it is not
Ready), moves (whether the deploy controller tells of its passes meanwhile), node (its node's name, if not its own,
null where the API does not know it), architecture and args (as its node tells them), clock (by how many seconds its
clock is off), data (k3s's data folder), role (of the k3s in its own /proc, see procfs.py; "" for none).
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import sys
import tarfile
import time

import procfs

# A file, since service managers clear the environment. From a userland of its own, its script has looked.
BOARD = pathlib.Path(os.environ.get("FLEET_BOARD") or pathlib.Path("/etc/board").read_text(encoding="utf-8").strip())
FLEET = BOARD.parents[1]
SOURCES = ("pause:1", "coredns:1")
REGISTRY = "registry.example:5000/"
# What the registry holds, by the source of its content: by names of one's own, and as riscv.k3s.publish names it.
HELD = {"riscv64/" + source: source for source in SOURCES}
HELD.update(
    {"stock/rancher/mirrored-pause:3.6": "pause:1", "stock/rancher/mirrored-coredns-coredns:1.9.1": "coredns:1"}
)
EVENT = "%s Event\tAddon\tkube-system\taddon-%d\t\tNormal\tAppliedManifest" + "\t" * 8 + "applied\n"
STOCK = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"


def load(board):
    """What a board is like."""
    return json.loads((board / "state.json").read_text(encoding="utf-8"))


def save(state):
    """Replace what this board is like; the server reads it at any time."""
    path = BOARD / "state.json"
    path.with_suffix(".new").write_text(json.dumps(state, indent=1, sort_keys=True), encoding="utf-8")
    path.with_suffix(".new").replace(path)


def containerd(state, words):
    """ctr and crictl, by the store of the state."""
    if not state["running"]:
        return 1, "", 'ctr: failed to dial "/run/k3s/containerd/containerd.sock": connect: connection refused'
    import fake_containerd

    fake = fake_containerd.FakeContainerd("1.7.27")
    for name, source in HELD.items():
        fake.registry[REGISTRY + name] = (
            state["pull"] and fake_containerd.failure(REGISTRY + name, state["pull"]) or fake_containerd.Content(source)
        )
    contents = {seed: fake_containerd.Content(seed) for seed in SOURCES}
    fake.store = {name: [contents[seed], dict(labels)] for name, (seed, labels) in state["store"].items()}
    answer = fake.answer(["k3s"] + words, None)
    seeds = {content.digest: seed for seed, content in contents.items()}
    store = {name: [seeds[content.digest], labels] for name, (content, labels) in fake.store.items()}
    if store != state["store"]:
        save(dict(state, store=store))
    return answer


def kubectl(words):
    """Nodes, of each board of the fleet, and events where they are asked for; no pods."""
    token = re.search(r"riscv-k3s-[0-9a-f]{16}", " ".join(words)).group(0)
    rows = []
    # One for all, as of boards that share a kernel.
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    for board in sorted((FLEET / "boards").iterdir()):
        state = load(board)
        if state["node"] is None:
            continue
        since = seconds_with_stock(board, state)
        late = since is not None and since < state["slow"]
        broken = state["breaks"] and STOCK in state["store"]
        ready = state["running"] and not broken and not late
        name = state["node"] or board.name
        machine = (board / "etc/machine-id").read_text(encoding="utf-8").strip()
        rows.append(
            "%s Node\t%s\tuid-%s\t2026-11-24T21:12:10Z\t%s\t%s\t10.0.0.1\t%s\t%s\tv1.30.0+k3s1"
            "\tcontainerd://1.7.27\t%s\t\n"
            % (
                token,
                name,
                board.name,
                state["architecture"],
                "True" if ready else "False",
                boot,
                machine,
                state["args"],
            )
        )
        if "%s State" % token in " ".join(words):
            condition = {"type": "Ready", "status": "True" if ready else "False", "reason": "Lab", "message": "told so"}
            rows.append("%s State\t%s\t%s\t\n" % (token, name, json.dumps([condition])))
        if late and state["moves"] and "%s Event" % token in " ".join(words):
            rows += [EVENT % (token, number) for number in range(int(since) + 1)]
    rows.append("%s End\n" % token)
    return 0, "".join(rows), ""


def seconds_with_stock(board, state):
    """For how long a board has had its stock image, as far as the API was asked meanwhile; None when it has none."""
    if STOCK not in state["store"]:
        return None
    mark = board / "answers/since"
    if not mark.exists():
        mark.write_text("", encoding="utf-8")
    return time.time() - mark.stat().st_mtime


def imported(folder):
    """{image: [seed, labels]} of archives, whose only blob is that as JSON. Beside a .cache.json k3s passes by those
    that it knows, also under a new time (k3s-io/k3s#14284).
    """
    cache = folder / ".cache.json"
    known = json.loads(cache.read_text(encoding="utf-8") or "{}") if cache.exists() else {}
    found, seen = {}, {}
    for path in folder.glob("*.tar"):
        size, noted = path.stat().st_size, known.get(str(path))
        seen[str(path)] = {"size": size}
        if noted is None or noted["size"] != size:
            with tarfile.open(path) as tar:
                found.update(json.load(tar.extractfile(next(one for one in tar if one.name.startswith("blobs/")))))
    if cache.exists():
        cache.write_text(json.dumps(seen), encoding="utf-8")
    return found


def restart(state):
    """A start by the service manager."""
    if state["restart"]:
        save(dict(state, running=False, restarts=state["restarts"] + 1))
        return 1, "", "Job for k3s.service failed because the control process exited with error code."
    config = BOARD / "var-lib" / state["data"][len("/var/lib/") :] / "agent/etc/containerd/config.toml"
    os.utime(config, (time.time() + 1 + state["clock"],) * 2)
    if state["role"]:
        procfs.write_k3s(BOARD, state["data"], state["role"])
    state = dict(state, store=dict(state["store"], **imported(config.parents[2] / "images")))
    save(dict(state, running=True, restarts=state["restarts"] + 1))
    return 0, "", ""


def main(program, words):
    """Answer one call; returns exit status, output and error output."""
    state = load(BOARD)
    if program in ("service", "systemctl"):
        # The module service stops and starts where there is no systemd.
        return restart(state) if {"start", "restart"} & set(words) else (0, "", "")
    if words[:1] == ["kubectl"] and not state["running"]:
        return (
            1,
            "",
            "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?",
        )
    if words[:1] == ["kubectl"]:
        return kubectl(words)
    answer = containerd(state, words)
    # The next one that asks the same of the same state needs no Python: see QUICK in boards.py.
    if words[0] == "ctr" and words[-1] in ("version", "ls") and answer[0] == 0:
        (BOARD / "answers" / words[-1]).write_text(answer[1], encoding="utf-8")
    return answer


if __name__ == "__main__":
    status, out, err = main(sys.argv[1], sys.argv[2:])
    sys.stdout.write(out)
    sys.stderr.write(err)
    sys.exit(status)
