# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What follows from the address of a private registry where an inventory says no more. Pure.

The address alone is enough: registries.yaml names the registry with the scheme that it speaks, docker.io is mirrored to
PREFIX below it, where riscv.k3s.publish puts stock images under their own names, and what others wrote into the file
stays. An inventory with riscv_k3s_registries, or k3s-ansible's registries_config_yaml, says all of that itself.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.image_name import (
    DEFAULT_REGISTRY,
    has_names,
    is_registry,
    split_prefix,
    without_login,
)
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# Of the name in the registry: 192.168.173.76:6000/stock/rancher/mirrored-pause:3.6.
PREFIX = "stock"
# Fixes for which a board pulls from the registry.
_PULLING = ("mirror", "tag")
SCHEMES = ("https", "http")
_CERTIFICATES = ("ca_file", "cert_file", "key_file")


def derived_from(settings: Mapping[str, Any]) -> Optional[str]:
    """The registry (HOST or HOST:PORT) from which settings follow, or None. ``settings`` are those of a board, in which
    ``registries`` and ``registries_config_yaml`` are None where the inventory has none. Raises Problem for an address
    that is none.
    """
    registry = settings["registry"]
    if not registry or not set(_PULLING) & set(settings["fixes"]):
        return None
    if settings["registries"] is not None or settings["registries_config_yaml"] is not None:
        return None
    _check(registry)
    return registry


def _check(registry: str) -> None:
    what, next_step = "riscv_k3s_registry is not a registry", "write HOST or HOST:PORT, without scheme and path, for "
    if is_registry(registry) and not has_names(registry):
        # What is meant for the private registry would be pushed to docker.io.
        what, next_step = what + " in an image's name: there it is a part of docker.io's", "write its port, too, for "
    elif registry.partition(":")[0] == DEFAULT_REGISTRY:
        what += " of your own"
    elif is_registry(registry):
        return
    raise Problem(what, without_login(registry), next_step=next_step + "example 192.168.173.76:6000")


def said_scheme(settings: Mapping[str, Any]) -> Optional[str]:
    """The scheme of that registry where the inventory says it, else None: then it is asked."""
    said = settings["registry_plain_http"]
    return None if said is None else "http" if said else "https"


def prefix_of(settings: Mapping[str, Any]) -> Optional[str]:
    """The mirror by prefix: as the inventory says, or what follows from the registry."""
    registry = derived_from(settings)
    return checked_prefix(settings) or ("%s/%s" % (registry, PREFIX) if registry else None)


def checked_prefix(settings: Mapping[str, Any]) -> Optional[str]:
    """The mirror by prefix that the inventory says itself, or None. Raises Problem for one that is none."""
    if settings["mirror_prefix"]:
        split_prefix(settings["mirror_prefix"])
    return settings["mirror_prefix"]


def told_here(registry: str, access: Mapping[str, Any], scheme: str) -> Tuple[str, ...]:
    """What the inventory says of the registry for this machine alone: auth, tls, as keys of registries.yaml.

    ``access`` {setting: its value, not templated} are those of OF_ACCESS that are set. A login may be in a vault that
    is not open: that there is one is enough.
    """
    found = []
    if any(_is_given(access, "registry_" + name) for name in ("username", "password", "identity_token")):
        found.append("auth")
    verify = access.get("registry_tls_verify")
    unchecked = isinstance(verify, (bool, str)) and str(verify).lower() not in ("", "true", "yes", "on", "1")
    if scheme == "https" and (unchecked or any(_is_given(access, "registry_" + name) for name in _CERTIFICATES)):
        found.append("tls")
    return tuple(found)


def _is_given(access: Mapping[str, Any], name: str) -> bool:
    """A value that is encrypted is no text, and says nothing of itself."""
    value = access.get(name)
    return value is not None and not (isinstance(value, str) and not value)


def is_loopback(registry: str) -> bool:
    """Whether each machine looks for the registry on itself."""
    host = registry.rpartition(":")[0] if registry.rpartition(":")[2].isdigit() else registry
    return host.lower() in ("localhost", "[::1]") or host.startswith("127.")


def with_derived(settings: Mapping[str, Any], scheme: str) -> Dict[str, Any]:
    """Settings with what follows from the registry, which speaks ``scheme`` (http or https)."""
    registry = derived_from(settings)
    endpoint = "%s://%s" % (scheme, registry)
    return dict(
        settings,
        mirror_prefix=prefix_of(settings),
        registries={"mirrors": {registry: {"endpoint": [endpoint]}}},
        registries_merge=True,
    )
