# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a board was not reached, or not read."""

from __future__ import annotations

from typing import Any

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# What to do about each of them, "%s" is the board's address.
NEXT = {
    "refused": "see whether sshd runs there, and on which port",
    "timeout": "see whether the board is up; raise timeout where it is only slow",
    "no_route": "check the address, and whether this machine has a way to that network",
    "name": "check the name, or give the address",
    "no_ssh": "see what `ssh %s id` answers; check the port, for what answers there may be no ssh",
    "host_key_unknown": "compare the fingerprint with the board's (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub "
    "there); then record it by logging in once with ssh, or let new keys be recorded with accept_new: true",
    "host_key_changed": "find out why: the board was set up anew, or somebody stands between. If it is right, remove "
    "the old key (ssh-keygen -R '%s') and record the new one",
    "host_key_revoked": "do not use this board before its host key was made anew",
    "host_key_unexpected": "compare it with what `ssh-keygen -lf %s` says on the board; each kind of key has its own "
    "fingerprint",
    "host_key_not_recorded": "see that the file can be written",
    "authentication": "check the user, and that one of its keys or passwords is given here",
    "nonsense": "see what `ssh %s id` answers",
    "other": "see what `ssh %s id` answers",
}


class Unreached(Problem):
    """``reason`` is one of NEXT."""

    reason: str

    def __init__(self, reason: str, what: Any, found: Any = None, where: Any = None, name: str = "HOST") -> None:
        step = NEXT[reason]
        super().__init__(what, found, where, step % name if "%s" in step else step)
        self.reason = reason
