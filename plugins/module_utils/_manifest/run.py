# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module k3s_manifest_patch does: decide everything, then write, then wait."""

from __future__ import annotations

import os
import re

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import Changed, remove, sha256, write_bytes
from ansible_collections.riscv.k3s.plugins.module_utils._kube.api import Addons, wait_for_addons
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import chart
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import folder as files
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import (
    HELM_CHART,
    group_by_manifest,
    normalise_patches,
)
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable_lines

# A start of k3s writes each manifest once.
_TRIES = 3
_SECRET = re.compile(r"^\s*[\"']?kind[\"']?\s*:\s*[\"']?Secret\b", re.MULTILINE)


def run(params, check_mode, programs, kube):
    """The module's result. ``kube`` is a Kube; raises Problem, and then nothing is written unless waiting failed."""
    path = params["manifests_dir"] or os.path.join(programs.data_dir, "server", "manifests")
    addons = Addons(kube)
    if check_mode:
        folder = files.Folder(path)
        decision = decide(folder, params, addons)
        changes = decision.changes
    else:
        folder, decision, changes = _carry_out(path, params, addons, kube)
    waits = params["wait"] and not check_mode
    if waits:
        wait_for_addons(kube, decision.proofs, params["timeout"])
    return {
        "changed": any(change.changed for change in changes),
        "files": [_file(folder, change) for change in changes],
        "addons": [
            {"name": name, "checksum": checksum, "applied": True if waits else None}
            for name, checksum in decision.proofs.items()
        ],
        "diff": [_diff(folder, change) for change in changes if change.changed],
        "warnings": decision.warnings,
    }


def _carry_out(path, params, addons, kube):
    """Decide and write, again when somebody else writes meanwhile: an overlay of a text that no longer exists would
    hold a component back.

    Returns the Folder, the last Decision, and all changes since the first one. Raises Problem.
    """
    first: dict = {}  # path to the Change that was made there first
    for left in reversed(range(_TRIES)):
        folder = files.Folder(path)
        decision = decide(folder, params, addons)
        if params["wait"] and not addons.known:
            raise addons.problem
        try:
            folder.check_unchanged()
            # Objects before their file: a run that is cut short between the two is finished by the next one.
            for namespace, name in decision.deleted_charts:
                kube.delete_chart_config(namespace, name)
            for name in decision.forgotten:
                kube.forget_checksum(name)
            _write(folder, decision.changes, params["backup"], first)
            folder.check_unchanged()
            break
        except Changed:
            if not left:
                raise
    last = {change.path: change for change in decision.changes}
    changes = [
        change._replace(before=first[change.path].before if change.path in first else change.before)
        for change in decision.changes
    ]
    return folder, decision, changes + [change for change in first.values() if change.path not in last]


def decide(folder, params, addons):
    """All changes for all manifests, computed and verified. Raises Problem."""
    absent, overlay = params["state"] == "absent", params["mode"] == "overlay"
    decision = files.Decision()
    if absent and overlay:
        for manifest in group_by_manifest(params["patches"]):
            decision.add(files.overlay_absent(folder, manifest, addons))
            decision.add(chart.chart_absent(folder, manifest, addons))
        return decision
    for manifest, patches in group_by_manifest(normalise_patches(params["patches"])).items():
        charts = [patch for patch in patches if patch["kind"] == HELM_CHART]
        workloads = [patch for patch in patches if patch["kind"] != HELM_CHART]
        if workloads and overlay:
            decision.add(files.overlay_present(folder, manifest, workloads, addons))
        elif workloads:
            decision.add((files.in_place_absent if absent else files.in_place_present)(folder, manifest, workloads))
        if charts:
            decision.add(
                chart.chart_absent(folder, manifest, addons)
                if absent
                else chart.chart_present(folder, manifest, charts, addons)
            )
    return decision


def _write(folder, changes, backup, first):
    for change in changes:
        if not (change.changed or change.touched):
            continue
        path = folder.full(change.path)
        if change.after is None:
            remove(path, expected=change.before)
        else:
            write_bytes(path, change.after, backup=backup, expected=change.before)
        folder.seen[change.path] = change.after
        first.setdefault(change.path, change)


def _file(folder, change):
    return {
        "path": folder.full(change.path),
        "changed": change.changed,
        "sha256": None if change.after is None else sha256(change.after),
    }


def _diff(folder, change):
    path = folder.full(change.path)
    before, after = _shown(change.before if change.shown is None else change.shown), _shown(change.after)
    if _SECRET.search(before) or _SECRET.search(after):
        before, after = "a file that holds a Secret is not shown\n", "it changes\n"
    return {
        "before_header": path + (" (made from the packaged manifest)" if change.shown is not None else ""),
        "after_header": path,
        "before": before,
        "after": after,
    }


def _shown(data):
    return "" if data is None else printable_lines(data.decode("utf-8", "replace"))
