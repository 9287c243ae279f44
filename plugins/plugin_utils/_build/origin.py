# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a built image comes from, as annotations of OCI and a few of our own. Pure.

Nothing here depends on when or where the image was built: the same content has the same annotations, and so the same
digest.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, Mapping, Optional

_OCI = "org.opencontainers.image."
OWN = "riscv.k3s."
VENDOR = "riscv.k3s"


def of(
    build: Mapping[str, Any], program: Optional[Mapping[str, Any]], packages: Optional[Mapping[str, Any]]
) -> Dict[str, str]:
    """Annotations of the image that ``build`` (of builds.image_builds) makes; ``program`` and ``packages`` are results
    of go_program_build and debian_files_fetch, where it has them.
    """
    origin = build["origin"]
    module = (program or {}).get("module") or {}
    # Of an image out of packages, their version counts, and the program beside them is only how it is started.
    made, archive = packages or program or {}, build.get("archive") or {}
    found = {
        _OCI + "title": origin.get("name"),
        _OCI + "version": origin.get("version") or made.get("version"),
        _OCI + "source": origin.get("source") or (module.get("path") and "https://" + module["path"]) or archive.get("shown"),
        _OCI + "revision": origin.get("revision") or module.get("version"),
        _OCI + "vendor": VENDOR,
        _OCI + "base.name": "scratch",
        OWN + "recipe": origin.get("recipe"),
        OWN + "recipe.sha256": _sum(build, program, packages),
        OWN + "go": (program or {}).get("go_version"),
        OWN + "module": module and "%s@%s %s" % (module["path"], module["version"], module["sum"]),
        OWN + "packages": _packages(packages),
        OWN + "archive": archive.get("checksum"),
    }
    return {key: str(value) for key, value in found.items() if value}


def _packages(fetched: Optional[Mapping[str, Any]]) -> str:
    return " ".join("%(name)s=%(version)s" % package for package in (fetched or {}).get("packages") or ())


def _sum(
    build: Mapping[str, Any], program: Optional[Mapping[str, Any]], packages: Optional[Mapping[str, Any]]
) -> str:
    """The sha256 of the recipe: of the pinned inputs, and how the image is made of them, but of no path here."""
    places = ("image", "src", "origin", "go", "debian", "archive", "files")
    inputs = {key: value for key, value in build.items() if key not in places}
    inputs["files"] = [dict(item, src=None) for item in build.get("files") or ()]
    if "archive" in build:
        inputs["archive"] = build["archive"]["checksum"]
    if program:
        inputs["go"] = [dict(build["go"], recipe=None), program["recipe_sha256"]]
    if packages:
        inputs["debian"] = [build["debian"].get("files"), packages["packages"]]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
