# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files for a registry's TLS, looked at before skopeo is: it does not say which file is wrong, or that one is."""

from __future__ import annotations

import os
import ssl

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

_CERTIFICATE, _KEY = b"-----BEGIN CERTIFICATE-----", b"PRIVATE KEY-----"
_HOLDS = {"ca_file": _CERTIFICATE, "cert_file": _CERTIFICATE, "key_file": _KEY}
_CONVERT = "give it as PEM (`openssl x509 -inform DER -in FILE` makes PEM of DER)"


def check(host, files):
    """Raise Problem for one of ``files`` ({option: path}) that cannot be used for the registry ``host``."""
    for option, path in files.items():
        data = _read(host, option, path)
        if _HOLDS[option] not in data:
            kind = "key" if option == "key_file" else "certificate"
            raise _unusable(host, option, "%s holds no %s" % (path, kind), _CONVERT)
        if option == "key_file" and b"ENCRYPTED" in data:
            step = "take the passphrase off a copy of it that nobody else can read (`openssl pkey`)"
            raise _unusable(host, option, "%s has a passphrase" % path, step)
    if "key_file" in files and not _is_pair(files["cert_file"], files["key_file"]):
        found = "%s is the key of another certificate than %s" % (files["key_file"], files["cert_file"])
        raise _unusable(host, "key_file", found, "give the two that were made together")


def _read(host, option, path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise _missing(host, option, path) from error
    except OSError as error:
        raise _unusable(host, option, "%s: %s" % (path, error.strerror), "correct its path or permissions") from error


def _missing(host, option, path):
    found, step = "no file %s" % path, "correct its path, or put it there"
    if not os.path.isabs(path):
        found += " in %s" % os.getcwd()
        step += "; write a path from the root, for example with {{ inventory_dir }} in front"
    return Problem("the %s for %s is not there" % (option, host), found=found, next_step=step)


def _unusable(host, option, found, step):
    return Problem("the %s for %s cannot be used" % (option, host), found=found, next_step=step)


def _is_pair(certificate, key):
    """False only where OpenSSL says so: what else it does not like, skopeo's own library may take."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as error:
        return error.reason != "KEY_VALUES_MISMATCH"
    return True
