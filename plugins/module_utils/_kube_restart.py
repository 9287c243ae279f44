# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restart pods one workload at a time: delete, then wait until what replaces them is Ready."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._image_name import normalise
from ansible_collections.riscv.k3s.plugins.module_utils._kube_pods import choose, read_state


def restart(params, check_mode, kube):
    """The result of the module k3s_pod_restart. ``kube`` is a Kube; raises Problem."""
    if not (params["images"] or params["pods"] or params["selectors"]):
        raise Problem("nothing says which pods to restart", next_step="give images, pods or selectors")
    began = kube.clock()
    state = read_state(kube.pods_and_workloads())
    meant = choose(state.pods, params["images"], params["pods"], params["selectors"], params["namespace"], params["only_broken"])
    skipped = [{"namespace": pod.namespace, "name": pod.name, "reason": why} for pod, why in _skipped(meant, params["allow_unowned"])]
    names = {(row["namespace"], row["name"]) for row in skipped}
    groups = _by_workload([pod for pod in meant if (pod.namespace, pod.name) not in names])
    restarted, ready = [], []
    for workload, pods in groups:
        restarted += [{"namespace": pod.namespace, "name": pod.name, "owner": _owner(workload)} for pod in pods]
        if check_mode:
            continue
        kube.delete_pods(pods[0].namespace, [pod.name for pod in pods])
        if params["wait"]:
            ready += _wait(kube, workload, pods, {normalise(image) for image in params["images"]}, params["timeout"])
    return {
        "changed": bool(restarted),
        "restarted": restarted,
        "ready": [_row(pod) for pod in ready],
        "skipped": skipped,
        "seconds": round(kube.clock() - began, 1),
        "warnings": ["The pod %(namespace)s/%(name)s is not restarted: %(reason)s." % row for row in skipped],
    }


def _skipped(pods, allow_unowned):
    for pod in pods:
        if pod.static:
            yield pod, "it is a static pod, which its node's kubelet makes from a file; deleting it would restart nothing"
        elif pod.workload is None and not allow_unowned:
            yield pod, "nothing would make it anew, it has no owner (allow_unowned deletes it all the same)"


def _by_workload(pods):
    """[(workload or None, its pods)]; each pod without an owner stands for itself."""
    groups = {}
    for pod in pods:
        groups.setdefault(pod.workload or pod.uid, []).append(pod)
    return [(members[0].workload, members) for members in groups.values()]


def _wait(kube, workload, deleted, images, timeout):
    """Wait for a workload, and return the pods that are Ready then."""
    gone = {pod.uid for pod in deleted}
    last = {}

    def is_done():
        state = read_state(kube.pods_and_workloads())
        last["left"] = [pod for pod in state.pods if pod.uid in gone]
        last["live"] = [pod for pod in state.pods if workload and pod.workload == workload and pod.uid not in gone and not pod.finished and not pod.deleting]
        desired = state.desired.get(workload, len(deleted)) if workload else 0
        last["desired"] = desired
        fit = [pod for pod in last["live"] if pod.ready and (not images or images.intersection(pod.images))]
        return not last["left"] and len(fit) == len(last["live"]) >= desired

    if not kube.wait(is_done, timeout):
        raise Problem(
            "%s is not Ready %d seconds after its pods were deleted" % (workload or "pod " + deleted[0].full_name, timeout),
            found="; ".join(_describe(last, images)),
            next_step="look at these pods with riscv.k3s.cri_sandbox_info; workloads after this one were not restarted",
        )
    return last["live"]


def _describe(last, images):
    for pod in last["left"]:
        yield "pod %s is not gone yet (node %s)" % (pod.full_name, pod.node or "none")
    for pod in last["live"]:
        if not pod.ready:
            yield "pod %s: %s" % (pod.full_name, ", ".join(pod.reasons) or "not Ready yet, no reason given")
        elif images and not images.intersection(pod.images):
            yield "pod %s runs another image: %s" % (pod.full_name, ", ".join(pod.images))
    if len(last["live"]) < last["desired"]:
        yield "%d of %d pods are there" % (len(last["live"]), last["desired"])


def _owner(workload):
    return {"kind": workload.kind, "name": workload.name} if workload else None


def _row(pod):
    images = [{"image": image, "image_id": pod.image_ids.get(image, "")} for image in pod.images]
    return {"namespace": pod.namespace, "name": pod.name, "node": pod.node, "images": images}
