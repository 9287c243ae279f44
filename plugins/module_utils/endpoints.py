# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By which scheme a registry is reached, as the endpoints of its own mirror say (registries.yaml, hosts.toml). Pure."""

from __future__ import annotations


def own_endpoint(host, endpoints):
    """The first of ``endpoints`` that is the registry ``host`` itself, None when none is.

    One of another host says nothing of this registry: containerd asks the registry itself by https after it.
    """
    return next((url for url in endpoints or () if _host(url) == host), None)


def own_scheme(host, endpoints):
    """The scheme of `own_endpoint`, http or https, or None."""
    url = own_endpoint(host, endpoints)
    return url.partition("://")[0].lower() if url else None


def speaks_http(host, endpoints):
    """Whether the registry ``host`` is known to speak http, by the ``endpoints`` of the mirror of its own name."""
    return own_scheme(host, endpoints) == "http"


def _host(url):
    # Not urlsplit, which raises for what a board's files may hold.
    return url.partition("://")[2].partition("/")[0].rpartition("@")[2]
