# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives in agent/images on boards that were set up by hand."""

from __future__ import annotations

import json

from boards import STOCK, VARIABLES
from cells import home

from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.preload import archive_name


def test_a_store_that_is_lost_where_k3s_imports_each_archive_once(make_fleet):
    """With a .cache.json in agent/images. A restart alone brings nothing back then, however often a run restarts."""
    fleet = make_fleet(servers=1, agents=1, riscv_k3s_fixes=["preload"], riscv_k3s_serial=["100%"])
    sources = [entry["source"] for entry in VARIABLES["riscv_k3s_catalogue"]]
    rows = [{"source": source, "targets": [stock], "digest": None} for source, stock in zip(sources, STOCK)]
    content = {stock: [source.rpartition("/")[2], {}] for source, stock in zip(sources, STOCK)}
    for name in fleet.boards:
        images = home(fleet, name) / "var-lib/rancher/k3s/agent/images"
        images.mkdir(parents=True)
        archive = images / archive_name(rows, "riscv64")
        archive.write_text(json.dumps(content))
        (images / ".cache.json").write_text(json.dumps({archive.name: archive.stat().st_mtime}))
    healed = fleet.play(check=0)
    assert "All healthy." in healed.text
    assert [fleet.state(name)["restarts"] for name in fleet.boards] == [1, 1]
    again = fleet.play(check=0)
    assert again.changed == 0 and [fleet.state(name)["restarts"] for name in fleet.boards] == [1, 1]
