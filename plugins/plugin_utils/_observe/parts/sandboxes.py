# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sandboxes and containers: the reader of what sandboxes.sh writes, and sandboxes_kept.sh in its place. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._output.pods import parse_containers, parse_sandboxes


def read_sandboxes(seen):
    """The part ``sandboxes``."""
    return {"sandboxes": seen.rows("pods", parse_sandboxes), "containers": seen.rows("containers", parse_containers)}
