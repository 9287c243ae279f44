# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every document of a run has: the cluster, the settings, the lease, and what a board is. Pure."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Mapping, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.pod import HASH_LABEL
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import Api, ApiPod
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.fleet import Board, Fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.declared import FOREIGN, READ_LATER, SETTINGS

# What later stages read of the API's view from before the run; it holds all pods of a cluster, and these are few.
_OF_PODS = ("namespace", "name", "uid", "node", "phase", "ready", "deleting", "reasons", "owner")
_NAMESPACE = "kube-system"
# The catalogue is large, and read here only.
_NOT_SHOWN = frozenset(
    ("catalogue", "k3s_ansible", *READ_LATER, *FOREIGN, *(name for name, setting in SETTINGS.items() if setting.secret))
)


class OfBoards:
    """What a board's plan says beside what is to be done. Boards with equal settings share one dictionary of them."""

    def __init__(self) -> None:
        self._shown: Dict[int, Dict[str, Any]] = {}

    def of(self, board: Board) -> Dict[str, Any]:
        """The keys of a board."""
        settings = board.settings
        return {
            "data_dir": settings["data_dir"] or board.seen.get("data_dir"),
            "disk": board.seen.get("disk"),
            "is_server": board.is_server,
            "service": settings["service"] or board.seen.get("service") or ("k3s" if board.is_server else "k3s-agent"),
            # It holds no secret: nothing but the address of a registry.
            "derived_registries": settings["registries"] if settings.get("derived") else None,
            "settings": self._shown.setdefault(id(settings), shown(settings)),
        }


def common(fleet: Fleet) -> Dict[str, Any]:
    """first_server, api, settings and lease."""
    settings, head = fleet.settings, fleet.head
    return {
        "first_server": fleet.first_server,
        "api": _api(head.get("api"), settings["health_namespaces"]),
        "settings": shown(settings),
        "lease": {
            "server": fleet.first_server,
            "data_dir": settings["data_dir"] or head.get("data_dir"),
            "observed": (head.get("journal") or {}).get("lease") or {},
        },
    }


def shown(settings: Mapping[str, Any]) -> Dict[str, Any]:
    """Settings for the document: no secret, and what stands for the lack of one that another one gives."""
    shown = {name: value for name, value in settings.items() if name not in _NOT_SHOWN}
    return dict(shown, gate_timeout=_first(settings["gate_timeout"], settings["wait_timeout"]))


def _api(api: Optional[Api], namespaces: Iterable[str]) -> Dict[str, Any]:
    """Of the API's view what the stages read: nodes, pods that must be Ready, and those that were broken already."""
    if not api:
        return {}
    kept = {_NAMESPACE, *namespaces}
    pods = [pod for pod in api.get("pods") or () if pod["namespace"] in kept or not pod["ready"]]
    return {
        "reachable": api.get("reachable"),
        "error": api.get("error"),
        "nodes": api.get("nodes") or [],
        "pods": [_pod(pod) for pod in pods],
    }


def _pod(pod: ApiPod) -> Dict[str, Any]:
    # The one label that tells the workload behind a ReplicaSet; others are a tenant's, of any size.
    labels = {key: value for key, value in (pod.get("labels") or {}).items() if key == HASH_LABEL}
    return dict({key: pod.get(key) for key in _OF_PODS}, labels=labels)


def _first(value: Any, other: Any) -> Any:
    return other if value is None else value
