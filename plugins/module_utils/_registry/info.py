# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What registries really hold for a list of references, asked in parallel; an image that cannot be had is a row, not an
error.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List

from ansible_collections.riscv.k3s.plugins.module_utils._chain.pull_causes import OF_THE_REGISTRY
from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import RegistryProblem, about, no_architecture
from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import Platform
from ansible_collections.riscv.k3s.plugins.module_utils._registry.read import find, not_found
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

_KEYS = (
    "image",
    "exists",
    "digest",
    "media_type",
    "platforms",
    "size",
    "user",
    "origin",
    "has_architecture",
    "cause",
    "message",
)
_OCI = "org.opencontainers.image."
_LONGEST_NOTE = 200
_AT_ONCE = 4  # programs; more would look like an attack to a public registry


def inspect_all(images: List[str], skopeo: Skopeo, platform: Platform) -> List[Dict[str, Any]]:
    """One row for each of ``images`` (texts), in their order; see ``_row``.

    A registry that cannot be reached is asked for one image only, since waiting for the same time-out again tells
    nothing new. Raises Problem for a text that is no reference, before anything is asked.
    """
    names = [ImageName.parse(image) for image in images]
    first = {name.registry: name for name in reversed(names)}
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        answers = _ask(pool, first.values(), skopeo, platform)
        rest = [name for name in dict.fromkeys(names) if name not in answers]
        silent = {name: answers[first[name.registry]][1] for name in rest}
        dead = {name: problem for name, problem in silent.items() if problem and problem.cause in OF_THE_REGISTRY}
        answers.update(_ask(pool, [name for name in rest if name not in dead], skopeo, platform))
    answers.update({name: ({}, about(problem, first[name.registry], name)) for name, problem in dead.items()})
    return [_row(name, *answers[name]) for name in names]


def _ask(pool, names, skopeo, platform):
    """{name: (what is known of it, the RegistryProblem or None)}, asked at once."""
    return dict(zip(names, pool.map(lambda name: _inspect(name, skopeo, platform), names)))


def _inspect(name, skopeo, platform):
    try:
        said = _content(find(skopeo, name, platform))
        return said, None if said["has_architecture"] else no_architecture(name, said["platforms"], platform)
    except RegistryProblem as problem:
        if problem.cause != "no-such-image":
            return {}, problem
        return {"exists": False, "has_architecture": False}, not_found(skopeo, name, problem)


def _row(name, said, problem):
    """The row of one image (an ImageName), with what is known of it (``said``) and the problem with it, or None.

    image, exists (None: not known), digest, media_type, platforms, size (bytes of the config and layers for the
    platform), user (that its config names, "" for root), origin (what it says of where it comes from), has_architecture
    (None: not known), and where something is missing cause (that of a RegistryProblem) and message.
    """
    row: Dict[str, Any] = dict.fromkeys(_KEYS)
    row.update(image=name.full, platforms=[])
    row.update(said)
    if problem:
        row.update(cause=problem.cause, message=str(problem))
    return row


def _content(found):
    size = sum(found.image.blobs.values()) if found.image else None
    said = {
        "exists": True,
        "digest": found.top.digest,
        "media_type": found.top.media_type,
        "platforms": found.platforms,
    }
    said.update(size=size, user=_user(found), origin=_origin(found))
    return dict(said, has_architecture=found.image is not None)


def _origin(found):
    """What the image says of where it comes from, as one text, or None: by OCI's annotations of its manifest, and by
    that of our recipes. Whoever pushed it may have written anything there.
    """
    value = json.loads(found.image.data) if found.image else None
    notes = value.get("annotations") if isinstance(value, dict) else None
    if not isinstance(notes, dict):
        return None
    said = {key: _short(notes.get(_OCI + key)) for key in ("title", "version", "source", "revision")}
    recipe = _short(notes.get("riscv.k3s.recipe"))
    parts = [" ".join(filter(None, (said["title"], said["version"])))]
    parts.append(" ".join(filter(None, (said["source"], said["revision"]))))
    parts.append("built by recipe %s" % recipe if recipe else "")
    return ", ".join(filter(None, parts)) or None


def _short(value):
    return printable(value)[:_LONGEST_NOTE] if isinstance(value, str) else ""


def _user(found):
    """The user that the image names for its processes; "" for none, which is root."""
    settings = found.config.get("config")
    user = settings.get("User") if isinstance(settings, dict) else None
    return (user[:_LONGEST_NOTE] if isinstance(user, str) else "") if found.image else None
