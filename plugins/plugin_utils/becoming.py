# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do where Ansible could not become root on a board, by what it or the board said of that. Pure."""

from __future__ import annotations

import re
from typing import Optional

_OTHERWISE = "let the user become root without a password (NOPASSWD in sudoers), or log in as root"
# In the words of Ansible, sudo, sudo-rs and shells.
_KNOWN = (
    (
        r"waiting for (?:privilege escalation|become success or become password) prompt|\[sudo: \[sudo via ansible",
        # ansible/ansible#85837
        "where sudo is sudo-rs (Ubuntu 25.10 and later), Ansible does not know its question for the password: set "
        "ansible_become_exe to sudo.ws, which is there too; or " + _OTHERWISE + ". A board that is only slow needs a "
        "longer ANSIBLE_TIMEOUT",
    ),
    (
        r"(?:[Mm]issing|[Ii]ncorrect) (?:\w+ )?password|a (?:terminal|password) is required|no password was provided"
        r"|no tty present",
        "give the user's password with -K (ansible_become_password), or " + _OTHERWISE,
    ),
    (r"must have a tty", "take requiretty out of sudoers there, or log in as root"),
    (
        r"sudo: (?:command )?(?:not found|inaccessible)|(?:unknown command:?|can't execute) '?sudo|sudo: No such file",
        "there is no sudo: install it; or, where doas is, set ansible_become_method to community.general.doas; or log "
        "in as root",
    ),
    (r"not in the sudoers file|is not allowed to (?:execute|run)|may not run sudo", _OTHERWISE),
)


def remedy(text: str) -> Optional[str]:
    """What to do about a text that tells that; None for another text."""
    return next((what for pattern, what in _KNOWN if re.search(pattern, text, re.IGNORECASE)), None)
