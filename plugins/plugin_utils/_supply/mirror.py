# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mirror by prefix: riscv64 content under stock names and tags below REGISTRY/PREFIX, and docker.io sent there. Pure.

An endpoint with a path works in k3s's containerd as in any other, and needs no rewrite: the kubelet pulls the stock
name itself.
"""

from __future__ import annotations

from typing import Any, Collection, Dict, FrozenSet, Iterable, List, Mapping, Optional, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils._chain.pull_causes import ANSWERED_NO
from ansible_collections.riscv.k3s.plugins.module_utils.endpoints import own_scheme
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import DEFAULT_REGISTRY, ImageName, split_prefix
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import ImageRow, Observed, RegistryAnswer
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import registries as _registries


def mirror_name(prefix: str, image: ImageName) -> str:
    """Where a mirror by prefix holds an image (an ImageName): PREFIX/rancher/mirrored-pause:3.6."""
    return "%s/%s:%s" % (prefix.rstrip("/"), image.repository, image.tag)


def in_mirror(prefix: Optional[str], image: ImageName, registries: Collection[str] = ()) -> Optional[str]:
    """Where a mirror by ``prefix`` (or None: there is none) would hold an image (an ImageName); None where it cannot:
    docker.io alone is sent there, and by tags.

    An image below one of ``registries``, which k3s puts before its images' names, is held there under that very name.
    """
    if image.tag and without_registry(image, registries) != image:
        return image.full
    if not prefix or image.registry != DEFAULT_REGISTRY or not image.tag:
        return None
    return mirror_name(prefix, image)


def default_registries(seen: Iterable[Mapping[str, Any]]) -> FrozenSet[str]:
    """What k3s puts before the names of its images (system-default-registry) on boards, results of k3s_info."""
    found = ((board.get("config") or {}).get("system-default-registry") for board in seen)
    return frozenset(name.rstrip("/") for name in found if isinstance(name, str) and name.rstrip("/"))


def default_registry(image: str, registries: Iterable[str]) -> Optional[str]:
    """The one of ``registries`` that k3s put before the name of an image (its full name), or None."""
    return max((one for one in registries if image.startswith(one + "/")), key=len, default=None)


def host_of(prefix: Optional[str]) -> Optional[str]:
    """The registry of a mirror by prefix, or None where there is none."""
    return split_prefix(prefix)[0] if prefix else None


def without_registry(image: ImageName, registries: Iterable[str]) -> ImageName:
    """The name that k3s would ask for without any of ``registries`` before it; one that has none is returned as it is.

    A fork's names may hold a registry of their own behind that one.
    """
    for registry in registries:
        if image.full.startswith(registry + "/"):
            try:
                return ImageName.parse(image.full[len(registry) + 1 :])
            except Problem:
                return image
    return image


def with_mirror(config: Optional[Mapping[str, Any]], prefix: str) -> Dict[str, Any]:
    """The content of registries.yaml with docker.io sent to the mirror ``prefix``, REGISTRY/PATH, before any other
    endpoint.

    The prefix may be the registry alone, as k3s's guide to installing without internet has it. It is reached by http
    where its own mirror in ``config`` says so, else by https.
    """
    if config is not None:
        _registries.check(config)
    registry, path = split_prefix(prefix)
    mirrors = dict((config or {}).get("mirrors") or {})
    scheme = own_scheme(registry, (mirrors.get(registry) or {}).get("endpoint"))
    endpoint = "%s://%s%s" % (scheme or "https", registry, path and "/v2/" + path)
    stock = dict(mirrors.get(DEFAULT_REGISTRY) or {})
    stock["endpoint"] = [endpoint] + [other for other in stock.get("endpoint") or [] if other != endpoint]
    mirrors[DEFAULT_REGISTRY] = stock
    return dict(config or {}, mirrors=mirrors)


def lacking(
    boards: Sequence[Observed],
    prefix: Optional[str],
    lock: Optional[_lock.Lock] = None,
    registries: Collection[str] = (),
    also: Iterable[str] = (),
) -> List[str]:
    """What to ask the mirror for: its names of the images of docker.io that a board wants and some board does not have;
    and what to ask ``registries`` for, see `in_mirror`.

    ``boards`` are results of k3s_info; content that differs from ``lock`` (a result of lock.read, or None) is as good
    as none; ``also`` are full names that every board wants. Empty when every board has everything, so that a converged
    run asks nothing.
    """
    wanted = {item["image"] for board in boards for item in board.get("demand") or []}.union(also)
    stores = [
        {row["name"] for row in board.get("images") or [] if not _differs(row, lock, board.get("architecture", ""))}
        for board in boards
    ]
    images = [ImageName.parse(name) for name in sorted(wanted) if not all(name in store for store in stores)]
    return [name for name in (in_mirror(prefix, image, registries) for image in images) if name]


def _differs(row: ImageRow, lock: Optional[_lock.Lock], architecture: str) -> Optional[str]:
    return _lock.differs(row, (lock or {}).get((row["name"], architecture)))


def served(answers: Iterable[RegistryAnswer], prefix: Optional[str], registries: Collection[str] = ()) -> List[str]:
    """The stock names that the mirror holds for the architecture, and the names that ``registries`` hold themselves;
    ``answers`` are rows of registry_image_info.
    """
    held = [row["image"] for row in answers if row["has_architecture"] and not row["cause"]]
    below = prefix.rstrip("/") + "/" if prefix else None
    stock = ["%s/%s" % (DEFAULT_REGISTRY, name[len(below) :]) for name in held if below and name.startswith(below)]
    return sorted(stock + [name for name in held if without_registry(ImageName.parse(name), registries).full != name])


def unpublished(answers: Iterable[RegistryAnswer]) -> List[str]:
    """The names of which the mirror said that it does not have them."""
    return [row["image"] for row in answers if row["cause"] in ANSWERED_NO]


def unanswered(answers: Iterable[RegistryAnswer]) -> Optional[str]:
    """A sentence when the mirror could not be asked, else None."""
    for row in answers:
        if row["cause"] and row["cause"] not in ANSWERED_NO:
            return "the mirror could not be asked, so the next fix is taken: %s" % row["message"]
    return None
