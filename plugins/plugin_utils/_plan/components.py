# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which manifests and image names belong to a component, named as people do: coredns, metrics-server, local-storage,
busybox. Pure.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any, Collection, Iterable, List, Mapping, Optional, Sequence, Set

from ansible_collections.riscv.k3s.plugins.module_utils._manifest import overlay as _overlay
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.shapes import Observed

_PLACE = re.compile(r"manifests/(\S+)")
_MIRRORED = "mirrored-"
# What prepare set up of a board's system, as a component.
PREPARE = "prepare"


class Chosen:
    """What was chosen: all, or the manifests and repositories of some components, and the sources of these."""

    def __init__(
        self,
        manifests: Optional[Collection[str]] = None,
        repositories: Optional[Collection[str]] = None,
        sources: Collection[str] = frozenset(),
    ) -> None:
        self._manifests = manifests
        self._repositories = repositories
        self._sources = sources

    def has_manifest(self, path: str) -> bool:
        return self._manifests is None or path in self._manifests

    def has_image(self, name: str) -> bool:
        """A name that is none, as in an entry of the journal that cannot be read, is of no component."""
        return self._repositories is None or name in self._sources or _repository(name) in self._repositories


def _repository(name: str) -> Optional[str]:
    try:
        return ImageName.parse(name).name
    except Problem:
        return None


def names(components: Any) -> List[str]:
    """The option as a list: it may be text with commas."""
    if isinstance(components, str):
        components = components.split(",")
    return [str(name).strip() for name in components or () if str(name).strip()]


def choose(wanted: Iterable[str], observed: Observed, servers: Sequence[Observed]) -> Chosen:
    """A Chosen for ``wanted``, names of components. Raises Problem for one that nothing is known of.

    A component is the name of a manifest (file, its name without the ending, or its folder), or the end of an image's
    name. The manifest brings the images that it asks for, the image the manifests that ask for it, and a stock name its
    source.
    """
    if not wanted:
        return Chosen()
    entries = (observed.get("journal") or {}).get("images") or {}
    manifests = {row["path"] for server in servers for row in server.get("manifests") or ()}
    asked = [
        (ImageName.parse(row["image"]).name, _places(row["where"]))
        for server in servers
        for row in server.get("demand") or ()
    ]
    known = {repository for repository, _places_of in asked} | {ImageName.parse(name).name for name in entries}
    chosen_manifests: Set[str] = set()
    repositories: Set[str] = set()
    for component in wanted:
        if component == PREPARE:
            continue
        own = {path for path in manifests if component in _names_of(path)}
        called = {repository for repository in known if _is_called(repository, component)}
        if not own and not called:
            raise Problem(
                "there is no component %s" % component,
                found=", ".join(
                    sorted(
                        {_overlay.addon_name(path) for path in manifests} | {_short(repository) for repository in known}
                    )
                )
                or "nothing at all",
                next_step="name a manifest or an image of these in riscv_k3s_undo_components",
            )
        repositories |= called | {repository for repository, places in asked if places & own}
        chosen_manifests |= own | {place for repository, places in asked if repository in called for place in places}
    return Chosen(chosen_manifests, repositories, _sources(entries, repositories))


def _sources(entries: Mapping[str, Any], repositories: Collection[str]) -> Set[str]:
    """Sources of chosen names that no other name was tagged from."""
    chosen = {entry["source"] for name, entry in entries.items() if ImageName.parse(name).name in repositories}
    others = {entry["source"] for name, entry in entries.items() if ImageName.parse(name).name not in repositories}
    return (chosen - others) - {None}


def _places(where: Iterable[str]) -> Set[str]:
    """Packaged manifests that a row of the demand is from."""
    paths = {match.group(1) for match in map(_PLACE.match, where) if match}
    return {_packaged(path) for path in paths}


def _packaged(path: str) -> str:
    folder, name = posixpath.split(path)
    stem, dot, extension = name.partition(".")
    return (
        posixpath.join(folder, stem[: -len(_overlay.SUFFIX)] + dot + extension)
        if stem.endswith(_overlay.SUFFIX)
        else path
    )


def _names_of(path: str) -> Set[str]:
    name = posixpath.basename(path)
    return {path, name, _overlay.addon_name(path), *posixpath.dirname(path).split("/")} - {""}


def _is_called(repository: str, component: str) -> bool:
    last = _short(repository)
    return component in (repository, repository.rpartition("/")[2], last) or last.endswith("-" + component)


def _short(repository: str) -> str:
    last = repository.rpartition("/")[2]
    return last[len(_MIRRORED) :] if last.startswith(_MIRRORED) else last
