# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a go.mod pins: the program's package, its module and version, and the Go that it asks for. Pure."""

from __future__ import annotations

import re
from typing import List, NamedTuple, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# A block, `require (`, has one statement a line; each is also allowed by itself, `require X v1`.
_REQUIRED = re.compile(r"^\s*(?:require\s+)?([^\s()]+)\s+(v\d\S*)", re.M)
_TOOL = re.compile(r"^tool\s+([^\s()]+)\s*$|^tool\s*\(\s*([^\s()]+)\s*\)", re.M)
# Another module, or a folder, in the place of one: M => N v1, M v1 => ./N.
_REPLACED = re.compile(
    r"^\s*(?:replace\s+)?([^\s()]+)(?:[ \t]+(v\d\S*))?[ \t]+=>[ \t]+(\S+)(?:[ \t]+(v\d\S*))?[ \t]*$", re.M
)
# A module that is taken from a folder: Go takes a path for one by how it begins.
_LOCAL = re.compile(r"=>\s*[\"`]?(\.{1,2}(?:/[^\s\"`]*)?|/[^\s\"`]*)[\"`]?\s*$", re.M)
_GO = re.compile(r"^go\s+(\S+)\s*$", re.M)


class Pinned(NamedTuple):
    """``package`` is what is built, "." for the recipe's own. ``module`` and ``version`` (with its v) are those of the
    module that has the package, or of the one that replaces it; None for the recipe's own. ``go`` is the version of Go
    that is asked for, or None.
    """

    package: str
    module: Optional[str]
    version: Optional[str]
    go: Optional[str]


def read(text: str, package: Optional[str], where: str) -> Pinned:
    """What the ``text`` of a go.mod pins for ``package``, by default that of its line `tool`. Raises Problem."""
    text = re.sub(r"//.*", "", text)
    tools = [one or other for one, other in _TOOL.findall(text)]
    go = _GO.search(text)
    wanted = package or (tools[0] if tools else ".")
    if wanted.startswith("."):
        return Pinned(wanted, None, None, go.group(1) if go else None)
    module, version = _replaced(*_module_of(wanted, text, where), text)
    return Pinned(wanted, module, version, go.group(1) if go else None)


def _replaced(module: str, version: str, text: str) -> Tuple[str, Optional[str]]:
    """What is really built where a line `replace` names another module; of a folder there is no version."""
    for name, of, other, version_of_other in _REPLACED.findall(text):
        if name == module and of in ("", version):
            return other, version_of_other or None
    return module, version


def _module_of(package: str, text: str, where: str) -> Tuple[str, str]:
    found = [pair for pair in _REQUIRED.findall(text) if package == pair[0] or package.startswith(pair[0] + "/")]
    if found:  # modules may lie within each other: the longest one has the package
        return max(found, key=lambda pair: len(pair[0]))
    raise Problem(
        "go.mod requires no module that has the package %s" % package,
        found="a recipe that does not pin its program",
        where=where,
        next_step="in that folder, run: go get -tool %s@VERSION && go mod tidy" % package,
    )


def folders(text: str) -> List[str]:
    """The folders that the lines `replace` of a go.mod take modules from."""
    return _LOCAL.findall(re.sub(r"(?:^|\s)//.*", "", text))


def sum_of(text: str, module: str, version: str) -> Optional[str]:
    """The checksum (h1:…) that the ``text`` of a go.sum has for a module, or None."""
    found = re.search(r"^%s %s (h1:\S+)$" % (re.escape(module), re.escape(version)), text, re.M)
    return found.group(1) if found else None


def version_key(text: str) -> Optional[Tuple[int, ...]]:
    """(1, 26, 3) of 1.26.3 or go1.26.3, for comparing; None for one that is no release."""
    found = re.match(r"(?:go)?(\d+)\.(\d+)(?:\.(\d+))?(?:\s|$|-)", text)
    return tuple(int(part or 0) for part in found.groups()) if found else None
