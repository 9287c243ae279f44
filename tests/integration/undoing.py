# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers of the tests of undo: everything of a board that it must bring back, and how to compare it."""

from __future__ import annotations

import json
from typing import Any, Dict, NamedTuple

from runs import play

REGISTRIES = "/etc/rancher/k3s/registries.yaml"
RESTART, RESTARTS = "riscv.k3s.k3s_pod_restart", "riscv.k3s.undo : Restart pods whose image name was taken away"
JOURNAL = "/var/lib/rancher/k3s/riscv-k3s"
FILES = """
cd /
data=var/lib/rancher/k3s
for f in $(find $data/server/manifests $data/agent/images $data/riscv-k3s etc/rancher 2>/dev/null | sort); do
  if [ -f "$f" ]; then echo "$(stat -c '%n %a %u %g' "$f") $(sha256sum <"$f")"; else stat -c '%n %a %u %g' "$f"; fi
done
"""
APPLIED = "jsonpath={range .items[*]}{.metadata.name} {.spec.checksum}{'\\n'}{end}"


class Board(NamedTuple):
    """``files``: every file and folder of k3s that undo has to do with, with mode, owner and checksum; ``images``:
    {name: (digest, labels)}.
    """

    files: Dict[str, str]
    images: Dict[str, Any]


def look(lab, board):
    """What is on a board."""
    files = dict(line.partition(" ")[::2] for line in lab.exec(board, FILES).stdout.splitlines())
    images = {}
    for line in lab.exec(board, ["k3s", "ctr", "images", "ls"]).stdout.splitlines()[1:]:
        words = line.split()
        images[words[0]] = (words[2], words[-1])
    return Board(files, images)


def both(lab):
    """What is on both boards."""
    return {board: look(lab, board) for board in (lab.server, lab.agent)}


def differences(before, after, apart=()):
    """Sentences about what is not as before; files and images whose name holds one of the words in ``apart`` do not
    count.
    """
    found = []
    for board, was in before.items():
        now = after[board]
        for kind in Board._fields:
            old, new = getattr(was, kind), getattr(now, kind)
            for name in sorted(set(old) | set(new)):
                if old.get(name) != new.get(name) and not any(word in name for word in apart):
                    found.append("%s: %s: %s, was %s" % (board, name, new.get(name), old.get(name)))
    return found


def run(lab, playbook, *options, check=True, **variables):
    """Run a playbook of the collection with extra variables."""
    return play(lab, "riscv.k3s." + playbook, "-e", json.dumps(variables), *options, check=check)


def undo(lab, *options, **variables):
    """Undo with diff: check, run, run again. Returns (the predicted run, the real one); the prediction is right, and
    the second run changes nothing.
    """
    predicted = run(lab, "undo", "--check", "--diff", *options, **variables)
    healed = commands(lab)
    done = run(lab, "undo", "--diff", *options, **variables)
    now = commands(lab)
    replaced = {name for name in now if now[name] != healed.get(name)}
    first, second = _foreseen(predicted, replaced), _foreseen(done, replaced)
    assert first == second, "%s\n%s\n%s\n%s" % (first, second, predicted.text, done.text)
    again = run(lab, "undo", *options, **variables)
    assert not any(again.changed.values()), again.text
    return predicted, done


def _foreseen(seen, replaced):
    """(what a run changed, the workloads that it restarted), without those whose own manifest came back: k3s makes
    their pods anew, and check mode cannot know on which board the scheduler places those.
    """
    restarted = {
        pod["owner"]["name"] for result in seen.results(RESTART).values() for pod in result["restarted"] if pod["owner"]
    }
    return [change for change in seen.changes if change[0] != RESTARTS], restarted - replaced


def of_the_kubelets(lab, before):
    """Image names that came since ``before`` and are not in the journal, with those by their digests: kubelets pulled
    them by themselves.
    """
    found = set()
    for board, was in before.items():
        ours = json.loads(lab.read(board, JOURNAL + "/journal.json"))["images"]
        now = look(lab, board).images
        digests = {now[name][0] for name in ours if name in now}
        found |= {name for name in set(now) - set(was.images) - set(ours) if now[name][0] not in digests}
    return found


def is_applied(lab):
    """Whether k3s applied every packaged manifest as it lies there."""
    sums = lab.exec(
        lab.server, "cd /var/lib/rancher/k3s/server/manifests && find . -name '*.yaml' -exec sha256sum {} +"
    ).stdout.splitlines()
    held = {line.split()[1].rpartition("/")[2].partition(".")[0]: line.split()[0] for line in sums}
    known = dict(
        line.partition(" ")[::2]
        for line in lab.kubectl("get", "addons.k3s.cattle.io", "-n", "kube-system", "-o", APPLIED).stdout.splitlines()
    )
    return all(known.get(name) == checksum for name, checksum in held.items())


def commands(lab):
    """{Deployment: (image, command)} of kube-system."""
    found = {}
    for item in lab.get("deployments", "-n", "kube-system")["items"]:
        container = item["spec"]["template"]["spec"]["containers"][0]
        found[item["metadata"]["name"]] = (container["image"], container.get("command"))
    return found
