# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue: where content for a stock image comes from, and what else differs. Data, checked here once."""

from __future__ import annotations

import fnmatch
import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils._manifest.patch import normalise_patches
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

DEFAULT_ARCHITECTURE = "riscv64"
_KEYS = frozenset(
    ("stock", "source", "tags", "min_version", "architecture", "patch", "build", "remark", "keep", "third_party")
)


class Entry(NamedTuple):
    """One supply: for stock images of ``stock`` (a repository) whose tag fits the glob ``tags`` and is not below
    ``min_version``.

    ``source`` is a reference; without a tag or digest of its own it takes the tag of the stock image. A source that is
    the stock image itself says that this has content for the architecture. ``patch`` is a patch as k3s_manifest_patch
    takes it, or None. ``keep`` says that the entry is wanted even when upstream has made it needless. ``third_party``
    says that neither the project nor its mirror made the source: what can be built from source goes before it.
    """

    stock: str
    source: str
    tags: str
    architecture: str
    patch: Optional[Dict[str, Any]]
    remark: Optional[str]
    min_version: Optional[str] = None
    keep: bool = False
    third_party: bool = False

    def source_for(self, image: ImageName) -> str:
        """The full reference to pull for ``image`` (an ImageName)."""
        if image.full == self.patched_image():
            return image.full
        if _has_version(self.source):
            return ImageName.parse(self.source).full
        return ImageName.parse("%s:%s" % (self.source, image.tag)).full

    def patched_image(self) -> Optional[str]:
        """Full name of the image that the patch names in place of the stock one, or None."""
        return ImageName.parse(self.patch["image"]).full if self.patch and self.patch.get("image") else None

    def serves(self, image: ImageName, architecture: str) -> bool:
        """Whether this entry is for ``image`` on boards of this architecture: the stock image, or what its patch puts
        in that one's place.
        """
        if image.full == self.patched_image():
            return self.architecture == architecture
        return self.stock == image.name and self.architecture == architecture and self._fits(image.tag)

    def names_source(self, image: ImageName, architecture: str) -> bool:
        """Whether ``image`` is what this entry takes content from: it has content for this architecture."""
        source = ImageName.parse(self.source)
        if self.architecture != architecture or source.name != image.name:
            return False
        return source == image if _has_version(self.source) else self._fits(image.tag)

    def _fits(self, tag: Optional[str]) -> bool:
        return bool(tag and fnmatch.fnmatchcase(tag, self.tags)) and (
            self.min_version is None or _not_below(tag or "", self.min_version)
        )


def read(raw: object) -> List[Entry]:
    """Check a catalogue as it stands in the inventory (a list of dictionaries); returns a list of Entry.

    Raises Problem that names the entry and the key which is wrong.
    """
    if not isinstance(raw, list):
        raise Problem("the catalogue (riscv_k3s_catalogue) must be a list", found=type(raw).__name__)
    return [_read_entry(number, item) for number, item in enumerate(raw, 1)]


def patches_for(catalogue: Sequence[Entry], image: ImageName, architectures: Iterable[str]) -> List[Dict[str, Any]]:
    """The patches that workloads of this stock image need for boards of these architectures, without repetition."""
    entries = [find(catalogue, image, architecture) for architecture in architectures]
    found: List[Dict[str, Any]] = []
    for entry in entries:
        if entry and entry.patch and entry.patch not in found:
            found.append(entry.patch)
    return found


def manifests_to_patch(raw: object) -> List[str]:
    """The manifests for which a catalogue has patches, as it stands in an inventory: paths, each once. What is wrong
    with it is told where it is read.
    """
    entries = [entry for entry in raw if isinstance(entry, dict)] if isinstance(raw, (list, tuple)) else []
    patches = [entry["patch"] for entry in entries if isinstance(entry.get("patch"), dict)]
    return list(dict.fromkeys(patch["manifest"] for patch in patches if isinstance(patch.get("manifest"), str)))


def find(catalogue: Sequence[Entry], image: ImageName, architecture: str) -> Optional[Entry]:
    """The first entry that serves this stock image for this architecture, or None."""
    for entry in catalogue:
        if entry.serves(image, architecture):
            return entry
    return None


def needless(
    catalogue: Sequence[Entry], known: Sequence[Entry], images: Iterable[ImageName], architecture: str
) -> List[str]:
    """Sentences about entries that upstream has made needless: stock images of ``images`` which have content for the
    architecture themselves.

    ``known`` are entries of which those whose source is the stock image say so, as the default catalogue's.
    """
    found = []
    for image in images:
        entry, upstream = find(catalogue, image, architecture), find(known, image, architecture)
        if (
            not (entry and upstream)
            or entry.keep
            or entry.source_for(image) == image.full
            or upstream.source_for(image) != image.full
        ):
            continue
        since = " since %s" % upstream.min_version if upstream.min_version else ""
        found.append(
            "%s has its own %s content%s: where boards can pull it, its entry in riscv_k3s_catalogue is not needed "
            "(keep: true silences this)" % (image.full, architecture, since)
        )
    return found


def version_key(text: str) -> Optional[Tuple[int, ...]]:
    """The numbers of a tag for comparing, (0, 12, 0) of ``v0.12.0-build20260625``; None when it has none in front."""
    # A number of hundreds of digits is no version, and Python refuses to read it.
    match = re.match(r"v?([0-9]{1,18}(?:\.[0-9]{1,18})*)(?![0-9])", text)
    return tuple(int(number) for number in match.group(1).split(".")) if match else None


def _not_below(tag: str, version: str) -> bool:
    key, lowest = version_key(tag), version_key(version)
    return key is not None and lowest is not None and key >= lowest


def _read_entry(number: int, item: object) -> Entry:
    where = "entry %d of riscv_k3s_catalogue" % number
    if not isinstance(item, dict):
        raise Problem("a catalogue entry must be a dictionary", found=repr(item), where=where)
    item = {key: value for key, value in item.items() if value is not None}
    unknown = sorted(map(str, set(item) - _KEYS))
    if unknown:
        raise Problem(
            "a catalogue entry has a key that is not known: " + ", ".join(unknown),
            where=where,
            next_step="known are " + ", ".join(sorted(_KEYS)),
        )
    for key in ("stock", "source"):
        if not isinstance(item.get(key), str) or not item[key]:
            raise Problem(
                "a catalogue entry needs %s, an image reference" % key, found=repr(item.get(key)), where=where
            )
    where = "%s (%s)" % (where, item["stock"])
    for key in ("tags", "min_version", "architecture", "remark"):
        if isinstance(item.get(key), (dict, list)):
            raise Problem("%s of a catalogue entry must be text" % key, found=repr(item[key]), where=where)
    if _has_version(item["stock"]):
        raise Problem(
            "stock is a repository, without a tag",
            found=item["stock"],
            where=where,
            next_step="select stock tags by the glob in tags",
        )
    for key in ("stock", "source"):
        _check_reference(item[key], key, where)
    if "min_version" in item and version_key(str(item["min_version"])) is None:
        raise Problem(
            "min_version is not a version",
            found=repr(item["min_version"]),
            where=where,
            next_step='write the lowest stock tag in quotes, for example "1.14.6"',
        )
    return Entry(
        stock=ImageName.parse(item["stock"]).name,
        source=item["source"],
        tags=str(item.get("tags", "*")),
        architecture=str(item.get("architecture", DEFAULT_ARCHITECTURE)),
        patch=_read_patch(item["patch"], where) if item.get("patch") else None,
        remark=item.get("remark"),
        min_version=str(item["min_version"]) if "min_version" in item else None,
        keep=bool(item.get("keep", False)),
        third_party=bool(item.get("third_party", False)),
    )


def _read_patch(patch: object, where: str) -> Dict[str, Any]:
    try:
        return normalise_patches([patch])[0]
    except Problem as problem:
        raise Problem(
            "the patch of a catalogue entry is not valid: " + problem.what,
            found=problem.found,
            where=where,
            next_step=problem.next_step,
        ) from problem


def _check_reference(text: str, key: str, where: str) -> None:
    try:
        ImageName.parse(text)
    except Problem as problem:
        raise Problem(
            "%s is not valid: %s" % (key, problem.what), found=problem.found, where=where, next_step=problem.next_step
        ) from problem


def _has_version(reference: str) -> bool:
    return "@" in reference or ":" in reference.rpartition("/")[2]
