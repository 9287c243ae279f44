# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods and the workloads that keep them, as kubectl's JSON shows them, and which of them are meant. Pure."""

from __future__ import annotations

import re
from typing import Dict, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils import pod as _row
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import full_or_text, normalise
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# What read_state knows the size of.
KINDS = ("Deployment", "DaemonSet", "StatefulSet", "Job")
# Conditions of a Job that makes no pod any more.
_OVER = (("Complete", "True"), ("Failed", "True"))
_REQUIREMENT = re.compile(r"(?P<not>!?)(?P<key>[A-Za-z0-9./_-]+)(?:(?P<operator>==?|!=)(?P<value>[A-Za-z0-9._-]*))?\Z")


class Workload(NamedTuple):
    """What makes a pod again: a Deployment (also for the pods of its ReplicaSets), DaemonSet, StatefulSet, Job, ..."""

    namespace: str
    kind: str
    name: str

    def __str__(self):
        return "%s/%s in %s" % (self.kind, self.name, self.namespace)


class Pod(NamedTuple):
    """A pod. ``static``: the kubelet makes it from a file. ``image_ids``: from each image to what really runs."""

    namespace: str
    name: str
    uid: str
    node: str
    workload: Optional[Workload]
    static: bool
    labels: dict
    images: tuple
    image_ids: dict
    ready: bool
    phase: str
    deleting: bool
    reasons: tuple

    @property
    def finished(self):
        """Whether it ran to its end."""
        return self.phase in _row.FINISHED

    @property
    def full_name(self):
        return "%s/%s" % (self.namespace, self.name)


class State(NamedTuple):
    """All pods, how many pods each workload wants (None for a Job: as many as it takes), and the Jobs that are over,
    which make no pod anew.
    """

    pods: list
    desired: dict
    over: frozenset = frozenset()


def read_state(items):
    """The State in the items of ``kubectl get pods,deployments,... -o json``."""
    pods, over = [], set()
    desired: Dict[Workload, Optional[int]] = {}
    for item in items:
        if item["kind"] == "Pod":
            pods.append(_pod(item))
        elif item["kind"] in KINDS:
            meta, spec, status = item["metadata"], item.get("spec", {}), item.get("status", {})
            workload = Workload(meta["namespace"], item["kind"], meta["name"])
            if item["kind"] == "Job":
                desired[workload] = None
                if any((row["type"], row["status"]) in _OVER for row in status.get("conditions") or ()):
                    over.add(workload)
            elif item["kind"] == "DaemonSet":
                desired[workload] = status.get("desiredNumberScheduled", 0)
            else:
                desired[workload] = spec.get("replicas", 1)
    return State(sorted(pods, key=lambda pod: (pod.namespace, pod.name)), desired, frozenset(over))


def choose(pods, images, names, selectors, namespace, only_broken, ignore_not_found=False):
    """The pods that are meant: those that run one of ``images``, have one of ``names``, or fit one of ``selectors``.

    Names are NAME or NAMESPACE/NAME. ``namespace`` limits everything to one. Finished pods are meant only by name. With
    ``only_broken`` only those that are not Ready. Raises Problem for a name without a pod, unless ``ignore_not_found``,
    for a name that several pods have, and for a bad selector.
    """
    inside = [pod for pod in pods if namespace in (None, pod.namespace)]
    wanted_images = {normalise(image) for image in images}
    requirements = [_requirements(selector) for selector in selectors]
    named = {pod.uid for name in names for pod in _named(inside, name, namespace, ignore_not_found)}
    meant = []
    for pod in inside:
        alive = not pod.finished and not pod.deleting
        fits = alive and (
            wanted_images.intersection(pod.images) or any(_fits(pod.labels, needed) for needed in requirements)
        )
        if (fits or pod.uid in named) and not (only_broken and pod.ready):
            meant.append(pod)
    return meant


def _named(pods, name, namespace, ignore_not_found):
    found = [pod for pod in pods if name in (pod.name, pod.full_name)]
    if len(found) > 1 or not (found or ignore_not_found):
        there = ", ".join(pod.full_name for pod in found or pods)
        raise Problem(
            "there is no pod %s" % name if not found else "more than one namespace has a pod %s" % name,
            found=there or "no pods at all",
            where="namespace %s" % namespace if namespace else "all namespaces",
            next_step="take a name from this list; names change when pods are recreated, so images or selectors last "
            "longer",
        )
    return found


def _requirements(selector):
    needed = []
    for part in selector.split(","):
        found = _REQUIREMENT.match(part.strip())
        if not found or (found.group("not") and found.group("operator")):
            raise Problem(
                "this label selector is not understood",
                found=selector,
                next_step="write key=value, key!=value, key or !key, joined by commas",
            )
        needed.append(found.groupdict())
    return needed


def _fits(labels, needed):
    for requirement in needed:
        key, operator, value = requirement["key"], requirement["operator"], requirement["value"]
        if operator is None:
            held = (key in labels) != bool(requirement["not"])
        else:
            held = (labels.get(key) == value) != (operator == "!=")
        if not held:
            return False
    return True


def _pod(item):
    meta, spec, status = item["metadata"], item["spec"], item.get("status", {})
    owner = _row.controller(meta.get("ownerReferences", []))
    static = "kubernetes.io/config.mirror" in meta.get("annotations", {}) or bool(owner and owner["kind"] == "Node")
    statuses = status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
    spec_images = {
        row["name"]: full_or_text(row["image"]) for row in spec.get("initContainers", []) + spec["containers"]
    }
    return Pod(
        meta["namespace"],
        meta["name"],
        meta["uid"],
        spec.get("nodeName", ""),
        None if static or owner is None else Workload(meta["namespace"], *_row.workload(owner, meta.get("labels", {}))),
        static,
        meta.get("labels", {}),
        tuple(sorted(set(spec_images.values()))),
        {spec_images[row["name"]]: row.get("imageID", "") for row in statuses if row["name"] in spec_images},
        _row.has_ready(status.get("conditions", [])),
        status.get("phase", ""),
        "deletionTimestamp" in meta,
        tuple(_reasons(status, statuses)),
    )


def _reasons(status, statuses):
    reasons = [status["reason"]] if status.get("reason") else []
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            reasons.append("%s: %s" % (condition.get("reason", "not scheduled"), condition.get("message", "")))
    for row in statuses:
        state = row.get("state", {})
        details = state.get("waiting") or state.get("terminated") or {}
        if details.get("reason") and details.get("reason") != "Completed":
            message = " ".join(details.get("message", "").split())
            reasons.append("%s: %s%s" % (row["name"], details["reason"], " (%s)" % message[:200] if message else ""))
        elif "running" in state and not row.get("ready"):
            reasons.append("%s: runs, but is not ready" % row["name"])
    return reasons
