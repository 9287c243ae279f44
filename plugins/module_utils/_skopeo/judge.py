# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before a registry is told a login it is asked without one, once, and trust judges by the log whether it may be."""

from __future__ import annotations

import threading

from ansible_collections.riscv.k3s.plugins.module_utils._failure.errors import RegistryProblem, about, failed, timed_out
from ansible_collections.riscv.k3s.plugins.module_utils._host.command import TimedOut
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo import trust
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import Access
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.program import has_proxy
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


class Judge:
    """``registries`` is {host: Access}, ``program`` a Program, ``logins`` its Logins; a question lasts ``timeout``
    seconds.
    """

    def __init__(self, registries, program, logins, timeout):
        self._registries, self._program, self._logins, self._timeout = registries, program, logins, timeout
        self._judged, self._stored = {}, {}
        self._lock = threading.Lock()

    def check(self, name, reference):
        """Raise Problem unless the registry of ``name`` may be asked, with its login; ``reference`` is what is asked
        for without one.
        """
        access = self._registries.get(name.registry, Access(name.registry))
        with self._lock:
            has_login = self._has_login(name, access)
            if not has_login and access.tls_verify:
                return
            key = name.registry, has_login
            if key not in self._judged:
                self._judged[key] = name, self._judge(name, access, has_login, reference)
        first, problem = self._judged[key]
        if problem:
            raise about(problem, first, name) if isinstance(problem, RegistryProblem) else problem

    def check_sent(self, name, log):
        """Raise RegistryProblem when skopeo's ``log`` tells that it asked in another way than it should."""
        access = self._registries.get(name.registry)
        # For others this machine's registries.conf holds, which may have mirrors with logins of their own.
        if access and self._has_login(name, access):
            trust.check_sent(log, access, not has_proxy("https"))
        if access:
            trust.check_scheme(log, access)

    def _has_login(self, name, access):
        """Whether skopeo shows a login: that of ``access``, or one that the user stored for the registry or a path."""
        if access.has_login or access.anonymous:
            return access.has_login
        if name.name not in self._stored:
            self._stored[name.name] = self._program.user_has_login(name, self._timeout)
        return self._stored[name.name]

    def _judge(self, name, access, has_login, reference):
        """The Problem, None when there is none."""
        try:
            asked = self._ask(name, reference)
            if asked.rc and has_login and not trust.asked(asked.err):
                # It came not so far as to ask anybody: that is told, not that nobody was asked.
                return failed("%s cannot be read" % name.full, name, asked.err, access, asked.rc)
            trust.check(asked.err, access, has_login)
        except TimedOut as error:
            # What is not listed may be reached by a mirror only.
            is_listed = name.registry in self._registries
            return is_listed and timed_out("%s cannot be read" % name.full, name, error.err, self._timeout)
        except Problem as problem:
            return problem
        return None

    def _ask(self, name, reference):
        argv = ["inspect", "--raw", "--no-creds"] + self._logins.options(name.registry) + [reference]
        if "--authfile" in argv:
            at = argv.index("--authfile")
            del argv[at : at + 2]
        return self._program.start(argv, self._timeout, name, alone=True)
