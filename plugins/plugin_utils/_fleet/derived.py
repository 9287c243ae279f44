# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the registry of an inventory that says no more is reached: as the boards have it already, else as it answers.

A fleet that is as wanted asks no registry: then one of the two texts stands on all of its boards.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.fleet import Board
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.derived import (
    SCHEMES,
    derived_from,
    is_loopback,
    said_scheme,
    told_here,
    with_derived,
)
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import mirror as _mirror
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import registries as _registries


def _nothing(dummy: str) -> Mapping[str, Any]:
    return {}


def derived(
    boards: Iterable[Board], ask: Callable[[str], str], access: Callable[[str], Mapping[str, Any]] = _nothing
) -> List[Board]:
    """The boards with all that follows from the address of a registry in their settings. ``ask`` tells the scheme of a
    registry, and is called once for each at most. ``access`` tells what the variables of a board say of how it is
    reached from here, and its ansible_connection, not templated. Raises Problem.
    """
    boards = list(boards)
    made: Dict[int, Dict[str, Any]] = {}
    asked: Dict[str, str] = {}
    for board in boards:
        settings = board.settings
        registry = derived_from(settings)
        if not registry or id(settings) in made:
            continue
        alike = [other for other in boards if other.settings is settings]
        scheme = said_scheme(settings) or asked.get(registry) or _seen_scheme(settings, [row.seen for row in alike])
        if not scheme:
            scheme = asked.setdefault(registry, ask(registry))
        here = told_here(registry, access(board.name), scheme)
        if is_loopback(registry) and not (len(boards) == 1 and _is_this_machine(board.name, access(board.name))):
            here += ("loopback",)
        made[id(settings)] = dict(with_derived(settings, scheme), derived=True, told_here=here)
    # The settings are those of the boards' own dictionaries, which stay as long as ``boards`` does.
    return [board._replace(settings=made.get(id(board.settings), board.settings)) for board in boards]


def _is_this_machine(name: str, variables: Mapping[str, Any]) -> bool:
    connection = variables.get("ansible_connection", "local" if name == "localhost" else "ssh")
    return isinstance(connection, str) and connection.rpartition(".")[2] == "local"


def _seen_scheme(settings: Mapping[str, Any], seen: Iterable[Mapping[str, Any]]) -> Optional[str]:
    """The scheme with which all boards have the file that would be written, or None.

    One board alone could make the others speak http, and may have been taken over.
    """
    files = [row.get("registries") or {} for row in seen]
    for scheme in SCHEMES:
        wanted = with_derived(settings, scheme)
        config = wanted["registries"]
        if "mirror" in wanted["fixes"]:
            config = _mirror.with_mirror(config, wanted["mirror_prefix"])
        digest = sha256(_registries.text(config).encode())
        if files and all(digest in (file.get("sha256"), file.get("wanted")) for file in files):
            return scheme
    return None
