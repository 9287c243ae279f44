# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue that comes with the collection (playbooks/vars/catalogue.yml), and how an inventory's own stands before
it.
"""

from __future__ import annotations

import copy
import functools
import pathlib
from typing import Any, Dict, List, Optional

import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import (
    DEFAULT_REGISTRY,
    ImageName,
    has_names,
    without_login,
)
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue

_FILE = pathlib.Path(__file__).resolve().parents[3] / "playbooks" / "vars" / "catalogue.yml"


def default_catalogue() -> List[Dict[str, Any]]:
    """The default entries, as an inventory would hold them."""
    return copy.deepcopy(_load())


@functools.cache
def default_entries() -> List[_catalogue.Entry]:
    """The default entries, read."""
    return _catalogue.read(_load())


def merge(own: object, defaults: bool = True, prefix: Optional[str] = None) -> List[Any]:
    """The inventory's entries, then with ``defaults`` the default ones: the first that fits is taken, so the
    inventory's win.

    ``prefix`` (registry, or registry/path) is where copies of the public sources are: docker.io/X is then PREFIX/X.
    Raises Problem.
    """
    if not isinstance(own, list):
        raise Problem("the catalogue (riscv_k3s_catalogue) must be a list", found=type(own).__name__)
    if prefix and not has_names(prefix.partition("/")[0]):
        # Images of others would be pulled from docker.io under that name.
        raise Problem(
            "riscv_k3s_catalogue_prefix must begin with a registry",
            found=without_login(prefix),
            next_step="write it as 192.168.173.76:6000/mirror; a host of one word needs its port",
        )
    return own + [_below(prefix, entry) for entry in default_catalogue()] if defaults else own


def _below(prefix: Optional[str], entry: Dict[str, Any]) -> Dict[str, Any]:
    source = ImageName.parse(entry["source"])
    if not prefix or source.registry != DEFAULT_REGISTRY:
        return entry
    # The text, not the parsed name: a source without a tag takes that of the stock image.
    return dict(entry, source="%s/%s" % (prefix.rstrip("/"), entry["source"].partition("/")[2]))


@functools.cache
def _load() -> List[Dict[str, Any]]:
    with open(_FILE, encoding="utf-8") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))["riscv_k3s_default_catalogue"]
