# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What registries really hold for a list of references, asked in parallel; an image that cannot be had is a row, not an error."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.riscv.k3s.plugins.module_utils._image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils._registry import INDEX_TYPES, MANIFEST_TYPES
from ansible_collections.riscv.k3s.plugins.module_utils._registry_errors import OF_THE_REGISTRY, RegistryProblem

_AT_ONCE = 8  # requests; more would look like an attack to a public registry
_TAGS_SHOWN = 20


def inspect_all(images, connect, architecture):
    """One row for each of ``images`` (texts), in their order; see ``inspect`` for a row.

    ``connect`` makes the Registry for a host. A registry that cannot be reached is asked for one image only, since
    waiting for the same time-out again tells nothing new. Raises Problem for a text that is no reference, before anything is asked.
    """
    names = [ImageName.parse(image) for image in images]
    first = {name.registry: name for name in reversed(names)}
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        rows = dict(zip(first.values(), pool.map(lambda name: inspect(name, connect, architecture), first.values())))
        dead = {name.registry: row for name, row in rows.items() if row["cause"] in OF_THE_REGISTRY}
        rest = [name for name in dict.fromkeys(names) if name not in rows]
        for name in rest:
            if name.registry in dead:
                rows[name] = dict(dead[name.registry], image=name.full)
        rest = [name for name in rest if name not in rows]
        rows.update(zip(rest, pool.map(lambda name: inspect(name, connect, architecture), rest)))
    return [rows[name] for name in names]


def inspect(name, connect, architecture):
    """The row of one image (an ImageName).

    image, exists (None: not known), digest, media_type, platforms, size (bytes of the config and layers for
    ``architecture``), has_architecture (None: not known), and where something is missing cause (as of RegistryProblem) and message.
    """
    row = {
        "image": name.full,
        "exists": None,
        "digest": None,
        "media_type": None,
        "platforms": [],
        "size": None,
        "has_architecture": None,
        "cause": None,
        "message": None,
    }
    try:
        registry = connect(name.registry)
        manifest = registry.manifest(name.repository, name.digest or name.tag)
        if manifest is None:
            problem = not_found(registry, name)
            row.update(exists=False, has_architecture=False)
            raise problem
        row.update(exists=True, digest=manifest.digest, media_type=manifest.media_type)
        row.update(_content(registry, name, manifest, architecture))
        if not row["has_architecture"]:
            raise no_architecture(name, row["platforms"], architecture)
    except RegistryProblem as problem:
        row.update(cause=problem.cause, message=str(problem))
    return row


def platform_text(platform):
    """``linux/arm/v7`` from the platform of a descriptor or from an image's config."""
    return "/".join(filter(None, (platform.get("os"), platform.get("architecture"), platform.get("variant"))))


def _content(registry, name, manifest, architecture):
    if manifest.media_type not in MANIFEST_TYPES:
        raise RegistryProblem(
            "other",
            "%s is of a kind that containerd does not run" % name.full,
            manifest.media_type or "no media type",
            name.registry,
            "publish it anew, as an OCI image",
        )
    try:
        if manifest.media_type in INDEX_TYPES:
            return _of_index(registry, name, manifest.json(), architecture)
        return _of_image(registry, name, manifest.json(), architecture)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RegistryProblem(
            "damaged", "the manifest of %s is damaged" % name.full, str(error), name.registry, "publish it anew, then look at the registry's storage"
        ) from error


def _of_index(registry, name, index, architecture):
    # Build attestations stand in an index too, as platform unknown/unknown.
    entries = [entry for entry in index["manifests"] if entry.get("platform", {}).get("architecture", "unknown") != "unknown"]
    fitting = [entry for entry in entries if entry["platform"]["architecture"] == architecture]
    found = {"platforms": [platform_text(entry["platform"]) for entry in entries], "has_architecture": bool(fitting)}
    if fitting:
        inner = registry.manifest(name.repository, fitting[0]["digest"])
        if inner is None:
            next_step = "copy the image there anew, with this platform"
            raise RegistryProblem(
                "damaged",
                "%s lists %s, but the registry does not have that manifest" % (name.full, architecture),
                fitting[0]["digest"],
                name.registry,
                next_step,
            )
        found["size"] = _size(inner.json())
    return found


def _of_image(registry, name, image, architecture):
    config = registry.blob(name.repository, image["config"]["digest"])
    platform = json.loads(config)
    return {"platforms": [platform_text(platform)], "has_architecture": platform.get("architecture") == architecture, "size": _size(image)}


def _size(image):
    return image["config"]["size"] + sum(layer["size"] for layer in image["layers"])


def not_found(registry, name):
    """The RegistryProblem for an image (an ImageName) that ``registry`` has not; says which tags there are. Raises one when there is no registry at all."""
    tags = registry.tags(name.repository)
    if not tags:
        registry.check()  # a proxy or another web server says 404 too
    shown = ", ".join(tags[-_TAGS_SHOWN:])
    found = (
        "there are " + (shown if len(tags) <= _TAGS_SHOWN else "%s and %d more" % (shown, len(tags) - _TAGS_SHOWN))
        if tags
        else "no such repository there, or an empty one"
    )
    return RegistryProblem("not_found", "%s does not exist" % name.full, found, name.registry, "mend the name, or publish the image")


def no_architecture(name, platforms, architecture):
    """The RegistryProblem for an image that is there, but not for this architecture."""
    found = ", ".join(platforms) or "no platform"
    return RegistryProblem(
        "no_architecture",
        "%s has no content for %s" % (name.full, architecture),
        found,
        name.registry,
        "take another source, or build the image with riscv.k3s.oci_image_build",
    )
