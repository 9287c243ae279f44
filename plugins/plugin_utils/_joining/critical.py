# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that all servers of a cluster must have alike: k3s refuses another server that differs. Pure.

https://docs.k3s.io/cli/server, Critical Configuration Values.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.k3s_settings import is_true

_TEXTS = {
    "cluster-cidr": "10.42.0.0/16",
    "cluster-domain": "cluster.local",
    "egress-selector-mode": "agent",
    "flannel-backend": "vxlan",
    "secrets-encryption-provider": "aescbc",
    "service-cidr": "10.43.0.0/16",
}
# Without a default that is the same for all.
_WHERE_SAID = ("agent-token", "cluster-dns")
_FLAGS = (
    "disable-cloud-controller",
    "disable-helm-controller",
    "disable-network-policy",
    "embedded-registry",
    "flannel-external-ip",
    "flannel-ipv6-masq",
    "secrets-encryption",
)


def differing(told: Mapping[str, Any], other: Mapping[str, Any]) -> List[str]:
    """Names of the options in which two servers differ where they must not."""
    ours, theirs = _values(told), _values(other)
    names = [name for name in ours if name in theirs and ours[name] != theirs[name]]
    return sorted(names)


def require(told: Mapping[str, Any], first: Mapping[str, Any], board: str, first_board: str) -> None:
    """Raise Problem where a server has other options than the one that it joins; no value is shown."""
    names = differing(told, first)
    if names:
        raise Problem(
            "a server does not join %s with other options than that one has" % first_board,
            found=", ".join(names),
            where=board,
            next_step="set them alike for all servers",
        )


def _values(told: Mapping[str, Any]) -> Dict[str, Any]:
    found: Dict[str, Any] = {name: _texts(told.get(name) or default) for name, default in _TEXTS.items()}
    found.update({name: _texts(told[name]) for name in _WHERE_SAID if told.get(name)})
    found.update({name: is_true(told.get(name)) for name in _FLAGS})
    found["disable: servicelb"] = "servicelb" in _texts(told.get("disable") or [])
    return found


def _texts(value: Any) -> List[str]:
    parts = value if isinstance(value, list) else [value]
    return [text.strip() for part in parts for text in str(part).split(",") if text.strip()]
