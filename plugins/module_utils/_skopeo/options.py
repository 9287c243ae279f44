# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of modules that ask registries: how to talk to each. Documented in the fragment ``registries``."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._skopeo import certificates
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.scheme import asked_scheme
from ansible_collections.riscv.k3s.plugins.module_utils.image_name import is_registry, without_login
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_REGISTRY = {
    "host": {"type": "str", "required": True},
    "plain_http": {"type": "bool", "default": False},
    "ask_scheme": {"type": "bool", "default": False},
    "tls_verify": {"type": "bool", "default": True},
    "ca_file": {"type": "path"},
    "cert_file": {"type": "path"},
    "key_file": {"type": "path"},
    "files_optional": {"type": "bool", "default": False},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "identity_token": {"type": "str", "no_log": True},
    "token_server": {"type": "str", "no_log": False},
}
REGISTRY_OPTIONS = {
    "registries": {"type": "list", "elements": "dict", "default": [], "options": _REGISTRY},
    "timeout": {"type": "int", "default": 20},
}


class Access(NamedTuple):
    """How to talk to one registry, ``host`` being host or host:port. Files are paths on this machine.

    ``token_server`` is a host that gets the password besides, where the registry names one that is not of its own
    domain.
    """

    host: str
    plain_http: bool = False
    ask_scheme: bool = False
    tls_verify: bool = True
    ca_file: Optional[str] = None
    cert_file: Optional[str] = None
    key_file: Optional[str] = None
    files_optional: bool = False
    username: Optional[str] = None
    password: Optional[str] = None
    identity_token: Optional[str] = None
    token_server: Optional[str] = None
    # Whether also the user's own login is kept from it.
    anonymous: bool = False

    @property
    def has_login(self) -> bool:
        """Whether a login was given for it; without one that of the user holds."""
        return bool(self.password or self.identity_token)

    @property
    def files(self) -> Dict[str, str]:
        """{option: path} of the files that are needed for its TLS."""
        named = {"ca_file": self.ca_file, "cert_file": self.cert_file, "key_file": self.key_file}
        found = {
            option: path
            for option, path in named.items()
            if path and not (self.files_optional and not os.path.isfile(path))
        }
        is_half = len({"cert_file", "key_file"} & set(found)) == 1
        return {option: path for option, path in found.items() if option == "ca_file" or not is_half}


_GIVEN = [field for field in Access._fields if field != "anonymous"]


def accesses(params: Mapping[str, Any]) -> Dict[str, Access]:
    """{host: Access} from a module's ``params``. Raises Problem for a host that is none or is listed twice, half a
    login, or a file that is not there or cannot be used.
    """
    found: dict[str, Access] = {}
    for entry in params["registries"]:
        access = Access(**{field: entry[field] for field in _GIVEN if entry.get(field) is not None})
        if found.setdefault(access.host, access) is not access:
            raise Problem(
                "the registry %s is listed twice" % access.host,
                where="registries",
                next_step="leave one of the entries",
            )
        _check(access)
        if access.ask_scheme and not access.plain_http:
            found[access.host] = _with_scheme(access, seconds_of(params))
    return found


def _with_scheme(access, seconds):
    """The same where it is known whether it speaks http."""
    if asked_scheme(access.host, seconds) == "https":
        return access
    if access.has_login:
        raise Problem(
            "the registry %s speaks http, so the login was not sent" % access.host,
            where="riscv_k3s_registry",
            next_step="set riscv_k3s_registry_plain_http: true if it may go over the network as it is",
        )
    return access._replace(plain_http=True, anonymous=True)


def seconds_of(params: Mapping[str, Any]) -> int:
    """The time-out in a module's ``params``. Raises Problem for one that is none."""
    if params["timeout"] > 0:
        return params["timeout"]
    raise Problem("%s is not a timeout" % params["timeout"], where="timeout", next_step="give seconds, 1 or more")


def _check(access):
    if not is_registry(access.host):
        raise Problem(
            "%r is not a registry" % without_login(access.host),
            found="no HOST or HOST:PORT",
            where="registries",
            next_step="leave out scheme and path (riscv_k3s_registry)",
        )
    if bool(access.username) != bool(access.password) and not access.identity_token:
        given, lacks = ("username", "password") if access.username else ("password", "username")
        raise Problem(
            "the login for %s is not complete" % access.host,
            found="%s without %s" % (given, lacks),
            next_step="give both, or none",
        )
    if bool(access.cert_file) != bool(access.key_file):
        raise Problem(
            "the certificate for %s is not complete" % access.host,
            found="one of cert_file and key_file",
            next_step="give both, or none",
        )
    certificates.check(access.host, access.files)
