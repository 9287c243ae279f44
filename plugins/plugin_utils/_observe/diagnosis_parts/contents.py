# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which content names and containers have: reads what contents.sh and sandboxes.sh write. Pure."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._output.images import parse_configs
from ansible_collections.riscv.k3s.plugins.module_utils._output.pods import parse_containers, parse_sandboxes


def read_contents(seen):
    """The part ``contents``: {names: {full name: digest of its config}, containers: {"UID of the pod/name": digest}}.

    Of a container's attempts the latest counts. None where the board did not tell it.
    """
    names = seen.out("contents", parse_configs)
    sandboxes = seen.out("pods", lambda text: parse_sandboxes(text, []))
    containers = seen.out("containers", lambda text: parse_containers(text, []))
    if names is None or sandboxes is None or containers is None:
        return {"contents": None}
    pods = {row["id"]: row["uid"] for row in sandboxes}
    latest = sorted((row for row in containers if row["sandbox_id"] in pods), key=lambda row: row["attempt"])
    of_containers = {"%s/%s" % (pods[row["sandbox_id"]], row["name"]): row["image_id"] for row in latest}
    return {"contents": {"names": names, "containers": of_containers}}
