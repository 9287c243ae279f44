# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which packaged manifests of a server must be patched, and which overlays are wanted no more. Pure."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils._manifest import document as _manifest
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import HELM_CHART, group_by_manifest
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import (
    Observed,
    PlannedImage,
    PlannedPatch,
    PlannedPatches,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.wanted import Wanted
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue

# Rows of k3s_info's manifests by their path, and patches as normalise_patches gives them.
_Files = Mapping[str, Mapping[str, Any]]
_Patches = Sequence[Mapping[str, Any]]


def patches(observed: Observed, images: Iterable[PlannedImage], wanted: Wanted, architecture: str) -> PlannedPatches:
    """``{present: [row], absent: [row]}`` for one server.

    ``observed`` is its result of k3s_info, ``images`` the rows of the plan, ``wanted`` a Wanted. A row has manifest,
    kind, name, reason and ``patch`` as k3s_manifest_patch takes it. Where a manifest needs anything, all of its
    patches are listed: an overlay is made from the packaged file at once. Raises Problem when a manifest is missing,
    and when a patch does not fit it.
    """
    if observed.get("has_not_run"):
        return {"present": [], "absent": []}  # k3s writes its manifests when it starts
    files = {row["path"]: row for row in observed.get("manifests") or []}
    groups = group_by_manifest(_wanted_patches(images, wanted, architecture))
    present: List[PlannedPatch] = []
    for manifest, group in sorted(groups.items()):
        packaged = _packaged(manifest, files, wanted.board)
        workloads = [patch for patch in group if patch["kind"] != HELM_CHART]
        charts = [patch for patch in group if patch["kind"] == HELM_CHART]
        if workloads:
            reason = _workloads_reason(packaged, workloads, files, wanted.patch_mode)
            if reason:
                # Here, so that a patch which does not fit is told before any board is touched.
                _manifest.patch_manifest(packaged["text"].encode(), workloads, manifest)
                present += [_row(patch, reason) for patch in workloads]
        if charts:
            reason = _made_from(
                files.get(_overlay.chart_path(manifest)), packaged, charts, "no HelmChartConfig from here configures it"
            )
            present += [_row(patch, reason) for patch in charts if reason]
    return {"present": present, "absent": _absent(files, groups)}


def _wanted_patches(images: Iterable[PlannedImage], wanted: Wanted, architecture: str) -> List[Dict[str, Any]]:
    architectures = list(wanted.cluster_architectures) or [architecture]
    found: List[Dict[str, Any]] = []
    for row in images:
        stock = wanted.supply.stock(ImageName.parse(row["image"]))
        for patch in _catalogue.patches_for(wanted.supply.catalogue, stock, architectures):
            if patch not in found:
                found.append(patch)
    return found


_LEFT_OUT = {
    "secret": "it holds a Secret, so it stays on the board",
    "size": "it is too large",
    "lines": "it has lines that are too long, or that do not end as lines of Linux do",
}


def _packaged(manifest: str, files: _Files, board: str) -> Mapping[str, Any]:
    packaged = files.get(manifest)
    if packaged and not packaged["whole"]:
        raise Problem(
            "a patch of the catalogue is for the manifest %s, whose text was not read on %s" % (manifest, board),
            found=_LEFT_OUT.get(
                packaged["left_out"] or "", "it changed meanwhile, or the catalogue is another one now"
            ),
            next_step="remove `patch` in riscv_k3s_catalogue, or move what is not the workload into another file",
        )
    if not packaged:
        raise Problem(
            "a patch of the catalogue is for the manifest %s, which %s does not have" % (manifest, board),
            found=", ".join(sorted(files)) or "no manifests",
            next_step="correct `patch` in riscv_k3s_catalogue, or remove it where the component is disabled",
        )
    return packaged


def _workloads_reason(
    packaged: Mapping[str, Any], patches_of_it: _Patches, files: _Files, patch_mode: str
) -> Optional[str]:
    """Why a manifest's workloads must be patched, or None when they are as wanted."""
    if patch_mode == "in_place":
        text = packaged["text"].encode()
        return (
            None
            if _manifest.patch_manifest(text, patches_of_it, packaged["path"]) == text
            else "it is the packaged text"
        )
    reason = _made_from(
        files.get(_overlay.overlay_path(packaged["path"])), packaged, patches_of_it, "it has no overlay"
    )
    if reason or packaged["skip"]:
        return reason
    return "the packaged file is deployed in addition to its overlay"


def _made_from(
    overlay: Optional[Mapping[str, Any]], packaged: Mapping[str, Any], patches_of_it: _Patches, without: str
) -> Optional[str]:
    """Why a file made from a packaged one must be made again, or None. ``without`` is said when it is not there."""
    header = _overlay.read_header(overlay["text"] or "") if overlay else None
    if header is None:
        return without
    if header.source_sha256 != packaged["sha256"]:
        return "its overlay was made from an older packaged file"
    if not _overlay.is_current(header, packaged["sha256"], patches_of_it):
        return "its overlay was made from other patches"
    return None


def _absent(files: _Files, groups: Mapping[str, Any]) -> List[PlannedPatch]:
    """Overlays that riscv.k3s wrote for a manifest that needs no patch now."""
    rows: List[PlannedPatch] = []
    for manifest in sorted(files):
        ours = [files.get(path(manifest)) for path in (_overlay.overlay_path, _overlay.chart_path)]
        if manifest not in groups and any(file and _overlay.read_header(file["text"] or "") for file in ours):
            rows.append(
                {
                    "manifest": manifest,
                    "reason": "the catalogue has no patch for it any more",
                    "patch": {"manifest": manifest},
                }
            )
    return rows


def _row(patch: Dict[str, Any], reason: str) -> PlannedPatch:
    return {
        "manifest": patch["manifest"],
        "kind": patch["kind"],
        "name": patch["name"],
        "reason": reason,
        "patch": patch,
    }
