# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Room for k3s's data: the reader of what disk.sh writes. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._output.k3s import parse_df


def read_disk(seen):
    """The part ``disk``."""
    found = seen.out("disk", parse_df)
    if found is None and seen.good("disk"):
        seen.error(
            "disk", "the output of df was not understood: %s" % (seen.sections["disk"].out.strip()[:300] or "nothing")
        )
    return {"disk": dict(found, path=seen.board["data_dir"]) if found else None}
