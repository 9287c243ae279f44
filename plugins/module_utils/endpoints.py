# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By which scheme a registry is reached, as the endpoints of its own mirror say (registries.yaml, hosts.toml). Pure."""

from __future__ import annotations

import re
from typing import Iterable, List, Optional, Tuple

_PORTS = {"http": ":80", "https": ":443"}
# Asked by http where no scheme is given.
_NEAR = re.compile(r"(?:localhost|127\.[0-9.]+|\[::1\]):(?!443\Z)[0-9]+\Z")


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


def as_asked(url: str) -> Tuple[str, str, str]:
    """An endpoint as k3s tells it to containerd: (scheme, host, path), equal for all spellings of one.

    Of one that stands there twice k3s of early 2024, before 1.29.3, makes a hosts.toml that containerd cannot read, and
    then it uses none of them.
    """
    scheme, dummy, rest = url.rpartition("://")
    host, slash, path = rest.partition("/")
    scheme = scheme.lower() or ("http" if _NEAR.match(host) else "https")
    return scheme, host.lower(), "" if path in ("", "v2") else slash + path


def _is_of(url: str, host: str) -> bool:
    port = _PORTS.get(url.partition("://")[0].lower(), "")
    return host_of(url).lower() in (host.lower(), host.lower() + port)


def host_of(url: str) -> str:
    """HOST or HOST:PORT of an address."""
    # Not urlsplit, which raises for what a board's files may hold.
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2]
