# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images the catalogues of an inventory say how to build, as arguments of oci_image_build. Pure."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterable, List, Mapping

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.catalogue import DEFAULT_ARCHITECTURE

# The options of oci_image_build that say what is in an image; those about the registry are the inventory's.
_KEYS = (
    "src",
    "content",
    "program",
    "dest",
    "files",
    "links",
    "ca_certificates",
    "entrypoint",
    "cmd",
    "user",
    "env",
    "workdir",
    "labels",
    "index",
)


def image_builds(catalogues: Iterable[Iterable[Mapping[str, Any]]], archives_dir: str) -> List[Dict[str, Any]]:
    """The list of builds of several catalogues, each image once, in their order.

    A ``build`` holds options of oci_image_build; its relative paths are those below ``archives_dir``.
    Raises Problem for a build which cannot be meant.
    """
    builds: Dict[str, Dict[str, Any]] = {}
    for catalogue in catalogues:
        for entry in catalogue:
            if not entry.get("build"):
                continue
            build = _read(entry, archives_dir)
            if builds.setdefault(build["image"], build) != build:
                raise Problem(
                    "%s would be built in two ways" % build["image"],
                    where="riscv_k3s_catalogue",
                    next_step="give the second its own tag or repository",
                )
    return list(builds.values())


def _read(entry: Mapping[str, Any], archives_dir: str) -> Dict[str, Any]:
    build, source = entry["build"], entry.get("source")
    where = "build of %s in riscv_k3s_catalogue" % entry.get("stock")
    if not isinstance(build, dict) or not build.get("src"):
        raise Problem("a build needs src, the release archive", found=repr(build), where=where)
    unknown = sorted(set(build) - set(_KEYS))
    if unknown:
        raise Problem(
            "a build has a key that is not known: " + ", ".join(map(str, unknown)),
            where=where,
            next_step="known are " + ", ".join(_KEYS),
        )
    if not isinstance(source, str) or ":" not in source.rpartition("/")[2] or "@" in source:
        raise Problem(
            "what is built needs a tag",
            found="source %s" % source,
            where=where,
            next_step="write source as HOST:PORT/REPOSITORY:TAG",
        )
    files = [dict(item, src=os.path.join(archives_dir, item["src"])) for item in build.get("files", [])]
    return dict(
        build,
        image=ImageName.parse(source).full,
        architecture=entry.get("architecture", DEFAULT_ARCHITECTURE),
        src=os.path.join(archives_dir, build["src"]),
        **({"files": files} if files else {}),
    )
