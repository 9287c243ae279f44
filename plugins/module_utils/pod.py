# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps a pod, whether it is done, and whether it is not Ready: one meaning for all who read pods. Pure.

A pod's row, or the API's part of a joined row, has ``phase`` and ``ready``.
"""

from __future__ import annotations

import calendar
import time
from typing import Any, Iterable, Mapping, Optional

FINISHED = ("Succeeded", "Failed")
HASH_LABEL = "pod-template-hash"


def controller(owners: Iterable[dict[str, Any]]) -> Optional[dict[str, Any]]:
    """The owner that makes a pod again, of its ``ownerReferences``, or None. Others only decide when it goes."""
    return next((owner for owner in owners if owner.get("controller")), None)


def workload(owner: Mapping[str, Any], labels: Mapping[str, str]) -> tuple[str, str]:
    """(kind, name) of what lasts: a roll-out moves pods from one ReplicaSet to the next, their Deployment stays.

    ``owner`` is a dictionary with kind and name, ``labels`` are the pod's. A Deployment's ReplicaSet is named after it
    and the hash that it gives its pods as a label; a ReplicaSet without that label was made by a person.
    """
    kind, name, suffix = owner["kind"], owner["name"], "-" + labels.get(HASH_LABEL, "")
    if kind == "ReplicaSet" and suffix != "-" and name.endswith(suffix):
        return "Deployment", name[: -len(suffix)]
    return kind, name


def has_ready(conditions: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the condition Ready is True, of a pod's or a node's ``status.conditions``."""
    return any(row.get("type") == "Ready" and row.get("status") == "True" for row in conditions)


def seconds(moment: str) -> int:
    """Seconds since 1970 of an ISO 8601 moment in UTC; of what is none 0, long ago: nothing is excused as new then."""
    try:
        return calendar.timegm(time.strptime(moment[:19], "%Y-%m-%dT%H:%M:%S"))
    except (ValueError, OverflowError):
        return 0


def is_done(row: Mapping[str, Any]) -> bool:
    """Whether a pod did what it was made for, as that of a Job: it is never Ready again, and nothing is wrong."""
    return row["phase"] == "Succeeded"


def is_past(row: Mapping[str, Any]) -> bool:
    """Whether a pod failed for good and its owner made a new one, as after an eviction: it stays until somebody deletes
    it.
    """
    return row["phase"] == "Failed" and bool(row.get("owner"))


def is_unready(row: Mapping[str, Any]) -> bool:
    """Whether a pod is not Ready and should be."""
    return not row["ready"] and not is_done(row)


def is_coredns(row: Mapping[str, Any]) -> bool:
    """Whether a pod is one that k3s's Service kube-dns leads to, by its selector. Others have "dns" in their names."""
    return row["namespace"] == "kube-system" and row["labels"].get("k8s-app") == "kube-dns"


def lacks_coredns(api: Mapping[str, Any]) -> bool:
    """Whether k3s has CoreDNS as an Addon, and there is no pod of it. With ``--disable coredns`` k3s deletes the Addon.

    An API that could not be read as a whole tells nothing of what is not there.
    """
    if not api.get("reachable") or api.get("unread"):
        return False
    pods = [pod for pod in api.get("pods") or () if pod["phase"] not in FINISHED]
    is_wanted = any(addon["name"] == "coredns" for addon in api.get("addons") or ())
    return is_wanted and not any(map(is_coredns, pods))


def ready_count(rows: Iterable[Mapping[str, Any]]) -> str:
    """How many of the pods that should be Ready are so: "3 of 4"."""
    expected = [row for row in rows if not is_done(row) and not is_past(row)]
    return "%d of %d" % (sum(bool(row["ready"]) for row in expected), len(expected))
