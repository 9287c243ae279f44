# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What containers that ended had to say: the reader of what logs.sh writes. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils.text import redact
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import chunks


def read_logs(seen):
    """The part ``logs``; empty where there was nothing to read."""
    return {"logs": parse_logs(seen.sections["logs"].out, seen.token) if "logs" in seen.sections else {}}


def parse_logs(text, token):
    """The step ``logs``: id of a container to its last lines."""
    return {
        name: [redact(line.rstrip()) for line in body.split("\n") if line.strip()][-15:]
        for name, body in chunks(text, token + "=")
    }
