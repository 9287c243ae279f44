# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done about registries.yaml of a board, and what of somebody else it would cost. Pure.

The text of the file stays on the board. Where its checksum is neither that of what is wanted nor that of what this
collection wrote last, a closer look on the board (the module k3s_registries) tells the names of its keys.
"""

from __future__ import annotations

from typing import Any, List, Mapping, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import Observed, PlannedRegistries
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.wanted import Wanted
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import embedded as _embedded
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import registries as _registries

# The kind of the closer look.
LOOK = "registries"
_NAMED = 20
_NEXT = (
    "pulls fail. Next: write configs.{registry}.%s into registries.yaml on the boards, where it stays, or say all in "
    "riscv_k3s_registries and riscv_k3s_mirror_prefix"
)
_TOLD_HERE = {
    "auth": "registries.yaml gets no login for {registry}, that of the inventory is for the controller: if nobody may "
    "pull there without one, " + _NEXT % "auth",
    "tls": "registries.yaml says nothing about the certificate of {registry}, what the inventory says is for the "
    "controller: if the system of a board does not trust it, " + _NEXT % "tls",
    "loopback": "each board looks for {registry} on itself. Next: name the registry in riscv_k3s_registry by an "
    "address at which boards and controller reach it",
}


def action(observed: Observed, wanted: Wanted, version: Optional[str]) -> PlannedRegistries:
    """What to do about the file; ``version`` is that of the board's k3s. Raises Problem."""
    shared = _embedded.hosts(version, wanted.embedded)
    config = _embedded.with_hosts(wanted.registries, shared)
    if config is None:
        return _Action(shared).to("riscv_k3s_registries is not set: left as it is")
    # A mistake in it is told here; the task that writes the file hides its errors, for they may hold passwords.
    text = _registries.text(config, wanted.k3s_ansible)
    done = _change(observed, wanted, _Action(shared), sha256(text.encode()))
    if done["change"] and not done["look"]:
        done["warnings"] += _told_here(observed, wanted)
    return done


def _change(observed: Observed, wanted: Wanted, made: _Action, digest: str) -> PlannedRegistries:
    seen = observed.get("registries") or {}
    entry = ((observed.get("journal") or {}).get("files") or {}).get(seen.get("path"))
    if not seen.get("present"):
        return made.to("there is none", change=True, restart=True)
    is_ours = _is_ours(entry, seen)
    is_merged = is_ours and bool(seen.get("wanted"))
    if seen.get("sha256") != digest and not (is_merged and wanted.merge and seen["wanted"] == digest):
        made.to("its content differs", change=True, restart=True)
        return made.done if is_ours and not is_merged else _of_others(observed, wanted, made, seen.get("path"))
    # k3s-ansible gives the file a mode of its own.
    if seen.get("mode") not in (None, "0600") and wanted.k3s_ansible is None:
        merge = seen.get("sha256") != digest
        return made.to("its mode is %s, it may hold passwords" % seen["mode"], change=True, merge=merge)
    if seen.get("stale"):
        return made.to("k3s was not restarted since it was written", restart=True)
    return made.to("as wanted")


def _told_here(observed: Observed, wanted: Wanted) -> List[str]:
    """What the controller knows of the registry and boards do not, unless it stands in their file already."""
    kept = ((observed.get("closer") or {}).get(LOOK) or {}).get("others") or ()
    kinds = [kind for kind in wanted.told_here if "configs.%s.%s" % (wanted.registry, kind) not in kept]
    return [_TOLD_HERE[kind].format(registry=wanted.registry) for kind in kinds]


def _of_others(observed: Observed, wanted: Wanted, made: _Action, path: Any) -> PlannedRegistries:
    """The file has, or may have, what this collection did not write."""
    looked = (observed.get("closer") or {}).get(LOOK)
    if looked is None:
        # Without a journal nothing is written at all.
        is_readable = not (observed.get("journal") or {}).get("error")
        return made.to("its content differs", look=is_readable, merge=wanted.merge)
    others, replaced = looked["others"], looked["replaced"]
    if wanted.merge:
        return made.to("its content differs", merge=True, warnings=_kept(path, others, replaced))
    lost = _listed("would go: ", others) + _listed("would be replaced: ", replaced)
    if not lost:
        return made.done
    refused = (
        "%s was written by somebody else, and has what the inventory does not have. Found: %s. Next: set "
        "riscv_k3s_registries_merge: true to keep it, or put what is to stay into riscv_k3s_registries, or move the "
        "file away where nothing of it is to stay" % (path, "; ".join(lost))
    )
    return made.to("its content differs", refused=refused, warnings=["nothing is changed: " + refused])


def _kept(path: Any, others: List[str], replaced: List[str]) -> List[str]:
    said = _listed("kept of it: ", others) + _listed("replaced by the inventory's: ", replaced)
    return ["%s was written by somebody else; %s" % (path, "; ".join(said))] if said else []


class _Action:
    """The dictionary that `action` returns, at first for nothing to do."""

    def __init__(self, shared: List[str]) -> None:
        self.done: PlannedRegistries = {
            "change": False,
            "restart": False,
            "reason": "",
            "shared": shared,
            "merge": False,
            "look": False,
            "refused": None,
            "warnings": [],
        }

    def to(self, reason: str, **more: Any) -> PlannedRegistries:
        """The same with other values."""
        self.done.update(more, reason=reason)  # type: ignore[call-arg,typeddict-item]
        return self.done


def _is_ours(entry: Optional[Mapping[str, Any]], seen: Mapping[str, Any]) -> bool:
    """Whether the file is as this collection wrote it last. Brought back by an undo it is somebody else's again."""
    if not entry:
        return False
    before = entry["before"]["sha256"] if entry["before"] else None
    return seen.get("sha256") in (entry["sha256"], entry["previous"]) and seen.get("sha256") != before


def _listed(what: str, names: List[str]) -> List[str]:
    more = " and %d more" % (len(names) - _NAMED) if len(names) > _NAMED else ""
    return [what + ", ".join(names[:_NAMED]) + more] if names else []
