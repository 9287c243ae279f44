# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which content a name in a registry stands for on one platform: through indexes, down to an image whose config says
so.

skopeo and containerd choose by what an index says. Indexes within indexes and entries that name no platform are found
in the field; and an index can be wrong about an image. So each step is read, and the config decides.
"""

from __future__ import annotations

from typing import Any, List, Mapping, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import RegistryProblem, damaged
from ansible_collections.riscv.k3s.plugins.module_utils._oci import manifest as content
from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import Manifest, Platform
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName

_TAGS_SHOWN = 20
# Manifests that are read for one image, however its indexes are nested.
_MAX_READ = 32


class Found(NamedTuple):
    """``top`` is what the name stands for, ``image`` the manifest for the platform (None: there is none), ``platforms``
    texts of all, ``config`` the config of that image as it stands in the registry, {} for none.
    """

    top: Manifest
    image: Optional[Manifest]
    platforms: List[str]
    config: Mapping[str, Any] = {}


def manifest(skopeo: Skopeo, name: ImageName) -> Manifest:
    """The manifest or index that ``name`` (an ImageName) stands for, of the digest that it names. Raises
    RegistryProblem.
    """
    data = skopeo.manifest(name)
    try:
        found = content.read(data)
    except content.Malformed as error:
        raise _malformed(name, str(error)) from error
    if name.digest not in (None, found.digest):
        raise damaged(name, "%s came for it" % found.digest)
    return found


def find(skopeo: Skopeo, name: ImageName, platform: Platform) -> Found:
    """What ``name`` stands for on ``platform``. Raises RegistryProblem; to have no such content is none."""
    return _Search(skopeo, name, platform).run()


def verify(skopeo: Skopeo, name: ImageName, digest: str) -> None:
    """Raise RegistryProblem unless ``name``, which was just published, stands for ``digest``."""
    try:
        found = manifest(skopeo, name).digest
    except RegistryProblem as problem:
        if problem.cause != "no-such-image":
            raise
        found = "nothing"
    if found != digest:
        step = "check the registry, and any proxy in front of it"
        raise damaged(name, "%s was published, and %s came back" % (digest, found), step)


def not_found(skopeo: Skopeo, name: ImageName, problem: RegistryProblem) -> RegistryProblem:
    """``problem``, that an image is not there, with the tags that are."""
    try:
        tags = skopeo.tags(name)
    except RegistryProblem as error:
        # A registry that has just answered is one: skopeo says so of every 404 to a question for tags.
        if error.cause not in ("no-registry", "no-such-image"):
            return problem
        tags = []
    except (ValueError, AttributeError):
        return problem
    shown = ", ".join(tags[-_TAGS_SHOWN:])
    more = " and %d more" % (len(tags) - _TAGS_SHOWN) if len(tags) > _TAGS_SHOWN else ""
    found = "there are %s%s" % (shown, more) if tags else "no such repository there, or an empty one"
    return RegistryProblem(problem.cause, "%s does not exist" % name.full, found, problem.where, problem.next_step)


class _Search:
    """One walk through the indexes of a name."""

    def __init__(self, skopeo: Skopeo, name: ImageName, platform: Platform) -> None:
        self._skopeo, self._name, self._platform = skopeo, name, platform
        self._platforms: List[str] = []
        self._read = 0
        self._config: Mapping[str, Any] = {}

    def run(self) -> Found:
        top = self._manifest(self._name)
        return Found(top, self._choose(top), self._platforms, self._config)

    def _manifest(self, name):
        self._read += 1
        if self._read > _MAX_READ:
            raise _malformed(self._name, "more than %d manifests in its indexes" % _MAX_READ)
        return manifest(self._skopeo, name)

    def _choose(self, found):
        if not found.is_index:
            return self._checked(found)
        self._platforms += [content.platform_text(entry.platform) for entry in found.entries if _is_said(entry)]
        for entry in self._fitting(found.entries):
            chosen = self._choose(self._entry(entry))
            if chosen:
                return chosen
        return None

    def _fitting(self, entries):
        """What may hold it, the best first: what says so, then what says nothing."""
        ranked = [(self._platform.rank(entry.platform), entry) for entry in entries if _is_said(entry)]
        fitting = [(rank, entry) for rank, entry in ranked if rank is not None]
        silent = [entry for entry in entries if entry.platform is None]
        return [entry for dummy, entry in sorted(fitting, key=lambda pair: pair[0])] + silent

    def _entry(self, entry):
        try:
            return self._manifest(self._name._replace(tag=None, digest=entry.digest))
        except RegistryProblem as problem:
            if problem.cause != "no-such-image":
                raise
            found = "its index lists %s, which the registry does not have" % entry.digest
            raise damaged(self._name, found, "copy the image there again, with this platform") from problem

    def _checked(self, found):
        """The manifest, when its config is of the platform."""
        config = self._skopeo.config(self._name._replace(tag=None, digest=found.digest))
        platform = config if isinstance(config, dict) else {}
        text = content.platform_text(platform)
        if text and text not in self._platforms:
            self._platforms.append(text)
        if self._platform.rank(platform) is None:
            return None
        self._config = platform
        return found


def _is_said(entry):
    # Build attestations stand in an index too, as platform unknown/unknown.
    return entry.platform is not None and entry.platform.get("architecture", "unknown") != "unknown"


def _malformed(name, why):
    if "a web page" in why:
        what = "what answers as %s is not a registry" % name.registry
        return RegistryProblem(
            "no-registry",
            what,
            why,
            name.registry,
            "correct host and port in the image's name, or the proxy of this environment",
        )
    return RegistryProblem(
        "content-damaged",
        "the manifest of %s cannot be used" % name.full,
        why,
        name.registry,
        "publish it again, as an OCI image",
    )
