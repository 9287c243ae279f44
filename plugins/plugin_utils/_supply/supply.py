# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What could serve a stock image: the one place that knows catalogue, mirror, lock and fixes together. Pure.

It knows nothing of a board's store. What is to be done on a board is decided from an offer and that store, see
_plan.images.
"""

from __future__ import annotations

from typing import Dict, Iterable, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import lock as _lock
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import mirror as _mirror

# mirror   docker.io is mirrored to a prefix of the private registry that holds the stock name: the kubelet pulls it
# itself
# tag      pull the source, tag it with the stock name, pin it
# flag     pause-image in config.yaml names the source, so that no stock name is needed; for the pause image only
# preload  an archive with the stock name in agent/images, which k3s imports at each start
FIXES = ("mirror", "tag", "flag", "preload")
DEFAULT_FIXES = ("mirror", "tag")


class Offer(NamedTuple):
    """What could serve one stock image on boards of one architecture.

    ``image`` and ``source`` are full names, ``source`` None where the catalogue has nothing. ``patched`` is the image
    that its workload is made to ask for instead, or None. ``locked`` is its row of the lock, or None. ``fixes`` are
    those of the wanted fixes that can serve it, in their order. ``unserved`` says what it is where there are none:
    the word (stock, impossible) and the reason.
    """

    image: str
    architecture: str
    source: Optional[str]
    patched: Optional[str]
    needs_patch: bool
    # Where a mirror, or k3s's own default registry, would hold it.
    mirrored: Optional[str]
    locked: Optional[_lock.Locked]
    fixes: Tuple[str, ...]
    unserved: Tuple[str, str]

    @property
    def other(self) -> Optional[str]:
        """The source where it has another name than the stock image, else None."""
        return self.source if self.source != self.image else None

    @property
    def lasting(self) -> Optional[str]:
        """The fix that would bring it if it were missing: flag and preload are there for that day."""
        return self.fixes[0] if self.fixes else None


class Supply:
    """The catalogue, the mirror, the lock and the wanted fixes of one or more boards; answers once for each image.

    ``mirror`` is REGISTRY/PREFIX that holds content under stock names, or None; ``served`` the stock names (full) that
    it holds for the boards' architecture. ``lock`` is what lock.read returns, or None where there is no lock.
    ``registries`` are those that k3s puts before its images' names (system-default-registry): they hold content under
    the names that k3s asks for, as a mirror does, or they do not.
    """

    def __init__(
        self,
        catalogue: Sequence[_catalogue.Entry],
        fixes: Sequence[str] = DEFAULT_FIXES,
        mirror: Optional[str] = None,
        served: Sequence[str] = (),
        lock: Optional[_lock.Lock] = None,
        registries: Iterable[str] = (),
    ) -> None:
        """Raises Problem for fixes that are not known."""
        check_fixes(fixes)
        self.catalogue, self.fixes, self.mirror, self.lock = catalogue, tuple(fixes), mirror, lock
        self.registries = frozenset(registries)
        self._served = frozenset(served)
        self._offers: Dict[Tuple[str, str, bool], Offer] = {}

    def offer(self, image: ImageName, architecture: str, is_pause: bool = False) -> Offer:
        """What could serve ``image``; ``is_pause`` says that it is the one which containerd starts pods with."""
        key = (image.full, architecture, is_pause)
        if key not in self._offers:
            self._offers[key] = self._make(image, architecture, is_pause)
        return self._offers[key]

    def stock(self, image: ImageName) -> ImageName:
        """The name without system-default-registry, which entries of the catalogue are for."""
        return _mirror.without_registry(image, self.registries)

    def is_source(self, image: ImageName, architecture: str) -> bool:
        """Whether the catalogue names it as a source, so that it needs no other one, whatever its name."""
        return any(entry.names_source(image, architecture) for entry in self.catalogue)

    def asks_mirror_before(self, fix: Optional[str]) -> bool:
        """Whether a mirror goes before ``fix``: then it is not known what that one serves, since a mirror is asked for
        missing images only.
        """
        return (
            bool(self.mirror or self.registries)
            and fix in self.fixes
            and "mirror" in self.fixes[: self.fixes.index(fix)]
        )

    def _make(self, image: ImageName, architecture: str, is_pause: bool) -> Offer:
        stock = self.stock(image)
        entry = _catalogue.find(self.catalogue, image, architecture)
        if not entry and stock != image:
            entry = _catalogue.find(self.catalogue, stock, architecture)
        source = self._source(entry, image, stock, architecture)
        patched = entry.patched_image() if entry else None
        return Offer(
            image=image.full,
            architecture=architecture,
            source=source,
            patched=patched if patched != image.full else None,
            needs_patch=bool(entry and entry.patch),
            mirrored=_mirror.in_mirror(self.mirror, image, self.registries),
            locked=(self.lock or {}).get((image.full, architecture)),
            fixes=self._fixes(image, source, is_pause),
            unserved=self._unserved(image, source, architecture, entry is not None),
        )

    def _source(
        self, entry: Optional[_catalogue.Entry], image: ImageName, stock: ImageName, architecture: str
    ) -> Optional[str]:
        if entry:
            return entry.source_for(image if entry.serves(image, architecture) else stock)
        return next((one.full for one in (image, stock) if self.is_source(one, architecture)), None)

    def _fixes(self, image: ImageName, source: Optional[str], is_pause: bool) -> Tuple[str, ...]:
        can = {
            "mirror": image.full in self._served,
            "flag": is_pause and source is not None,
            "tag": source not in (None, image.full),
            "preload": source not in (None, image.full),
        }
        return tuple(fix for fix in self.fixes if can[fix])

    def _unserved(self, image: ImageName, source: Optional[str], architecture: str, is_stock: bool) -> Tuple[str, str]:
        if source == image.full:
            who = "the stock image" if is_stock else "the catalogue names it as a source, so it"
            return "stock", "left to k3s: %s has content for %s" % (who, architecture)
        if architecture != _catalogue.DEFAULT_ARCHITECTURE:
            return "stock", "left to k3s: the catalogue has nothing for " + architecture
        if not source:
            return "impossible", "the catalogue has no %s source for %s" % (architecture, image.name)
        return "impossible", "none of the fixes %s can serve it" % ", ".join(self.fixes)


def check_fixes(fixes: Sequence[str]) -> None:
    """Raise Problem for a list of fixes (riscv_k3s_fixes) that holds anything unknown, or nothing."""
    unknown = [fix for fix in fixes if fix not in FIXES]
    if unknown or not fixes:
        found = ", ".join(map(str, unknown)) or "no fix at all"
        raise Problem(
            "riscv_k3s_fixes names a fix that is not known", found=found, next_step="known are " + ", ".join(FIXES)
        )
