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

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import normalise
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.demand import read_documents

_JOB_IMAGE = "default-job-image="


def klipper(version, manifests, config=None, pods=(), asked=()):
    """Rows as those of _demand.demand, with ``required`` false: what a chart or a LoadBalancer asks for when it comes.

    ``version`` of k3s or None, ``manifests`` and ``config`` as k3s_info returns them, ``pods`` of the API, ``asked``
    full names of images that this k3s asks for: they tell a fork. An image that cannot be told is left out.
    """
    config = config or {}
    own = _full(config.get("pause-image"))
    # A pause image that the settings name says nothing about who built this k3s.
    images = dict(_of_release(version, config, [name for name in asked if name != own]), **_of_pods(pods))
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


def _of_release(version, config, asked):
    """{repository: (full name, why)} by the release table."""
    try:
        known = _releases.stock_images(version)
    except Problem:
        return {}  # a build of k3s without a version
    registry = (config.get("system-default-registry") or "").rstrip("/")
    found = {}
    for name in (_releases.KLIPPER_HELM, _releases.KLIPPER_LB):
        tag, sure = known[name]
        fork = _releases.of_fork(name, asked) if _releases.is_self_built(version) else None
        if not tag:
            continue
        stock = "%s:%s" % (fork or name, tag)
        image = _full("%s/%s" % (registry, stock.partition("/")[2]) if registry else stock)
        if image:
            why = "as of k3s %s" if sure == _releases.EXACT else "near k3s %s, by an approximate table"
            found[name] = image, why % version + (", under the name of the fork" if fork else "")
    return found


def _of_pods(pods):
    """The same by what pods name, finished ones too: the job of a chart leaves its pod behind. A fork's images have
    another owner, and the same name behind it.
    """
    found = {}
    for pod in pods:
        if pod["namespace"] != "kube-system":
            continue
        for container in pod["containers"]:
            image = _full(container["image"])
            last = image.rpartition("/")[2].partition("@")[0].partition(":")[0] if image else None
            for name in (_releases.KLIPPER_HELM, _releases.KLIPPER_LB):
                if image and "@" not in image and last == name.rpartition("/")[2]:
                    found[name] = (image, "as pod %s names it" % pod["name"])
    return found


def _configured(config):
    """The job image that k3s's settings name for all charts: by an argument (since v1.36.3, v1.35.7, v1.34.10,
    v1.33.13+k3s2), before that by a setting of its own (since v1.27.4).
    """
    for argument in _names(config.get("helm-controller-arg")):
        image = _full(argument[len(_JOB_IMAGE) :]) if argument.startswith(_JOB_IMAGE) else None
        if image:
            return image, "helm-controller-arg of k3s"
    image = _full(config.get("helm-job-image"))
    return (image, "helm-job-image of k3s") if image else None


def _full(text):
    """The full name, or None for what is none: no text that somebody wrote ends a run."""
    try:
        return normalise(text)
    except Problem:
        return None


def _names(value):
    return value if isinstance(value, list) else [value] if value else []
