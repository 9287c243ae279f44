# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a container runs the content that its image name stands for in its board's store. Pure.

The API tells a container's image ID: ``name@DIGEST`` with the digest of a manifest or index, or ``sha256:CONFIG`` where
nothing in the store names it. containerd keeps a record ``sha256:CONFIG`` for each content, whose target is the
manifest or index that was named last. One content can stand under several digests (its manifest's, an index's), so two
digests that differ prove nothing by themselves. Where that leaves a doubt the board is asked for the configs, which are
the content: crictl tells them for names and for containers.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import full_or_text

SAME, OTHER, UNKNOWN = "same", "other", "unknown"


class Store:
    """What the names in a board's store stand for, from a result of k3s_info.

    ``closer`` is a later result with the part ``contents``, or None.
    """

    def __init__(self, seen: Mapping[str, Any], closer: Optional[Mapping[str, Any]] = None) -> None:
        self.digests = {row["name"]: row["digest"] for row in seen.get("images") or ()}
        self.configs: Dict[str, str] = dict(seen.get("image_configs") or {})
        self._named: Dict[str, set] = {}
        for config, digest in self.configs.items():
            self._named.setdefault(digest, set()).add(config)
        contents = (closer or {}).get("contents") or {}
        self._config_of = contents.get("names") or {}
        self._runs = contents.get("containers") or {}

    def of(self, pod: Mapping[str, Any], container: Mapping[str, Any]) -> str:
        """SAME, OTHER or UNKNOWN for a running container of one of the API's pods."""
        name = full_or_text(container["image"])
        runs, wanted = self._runs.get(_key(pod, container)), self._config_of.get(name)
        if runs and wanted:
            return SAME if runs == wanted else OTHER
        if name not in self.digests:
            return UNKNOWN
        return self._by_digests(container["image_id"], self.digests[name])

    def _by_digests(self, image_id, digest):
        dummy, at, running = image_id.rpartition("@")
        if at and running == digest:
            return SAME
        wanted = self._named.get(digest, set())
        if at:
            configs = self._named.get(running, set())
            # Each has contents of its own, so they are two.
            return OTHER if wanted and configs and not wanted & configs else UNKNOWN
        config = "sha256:" + image_id.rpartition("sha256:")[2]
        if config in wanted:
            return SAME
        return OTHER if wanted else UNKNOWN


def differing(pods: List[Mapping[str, Any]], store: Store, names: Any) -> Tuple[List[Any], List[Any]]:
    """(pods that run another content than their image name stands for, pods of which it is not known).

    ``pods`` are the API's of one board, ``names`` the full image names that count.
    """
    other, unknown = [], []
    for pod in pods:
        found = {
            store.of(pod, container)
            for container in pod["containers"]
            if container["state"] == "running" and full_or_text(container["image"]) in names
        }
        if OTHER in found:
            other.append(pod)
        elif UNKNOWN in found:
            unknown.append(pod)
    return other, unknown


def _key(pod, container):
    return "%s/%s" % (pod["uid"], container["name"])
