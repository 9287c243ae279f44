# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision: what one board needs, from what was observed and what is wanted. Pure.

The result is what ``site --check`` shows and what the real run does. Lists are sorted, so equal input gives equal
output.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Set

from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import unread_problem
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName, full_or_text
from ansible_collections.riscv.k3s.plugins.module_utils.platform import to_oci
from ansible_collections.riscv.k3s.plugins.module_utils.pod import FINISHED
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import (
    ApiNode,
    ApiPod,
    DemandRow,
    Observed,
    Plan,
    PlannedImage,
    Tag,
)
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import klipper as _demand_klipper
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import unreadable_images
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import images as _plan_images
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import patches as _plan_patches
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import preload as _preload
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import registries as _plan_registries
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import settings as _config_files
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.wanted import Wanted
from ansible_collections.riscv.k3s.plugins.plugin_utils._running import how_it_runs, next_start
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import embedded as _embedded
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import mirror as _mirror
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import registries as _registries
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade import wanted as _upgrade


class Cluster:
    """What the servers of a cluster, results of k3s_info, ask for on every board: worked out once, not once a board.

    They hold the manifests and the API's view, which an agent has not.
    """

    def __init__(self, servers: Sequence[Observed]) -> None:
        self.servers = list(servers)
        pods = [pod for server in self.servers for pod in _pods(server)]
        self.asked = [(server, (server.get("demand") or []) + _klipper(server, pods)) for server in self.servers]
        self._coming: Dict[str, List[DemandRow]] = {}
        nodes = {node["name"]: node for server in self.servers for node in _nodes(server)}
        self._nodes = list(nodes.values())
        # Nodes of the pods that name an image and are not finished, "" for a pod that has none yet.
        self._runs_on: Dict[str, Set[str]] = {}
        for pod in pods:
            for container in pod["containers"]:
                places = self._runs_on.setdefault(full_or_text(container["image"]), set())
                places.update([] if pod["phase"] in FINISHED else [pod["node"]])

    def runs_elsewhere(self, observed: Observed) -> Set[str]:
        """Images (full names) that pods name, and none on this board or not placed yet: what keeps them from it, be it
        a node selector, a taint or that one pod is enough, is not to be guessed from manifests.
        """
        node = how_it_runs.own_node(observed, self._nodes)[0]
        if not node:
            return set()
        return {image for image, places in self._runs_on.items() if not places & {node["name"], ""}}

    def coming(self, version: Optional[str]) -> List[DemandRow]:
        """The demand of the ``version`` of k3s that comes next; none where that is None. Raises Problem."""
        if not version:
            return []
        if version not in self._coming:
            registry = min(_mirror.default_registries(self.servers), default=None)
            rows = _upgrade.next_demand(version, _disabled(self.servers))
            self._coming[version] = [_below(registry, row) for row in rows] if registry else rows
        return self._coming[version]


def plan(observed: Observed, wanted: Wanted, cluster: Cluster) -> Plan:
    """Decide for one board.

    ``observed`` is the result of riscv.k3s.k3s_info for this board, ``cluster`` a Cluster. Returns a dictionary:
    board, architecture, images (a row each, with its ``fix`` and the reason), registries, config (the own file in
    config.yaml.d), preload (the archive in agent/images), pulls and the digests they must have, tags, unpins (names
    that lose their pin), patches, warnings, problems, changes. Raises Problem where no honest plan can be made.
    """
    architecture = observed["architecture"] if wanted.architecture == "auto" else to_oci(wanted.architecture)
    images_there = observed.get("images")
    if images_there is None:
        raise unreadable_images(observed, wanted.board)
    if not cluster.servers:
        raise Problem(
            "no server of the cluster was observed, so what pods ask for is not known",
            where=wanted.board,
            next_step="check that the inventory names the servers (riscv_k3s_server_group), and that the first of them "
            "can be reached; with --limit, name a server there, too",
        )
    store = {row["name"]: row for row in images_there}
    demand = _demand(observed, cluster, wanted.next_version)
    journal = observed.get("journal")
    images = _plan_images.decide_all(demand, architecture, store, wanted, observed.get("pause_image"), journal)
    tags = _plan_images.tags(images)
    pulls = _plan_images.pulls(images, store, architecture, wanted)
    result: Plan = {
        "board": wanted.board,
        "architecture": architecture,
        "k3s_version": _version(observed),
        "images": images,
        "registries": _plan_registries.action(observed, wanted, _version(observed)),
        "config": _config_files.action(observed, _settings(observed, wanted, images, architecture)),
        "preload": _preload.action(observed, images, wanted, architecture),
        "pulls": pulls,
        "digests": _lock.digests(images, pulls),
        "tags": tags,
        "unpins": _plan_images.unpins(journal, store, wanted, architecture, observed.get("pause_image")),
        "patches": _plan_patches.patches(observed, images, wanted, architecture)
        if wanted.role == "server"
        else {"present": [], "absent": []},
        "warnings": _warnings(observed, wanted, tags) + _needless(wanted, images, architecture),
        "problems": [row for row in images if row["fix"] == "impossible" and row["required"]],
        "changes": 0,
    }
    if wanted.embedded:
        names = [name for row in images for name in (row["image"], row["source"]) if name]
        result["warnings"] += _embedded.warnings(
            result["k3s_version"], wanted.cluster_architectures, names, wanted.pull_policy
        )
    if wanted.supply.lock is not None:
        result["warnings"] += _lock.warnings(images, store, wanted.supply.lock, architecture)
    result["warnings"] += _next_start(observed, wanted, result)
    result["warnings"] += result["registries"]["warnings"]
    result["warnings"] = [printable(text) for text in result["warnings"]]
    result["changes"] = _count(result)
    return result


def _demand(observed: Observed, cluster: Cluster, next_version: Optional[str] = None) -> List[DemandRow]:
    """The board's own demand (its pause image) and that of every server: a pod may land on any board. And that of the
    version which comes next. What runs on other boards only is wanted, and not required here.
    """
    merged: Dict[str, DemandRow] = {}
    own = (observed, (observed.get("demand") or []) + cluster.coming(next_version))
    for board, items in [own] + cluster.asked:
        for item in items:
            if _is_pause_of_another(item, board, observed):
                continue
            known = merged.setdefault(item["image"], {"image": item["image"], "where": [], "required": False})
            known["where"] += [place for place in item["where"] if place not in known["where"]]
            known["required"] = known["required"] or item["required"]
    for image in cluster.runs_elsewhere(observed).difference([observed.get("pause_image") or ""]):
        if image in merged:
            merged[image]["required"] = False
    return [merged[image] for image in sorted(merged)]


def _below(registry: str, row: DemandRow) -> DemandRow:
    """A row of docker.io's under the name that k3s asks for where it puts ``registry`` before all of them."""
    return {**row, "image": "%s/%s" % (registry, row["image"].partition("/")[2])}


def _nodes(server: Observed) -> List[ApiNode]:
    return server["api"].get("nodes") or [] if server.get("api") else []


def _pods(server: Observed) -> List[ApiPod]:
    return server["api"].get("pods") or [] if server.get("api") else []


def _disabled(servers: Sequence[Observed]) -> set[str]:
    """Components that no server runs."""
    lists = [set((server.get("config") or {}).get("disable") or ()) for server in servers]
    return set.intersection(*lists)


def _klipper(server: Observed, pods: Sequence[Mapping[str, Any]]) -> List[DemandRow]:
    asked = [row["image"] for row in server.get("demand") or ()]
    version = (server.get("k3s") or {}).get("version")
    return _demand_klipper.klipper(version, server.get("manifests") or (), server.get("config"), pods, asked)


def _is_pause_of_another(item: DemandRow, board: Observed, observed: Observed) -> bool:
    return board is not observed and item["image"] == board.get("pause_image") != observed.get("pause_image")


def _version(observed: Observed) -> Optional[str]:
    return (observed.get("k3s") or {}).get("version")


def _settings(observed: Observed, wanted: Wanted, images: Sequence[PlannedImage], architecture: str) -> Dict[str, Any]:
    """Keys of k3s's configuration that the own file in config.yaml.d sets on this board."""
    settings: Dict[str, Any] = dict(_embedded.settings(_version(observed), wanted.role)) if wanted.embedded else {}
    pause_image = _plan_images.flagged(observed.get("pause_image"), images, wanted, architecture)
    return dict(settings, **{"pause-image": pause_image}) if pause_image else settings


def _next_start(observed: Observed, wanted: Wanted, result: Plan) -> List[str]:
    """That k3s could not read its files when it starts next; where it is to be restarted, that refuses the plan."""
    if observed.get("has_not_run"):
        return []  # its files are written anew, which riscv.k3s.install judges
    registries = result["registries"]
    problem = next_start.problem(wanted.board, observed, next_start.rewritten(observed, registries))
    if not problem:
        return []
    restarts = any(file["restart"] for file in (registries, result["config"], result["preload"]))
    if registries["refused"] or not restarts:
        return [str(problem)]
    registries["refused"] = str(problem)
    return ["nothing is changed: %s" % problem]


def _needless(wanted: Wanted, images: Sequence[PlannedImage], architecture: str) -> List[str]:
    # With a mirror the boards do not look at docker.io, and the entries tell prepare_upgrade what to publish.
    if wanted.supply.mirror:
        return []
    names = [ImageName.parse(row["image"]) for row in images]
    # Nor where a registry of one's own stands before the names.
    asked = [name for name in names if wanted.supply.stock(name) == name]
    return _catalogue.needless(wanted.supply.catalogue, wanted.known, asked, architecture)


def _warnings(observed: Observed, wanted: Wanted, tags: Sequence[Tag]) -> List[str]:
    warnings = []
    if wanted.registries is not None:
        for host in _registries.plain_http_hosts(wanted.registries):
            warnings.append(
                "%s is reached by http but has no mirror of its own name: a pull that names it directly will try "
                "https. "
                'Add mirrors."%s".endpoint: ["http://%s"]' % (host, host, host)
            )
    for row in observed.get("manifests") or ():
        if row.get("left_out") == "secret" and row["workloads"] and not row["skip"]:
            warnings.append(
                "manifests/%s holds a Secret, so it was not read: images of its workloads are known only as far as "
                "pods in kube-system ask for them. Put the Secret into a file of its own" % row["path"]
            )
    journal = observed.get("journal") or {}
    if journal.get("error"):
        warnings.append("nothing can be changed on this board: " + journal["error"])
    warnings += [str(unread_problem(row["name"], row["why"], journal["path"])) for row in journal.get("unread") or ()]
    containerd = observed.get("containerd") or {}
    if tags and wanted.pinned and containerd.get("version") and not containerd.get("pins"):
        warnings.append(
            "containerd %s does not support pins (1.6.25, 1.7.10 and 2.x do): the kubelet may remove these images when "
            "the disk fills; another run brings them back" % containerd["version"]
        )
    return warnings


def _count(result: Plan) -> int:
    return (
        sum(file["change"] + file["restart"] for file in (result["registries"], result["config"], result["preload"]))
        + len(result["pulls"])
        + sum(len(tag["targets"]) for tag in result["tags"])
        + len(result["unpins"])
        + len(result["patches"]["present"])
        + len(result["patches"]["absent"])
    )
