# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What skopeo reads of logins and certificates: one folder that nobody else may read, and that is gone afterwards.

Formats: containers-auth.json(5), containers-certs.d(5).
"""

from __future__ import annotations

import base64
import json
import os
from typing import Dict, List, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.own_folder import NEXT_STEP, OwnFolder, cache_folder
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import Access
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


def default_root() -> str:
    """The folder of such folders: below the user's cache folder."""
    return cache_folder("logins")


class Logins:
    """A context manager around everything that is asked with ``accesses``, a dictionary {host: Access}. Raises Problem
    when it cannot be written.
    """

    def __init__(self, accesses: Dict[str, Access], root: Optional[str] = None) -> None:
        self._accesses = accesses
        self._folder = OwnFolder(root or default_root())

    def __enter__(self):
        self._folder.__enter__()
        try:
            self._write("registries.conf", b"")
            os.mkdir(self.work, 0o700)
            for number, access in enumerate(self._accesses.values()):
                self._write_access(str(number), access)
        except OSError as error:
            self.__exit__()
            raise Problem(
                "logins cannot be written for skopeo",
                found=error.strerror,
                where=self._folder.root,
                next_step=NEXT_STEP,
            ) from error
        return self

    def __exit__(self, *error):
        self._folder.__exit__(*error)

    @property
    def work(self) -> str:
        """Path of a folder for images on their way: like the logins it goes also after a kill."""
        return self._path("work")

    @property
    def no_configuration(self) -> str:
        """Path of an empty registries.conf: what the inventory says of a registry is not to be changed by this
        machine's own.
        """
        return self._path("registries.conf")

    def options(self, host: str, side: str = "") -> List[str]:
        """Options of a skopeo command for the registry ``host``; ``side`` is ``src-`` or ``dest-`` for a copy."""
        access = self._accesses.get(host)
        if access is None:
            return []
        number = str(list(self._accesses).index(host))
        found = ["--%stls-verify=false" % side] if access.plain_http or not access.tls_verify else []
        if access.has_login or access.anonymous:
            found += ["--%sauthfile" % side, self._path(number + ".json")]
        if access.files:
            found += ["--%scert-dir" % side, self._path(number)]
        return found

    def _write_access(self, number, access):
        if access.has_login or access.anonymous:
            self._write(number + ".json", _auth_file(access))
        if access.files:
            os.mkdir(self._path(number), 0o700)
        for option, path in access.files.items():
            name = {"ca_file": "ca.crt", "cert_file": "client.cert", "key_file": "client.key"}[option]
            with open(path, "rb") as file:
                self._write(os.path.join(number, name), file.read())

    def _write(self, name, data):
        handle = os.open(self._path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)

    def _path(self, name):
        return os.path.join(self._folder.path, name)


def _auth_file(access):
    if not access.has_login:
        return b"{}"
    login = "%s:%s" % (access.username or "token", access.password or "")
    entry = {"auth": base64.b64encode(login.encode()).decode()}
    if access.identity_token:
        entry["identitytoken"] = access.identity_token
    return json.dumps({"auths": {access.host: entry}}).encode()
