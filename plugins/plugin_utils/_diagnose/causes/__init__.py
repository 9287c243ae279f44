# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a pod does not run: the causes that can be told, the more specific before the less specific.

Each is a pure function from what was seen (a Fleet) to findings. A new one goes into a file beside its kin and into its
list CAUSES; `tools/causes-doc` then writes it into docs/causes.md.
"""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils.text import redact
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import addons as _addons
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import board as _board
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import coredns as _coredns
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import errors as _errors
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import image as _image
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import last_words as _last_words
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import pull as _pull
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import registries as _registries
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import resources as _resources
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import sandbox as _sandbox
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import start as _start
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import starting as _starting
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import system as _system
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes.model import (
    CONFIDENCES,
    Fleet,
    is_unready,
    pod_name,
)

_LATER = _errors.LATE + _start.LATE + _board.LATE + _resources.LATE + _coredns.LATE + _errors.LAST
REGISTRY = (
    _last_words.CAUSES
    + _board.CAUSES
    + _registries.CAUSES
    + _addons.CAUSES
    + _image.CAUSES
    + _pull.CAUSES
    + _errors.CAUSES
    + _start.CAUSES
    + _resources.CAUSES
    + _system.CAUSES
    + _sandbox.CAUSES
    + _coredns.CAUSES
    + _addons.LATE
    + _LATER
)

# These know less than the ones before them: they are silent about a pod that one of those explains.
_LATE = {cause.id for cause in _LATER}

# Causes that a step of prepare mends, where the board's own kernel can. It says itself where another kernel is needed.
_PREPARED = {
    "sysctl-off": "sysctl",
    "kernel-bridge-missing": "modules",
    "kernel-netfilter-missing": "modules",
    "cgroup-missing": "cgroups",
    "clock": "time",
}


def find(fleet):
    """The findings as dictionaries, the most certain first, of these the most specific.

    A pod is explained by the first cause that finds it; what is found for one subject by one cause is one finding. What
    may pass with something that starts goes to ``fleet.withheld`` instead.
    """
    found: dict[tuple, tuple] = {}
    explained: set = set()
    for rank, cause in enumerate(REGISTRY):
        for row, finding in _results(cause, fleet, explained):
            if not finding.evidence:
                continue  # nothing is claimed without it
            young = _starting.young(fleet, cause.id, finding.subject[1], row)
            if young:
                fleet.withheld.setdefault(young, set()).add(cause.id)
                continue
            key = (cause.id, finding.subject)
            entry = found.setdefault(key, (rank, finding, []))
            if row is not None:
                entry[2].append(row)
            entry[1].evidence.extend(
                line for line in finding.evidence if line not in entry[1].evidence and len(entry[1].evidence) < 4
            )
    rows = sorted(found.items(), key=lambda item: (CONFIDENCES.index(item[1][1].confidence), item[1][0], str(item[0])))
    return [_entry(fleet, key[0], finding, pods) for key, (dummy, finding, pods) in rows]


def _results(cause, fleet, explained):
    if not cause.per_pod:
        for finding in cause.look(fleet):
            about_a_pod = finding.subject[0] == "pod"
            if about_a_pod and finding.subject[2] in explained and cause.id in _LATE:
                continue
            # A sandbox that was left behind says nothing about the pod that has its name now.
            if about_a_pod and cause.id != "ghost-sandbox":
                explained.add(finding.subject[2])
            yield None, finding
        return
    hit = set()
    for row in fleet.pods:
        # Rows without the API's side, old attempts and healthy pods have nothing to explain.
        if not is_unready(row) or pod_name(row) in explained:
            continue
        for finding in cause.look(fleet, row):
            hit.add(pod_name(row))
            yield row, finding
    explained |= hit


def _mended_by(fleet, cause, finding):
    """Who mends it: site, prepare (with the step to choose), or a person."""
    if finding.command is not None and finding.command == fleet.site():
        return "riscv.k3s.site"
    step = _PREPARED.get(cause) if finding.is_prepared else None
    return "riscv.k3s.prepare, step %s" % step if step else "a person"


def _entry(fleet, cause, finding, rows):
    kind, board, name = finding.subject
    pods = [{"board": row["board"], "pod": pod_name(row)} for row in rows]
    if kind == "pod" and not pods:
        pods = [{"board": board, "pod": name}]
    return {
        "cause": cause,
        "title": redact(finding.title, finding.evidence),
        "confidence": finding.confidence,
        "subject": {"kind": kind, "board": board, "name": name},
        "pods": pods,
        "evidence": [redact(line) for line in finding.evidence],
        "remedy": redact(finding.remedy, finding.evidence),
        "mended_by": _mended_by(fleet, cause, finding),
        # A command that would show a secret could not be run without it.
        "command": str(finding.command) if redact(finding.command or "") == finding.command else None,
        "run_on": finding.run_on,
    }


__all__ = ["REGISTRY", "Fleet", "find"]
