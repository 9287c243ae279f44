# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods and workloads in the shape of `kubectl get -o json`, and a cluster that makes deleted pods again."""

import itertools
import json

from fakes import FakeRunner

_uids = itertools.count(1)


def make_pod(
    namespace, name, owner=None, image="a/b:1", labels=None, ready=True, phase="Running", reason="ImagePullBackOff"
):
    """A pod; ``owner`` is KIND/NAME."""
    kind, slash, owner_name = (owner or "").partition("/")
    state = (
        {"running": {"startedAt": "2026-11-24T10:00:00Z"}}
        if ready
        else {"waiting": {"reason": reason, "message": "Back-off pulling image"}}
    )
    meta = {"name": name, "namespace": namespace, "uid": "uid-%d" % next(_uids), "labels": labels or {}}
    if owner:
        meta["ownerReferences"] = [
            {
                "apiVersion": "apps/v1",
                "blockOwnerDeletion": True,
                "controller": True,
                "kind": kind,
                "name": owner_name,
                "uid": "u",
            }
        ]
    status = {
        "phase": phase,
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": "True" if ready else "False"},
        ],
        "containerStatuses": [
            {
                "name": "main",
                "image": image,
                "imageID": "sha256:8b5a" if ready else "",
                "ready": ready,
                "restartCount": 0,
                "state": state,
            }
        ],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"containers": [{"name": "main", "image": image}], "nodeName": "board-1"},
        "status": status,
    }


def make_workload(kind, namespace, name, count):
    """A Deployment, StatefulSet or DaemonSet that wants ``count`` pods."""
    sizes = (
        {"status": {"desiredNumberScheduled": count}}
        if kind == "DaemonSet"
        else {"spec": {"replicas": count}, "status": {}}
    )
    return dict({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}}, **sizes)


class Cluster:
    """Makes each deleted pod that has an owner again at the next look, and Ready ``ready_after`` looks later."""

    def __init__(self, *items, ready_after=2, image=None, makes_anew=True):
        self.items = list(items)
        self.ready_after = ready_after
        self.image = image
        self.makes_anew = makes_anew
        self.events = []  # about pods, by their name
        self.now = 0
        self.deleted = []
        self._making = []
        self.runner = FakeRunner(
            [
                (["k3s", "kubectl", "get", ...], self._get),
                (["k3s", "kubectl", "delete", "pods", "-n", ...], self._delete),
            ]
        )

    @property
    def verbs(self):
        return [call[2] for call in self.runner.calls]

    def _get(self, argv, stdin):
        namespace = argv[argv.index("-n") + 1] if "-n" in argv else None
        for row in self._making if self.makes_anew else []:
            row["looks"] += 1
            if row["looks"] == self.ready_after:
                self.items[self.items.index(row["new"])] = row["new"] = self._new(row["old"], True)
            elif row["looks"] == 1:
                row["new"] = self._new(row["old"], False)
                self.items.append(row["new"])
        shown = [item for item in self.items if namespace in (None, item["metadata"]["namespace"])]
        shown = shown + (self._events() if "events" in argv[3] else [])
        return json.dumps({"apiVersion": "v1", "items": shown, "kind": "List", "metadata": {"resourceVersion": ""}})

    def _events(self):
        uids = {item["metadata"]["name"]: item["metadata"].get("uid") for item in self.items}
        return [
            dict(event, involvedObject=dict(event["involvedObject"], uid=uids.get(event["involvedObject"]["name"], "")))
            for event in self.events
        ]

    def _delete(self, argv, stdin):
        namespace, names = argv[5], [word for word in argv[6:] if not word.startswith("--")]
        for item in [
            item
            for item in self.items
            if item["kind"] == "Pod"
            and item["metadata"]["namespace"] == namespace
            and item["metadata"]["name"] in names
        ]:
            self.items.remove(item)
            self.deleted.append("%s/%s" % (namespace, item["metadata"]["name"]))
            if item["metadata"].get("ownerReferences"):
                self._making.append({"old": item, "looks": 0})
        return "".join('pod "%s" deleted\n' % name for name in names)

    def _new(self, old, ready):
        meta = old["metadata"]
        owner = meta["ownerReferences"][0]
        job = owner["kind"] == "Job" and ready
        image = self.image or old["spec"]["containers"][0]["image"]
        return make_pod(
            meta["namespace"],
            meta["name"] + "-new",
            "%(kind)s/%(name)s" % owner,
            image,
            meta["labels"],
            ready and not job,
            "Succeeded" if job else "Running",
        )
