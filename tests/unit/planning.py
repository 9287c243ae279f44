# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A board as it is observed, and what is wanted of it, for the tests of the plan."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import fleet as _fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import plan as _plan
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.read import read
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.supply import Supply

PAUSE = "docker.io/rancher/mirrored-pause:3.6"
COREDNS = "docker.io/rancher/mirrored-coredns-coredns:1.9.1"
PAUSE_SOURCE = "reg:5000/riscv64/pause:3.10"
COREDNS_SOURCE = "reg:5000/riscv64/coredns:1.12.1"
PATCH = {
    "manifest": "coredns.yaml",
    "kind": "Deployment",
    "name": "coredns",
    "container": "coredns",
    "command": ["/coredns"],
}
CATALOGUE = [
    {"stock": PAUSE.rpartition(":")[0], "source": PAUSE_SOURCE},
    {"stock": COREDNS.rpartition(":")[0], "source": COREDNS_SOURCE},
]
REGISTRIES = {"mirrors": {"reg:5000": {"endpoint": ["http://reg:5000"]}}}
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: coredns}
spec:
  template:
    spec:
      containers:
      - name: coredns
        image: rancher/mirrored-coredns-coredns:1.9.1
        args: ["-conf", "/etc/coredns/Corefile"]
"""


def held(name, digest="sha256:1", platforms=("linux/riscv64",), pinned=True):
    return {"name": name, "digest": digest, "platforms": list(platforms), "pinned": pinned, "size": 1}


def asked(image, required=True):
    return {"image": image, "where": ["somewhere"], "required": required}


def observed(images=(), demand=None, **more):
    result = {
        "hostname": "b1",
        "architecture": "riscv64",
        "data_dir": "/var/lib/rancher/k3s",
        "doubts": [],
        "identity": {},
        "k3s": {"version": "v1.24.2+k3s2", "running": True},
        "config": {"disable": ["servicelb"]},
        "containerd": {"version": "2.1.5", "pins": True},
        "pause_image": PAUSE,
        "registries": {"present": False, "sha256": "", "mode": None, "stale": False},
        "images": list(images),
        "manifests": [],
        "demand": [asked(PAUSE), asked(COREDNS)] if demand is None else demand,
        "errors": [],
    }
    return dict(result, **more)


def wanting(board="board-1", catalogue=None, registries=None, **wanted):
    """What is wanted of a board; of the settings those about the supply go where they belong."""
    of_supply = {key: wanted.pop(key) for key in ("fixes", "mirror", "served", "lock") if key in wanted}
    supply = Supply(_catalogue.read(CATALOGUE) if catalogue is None else catalogue, **of_supply)
    return _plan.Wanted(board=board, supply=supply, registries=registries, **wanted)


def decide(board, servers=None, **wanted):
    return _plan.plan(board, wanting(**wanted), _plan.Cluster([board] if servers is None else servers))


def settings_of(**variables):
    """A board's settings, from an inventory's variables without their prefix."""
    given = dict({"catalogue": CATALOGUE}, **variables)
    named = {"riscv_k3s_" + name: value for name, value in given.items()}
    return read({"board": named})["board"]


def fleet_of(boards, servers=None, lock=None, **more):
    """A Fleet of {name: (what was seen, its settings)}; without ``servers`` the first board is one."""
    servers = [next(iter(boards))] if servers is None else servers
    # A board's host name is its node's, unless a test says otherwise.
    rows = [
        _fleet.Board(name, dict(seen, hostname=name) if seen else seen, settings, name in servers, lock)
        for name, (seen, settings) in boards.items()
    ]
    return _fleet.Fleet(rows, servers, **more)


def file(path, text, skip=False):
    return {"path": path, "sha256": sha256(text.encode()), "text": text, "whole": True, "skip": skip}
