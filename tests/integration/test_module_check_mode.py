# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The observing modules say the same in check mode as really, and change nothing."""

from __future__ import annotations

import modules
import pytest


@pytest.mark.parametrize(
    "module, args",
    [("k3s_info", {"gather": ["k3s", "config", "registries", "manifests"]}), ("cri_sandbox_info", {"api": "never"})],
)
def test_check_run(lab, tmp_path, module, args):
    before = modules.state(lab, lab.server)
    run = modules.tasks(lab, tmp_path, lab.server, *modules.four(module, args)[:2])
    assert run.failures == []
    checked, done = [row["result"] for row in run.rows]
    for row in (checked, done):
        # k3s has run for longer at the second look.
        row.get("k3s", {}).pop("seconds", None)
    assert modules.told(checked) == modules.told(done) and done["changed"] is False
    assert modules.state(lab, lab.server) == before
