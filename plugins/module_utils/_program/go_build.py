# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build a Go program from a recipe: keyed by all that goes into it, checked before anybody uses it."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
import shutil
import time
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._program import go_errors, go_mod
from ansible_collections.riscv.k3s.plugins.module_utils._program.go import Toolchain
from ansible_collections.riscv.k3s.plugins.module_utils._program.recipe import Recipe
from ansible_collections.riscv.k3s.plugins.module_utils._program.store import FACTS, Store, file_sum
from ansible_collections.riscv.k3s.plugins.module_utils.elf import read_elf
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# What belongs to a build in every case. A change here is another key.
_FLAGS = ["-trimpath", "-buildvcs=false", "-mod=readonly"]
_LINKER = "-s -w -buildid="
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


class Plan(NamedTuple):
    """One build: ``arguments`` of go without output and package, and the ``key`` of all that goes into it."""

    recipe: Recipe
    pinned: go_mod.Pinned
    name: str
    version: Optional[str]
    architecture: str
    arguments: List[str]
    key: str


def plan(options: Mapping[str, Any], toolchain: Toolchain) -> Plan:
    """What the module's ``options`` ask for. Raises Problem."""
    recipe = Recipe(options["recipe"])
    where = os.path.join(recipe.path, "go.mod")
    pinned = go_mod.read(recipe.text("go.mod"), options["package"], where)
    name = _checked(options["name"] or _name(pinned, recipe), recipe)
    toolchain.require(pinned.go, name, where)
    version = options["version"] or (pinned.version or "").lstrip("v").partition("+")[0] or None
    arguments = _FLAGS + ["-ldflags", _linker_flags(options, version, where)]
    inputs = [
        *(recipe.sha256, pinned.package, name, options["architecture"], arguments),
        *(toolchain.version, toolchain.environment(options["architecture"])),
    ]
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return Plan(recipe, pinned, name, version, options["architecture"], arguments, key)


def build(plan: Plan, toolchain: Toolchain, store: Store, seconds: float, dry_run: bool = False) -> Dict[str, Any]:
    """The module's result. With ``dry_run`` nothing is built, and what only a build tells is None. Raises Problem."""
    begin = time.monotonic()
    facts = store.find(plan.name, plan.key)
    changed = not facts
    if changed and not dry_run:
        made: List[bool] = []
        facts = store.make(plan.name, plan.key, seconds, lambda work: _make(plan, toolchain, work, seconds, made))
        changed = bool(made)  # another run may have made it meanwhile
    facts = facts or {"sha256": None, "modules": None}
    return {
        "path": os.path.join(store.place(plan.name, plan.key), plan.name),
        "name": plan.name,
        "version": plan.version,
        "architecture": plan.architecture,
        "package": plan.pinned.package,
        "module": _module(plan),
        "go_version": toolchain.version,
        "recipe": plan.recipe.path,
        "recipe_sha256": plan.recipe.sha256,
        "sha256": facts["sha256"],
        "modules": facts["modules"],
        "seconds": round(time.monotonic() - begin, 1),
        "changed": changed,
    }


def _make(plan: Plan, toolchain: Toolchain, work: str, seconds: float, made: List[bool]) -> Dict[str, Any]:
    target = os.path.join(work, plan.name)
    scratch = os.path.join(work, ".scratch")
    os.mkdir(scratch)
    done = toolchain.build(
        plan.arguments + ["-o", target, plan.pinned.package], plan.recipe.path, plan.architecture, scratch, seconds
    )
    if done.rc != 0:
        raise go_errors.problem(
            done.err or done.out,
            done.rc,
            plan.name,
            plan.pinned.package,
            plan.architecture,
            plan.recipe.path,
            os.path.dirname(work),
        )
    _check(plan, target)
    shutil.rmtree(scratch)
    made.append(True)
    return {"sha256": file_sum(target), "modules": toolchain.modules(target)}


def _check(plan: Plan, target: str) -> None:
    """Refuse what would not start on a board. Raises Problem."""
    elf = read_elf(target) if os.path.isfile(target) else None
    if elf is None:
        raise Problem(
            "%s is no program" % plan.pinned.package,
            found="a package that other programs use" if os.path.exists(target) else "no file",
            where=plan.recipe.path,
            next_step="name a package main, often one below cmd/",
        )
    if elf.architecture != plan.architecture:
        raise Problem(
            "%s was built for %s, wanted is %s" % (plan.name, elf.architecture, plan.architecture),
            where=plan.recipe.path,
            next_step="see that the program go is Go's own and no script that sets GOARCH",
        )
    if elf.interpreter:
        raise Problem(
            "%s is dynamically linked" % plan.name,
            found="it needs the loader %s" % elf.interpreter,
            where=plan.recipe.path,
            next_step="an image of one program has no loader: leave out the linker's flags and the packages that link "
            "against C",
        )
    os.chmod(target, 0o755)


def _module(plan: Plan) -> Optional[Dict[str, Optional[str]]]:
    if not plan.pinned.module or not plan.pinned.version:
        return None
    checksum = go_mod.sum_of(plan.recipe.text("go.sum"), plan.pinned.module, plan.pinned.version)
    return {"path": plan.pinned.module, "version": plan.pinned.version, "sum": checksum}


def _linker_flags(options: Mapping[str, Any], version: Optional[str], where: str) -> str:
    flags = [_LINKER]
    if options["version_variable"]:
        if not version:
            raise Problem(
                "there is no version to put into %s" % options["version_variable"],
                where=where,
                next_step="give version, since the recipe's own program has none that is pinned",
            )
        flags.append("-X %s=v%s" % (options["version_variable"], version))
    if options["ldflags"]:
        flags.append(options["ldflags"])
    return " ".join(flags)


def _name(pinned: go_mod.Pinned, recipe: Recipe) -> str:
    name = posixpath.basename(pinned.package if pinned.module else recipe.path)
    if re.match(r"v\d+\Z", name) and pinned.module:  # the major version of a module, not its name
        name = posixpath.basename(posixpath.dirname(pinned.package))
    return name


def _checked(name: str, recipe: Recipe) -> str:
    """``name``, which becomes that of a file and a part of that of folders. Raises Problem."""
    if _NAME.match(name) and name != FACTS:
        return name
    raise Problem("%r is no name for a program" % name, where=recipe.path, next_step="give it one by name")
