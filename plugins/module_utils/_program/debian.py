# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs out of Debian's packages, with all that they need, kept until they are asked for anew."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from typing import Any, Dict, List, Mapping

from ansible_collections.riscv.k3s.plugins.module_utils._program import closure
from ansible_collections.riscv.k3s.plugins.module_utils._program.apt import Apt
from ansible_collections.riscv.k3s.plugins.module_utils._program.store import Store, content_sum
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_TREE = "root"


def fetch(options: Mapping[str, Any], store: Store, dry_run: bool = False, runner: Any = None) -> Dict[str, Any]:
    """The module's result. With ``dry_run`` nothing is fetched, and what only the packages tell is None."""
    begin = time.monotonic()
    name, key = "debian-" + options["package"], _key(options)
    facts = None if options["renew"] else store.find(name, key)
    changed = not facts
    if changed and not dry_run:
        before = store.find(name, key)
        facts = store.make(
            name, key, options["timeout"], lambda work: _fill(options, work, runner), anew=options["renew"]
        )
        changed = not before or before["content"] != facts["content"]
    facts = facts or dict.fromkeys(("version", "packages", "files", "sha256"))
    return {
        "path": os.path.join(store.place(name, key), _TREE),
        "package": options["package"],
        "architecture": options["architecture"],
        **{field: facts[field] for field in ("version", "packages", "files", "sha256")},
        "seconds": round(time.monotonic() - begin, 1),
        "changed": changed,
    }


def _key(options: Mapping[str, Any]) -> str:
    # Without the mirror: a package is the same on all of them.
    inputs = [options[name] for name in ("package", "architecture", "files", "suites")]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()


def _fill(options: Mapping[str, Any], work: str, runner: Any) -> Dict[str, Any]:
    scratch, tree = os.path.join(work, "scratch"), os.path.join(work, _TREE)
    os.mkdir(scratch)
    os.mkdir(tree)
    os.chmod(tree, 0o755)
    apt = Apt(os.path.join(scratch, "apt"), options["architecture"], options["mirror"], options["timeout"], runner)
    packages = apt.fetch(options["package"], options["suites"])
    _check(packages, options)
    for package in packages:
        apt.unpack(package, os.path.join(scratch, "all"))
    files = closure.copy(os.path.join(scratch, "all"), tree, options["files"])
    shutil.rmtree(scratch)
    return {
        "version": packages[0].upstream,
        "packages": [
            {"name": package.name, "version": package.version, "sha256": package.sha256} for package in packages
        ],
        "files": files,
        "sha256": content_sum(tree),
    }


def _check(packages: List[Any], options: Mapping[str, Any]) -> None:
    if not packages or packages[0].name != options["package"]:
        raise Problem(
            "%s was not fetched" % options["package"],
            found=", ".join(package.name for package in packages) or "no package",
            next_step="name a package, not one that others provide",
        )
