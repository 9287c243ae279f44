# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a board, for roles that run on the controller alone and make no plan. Pure."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.declared import OF_ACCESS, OF_CONFIG, PREFIX, RESERVED
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.derived import checked_prefix, prefix_of
from ansible_collections.riscv.k3s.plugins.plugin_utils._settings.read import read

# They may be in a vault that is not open; registry_access reads them where a registry is asked.
_NOT_LOOKED_AT = frozenset((*OF_ACCESS, *OF_CONFIG, "registries")) - {"registry", "registry_plain_http"}


def inventory_settings(variables: Mapping[str, Any]) -> Dict[str, Any]:
    """{setting without its prefix: value} with defaults, the mirror that follows from the registry among them.

    ``variables`` are a host's, by their names; those about registries are checked by their names only, and others are
    not looked at, nor is what is no setting, such as the rows of a lock file. Raises Problem.
    """
    known = [name for name in variables if name.startswith(PREFIX) and name[len(PREFIX) :] not in RESERVED]
    known += [name for name in ("k3s_version",) if name in variables]
    # What registries.yaml says may be in a vault that is not open; that it is there is enough.
    has_registries = any(name in variables for name in (PREFIX + "registries", "registries_config_yaml"))
    values = {name: None if name[len(PREFIX) :] in _NOT_LOOKED_AT else variables[name] for name in known}
    host = str(variables.get("inventory_hostname", "localhost"))
    settings = read({host: values})[host]
    if has_registries:
        return dict(settings, mirror_prefix=checked_prefix(settings))
    return dict(settings, mirror_prefix=prefix_of(settings))
