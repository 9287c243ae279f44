# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of k3s that this collection needs: one file of its own in config.yaml.d, so that config.yaml stays the
user's. Pure.

k3s reads config.yaml and then config.yaml.d/*.yaml in alphabetical order; of a key that stands in several the last one
holds.
"""

from __future__ import annotations

from typing import Any, Mapping, Optional

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import Observed, PlannedConfig

PATH = "/etc/rancher/k3s/config.yaml.d/riscv-k3s.yaml"
_HEADER = "# Written by riscv.k3s, do not edit: made anew by riscv.k3s.site. k3s reads it when it starts.\n"


def render(settings: Mapping[str, Any]) -> Optional[str]:
    """The text of the file for ``settings`` {key of k3s's configuration: text, true or false, or list}; None when there
    are none: no file then.
    """
    if not settings:
        return None
    return _HEADER + yaml.safe_dump(settings, default_flow_style=False, sort_keys=True, width=4096)


def action(observed: Observed, settings: Mapping[str, Any]) -> PlannedConfig:
    """What to do about the file on a board: {change, restart, reason, path, text, pending}; ``text`` None means that it
    is to be removed.

    ``pending`` says that the journal tells of the removal until k3s was restarted. ``observed`` is a result of
    k3s_info.
    """
    text = render(settings)
    seen = {row["path"]: row for row in observed.get("own_config") or []}.get(PATH)
    held = seen["sha256"] if seen else None
    wanted = sha256(text.encode()) if text else None
    keys = ", ".join(sorted(settings))
    result: PlannedConfig = {
        "change": False,
        "restart": False,
        "reason": "as wanted",
        "path": PATH,
        "text": text,
        "pending": False,
    }
    if held != wanted:
        reason = (
            "%s is wanted" % keys
            if not held
            else "its content differs, wanted is %s" % keys
            if wanted
            else "nothing in it is wanted any more"
        )
        return {**result, "change": True, "restart": True, "reason": reason, "pending": not wanted}
    if seen and seen["stale"]:
        return {**result, "restart": True, "reason": "k3s was not restarted since it was written"}
    if not wanted and (observed.get("journal") or {}).get("files", {}).get(PATH, {}).get("pending"):
        return {
            **result,
            "restart": True,
            "reason": "k3s was not restarted since it was removed",
            "pending": True,
        }
    return result
