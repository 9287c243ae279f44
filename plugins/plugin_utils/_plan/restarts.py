# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pods are to be restarted, and which are not Ready. Pure; reads the API's view as k3s_info returns it."""

from __future__ import annotations

from typing import Any, Collection, Container, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import full_or_text
from ansible_collections.riscv.k3s.plugins.module_utils.pod import (
    FINISHED,
    is_past,
    is_unready,
    lacks_coredns,
    workload,
)
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.contents import Store, differing

_GOES_ON = frozenset(("ContainerCreating", "PodInitializing"))
_BROUGHT = frozenset(("mirror", "preload"))
_BY_FILES = "Node"  # the owner of a static pod: the API cannot make it anew


class OfBoard(NamedTuple):
    """A board's plan, the name of its node, and what its store holds."""

    plan: Mapping[str, Any]
    node: str
    store: Store


def restarts(api: Optional[Mapping[str, Any]], boards: Sequence[OfBoard]) -> List[str]:
    """Pods to restart after the plans of ``boards`` (OfBoard) were carried out, each on the board that it is about.

    A pod in image back-off would wait up to five minutes by itself; one that runs another content than its image name
    stands for would keep it, whichever run changed that. A pod of a patched workload is left out: the workload rolls
    anew by itself; what has ended (a Job's pod) is left as it is. Returns sorted ``namespace/name``.
    """
    patched = {(patch["kind"], patch["name"]) for board in boards for patch in board.plan["patches"]["present"]}
    found: Set[str] = set()
    of_node: dict[str, list] = {}
    for pod in (api or {}).get("pods") or []:
        if _can_be_restarted(pod, patched):
            of_node.setdefault(pod["node"], []).append(pod)
    for board in boards:
        pods = of_node.get(board.node, [])
        changed = _changed(board.plan)
        held_up = [pod for pod in pods if any(_is_held_up(container, changed) for container in pod["containers"])]
        names = {full_or_text(row["image"]) for row in board.plan["images"]} - changed
        for pod in held_up + differing(pods, board.store, names)[0]:
            found.add("%s/%s" % (pod["namespace"], pod["name"]))
    return sorted(found)


def unready(api: Optional[Mapping[str, Any]], namespaces: Container[str] = ("kube-system",)) -> List[str]:
    """What is not healthy, a sentence each: nodes that are not Ready, pods of ``namespaces`` that are not Ready and not
    done, and a CoreDNS of which there is no pod.

    An API that was asked and did not answer is one such sentence: unknown is not healthy. A pod that failed for good,
    as after an eviction, is its owner's past: the owner made a new one.
    """
    if not api or not api.get("reachable"):
        return [printable("the API does not answer: %s" % ((api or {}).get("error") or "it was not asked"))]
    rows = ["node %s is not Ready" % node["name"] for node in api.get("nodes") or [] if not node["ready"]]
    for pod in api.get("pods") or []:
        if pod["namespace"] in namespaces and is_unready(pod) and not is_past(pod):
            why = "; ".join(pod["reasons"]) or pod["phase"]
            rows.append(
                "pod %s/%s on %s is not Ready: %s" % (pod["namespace"], pod["name"], pod["node"] or "no node yet", why)
            )
    if lacks_coredns(api):
        rows.append(
            "there is no pod of CoreDNS, which k3s has as an Addon: names of the cluster are not resolved by it"
        )
    return [printable(row) for row in rows]


def without_nodes(api: Mapping[str, Any], names: Collection[str]) -> Mapping[str, Any]:
    """The API's view without some nodes and the pods on them; then without Addons, whose pods may be there."""
    return dict(
        api,
        addons=[] if names else api.get("addons") or [],
        nodes=[node for node in api.get("nodes") or [] if node["name"] not in names],
        pods=[pod for pod in api.get("pods") or [] if pod["node"] not in names],
    )


def _can_be_restarted(pod: Mapping[str, Any], patched: Container[Tuple[str, str]]) -> bool:
    owner = pod["owner"]
    if pod["deleting"] or pod["phase"] in FINISHED or (owner and owner["kind"] == _BY_FILES):
        return False
    return not (owner and workload(owner, pod["labels"]) in patched)


def _changed(plan: Mapping[str, Any]) -> Set[str]:
    """The names that the plan gives another content on its board."""
    changed = {row["image"] for row in plan["images"] if row["fix"] in _BROUGHT}
    return changed | {target for tag in plan["tags"] for target in tag["targets"] if target != tag["source"]}


def _is_held_up(container: Mapping[str, Any], changed: Container[str]) -> bool:
    if full_or_text(container["image"]) not in changed:
        return False
    return not (container["state"] == "waiting" and container["reason"] in _GOES_ON)
