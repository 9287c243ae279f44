# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the service manager calls the service of k3s: the reader of what service_state.sh writes. Pure."""

from __future__ import annotations

# On the way up, in systemd's words and in OpenRC's.
STARTING = ("activating", "starting", "reloading")


def read_service_state(seen):
    """The part ``service_state``: {unit: {state, sub_state, restarts}} of those that the manager knows and that are not
    inactive; None where it did not say.
    """
    return {"service_state": seen.out("service_state", units)}


def units(text):
    """The units in what service_state.sh writes: a paragraph each, whose lines are NAME=VALUE in any order."""
    found = {}
    for paragraph in text.strip().split("\n\n"):
        row = dict(line.split("=", 1) for line in paragraph.splitlines() if "=" in line)
        state = row.get("ActiveState", "")
        if state not in ("", "inactive"):
            found[row.get("Id", "").rpartition(".service")[0] or row.get("Id", "")] = {
                "state": state,
                "sub_state": row.get("SubState", ""),
                "restarts": int(row["NRestarts"]) if row.get("NRestarts", "").isdecimal() else 0,
            }
    return found
