# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address by which boards join, as an inventory says it: riscv_k3s_api_endpoint, or k3s-ansible's. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?\Z")
_SCHEME = "https://"
_NEXT = "write a name, an address, NAME:PORT, [IPv6]:PORT or https://NAME:PORT"


class Endpoint(NamedTuple):
    """Where boards join."""

    host: str
    # None where nobody says one.
    port: Optional[str]
    # Whether it was a URL: without a port that is 443, as k3s reads it.
    is_url: bool = False

    def url(self, port: str) -> str:
        """The URL; ``port`` is that of a server where nobody says another one."""
        port = self.port or ("" if self.is_url else port)
        return _SCHEME + bracketed(self.host) + (":" + port if port else "")


def given(settings: Mapping[str, Any]) -> Optional[Endpoint]:
    """What the settings of a board say, None for nothing. Raises Problem, which shows no login."""
    foreign = settings.get("k3s_ansible") or {}
    setting = "riscv_k3s_api_endpoint" if settings.get("api_endpoint") else "api_endpoint"
    text = settings.get("api_endpoint") or foreign.get("api_endpoint")
    if text is None or text == "":
        return None
    if not isinstance(text, str):
        raise Problem("%s is no address" % setting, found=type(text).__name__, next_step=_NEXT)
    return _read(text.strip(), setting) if text.strip() else None


def port_of(settings: Mapping[str, Any], told: Mapping[str, Any], default: str) -> str:
    """The port at which servers are joined where the endpoint has none. Raises Problem."""
    foreign = settings.get("k3s_ansible") or {}
    for name, value in (("api_port", foreign.get("api_port")), ("https-listen-port", told.get("https-listen-port"))):
        if value is None or value == "":
            continue
        if not _is_port(str(value)):
            raise Problem("%s is no port" % name, found=str(value), next_step="write a number from 1 to 65535")
        return str(value)
    return default


def _read(text: str, setting: str) -> Endpoint:
    scheme, mark, rest = text.partition("://")
    if mark and scheme.lower() != "https":
        raise Problem("%s does not begin with https" % setting, found=scheme, next_step="servers of k3s speak https")
    rest = (rest if mark else text).rstrip("/")
    if "@" in rest:
        raise Problem("%s holds a login, and k3s has none there" % setting, next_step=_NEXT)
    host, port = _split(rest, bool(mark))
    if _means_itself(host):
        raise Problem(
            "%s means each board itself" % setting, found=text, next_step="write by which address others reach a server"
        )
    if not _is_host(host) or (port is not None and not _is_port(port)):
        raise Problem("%s is no address at which servers can be joined" % setting, found=text, next_step=_NEXT)
    return Endpoint(host, port, bool(mark))


def _split(text: str, is_url: bool) -> Tuple[str, Optional[str]]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            return "", None
        return host, rest[1:] if rest else None
    if text.count(":") == 1:
        host, dummy, port = text.partition(":")
        return host, port
    # Whether the end of fd00::1:6443 is a port, nobody can tell.
    return ("" if ":" in text and (is_url or text.endswith(":6443")) else text), None


def _is_host(text: str) -> bool:
    try:
        # A zone (fe80::1%eth0) means another interface on each board.
        return not getattr(ipaddress.ip_address(text), "scope_id", None)
    except ValueError:
        # 192.168.1.300 is no name either.
        return bool(_NAME.match(text)) and not re.match(r"[0-9.]+\Z", text)


def is_name(host: str) -> bool:
    """Whether it is no address, and another machine may have it."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return not _means_itself(host)
    return False


def _means_itself(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower().rstrip(".") in ("localhost", "localhost.localdomain")
    return address.is_loopback or address.is_unspecified


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65536


def bracketed(host: str) -> str:
    return "[%s]" % host if ":" in host and not host.startswith("[") else host
