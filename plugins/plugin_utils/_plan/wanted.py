# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wanted of one board: the inventory's side of a plan. Data."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, Optional, Sequence

from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import catalogue as _catalogue
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.supply import Supply


class Wanted(NamedTuple):
    """What the inventory asks for, for one board. ``registries`` is None where registries.yaml is left alone."""

    board: str
    supply: Supply
    registries: Optional[Dict[str, Any]]
    architecture: str = "auto"
    role: str = "server"
    pull_policy: str = "missing"
    existing: str = "overwrite"
    pinned: bool = True
    patch_mode: str = "overlay"
    # Registries whose images boards share by k3s's embedded registry, ["*"] for all; none where it is not used.
    embedded: Sequence[str] = ()
    # Entries that say which stock images have content of their own by now, for the warning about needless overrides.
    known: Sequence[_catalogue.Entry] = ()
    # The version of k3s that comes next, or None: its stock images are wanted, too, so that its start finds them.
    next_version: Optional[str] = None
    # Of all boards of the cluster: a patch is for the whole cluster, since a workload may run on any of them.
    cluster_architectures: Sequence[str] = ()
    # Whether what somebody else wrote into registries.yaml is kept.
    merge: bool = False
    # The registry from whose address everything follows, or None: what nothing runs yet is looked for nowhere else.
    registry: Optional[str] = None
    # What the inventory says of it for the controller alone: auth, tls; loopback where each board is told to look at
    # itself.
    told_here: Sequence[str] = ()
    # What k3s-ansible writes there (its variable registries_config_yaml), or None.
    k3s_ansible: Any = None
