# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restart pods one workload at a time: delete, then wait until what replaces them is Ready.

A workload that does not become so is no reason to leave the others as they are: all are tried, then the failure names
each that failed.
"""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils._kube.pods import KINDS, Pod, choose, read_state
from ansible_collections.riscv.k3s.plugins.module_utils._waiting.moves import (
    event_marks,
    killed,
    pod_marks,
    read_event,
    read_pod,
)
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
        for pod, why in _left_alone(meant, state.over, params["allow_unowned"])
    ]
    names = {(row["namespace"], row["name"]) for row in left_alone}
    groups = _by_workload([pod for pod in meant if (pod.namespace, pod.name) not in names])
    restarted, ready, failed = [], [], []
    for workload, pods in groups:
        rows = [{"namespace": pod.namespace, "name": pod.name, "owner": _owner(workload)} for pod in pods]
        try:
            if not check_mode:
                ready += _restart(kube, workload, pods, state, params)
        except Problem as problem:
            failed.append(problem)
        restarted += rows
    result = {
        "changed": bool(restarted),
        "restarted": restarted,
        "ready": [_row(pod) for pod in ready],
        "left_alone": left_alone,
        "seconds": round(kube.clock() - began, 1),
    }
    if failed:
        raise _together(failed, len(groups), result)
    warnings = ["The pod %(namespace)s/%(name)s is not restarted: %(reason)s." % row for row in left_alone]
    return dict(result, warnings=warnings)


def _restart(kube, workload, pods, state, params):
    """Restart one workload; the pods that are Ready then. Raises Problem."""
    kube.delete_pods(pods[0].namespace, [pod.name for pod in pods])
    return _Wait(kube, workload, pods, state, params).run() if params["wait"] else []


def _together(failed, count, result):
    """One Problem that names each of several, with what was done all the same."""
    problem = failed[0]
    if failed[1:]:
        problem = Problem(
            "%d of %d workloads were not restarted well" % (len(failed), count),
            found=" / ".join("%s: %s" % (problem.what, problem.found) for problem in failed),
            where=failed[0].where,
            next_step=failed[0].next_step,
        )
    problem.result = result
    return problem


def _left_alone(pods, over, allow_unowned):
    for pod in pods:
        if pod.finished:
            yield pod, "it ran to its end (%s), and a finished pod is not made anew" % pod.phase
        elif pod.workload in over:
            yield pod, "its %s is over and makes no pod any more" % str(pod.workload)
        elif pod.static:
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
        self._killed: list[str] = []
        self._desired = 0

    def run(self):
        """The pods that are Ready at the end. Raises Problem with the pods' reasons when nothing moves any more."""
        over = self._kube.wait(self._look, self._timeout)
        if over:
            raise Problem(
                "%s is not Ready after its pods were deleted: %s"
                % (self._workload or "pod " + self._deleted[0].full_name, over),
                found="; ".join([*self._describe(), *self._killed]),
                next_step="look at these pods with riscv.k3s.cri_sandbox_info",
            )
        return self._live

    def _look(self):
        items = self._kube.pods_and_workloads(self._deleted[0].namespace, events=True)
        done = self._judge(read_state(items))
        own = {pod.uid for pod in self._left + self._live}
        rows = [read_pod(item) for item in items if item["kind"] == "Pod" and item["metadata"]["uid"] in own]
        events = [read_event(item) for item in items if item["kind"] == "Event"]
        self._killed = killed(events, [row for row in rows if not row["ready"]])
        return done, dict(pod_marks(rows), **event_marks((row for row in events if row["kind"] == "Pod"), rows))

    def _judge(self, state):
        gone = {pod.uid for pod in self._deleted}
        self._left = [pod for pod in state.pods if pod.uid in gone]
        if self._workload:
            new = [pod for pod in state.pods if pod.workload == self._workload and pod.uid not in gone | self._old]
            self._live = [pod for pod in new if not pod.deleting and pod.phase != "Failed"]
            self._desired = self._wanted(state)
        return not self._left and all(self._fits(pod) for pod in self._live) and len(self._live) >= self._desired

    def _wanted(self, state):
        """How many pods there should be. A Job that is over has done its work; what was deleted wants none."""
        if self._workload in state.over:
            return 0
        count = state.desired.get(self._workload, 0 if self._workload.kind in KINDS else None)
        return len(self._deleted) if count is None else count

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
