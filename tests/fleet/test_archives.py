# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives in agent/images on boards that were set up by hand."""

from __future__ import annotations

import io
import json

import pytest
from boards import STOCK, VARIABLES
from cells import home

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._oci import layout
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.preload import archive_name


@pytest.fixture(name="fleet")
def _fleet(make_fleet):
    """Two boards whose k3s has imported its archive before, and notes such; their stores are empty."""
    fleet = make_fleet(servers=1, agents=1, riscv_k3s_fixes=["preload"], riscv_k3s_serial=["100%"])
    sources = [entry["source"] for entry in VARIABLES["riscv_k3s_catalogue"]]
    rows = [{"source": source, "targets": [stock], "digest": None} for source, stock in zip(sources, STOCK)]
    content = {stock: [source.rpartition("/")[2], {}] for source, stock in zip(sources, STOCK)}
    fleet.archives = [images_of(fleet, name) / archive_name(rows, "riscv64") for name in fleet.boards]
    for archive in fleet.archives:
        archive.parent.mkdir(parents=True)
        write(archive, json.dumps(content).encode())
        noted = {str(archive): {"size": archive.stat().st_size}}
        (archive.parent / ".cache.json").write_text(json.dumps(noted))
    return fleet


def images_of(fleet, name):
    return home(fleet, name) / "var-lib/rancher/k3s/agent/images"


def write(path, blob):
    """An archive of one blob, which is what the k3s of simulated boards takes."""
    digest, raw = "sha256:" + sha256(blob), io.BytesIO()
    index = layout.index({name: {"digest": digest, "size": len(blob)} for name in STOCK})
    layout.write(raw, {"index.json": index}, {digest: (len(blob), lambda: io.BytesIO(blob))})
    path.write_bytes(raw.getvalue())


def restarts(fleet):
    return [fleet.state(name)["restarts"] for name in fleet.boards]


def test_a_store_that_is_lost_where_k3s_imports_each_archive_once(fleet):
    """With a .cache.json in agent/images. A restart alone brings nothing back then, however often a run restarts."""
    healed = fleet.play(check=0)
    assert "All healthy." in healed.text and restarts(fleet) == [1, 1]
    again = fleet.play(check=0)
    assert again.changed == 0 and restarts(fleet) == [1, 1]


def test_an_archive_that_a_power_cut_has_halved(fleet):
    for archive in fleet.archives:
        archive.write_bytes(archive.read_bytes()[:700])
    run = fleet.play(check=2)
    assert "the archive of images is damaged" in run.text and "Next: run again, which brings it anew" in run.text
    assert restarts(fleet) == [0, 0] and [path.exists() for path in fleet.archives] == [True, False]
