# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two images that stand in no manifest: klipper-helm installs charts, klipper-lb serves LoadBalancers. Pure.

Pods of the API say which they are; where there are none yet, the k3s version does (github.com/k3s-io/k3s:
helm-controller's DefaultJobImage,
pkg/cloudprovider/servicelb.go).
"""

from __future__ import annotations

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName, normalise
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import read_documents

_JOB_IMAGE = "default-job-image="


def klipper(version, manifests, config=None, pods=()):
    """Rows as those of _demand.demand, with ``required`` false: what a chart or a LoadBalancer asks for when it comes.

    ``version`` of k3s or None, ``manifests`` and ``config`` as k3s_info returns them, ``pods`` of the API. An image
    that cannot be told is left out.
    """
    config = config or {}
    images = dict(_of_release(version, config), **_of_pods(pods))
    rows = []
    places = charts(manifests)
    if places and str(config.get("disable-helm-controller")).lower() != "true":
        image, why = _configured(config) or images.get(_releases.KLIPPER_HELM, (None, None))
        rows += [_row(image, ["%s installing job (%s)" % (chart, why) for chart in places])] if image else []
    if "servicelb" not in _names(config.get("disable")) and _releases.KLIPPER_LB in images:
        image, why = images[_releases.KLIPPER_LB]
        rows.append(_row(image, ["servicelb, for Services of type LoadBalancer (%s)" % why]))
    return rows


def charts(manifests):
    """Where there are charts that name no job image of their own."""
    found = []
    for manifest in manifests:
        if manifest["skip"] or "HelmChart" not in (manifest["text"] or ""):
            continue
        try:
            for document in read_documents(manifest["text"]):
                spec, metadata = document.get("spec"), document.get("metadata")
                if document.get("kind") == "HelmChart" and not (isinstance(spec, dict) and spec.get("jobImage")):
                    name = metadata.get("name") if isinstance(metadata, dict) else None
                    found.append("manifests/%s HelmChart/%s" % (manifest["path"], name))
        except yaml.YAMLError:
            continue  # reported with the manifest's own demand
    return found


def _row(image, where):
    return {"image": image, "where": where, "required": False}


def _of_release(version, config):
    """{repository: (full name, why)} by the release table."""
    try:
        known = _releases.stock_images(version)
    except Problem:
        return {}  # a build of k3s without a version
    registry = config.get("system-default-registry")
    found = {}
    for name in (_releases.KLIPPER_HELM, _releases.KLIPPER_LB):
        tag, sure = known[name]
        if tag:
            image = (
                "%s:%s" % (name, tag)
                if not registry
                else "%s/%s:%s" % (registry.rstrip("/"), name.partition("/")[2], tag)
            )
            found[name] = (
                normalise(image),
                "as of k3s %s" % version
                if sure == _releases.EXACT
                else "near k3s %s, by an approximate table" % version,
            )
    return found


def _of_pods(pods):
    """The same by what pods name, finished ones too: the job of a chart leaves its pod behind."""
    found = {}
    for pod in pods:
        for container in pod["containers"]:
            try:
                image = ImageName.parse(container["image"])
            except Problem:
                continue
            for name in (_releases.KLIPPER_HELM, _releases.KLIPPER_LB):
                if (
                    pod["namespace"] == "kube-system"
                    and image.tag
                    and image.repository.endswith(name.partition("/")[2])
                ):
                    found[name] = (image.full, "as pod %s names it" % pod["name"])
    return found


def _configured(config):
    """The job image that config.yaml sets for all charts (since v1.36.3, v1.35.7, v1.34.10, v1.33.13+k3s2)."""
    for argument in _names(config.get("helm-controller-arg")):
        if argument.startswith(_JOB_IMAGE):
            return normalise(argument[len(_JOB_IMAGE) :]), "helm-controller-arg in config.yaml"
    return None


def _names(value):
    return value if isinstance(value, list) else [value] if value else []
