# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A catalogue source that changed is a change, there and back again: on containerd's store, with pods that run it."""

from __future__ import annotations

import json

import pytest
import yaml
from runs import ROOT, play

pytestmark = pytest.mark.slow

SITE = "riscv.k3s.site"
STOCK = "docker.io/rancher/local-path-provisioner:v0.0.21"
REPOSITORY = "10.99.0.1:5000/riscv64/local-path-provisioner:"
OLD, NEW = REPOSITORY + "v0.0.30", REPOSITORY + "v0.0.30-again"


def with_the_new_source(folder):
    """A file of variables: the lab's catalogue, with another tag for one image, whose content differs.

    The controller, where images are built, has none of the boards' variables.
    """
    text = (ROOT / "tests/lab/inventory/group_vars/k3s_cluster.yml").read_text(encoding="utf-8")
    text = text.replace("{{ riscv_k3s_registry }}", REPOSITORY.partition("/")[0])
    catalogue = yaml.safe_load(text)["riscv_k3s_catalogue"]
    (entry,) = [entry for entry in catalogue if entry["stock"] == STOCK.rpartition(":")[0]]
    entry["source"] += "-again"
    entry["build"]["env"] = {"PATH": "/usr/bin", "AGAIN": "yes"}
    written = folder / "catalogue.json"
    written.write_text(json.dumps({"riscv_k3s_catalogue": catalogue}), encoding="utf-8")
    return "-e", "@%s" % written


def digests(lab, board):
    """{name: digest} of the board's store."""
    lines = lab.exec(board, ["k3s", "ctr", "-n", "k8s.io", "images", "ls"]).stdout.splitlines()[1:]
    return {line.split()[0]: line.split()[2] for line in lines}


def has_moved(lab, source, *arguments):
    """Check mode says what the run does, the stock name has the source's content, a second run changes nothing."""
    check, run = play(lab, SITE, "--check", *arguments), play(lab, SITE, *arguments)
    assert any(run.changed.values()) and check.changes == run.changes, (check.changes, run.changes)
    for board in (lab.server, lab.agent):
        held = digests(lab, board)
        assert held[STOCK] == held[source]
    again = play(lab, SITE, *arguments)
    assert not any(again.changed.values()) and "All healthy." in again.text
    return digests(lab, lab.server)[STOCK]


def test_a_source_that_changed_and_was_changed_back(lab, tmp_path):
    lab.lab("reset")
    play(lab, "riscv.k3s.build_images")
    play(lab, SITE)
    first = digests(lab, lab.server)[STOCK]
    arguments = with_the_new_source(tmp_path)
    play(lab, "riscv.k3s.build_images", *arguments)
    assert "it was tagged from %s" % OLD in play(lab, "riscv.k3s.plan", *arguments).text
    second = has_moved(lab, NEW, *arguments)
    for board in (lab.server, lab.agent):
        lab.exec(board, ["k3s", "ctr", "-n", "k8s.io", "images", "rm", OLD])
    assert second != first and has_moved(lab, OLD) == first
