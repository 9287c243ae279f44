# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action before the module k3s_run_lease: it knows this controller's processes, and waits here."""

from __future__ import annotations

import getpass
import os
import socket
import time

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.riscv.k3s.plugins.module_utils._journal.lease import LEASE_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

MODULE = "riscv.k3s.k3s_run_lease"
INTERVAL = 5


def holder():
    """The ansible-playbook process that this task is of (an action runs in a child of it), as lease.HOLDER_KEYS."""
    pid = os.getppid()
    row = {
        "user": _user(),
        "host": socket.gethostname(),
        "boot": _boot(),
        "namespace": _namespace(),
        "pid": pid,
        "started": _started(pid),
    }
    return dict(row, id="%s-%s-%d-%s" % (row["host"], row["boot"][:8], pid, row["started"]))


def is_gone(held):
    """Whether the process that holds a lease surely runs no more. Known only of a process that this kernel and process
    namespace would show.
    """
    if not held["boot"] or (held["host"], held["boot"], held["namespace"]) != (
        socket.gethostname(),
        _boot(),
        _namespace(),
    ):
        return False
    return _started(held["pid"]) != held["started"]


def _user():
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _boot():
    return _read("/proc/sys/kernel/random/boot_id").strip()


def _namespace():
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _started(pid):
    """When a process started, in clock ticks since boot; "" when there is none. A number is used again, this is not."""
    words = _read("/proc/%d/stat" % pid).rpartition(")")[2].split()
    # A process that was killed and not yet waited for does nothing any more.
    return words[19] if len(words) > 19 and words[0] not in "ZX" else ""


def _uptime():
    """Seconds since this controller's start, those that it slept among them where it tells: its clock may be set."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _unreached(state, found, server):
    """The result where the server cannot be reached. What ends anyway is not held up by a lease that stays."""
    problem = Problem(
        "the lease of the fleet cannot be %s" % {"released": "given back", "renewed": "renewed"}.get(state, "taken"),
        found=found,
        where=server,
        next_step="the next run on this controller takes it over, elsewhere it ends by time (riscv_k3s_lease_seconds)"
        if state == "released"
        else "mend that server and run again: finished boards are left alone",
    )
    if state == "released":
        return {"changed": False, "warnings": [str(problem)]}
    return dict(problem.parts(), changed=False, failed=True, msg=str(problem))


class ActionModule(ActionBase):
    """Take, renew or release the lease.

    The board that the task is of is not the server that keeps the lease. If that one cannot be reached, the task fails
    and its board is not called unreachable: Ansible would count it twice and go on with the next wave.
    """

    TRANSFERS_FILES = False

    def run(self, tmp=None, task_vars=None):
        """What the module returns, or that the server cannot be reached."""
        try:
            return self._run(tmp, task_vars)
        except AnsibleConnectionFailure as error:
            return _unreached(self._task.args.get("state"), str(error), self._task.delegate_to)

    def _run(self, tmp, task_vars):
        """Run the module as often as it takes until the lease is there or the time to wait is over."""
        super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=LEASE_OPTIONS)
        at = options["at"]
        if options["state"] == "renewed" and at is not None and _uptime() < at + options["seconds"] / 4:
            return {"changed": False, "at": at}
        arguments = dict(self._task.args, holder=options["holder"] or holder())
        deadline = time.monotonic() + options["wait"]
        while True:
            result = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
            held = result.get("held_by") if result.get("failed") else None
            if not held:
                # One that is given back is held no more: another playbook of the same run takes it anew.
                return result if options["state"] == "released" else dict(result, at=_uptime())
            if is_gone(held) and arguments.get("take_over") != held["id"]:
                arguments["take_over"] = held["id"]
                continue
            if time.monotonic() >= deadline:
                return result
            time.sleep(min(INTERVAL, max(0, deadline - time.monotonic())))
