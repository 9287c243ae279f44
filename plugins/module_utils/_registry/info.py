# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What registries really hold for a list of references, asked in parallel; an image that cannot be had is a row, not an
error.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ansible_collections.riscv.k3s.plugins.module_utils._registry.read import find, not_found
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.errors import RegistryProblem, no_architecture
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.pull_causes import OF_THE_REGISTRY

_AT_ONCE = 4  # programs; more would look like an attack to a public registry


def inspect_all(images, skopeo, platform):
    """One row for each of ``images`` (texts), in their order; see ``inspect`` for a row.

    A registry that cannot be reached is asked for one image only, since waiting for the same time-out again tells
    nothing
    new. Raises Problem for a text that is no reference, before anything is asked.
    """
    names = [ImageName.parse(image) for image in images]
    first = {name.registry: name for name in reversed(names)}
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        rows = dict(zip(first.values(), pool.map(lambda name: inspect(name, skopeo, platform), first.values())))
        dead = {name.registry: row for name, row in rows.items() if row["cause"] in OF_THE_REGISTRY}
        rest = [name for name in dict.fromkeys(names) if name not in rows]
        for name in rest:
            if name.registry in dead:
                rows[name] = dict(dead[name.registry], image=name.full)
        rest = [name for name in rest if name not in rows]
        rows.update(zip(rest, pool.map(lambda name: inspect(name, skopeo, platform), rest)))
    return [rows[name] for name in names]


def inspect(name, skopeo, platform):
    """The row of one image (an ImageName).

    image, exists (None: not known), digest, media_type, platforms, size (bytes of the config and layers for
    ``platform``),
    has_architecture (None: not known), and where something is missing cause (an id of _pull_causes) and message.
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
        row.update(_content(find(skopeo, name, platform)))
        if not row["has_architecture"]:
            raise no_architecture(name, row["platforms"], platform)
    except RegistryProblem as problem:
        if problem.cause == "no-such-image":
            row.update(exists=False, has_architecture=False)
            problem = not_found(skopeo, name, problem)
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
    return dict(said, size=size, has_architecture=found.image is not None)
