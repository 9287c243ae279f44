# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters over what the observing modules return about pods and sandboxes."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose_table import table
from ansible_collections.riscv.k3s.plugins.plugin_utils._pods import join_boards


def join_pods(boards, api=None):
    """See join_pods.yml."""
    return join_boards(boards, api)


def diagnose_table(boards, api=None):
    """See diagnose_table.yml."""
    return table(join_boards(boards, api), boards, api)


class FilterModule:
    """The filters of this file."""

    def filters(self):
        """Name to function."""
        return {"join_pods": join_pods, "diagnose_table": diagnose_table}
