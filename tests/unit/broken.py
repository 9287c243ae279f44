# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a healthy server and a healthy agent answer to one look, to be broken step by step, and the verdict on it."""

from __future__ import annotations

import json
import shutil

from fake_board import TOKEN, FakeBoard
from planning import COREDNS, MANIFEST, PAUSE, settings_of
from records import record

from ansible_collections.riscv.k3s.plugins.module_utils._output import api_query
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import fleet as _fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import run as _run
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import Section, split_output
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import PARTS, observe

BOOT = "0b7a5b5c-7a0f-4b62-8f9e-2a64c2f3b7d1"
LABELS = "io.cri-containerd.image=managed,io.cri-containerd.pinned=pinned"
HEADER = "REF TYPE DIGEST SIZE PLATFORMS LABELS\n"
IMAGE = "%s application/vnd.oci.image.manifest.v1+json sha256:%s 301.2 KiB linux/riscv64 " + LABELS + "\n"
JOURNAL = {"version": 1, "lease": None, "files": {}, "images": {}, "loaded": {}}
MERGED = "# Written by riscv.k3s: both.\n# wanted: %s\nmirrors: {}\n" % ("a1" * 32)


def recorded(folder):
    """{role: {step: Section}} of a server and an agent whose every step has something to tell."""
    return {role: _answers(folder / role, role) for role in ("server", "agent")}


def _answers(home, role):
    home.mkdir()
    board = FakeBoard(home)
    board.program("uname", "#!/bin/sh\n[ $1 = -n ] && echo %s || echo riscv64\n" % role)
    board.k3s(data_dir=board.data, role=role)
    board.file("etc/config.yaml", "node-name: %s\ndata-dir: %s\n" % (role, board.data))
    board.file("etc/config.yaml.d/riscv-k3s.yaml", "embedded-registry: true\n", mtime=2000000000)
    board.file("etc/registries.yaml", MERGED, mtime=1000000000)
    board.file("data/agent/etc/containerd/config.toml", '[x]\n  sandbox_image = "%s"\n' % PAUSE, mtime=1500000000)
    board.file("data/riscv-k3s/journal.json", json.dumps(JOURNAL))
    images = [(PAUSE, "a"), (COREDNS, "b"), ("docker.io/a/other:1", "c")]
    board.answer("ctr --namespace k8s.io images ls", HEADER + "".join(IMAGE % (name, x * 64) for name, x in images))
    ids = {"createdAt": "1600000000000000000", "state": "SANDBOX_READY", "labels": {}, "annotations": {}}
    sandbox = {"id": "5" * 64, "metadata": {"name": "p", "namespace": "d", "uid": "u"}, **ids}
    container = dict(ids, id="6" * 64, podSandboxId="5" * 64, metadata={"name": "c"}, state="CONTAINER_RUNNING")
    board.answer("crictl pods", json.dumps({"items": [sandbox]}, indent=2))
    board.answer("crictl ps", json.dumps({"containers": [container]}, indent=2))
    if role == "agent":
        shutil.rmtree(board.data / "server")
    else:
        board.file("etc/k3s.yaml", "")
        board.file("data/server/manifests/coredns.yaml", MANIFEST)
        board.answer("kubectl", "".join(_node(name) for name in ("server", "agent")) + _pod())
    return dict(split_output(board.run(PARTS, data_dir=None, paths={}), TOKEN))


def _node(name):
    more = {"ready": "True", "architecture": "riscv64", "addresses": "192.168.173.11", "boot_id": BOOT}
    return record(api_query.NODE, TOKEN, name=name, uid=name, created="t", **more)


def _pod():
    state = {"name": "coredns", "ready": True, "imageID": "x@sha256:" + "b" * 64, "state": {"running": {}}}
    fields = {"names": "coredns", "images": COREDNS, "states": json.dumps([state]), "node": "agent"}
    fields["conditions"] = json.dumps([{"type": "Ready", "status": "True"}])
    return record(api_query.POD, TOKEN, namespace="kube-system", name="c", uid="u1", phase="Running", **fields)


def told(answers, name=None, section=None):
    """The script's output with ``section`` in place of the step ``name``; None leaves it out."""
    steps = dict(answers, **{name: section} if name else {})
    return "".join(
        "%s<%s\n%s\n%s>%d\n%s\n" % (TOKEN, step, found.out, TOKEN, found.rc, found.err)
        for step, found in steps.items()
        if found
    )


def answer(texts):
    """The verdict's answer for {role: the script's output}, or the Problem that ended the look or the plan; and whether
    something is to be done.
    """
    try:
        seen = {role: observe(text, TOKEN, PARTS, architecture="riscv64") for role, text in texts.items()}
        rows = [_fleet.Board(role, seen[role], settings_of(), role == "server") for role in ("server", "agent")]
        made = _run.present(_fleet.Fleet(rows, ["server"]), {})
    except Problem as problem:
        return str(problem)
    return made["verdict"]["answer"] if not made["changes"] or made["verdict"]["answer"] != "healthy" else "to do"


def read(text):
    """What is read of a script's output; None where that ends the look."""
    try:
        return observe(text, TOKEN, PARTS, architecture="riscv64")
    except Problem:
        return None


# What a step may be like that did not go well; None where it cannot be like that.
GARBAGE = "\x7fELF\x02 what is this\n"
WAYS = {
    "it fails": lambda found: Section(1, found.out, "Input/output error"),
    "it fails and says nothing": lambda found: Section(1, "", ""),
    "its time is up": lambda found: Section(124, found.out[: len(found.out) // 2], "Terminated"),
    "it is killed": lambda found: Section(137, "", "Killed"),
    "it says nothing": lambda found: Section(0, "", ""),
    "garbage": lambda found: Section(0, GARBAGE, ""),
    "half of it": lambda found: Section(0, found.out[: len(found.out) // 2], ""),
    "most of it": lambda found: Section(0, found.out.rstrip()[: -len(found.out) // 8 or None], ""),
    "it is missing": lambda found: None,
}
