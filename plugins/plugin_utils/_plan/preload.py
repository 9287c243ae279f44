# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive in agent/images that brings a board its stock images at each start of k3s, without any registry. Pure.

k3s imports every archive there when it starts (since January 2024 it pins what they hold). The archive's name says what
it should hold, so that a board is compared by the name alone: nothing is read there but a folder's list.
"""

from __future__ import annotations

import json
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import (
    ArchivedImage,
    ImageRow,
    Observed,
    Plan,
    PlannedArchive,
    PlannedImage,
)
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.images import unfit
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.wanted import Wanted

_DIGITS = 12
_NOT_RESTARTED = "k3s was not restarted since it was placed"


def archive_name(images: Iterable[ArchivedImage], architecture: str) -> str:
    """riscv-k3s-HASH.tar, where the hash is of ``images`` (rows of source, targets and digest) and the architecture."""
    mapping = {target: [row["source"], row["digest"]] for row in images for target in row["targets"]}
    text = json.dumps([architecture, mapping], sort_keys=True, separators=(",", ":"))
    return "riscv-k3s-%s.tar" % sha256(text.encode())[:_DIGITS]


def action(observed: Observed, rows: Sequence[PlannedImage], wanted: Wanted, architecture: str) -> PlannedArchive:
    """What to do about the archive of a board.

    ``observed`` is its result of k3s_info, ``rows`` those of the plan, ``wanted`` a Wanted. Returns archive (its file
    name, or None: none is wanted), architecture, images [{source, targets, digest}], place (whether it is to be copied
    there), change, restart, renew (whether k3s is to import it once more), reason, and obsolete, the file names of
    older archives, which are to be removed.
    """
    held = {row["name"]: row["stale"] for row in observed.get("preloads") or []}
    result: PlannedArchive = {
        "archive": None,
        "architecture": architecture,
        "images": [],
        "place": False,
        "change": False,
        "restart": False,
        "renew": False,
        "obsolete": [],
        "reason": "as wanted",
    }
    missing = [row["image"] for row in rows if row["fix"] == "preload"]
    if wanted.supply.asks_mirror_before("preload") and not missing:
        # What the mirror serves was not asked, so it is not known what an archive would have to hold.
        return {**result, "restart": True, "reason": _NOT_RESTARTED} if any(held.values()) else result
    images = _images(rows)
    name = archive_name(images, architecture) if images else None
    obsolete = [older for older in sorted(held) if older != name]
    result = {**result, "archive": name, "images": images, "obsolete": obsolete}
    if name and name not in held:
        reason = "another one is needed" if held else "there is none"
        return {**result, "place": True, "change": True, "restart": True, "reason": reason}
    if missing:
        reason = "k3s has not imported %s from it" % ", ".join(missing)
        # With a file .cache.json beside it k3s passes by an archive that it has imported before.
        return {**result, "change": bool(obsolete), "restart": True, "renew": True, "reason": reason}
    if name and held[name]:
        return {**result, "change": bool(obsolete), "restart": True, "reason": _NOT_RESTARTED}
    if obsolete:
        return {**result, "change": True, "reason": "nothing in it is needed any more"}
    return result


def lacking(images: Optional[Iterable[ImageRow]], plan: Plan) -> List[str]:
    """What a board lacks of its archive after k3s was started with it, a sentence each.

    ``images`` are k3s_info's of the board after that, or None; ``plan`` is the board's plan.
    """
    store = {row["name"]: row for row in images or []}
    names = sorted(target for row in plan["preload"]["images"] for target in row["targets"])
    found = (unfit(name, store.get(name), plan["architecture"]) for name in names)
    return [printable(sentence) for sentence in found if sentence]


def _images(rows: Sequence[PlannedImage]) -> List[ArchivedImage]:
    """Everything that an archive is to serve, not only what is missing now: the archive outlives the store."""
    firm = {ImageName.parse(row["image"]).name for row in rows if not _is_of_pods(row)}
    targets: Dict[Tuple[Optional[str], Optional[str]], List[str]] = {}
    for row in rows:
        # A pod that runs an older tag of what a manifest asks for is about to be replaced: it must not change the
        # archive once more.
        is_passing = row["fix"] == "present" and _is_of_pods(row) and ImageName.parse(row["image"]).name in firm
        if row["preload"] and not is_passing:
            targets.setdefault((row["source"], row["locked"]), []).append(row["image"])
    return [
        {"source": source, "targets": sorted(targets[source, digest]), "digest": digest}
        for source, digest in sorted(targets, key=str)
    ]


def _is_of_pods(row: PlannedImage) -> bool:
    return all(place.startswith("pod ") for place in row["where"])
