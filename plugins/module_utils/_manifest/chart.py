# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values for a packaged HelmChart, through a HelmChartConfig of its name in a file beside it. Decides; writes nothing.

helm-controller merges a HelmChartConfig into the chart of the same name, and it survives upgrades of the chart.
What the packaged HelmChart sets under ``spec.set`` wins over it.
"""

from __future__ import annotations

import json

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._kube.api import SYSTEM_NAMESPACE
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import document as _manifest
from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.folder import Change, Decision, refuse_foreign
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import HELM_CHART
from ansible_collections.riscv.k3s.plugins.module_utils._manifest.yaml_text import to_json_values
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_CONFIG = "HelmChartConfig"
_TEMPLATE = """\
apiVersion: helm.cattle.io/v1
kind: HelmChartConfig
metadata:
  name: %s
  namespace: %s
spec:
  valuesContent: |-
%s
"""


def chart_present(folder, manifest, patches, addons):
    """Make or renew the HelmChartConfigs for the charts of a manifest. Raises Problem before anything is written."""
    decision = Decision()
    packaged = folder.read_packaged(manifest)
    path = _overlay.chart_path(manifest)
    current = folder.read(path)
    refuse_foreign(folder, path, current)
    charts = [
        (namespace, name) for kind, namespace, name in _manifest.identities(packaged, manifest) if kind == HELM_CHART
    ]
    documents = []
    for patch in patches:
        namespace = _namespace(patch, charts, manifest)
        _refuse_second(folder, path, namespace, patch["name"])
        documents.append(_render(patch, namespace, manifest))
    texts = _overlay.with_headers("---\n".join(documents).encode("utf-8"), packaged, manifest, patches)
    after = current
    if current not in texts.values():
        after = texts[_overlay.choose_install(texts, current, addons.checksum(_overlay.addon_name(path)))]
        decision.warn_unknown(addons)
    decision.changes.append(Change(path, current, after))
    decision.proofs[_overlay.addon_name(path)] = sha256(after)
    return decision


def chart_absent(folder, manifest, addons):
    """Remove the file, and name the HelmChartConfigs that must be deleted through the API: k3s keeps the objects of a
    file that goes.
    """
    decision = Decision()
    path = _overlay.chart_path(manifest)
    current = folder.read(path)
    refuse_foreign(folder, path, current)
    if current is None:
        return decision
    if not addons.known:
        raise addons.problem
    decision.changes.append(Change(path, current, None))
    decision.deleted_charts += [
        (namespace or SYSTEM_NAMESPACE, name)
        for kind, namespace, name in _manifest.identities(current, path)
        if kind == _CONFIG
    ]
    return decision


def _namespace(patch, charts, manifest):
    for namespace, name in charts:
        if name == patch["name"] and patch.get("namespace") in (None, namespace):
            return namespace or SYSTEM_NAMESPACE
    raise Problem(
        "no HelmChart named %s" % patch["name"],
        found=", ".join(name for namespace, name in charts) or "no HelmChart at all",
        where=manifest,
        next_step="adapt the patch to this version's manifest",
    )


def _refuse_second(folder, path, namespace, name):
    # Two HelmChartConfigs of one name would take the object from each other.
    for other in folder.names():
        data = b"" if other == path else folder.read(other)
        if _CONFIG.encode() in data and (_CONFIG, namespace, name) in _manifest.identities(data, other):
            raise Problem(
                "the chart %s is configured already" % name,
                found="a HelmChartConfig in %s" % folder.full(other),
                next_step="put the values there, or remove that file",
            )


def _render(patch, namespace, manifest):
    values = json.dumps(patch["values"], indent=2, sort_keys=True, ensure_ascii=False)
    if to_json_values(values, manifest) != patch["values"]:
        raise Problem(
            "the values of chart %s cannot be written as YAML" % patch["name"],
            where=manifest,
            next_step="look for unusual characters in them",
        )
    return _TEMPLATE % (
        json.dumps(patch["name"]),
        json.dumps(namespace),
        "\n".join("    " + line for line in values.split("\n")),
    )
