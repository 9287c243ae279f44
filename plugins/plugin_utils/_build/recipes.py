# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The recipes that come with the collection (playbooks/vars/recipes.yml): what can be built, and which stock images it
stands for. Pure.
"""

from __future__ import annotations

import copy
import functools
import pathlib
from typing import Any, Dict, List, Optional

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import ImageName
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue

_ROOT = pathlib.Path(__file__).resolve().parents[3]
_FILE = _ROOT / "playbooks" / "vars" / "recipes.yml"
_FOLDER = _ROOT / "roles" / "image_build" / "files" / "recipes"
# What the modules build and fetch for.
ARCHITECTURES = ("amd64", "arm64", "riscv64")


def recipes() -> Dict[str, Dict[str, Any]]:
    """All recipes by name."""
    return copy.deepcopy(_load())


def find(name: object, where: str) -> Dict[str, Any]:
    """The recipe ``name``. Raises Problem."""
    if not isinstance(name, str) or name not in _load():
        raise Problem(
            "there is no recipe %s" % (name,),
            where=where,
            next_step="recipes are " + ", ".join(_load()) + "; for a program of your own, name its folder: "
            "go: {recipe: PATH}",
        )
    return copy.deepcopy(_load()[name])


def folder(name: str) -> str:
    """The folder with the go.mod of the recipe ``name``."""
    return str(_FOLDER / name)


def serving(image: str, architecture: str = catalogue.DEFAULT_ARCHITECTURE) -> Optional[str]:
    """The name of the recipe that stands for a stock image (a reference with its tag), or None."""
    wanted = ImageName.parse(image)
    for name, entries in _serves().items():
        if architecture in ARCHITECTURES and catalogue.find(entries, wanted, catalogue.DEFAULT_ARCHITECTURE):
            return name
    return None


@functools.cache
def _serves() -> Dict[str, List[catalogue.Entry]]:
    """What each recipe stands for, as entries of a catalogue: these know how tags are compared."""
    return {
        name: catalogue.read([dict(item, source=item["stock"]) for item in recipe["serves"]])
        for name, recipe in _load().items()
    }


@functools.cache
def _load() -> Dict[str, Dict[str, Any]]:
    with open(_FILE, encoding="utf-8") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["riscv_k3s_recipes"]
