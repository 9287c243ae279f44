# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of the machine that runs skopeo: its files and programs. No registry was asked, or none is to blame. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple, Optional

_LOGINS = "$XDG_RUNTIME_DIR/containers/auth.json, ~/.config/containers/auth.json and ~/.docker/config.json"


class Fault(NamedTuple):
    """``sign`` is looked for in skopeo's reason, from its first letter on; a registry's own words never stand there."""

    sign: str
    why: str
    next_step: str


_FAULTS = (
    Fault(
        r"getting username and password: .*(?:error getting credentials|docker-credential-)",
        "a credential helper of this machine fails",
        "install or repair it (a program docker-credential-NAME in PATH), or take it out of credHelpers in " + _LOGINS,
    ),
    Fault(
        r"getting username and password: ",
        "this user's stored logins cannot be read",
        "correct the file, or remove it and log in again; looked at are " + _LOGINS,
    ),
    Fault(
        r"Error loading trust policy: |loading (?:trust|signature) policy: ",
        "this machine's rules about signatures cannot be read",
        "correct policy.json, the file that is named",
    ),
    Fault(
        r"Source image rejected: ",
        "this machine's rules about signatures refuse it",
        "allow it in ~/.config/containers/policy.json, or /etc/containers/policy.json where that is not there",
    ),
    Fault(
        r"registry \S+ is blocked in ",
        "this machine's registries.conf blocks its registry",
        "remove the block from the file that is named, or describe this registry in the inventory: "
        "of those registries.conf says nothing",
    ),
    Fault(
        r"loading registries configuration",
        "this machine's registries.conf cannot be read",
        "correct the file that is named",
    ),
    Fault(
        r"(?:missing (?:key|client certificate) \S+ for |tls: (?:failed to (?:parse|find)|private key))",
        "the certificate that this machine should show, or its key, cannot be used",
        "give PEM files of one pair, the key without a passphrase (cert_file and key_file, else certs.d of this "
        "machine's containers)",
    ),
    Fault(
        r"(?:Invalid (?:source|destination) name \S+: )?invalid reference format",
        "this skopeo takes no such name",
        "name the registry by a host name or an IPv4 address, and write the repository in lower case",
    ),
    Fault(r"unknown flag", "this skopeo is too old", "install skopeo 1.9 or newer"),
    Fault(
        r"(?:[a-z ]+: )?(?:open|mkdir|stat|lstat|parsing) /\S+: (?!.*(?:no space left|quota exceeded|file too large))",
        "a file of this machine cannot be read or written",
        "correct the file that is named, or its permissions",
    ),
)


def fault(text, log_has_reason, rc) -> Optional[Fault]:
    """The Fault that skopeo's reason ``text`` tells of, None when there is none.

    ``rc`` is its exit status: without a reason of its own, skopeo itself could not run.
    """
    if not log_has_reason and (rc < 0 or rc in (126, 127)):
        return _not_run(rc)
    return next((one for one in _FAULTS if re.match(one.sign, text)), None)


def _not_run(rc):
    if rc < 0:
        ended = "skopeo was killed (signal %d)" % -rc
        return Fault("", ended, "check whether this machine has run out of memory, or what kills programs there")
    return Fault("", "this machine's skopeo cannot run", "run `skopeo --version` there, and reinstall the package")
