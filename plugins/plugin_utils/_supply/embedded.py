# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""k3s's embedded registry: boards fetch images from each other, so that a site downloads each of them once. Pure.

Set up by a key in the servers' configuration, and on every node by an entry in registries.yaml for each registry whose
images are shared (docs.k3s.io, Embedded Registry Mirror).
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import DEFAULT_REGISTRY, ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import registries as _registries
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.catalogue import version_key

KEY = "embedded-registry"
WILDCARD = "*"
# First patch release of each minor that has it; all of later minors do, none of earlier ones.
_EXPERIMENTAL: Dict[Tuple[int, ...], int] = {(1, 26): 13, (1, 27): 10, (1, 28): 6, (1, 29): 1}
_WILDCARD: Dict[Tuple[int, ...], int] = {(1, 26): 15, (1, 27): 12, (1, 28): 8, (1, 29): 3}
_STABLE: Dict[Tuple[int, ...], int] = {(1, 29): 12, (1, 30): 8, (1, 31): 4}
_WITHOUT_WILDCARD = (DEFAULT_REGISTRY, "registry.k8s.io")


def settings(version: Optional[str], role: str) -> Dict[str, bool]:
    """Keys of k3s's configuration for a board with this ``version`` of k3s (text or None) and role, server or agent."""
    return {KEY: True} if role == "server" and _has(version, _EXPERIMENTAL) else {}


def hosts(version: Optional[str], wanted: Sequence[str]) -> List[str]:
    """The registries whose images this board shares; none where its k3s cannot. ``wanted`` names them, or is ["*"] for
    all.
    """
    if not _has(version, _EXPERIMENTAL):
        return []
    known = [host for host in wanted if host != WILDCARD or _has(version, _WILDCARD)]
    return sorted(set(known) | set(_WITHOUT_WILDCARD if len(known) < len(wanted) else ()))


def with_hosts(config: Optional[Mapping[str, Any]], shared: Sequence[str]) -> Optional[Mapping[str, Any]]:
    """The content of registries.yaml with an entry for each of the ``shared`` hosts. What is there stays as it is.
    Raises Problem when there is no content.
    """
    if not shared:
        return config
    if config is None:
        raise Problem(
            "the embedded registry needs registries.yaml on every board",
            found="riscv_k3s_registries is not set, so the file is left alone",
            next_step="set riscv_k3s_registries to what the boards' registries.yaml should hold, {} if that is nothing "
            "else",
        )
    _registries.check(config)
    mirrors = dict(config.get("mirrors") or {})
    for host in shared:
        mirrors.setdefault(host, {})
    return dict(config, mirrors=mirrors)


def warnings(
    version: Optional[str], architectures: Iterable[str], images: Iterable[str], pull_policy: str
) -> List[str]:
    """Sentences about what the embedded registry of a board cannot do.

    ``version`` of its k3s; ``architectures`` of all boards of the cluster; ``images`` full names that boards ask for or
    are given.
    """
    if not _has(version, _EXPERIMENTAL):
        return [
            "k3s %s has no embedded registry (v1.26.13, v1.27.10, v1.28.6, v1.29.1 and later have): every board "
            "downloads for itself" % (version or "of unknown version")
        ]
    found = []
    if not _has(version, _STABLE):
        found.append(
            "the embedded registry of k3s %s is experimental; it is not from v1.29.12, v1.30.8 and v1.31.4 on" % version
        )
    latest = sorted({image for image in images if ImageName.parse(image).tag == "latest"})
    if latest:
        found.append(
            "the embedded registry does not serve the tag latest, so every board downloads these for itself: "
            + ", ".join(latest)
        )
    if len(set(architectures)) > 1:
        found.append(
            "the embedded registry trusts a tag wherever it is: boards of this cluster are %s, and one may be given "
            "the content of another under a stock name. "
            "Use images with content for all of them, or turn it off" % ", ".join(sorted(set(architectures)))
        )
    if pull_policy == "always":
        found.append(
            "the embedded registry may serve what a tag stood for before it moved: riscv_k3s_pull_policy always is no "
            "longer sure to fetch the newest"
        )
    return found


def _has(version: Optional[str], first: Mapping[Tuple[int, ...], int]) -> bool:
    key = version_key(version) if version else None
    if key is None or len(key) < 3:
        return False
    minor = key[:2]
    return minor > max(first) or (minor in first and key[2] >= first[minor])
