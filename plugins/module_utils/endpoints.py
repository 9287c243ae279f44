# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By which scheme a registry is reached, as the endpoints of its own mirror say (registries.yaml, hosts.toml). Pure."""

from __future__ import annotations

from typing import Iterable, List, Optional

_PORTS = {"http": ":80", "https": ":443"}


def own_endpoint(host: str, endpoints: Optional[Iterable[str]]) -> Optional[str]:
    """The first of ``endpoints`` that is the registry ``host`` itself, None when none is.

    One of another host says nothing of this registry: containerd asks the registry itself by https after it.
    """
    return next((url for url in endpoints or () if _is_of(url, host)), None)


def own_scheme(host: str, endpoints: Optional[Iterable[str]]) -> Optional[str]:
    """The scheme of `own_endpoint`, http or https, or None."""
    url = own_endpoint(host, endpoints)
    return url.partition("://")[0].lower() if url else None


def speaks_http(host: str, endpoints: Optional[Iterable[str]]) -> bool:
    """Whether the registry ``host`` is known to speak http, by the ``endpoints`` of the mirror of its own name."""
    return own_scheme(host, endpoints) == "http"


def others(host: str, endpoints: Optional[Iterable[str]]) -> List[str]:
    """The ``endpoints`` of the mirror of ``host`` that are another host: containerd asks them before it."""
    return [url for url in endpoints or () if host_of(url) and not _is_of(url, host)]


def _is_of(url: str, host: str) -> bool:
    port = _PORTS.get(url.partition("://")[0].lower(), "")
    return host_of(url).lower() in (host.lower(), host.lower() + port)


def host_of(url: str) -> str:
    """HOST or HOST:PORT of an address."""
    # Not urlsplit, which raises for what a board's files may hold.
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2]
