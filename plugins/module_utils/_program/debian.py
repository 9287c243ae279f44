# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs out of Debian's packages, with all that they need, kept until they are asked for anew."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from typing import Any, Dict, List, Mapping

from ansible_collections.riscv.k3s.plugins.module_utils._program import closure
from ansible_collections.riscv.k3s.plugins.module_utils._program.apt import Apt
from ansible_collections.riscv.k3s.plugins.module_utils._program.store import Store, content_sum
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_TREE = "root"
# As Debian's policy has it (5.6.1).
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+\Z")
_WORD = re.compile(r"[^\s\[\]]+\Z")


def fetch(options: Mapping[str, Any], store: Store, dry_run: bool = False, runner: Any = None) -> Dict[str, Any]:
    """The module's result. With ``dry_run`` nothing is fetched, and what only the packages tell is None."""
    begin = time.monotonic()
    _check_words(options)
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


def _check_words(options: Mapping[str, Any]) -> None:
    """Refuse what is no name or address: it becomes a path, a word of apt's, and a line of its sources."""
    if not _PACKAGE.match(options["package"]):
        raise Problem(
            "%r is no name of a package of Debian" % options["package"],
            where="package",
            next_step="write the name alone, as in iptables: the mirror has one version of it",
        )
    for option in ("mirror", "suites"):
        values = options[option] if option == "suites" else [options[option] or "-"]
        wrong = [value for value in values if not _WORD.match(value)]
        if wrong or not values:
            raise Problem(
                "%r cannot stand in apt's sources" % wrong[0] if wrong else "there is no suite to look in",
                where=option,
                next_step="write a URL in mirror, and names such as trixie in suites",
            )


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
    # Each in a folder of its own: one package's link must not lead the next one's files anywhere.
    folders = [(package.name, os.path.join(scratch, str(number))) for number, package in enumerate(packages)]
    for package, (dummy, folder) in zip(packages, folders):
        apt.unpack(package, folder)
    files = closure.copy(folders, tree, options["files"])
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
