# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pods a change of images affects, and which are not Ready. Pure; reads the API's view as k3s_info returns it."""

from __future__ import annotations

from typing import Collection, List, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import full_or_text
from ansible_collections.riscv.k3s.plugins.module_utils.pod import is_unready, workload
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import Api, ApiContainer, Plan
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

# Waiting for a sandbox or for init containers: the kubelet goes on by itself as soon as the image is there.
_GOES_ON = frozenset(("ContainerCreating", "PodInitializing"))
# Fixes that bring a stock name by themselves, with no tag.
_BROUGHT = frozenset(("mirror", "preload"))


def restarts(api: Optional[Api], plans: Collection[Plan]) -> List[str]:
    """Pods to restart after ``plans`` (results of plan.plan for the cluster's boards) were carried out.

    A pod in image back-off would wait up to five minutes by itself; one that runs the old content would keep it.
    A pod of a patched workload is left out: the workload rolls anew by itself. Returns sorted ``namespace/name``.
    """
    changed = {row["image"] for plan in plans for row in plan["images"] if row["fix"] in _BROUGHT}
    changed |= {
        target for plan in plans for tag in plan["tags"] for target in tag["targets"] if target != tag["source"]
    }
    patched = {(patch["kind"], patch["name"]) for plan in plans for patch in plan["patches"]["present"]}
    return sorted(
        "%s/%s" % (pod["namespace"], pod["name"])
        for pod in (api and api.get("pods")) or []
        if not pod["deleting"]
        and not (pod["owner"] and workload(pod["owner"], pod["labels"]) in patched)
        and any(_is_held_up(container, changed) for container in pod["containers"])
    )


def unready(api: Optional[Api], namespaces: Collection[str] = ("kube-system",)) -> List[str]:
    """What is not healthy, a sentence each: nodes that are not Ready, pods of ``namespaces`` that are not Ready and not
    done.

    An API that was asked and did not answer is one such sentence: unknown is not healthy.
    """
    if not api or not api.get("reachable"):
        return [printable("the API does not answer: %s" % (api and api.get("error") or "it was not asked"))]
    rows = ["node %s is not Ready" % node["name"] for node in api.get("nodes") or [] if not node["ready"]]
    for pod in api.get("pods") or []:
        if pod["namespace"] in namespaces and is_unready(pod):
            why = "; ".join(pod["reasons"]) or pod["phase"]
            rows.append(
                "pod %s/%s on %s is not Ready: %s" % (pod["namespace"], pod["name"], pod["node"] or "no node yet", why)
            )
    return [printable(row) for row in rows]


def _is_held_up(container: ApiContainer, changed: Collection[str]) -> bool:
    if full_or_text(container["image"]) not in changed:
        return False
    return not (container["state"] == "waiting" and container["reason"] in _GOES_ON)
