# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the program skopeo is started: what it may read of this machine, by which way it goes, and when it is ended."""

from __future__ import annotations

import os

from ansible_collections.riscv.k3s.plugins.module_utils._failure.words import NO_PLAIN_HTTP
from ansible_collections.riscv.k3s.plugins.module_utils._host.command import OwnPathRunner, find_program
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# What ends a skopeo that does not end by its own limit, seconds.
_GRACE = 5
_POLICIES = ("~/.config/containers/policy.json", "/etc/containers/policy.json")


class Program:
    """skopeo on this machine. ``registries`` is {host: Access}, ``logins`` a Logins that is entered before a start."""

    def __init__(self, registries, logins, runner=None):
        if runner is None and not find_program("skopeo", own_path=True):
            raise _missing()
        self._registries, self._logins, self._runner = registries, logins, runner or OwnPathRunner()

    def start(self, argv, seconds, name, watch=None, alone=False):
        """Run ``argv`` for the image ``name`` and return a Result; ``alone``: without this machine's registries.conf,
        which else holds for registries that are not listed. Raises TimedOut.
        """
        general = ["skopeo", "--debug", "--command-timeout", "%ds" % seconds]
        # The user's own rules about signatures hold, where there are any.
        if not any(map(os.path.exists, map(os.path.expanduser, _POLICIES))):
            general.append("--insecure-policy")
        access = self._registries.get(name.registry)
        if access or alone:
            general += ["--registries-conf", self._logins.no_configuration]
        env = {} if access and access.plain_http else _without_http()
        return self._runner.run(
            general + argv,
            timeout=seconds + _GRACE,
            env=env,
            check=False,
            watch=watch,
            largest=watch and watch.limit,
        )

    def user_has_login(self, name, seconds):
        """Whether the user stored a login for the registry of ``name``, or for a path there that leads to it."""
        argv = ["skopeo", "login", "--get-login", name.name]
        return self._runner.run(argv, timeout=seconds + _GRACE, check=False).rc == 0


def has_proxy(scheme):
    """Whether the environment names a proxy for ``scheme``, http or https."""
    return any(os.environ.get(name) for name in (scheme + "_proxy", (scheme + "_proxy").upper()))


def _without_http():
    """Variables with which plain http is not reached: a proxy for it at which nothing listens."""
    stop = dict.fromkeys(("HTTP_PROXY", "http_proxy"), "http://" + NO_PLAIN_HTTP)
    # What stands in no_proxy is reached by http in spite of that; it is needed only beside a proxy for https.
    return stop if has_proxy("https") else dict(stop, NO_PROXY="", no_proxy="")


def _missing():
    return Problem(
        "skopeo was not found on this machine",
        found="no program of that name",
        next_step="install the package skopeo (Debian, Ubuntu, Fedora, Alpine, openEuler, Arch; on macOS "
        "`brew install skopeo`)",
    )
