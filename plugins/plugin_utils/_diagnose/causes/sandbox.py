# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods without a network or a node, pods that do not go away, and sandboxes that were left behind."""

from __future__ import annotations

import re

from ansible_collections.riscv.k3s.plugins.module_utils._chain.chain import told
from ansible_collections.riscv.k3s.plugins.module_utils.pod import seconds
from ansible_collections.riscv.k3s.plugins.plugin_utils import shell
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.causes import model as m

_PATIENCE = 30  # seconds over the time that a pod was given to end
_CORDONED = re.compile(r"were unschedulable|node\.kubernetes\.io/unschedulable")


def _is_of_cni(message):
    return told(message).cause == "cni-missing"


def cni(fleet):
    """No network for pods on a board: the node's condition, or what happened to its pods."""
    for name, board in fleet.seen():
        evidence = []
        node = _node(fleet, name)
        condition = fleet.details.get("nodes", {}).get(node, {}).get("Ready", {})
        if condition.get("status") != "True" and _is_of_cni(condition.get("message", "")):
            evidence.append("node %s: %s" % (node, m.one_line(condition["message"])))
        for row in fleet.pods:
            if row["board"] == name and row["state"] != "ready" and m.is_unready(row):
                evidence += [m.event_text(event) for event in fleet.events_of(row)[:1] if _is_of_cni(event["message"])]
        if not evidence:
            continue
        found = fleet.preflight(name).get("cni")
        if found == []:
            evidence.append("no file in %s/agent/etc/cni/net.d" % board["data_dir"])
        remedy = (
            "k3s writes the network's configuration when it starts; "
            "when it does not, flannel could not start: see its log."
        )
        yield m.Finding(
            "Pods get no network on %s" % name,
            m.CERTAIN,
            ("board", name, name),
            evidence[:3],
            remedy,
            fleet.service(name),
            name,
        )


def _node(fleet, board):
    rows = [row["node"] for row in fleet.pods if row["board"] == board and row["node"]]
    seen = fleet.boards[board]
    return rows[0] if rows else (seen.get("config") or {}).get("node-name") or (seen.get("hostname") or "").lower()


def terminating(fleet):
    """Pods that should be gone."""
    for row in fleet.pods + fleet.without_row():
        detail = fleet.detail(row)
        if row["relation"] == "previous" or not (row["api"] or {}).get("deleting") or not detail.get("deleted_at"):
            continue
        # The API writes the moment at which the pod is to be gone, the time it was given included.
        late = round(fleet.clock(fleet.server) - seconds(detail["deleted_at"]))
        if late < _PATIENCE:
            continue
        if not detail["finalizers"] and any(_is_of_cni(event["message"]) for event in fleet.events_of(row)[:1]):
            continue  # its sandbox cannot be taken down without a network: that is what is to be mended
        evidence = ["metadata.deletionTimestamp: %s, %d s ago" % (detail["deleted_at"], late)]
        remedy, words = (
            "Its kubelet does not end it: check that k3s runs on its board. Or drop it from the API:",
            ["delete", "pod", "--force", "--grace-period=0"],
        )
        if detail["finalizers"]:
            evidence.append("metadata.finalizers: %s" % ", ".join(detail["finalizers"]))
            remedy = "The controller that set the finalizer must remove it, and does not. Remove it by hand:"
            words = ["patch", "pod", "--type=merge", "-p", '{"metadata":{"finalizers":null}}']
        yield m.Finding(
            "%s stays in Terminating" % m.pod_name(row),
            m.CERTAIN,
            m.pod_subject(row),
            evidence,
            remedy,
            *m.on_server(fleet, *words, namespace=row["namespace"], names=[row["name"]]),
        )


def ghost(fleet):
    """Sandboxes whose pod is no more. A kubelet takes them away within a minute, unless it does not know them."""
    for row in fleet.pods:
        age = fleet.clock(row["board"]) - seconds(row["created_at"])
        if row["relation"] != "orphan" or row["state"] != "ready" or age < _PATIENCE:
            continue
        evidence = [
            "crictl pods on %s: %s %s, uid %s" % (row["board"], row["sandbox_id"][:13], row["state"], row["uid"]),
            "the API has no pod with that UID",
        ]
        same = [
            other
            for other in fleet.pods
            if m.pod_name(other) == m.pod_name(row)
            and other["uid"] != row["uid"]
            and other["relation"] in ("matched", "missing")
        ]
        title = "A sandbox of %s was left behind on %s" % (m.pod_name(row), row["board"])
        if same:
            evidence.append("the pod of that name has the UID %s now" % same[0]["uid"])
        remedy = "Remove the sandbox; its containers end with it."
        command = shell.command("k3s", "crictl", "rmp", "-f", operands=[row["sandbox_id"]])
        yield m.Finding(
            title, m.CERTAIN, ("pod", row["board"], m.pod_name(row)), evidence, remedy, command, row["board"]
        )


def unschedulable(fleet, row):
    """No node takes it."""
    pod = fleet.api_pod(row)
    if not pod or pod["node"] or pod["phase"] != "Pending":
        return
    for event in fleet.events_of(row):
        if event["reason"] == "FailedScheduling" and not _is_of_claim(event):
            words = ["describe", "nodes"]
            remedy = (
                "The message says what each node lacks: "
                "room, a label that nodeSelector asks for, or a toleration of its taint."
            )
            if _CORDONED.search(event["message"]):
                words = ["get", "nodes"]
                remedy = (
                    "A node takes no new pods (SchedulingDisabled): somebody cordoned it, or an upgrade did and has "
                    "not ended, as system-upgrade-controller where its image cannot be pulled. Look at that first, "
                    "then `k3s kubectl uncordon NODE`."
                )
            yield m.Finding(
                "No node takes %s" % m.pod_name(row),
                m.CERTAIN,
                m.pod_subject(row),
                [m.event_text(event)],
                remedy,
                *m.on_server(fleet, *words),
            )
            return


def unbound(fleet, row):
    """A volume that it claims is not there: no node is to blame for that."""
    pod = fleet.api_pod(row)
    if not pod or pod["node"] or pod["phase"] != "Pending":
        return
    event = next((one for one in fleet.events_of(row) if one["reason"] == "FailedScheduling"), None)
    if event and _is_of_claim(event):
        yield m.Finding(
            "%s waits for a volume that it claims" % m.pod_name(row),
            m.CERTAIN,
            m.pod_subject(row),
            [m.event_text(event)],
            "The claim's events say why: there is no such claim, it names a storageClassName that is not there (k3s: "
            "local-path), or what makes volumes does not run. A claim's class cannot be changed: make it anew.",
            *m.on_server(fleet, "describe", "persistentvolumeclaims,storageclasses", namespace=row["namespace"]),
        )


def _is_of_claim(event):
    return "persistentvolumeclaim" in event["message"].lower()


CAUSES = [
    m.Cause(
        "cni-missing",
        "Pods get no network on the board.",
        "the node's condition or FailedCreatePodSandBox speaks of CNI",
        cni,
    ),
    m.Cause(
        "stuck-terminating",
        "A pod stays in Terminating.",
        "its deletionTimestamp is more than 30 s over, finalizers",
        terminating,
    ),
    m.Cause(
        "ghost-sandbox",
        "A sandbox runs whose pod the API does not have.",
        "a ready sandbox with a UID that no pod has",
        ghost,
    ),
    m.Cause(
        "volume-unbound",
        "The pod waits for a volume that it claims.",
        "FailedScheduling that speaks of a PersistentVolumeClaim",
        unbound,
        True,
    ),
    m.Cause("unschedulable", "No node takes the pod.", "FailedScheduling, word for word", unschedulable, True),
]
