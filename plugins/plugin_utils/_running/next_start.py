# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether k3s would come back on a board, by the files that it reads when it starts. Pure.

Where config.yaml is no YAML, k3s ends. Where registries.yaml is none, or has a value of another kind than it takes, it
ends or, in newer versions, waits for ever. A k3s that runs does not notice: it read them when it started.
"""

from __future__ import annotations

from typing import Any, Collection, List, Mapping, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_NAMED = 5
_NEXT_STEP = "correct it (docs.k3s.io/installation), then run again; until then do not restart k3s there"


def faults(seen: Mapping[str, Any], replaced: Collection[str] = ()) -> List[str]:
    """What k3s cannot read of its files on a board at its next start, a sentence each; none where nothing tells of it.

    ``seen`` is a result of k3s_info with the parts config and registries, ``replaced`` are paths of files
    that will be others by then.
    """
    config, fault = seen.get("config_file"), seen.get("config_fault")
    found = ["%s %s" % (config, fault)] if fault and config not in replaced else []
    registries = seen.get("registries") or {}
    path = registries.get("path")
    # A path that k3s was told by a flag is no matter of its files.
    other = (seen.get("config") or {}).get("private-registry") or path
    if path in replaced or path != other or not registries.get("present") or not _is_newer(seen, registries):
        return found
    return found + ["%s %s" % (path, text) for text in unread(registries.get("mistakes") or {})[:_NAMED]]


def problem(board: str, seen: Mapping[str, Any], replaced: Collection[str] = ()) -> Optional[Problem]:
    """Why k3s on ``board`` is not to be restarted, where `faults` finds something; None where it does not."""
    found = faults(seen, replaced)
    if not found:
        return None
    what = "k3s on %s could not read its files when it starts next" % board
    return Problem(what, found="; ".join(found), next_step=_NEXT_STEP)


def require_none(board: str, seen: Mapping[str, Any], replaced: Collection[str] = ()) -> None:
    """Raises that Problem."""
    found = problem(board, seen, replaced)
    if found:
        raise found


def rewritten(seen: Mapping[str, Any], planned: Mapping[str, Any]) -> List[str]:
    """The path of registries.yaml where it is ``planned`` (shapes.PlannedRegistries) to be written as a whole: what is
    merged keeps what stood there.
    """
    path = (seen.get("registries") or {}).get("path")
    return [path] if path and planned["change"] and not planned["merge"] else []


def unread(keys: Mapping[str, Any]) -> List[str]:
    """What of registries.yaml k3s cannot read, by what registries_keys.judge says of it: what to say behind
    its path, each.
    """
    found = ["line %d: %s" % (row["line"], _wanted(row)) for row in keys.get("wrong_values") or ()]
    line = keys.get("unread")
    return found + (["is no YAML%s" % (" in line %d" % line if line else "")] if line is not None else [])


def _is_newer(seen, registries):
    """Whether k3s has not read the file yet. With one that it has read it started."""
    return registries.get("stale") is not False or not (seen.get("k3s") or {}).get("running")


def _wanted(row):
    place = " in %s" % row["above"] if row["above"] else ""
    return "%s%s is not %s, as k3s wants it" % (row["key"] or "all that is there", place, row["wanted"])
