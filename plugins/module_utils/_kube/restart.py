# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restart pods one workload at a time: delete, then wait until what replaces them is Ready."""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._kube.pods import Pod, choose, read_state
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import normalise
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


def restart(params, check_mode, kube):
    """The result of the module k3s_pod_restart. ``kube`` is a Kube; raises Problem."""
    if not (params["images"] or params["pods"] or params["selectors"]):
        raise Problem("nothing says which pods to restart", next_step="give images, pods or selectors")
    began = kube.clock()
    state = read_state(kube.pods_and_workloads(params["namespace"]))
    chosen = [params[name] for name in ("images", "pods", "selectors", "namespace", "only_broken", "ignore_not_found")]
    meant = choose(state.pods, *chosen)
    left_alone = [
        {"namespace": pod.namespace, "name": pod.name, "reason": why}
        for pod, why in _left_alone(meant, params["allow_unowned"])
    ]
    names = {(row["namespace"], row["name"]) for row in left_alone}
    groups = _by_workload([pod for pod in meant if (pod.namespace, pod.name) not in names])
    restarted, ready = [], []
    for workload, pods in groups:
        restarted += [{"namespace": pod.namespace, "name": pod.name, "owner": _owner(workload)} for pod in pods]
        if check_mode:
            continue
        kube.delete_pods(pods[0].namespace, [pod.name for pod in pods])
        if params["wait"]:
            ready += _Wait(kube, workload, pods, state, params).run()
    return {
        "changed": bool(restarted),
        "restarted": restarted,
        "ready": [_row(pod) for pod in ready],
        "left_alone": left_alone,
        "seconds": round(kube.clock() - began, 1),
        "warnings": ["The pod %(namespace)s/%(name)s is not restarted: %(reason)s." % row for row in left_alone],
    }


def _left_alone(pods, allow_unowned):
    for pod in pods:
        if pod.static:
            yield (
                pod,
                "it is a static pod, which its node's kubelet makes from a file; deleting it would restart nothing",
            )
        elif pod.workload is None and not allow_unowned:
            yield pod, "nothing would recreate it, it has no owner (allow_unowned deletes it all the same)"


def _by_workload(pods):
    """[(workload or None, its pods)]; each pod without an owner stands for itself."""
    groups: dict = {}
    for pod in pods:
        groups.setdefault(pod.workload or pod.uid, []).append(pod)
    return [(members[0].workload, members) for members in groups.values()]


class _Wait:
    """Waits for one workload after its pods were deleted."""

    def __init__(self, kube, workload, deleted, state, params):
        self._kube = kube
        self._workload = workload
        self._deleted = deleted
        self._timeout = params["timeout"]
        # Pods of a Job that had run to their end before do not count; those that do so from now on have done their
        # work.
        self._old = {pod.uid for pod in state.pods if pod.finished}
        images = {normalise(image) for image in params["images"]}
        # Pods that were chosen by name or label need not run one of the images.
        self._images = images if all(images.intersection(pod.images) for pod in deleted) else set()
        self._left: list[Pod] = []
        self._live: list[Pod] = []
        self._desired = 0

    def run(self):
        """The pods that are Ready at the end. Raises Problem with the pods' reasons when time runs out."""
        if not self._kube.wait(self._is_done, self._timeout):
            raise Problem(
                "%s is not Ready %d seconds after its pods were deleted"
                % (self._workload or "pod " + self._deleted[0].full_name, self._timeout),
                found="; ".join(self._describe()),
                next_step="look at these pods with riscv.k3s.cri_sandbox_info; workloads after this one were not "
                "restarted",
            )
        return self._live

    def _is_done(self):
        state = read_state(self._kube.pods_and_workloads(self._deleted[0].namespace))
        gone = {pod.uid for pod in self._deleted}
        self._left = [pod for pod in state.pods if pod.uid in gone]
        if self._workload:
            new = [pod for pod in state.pods if pod.workload == self._workload and pod.uid not in gone | self._old]
            self._live = [pod for pod in new if not pod.deleting and pod.phase != "Failed"]
            self._desired = state.desired.get(self._workload, len(self._deleted))
        return not self._left and all(self._fits(pod) for pod in self._live) and len(self._live) >= self._desired

    def _fits(self, pod):
        return (pod.ready or pod.finished) and (not self._images or self._images.intersection(pod.images))

    def _describe(self):
        for pod in self._left:
            yield "pod %s is not gone yet (node %s)" % (pod.full_name, pod.node or "none")
        for pod in self._live:
            if not (pod.ready or pod.finished):
                yield "pod %s: %s" % (pod.full_name, ", ".join(pod.reasons) or "not Ready yet, no reason given")
            elif not self._fits(pod):
                yield "pod %s runs another image: %s" % (pod.full_name, ", ".join(pod.images))
        if len(self._live) < self._desired:
            yield "%d of %d pods are there" % (len(self._live), self._desired)


def _owner(workload):
    return {"kind": workload.kind, "name": workload.name} if workload else None


def _row(pod):
    images = [{"image": image, "image_id": pod.image_ids.get(image, "")} for image in pod.images]
    return {"namespace": pod.namespace, "name": pod.name, "node": pod.node, "images": images}
