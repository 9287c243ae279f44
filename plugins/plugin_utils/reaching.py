# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do where ssh did not reach a board, or Ansible ended the look at it, by what they said of that. Pure."""

from __future__ import annotations

import re
from typing import Optional

_ENDED = re.compile(r"Timed out after \d+ second")
_NO_TIME = (
    "give tasks more time: task_timeout in ansible.cfg, or ANSIBLE_TASK_TIMEOUT, ended this one. What waits here has a "
    "limit of its own, so 0 will do"
)
# In the words of OpenSSH, which speaks English alone, and of Ansible. What stands above may come with what is below.
_KNOWN = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        "find out why its host key is another one: the board was set up anew, or another machine has its address. "
        "If it is right, `ssh-keygen -R ADDRESS` forgets the old one",
    ),
    (
        r"Host key verification failed",
        "compare its host key with the board's, and record it by logging in once with ssh, or let riscv.k3s.enroll do "
        "so. A container, as of a job of AWX, needs a known_hosts of its own",
    ),
    (
        r"too long for Unix domain socket",
        "name a shorter folder for ssh's sockets on this machine: ANSIBLE_SSH_CONTROL_PATH_DIR, or ANSIBLE_HOME, in "
        "which it is",
    ),
    (r"Too many authentication failures", "offer one key alone: ansible_ssh_private_key_file, and IdentitiesOnly=yes"),
    (
        r"UNPROTECTED PRIVATE KEY FILE|bad permissions",
        "let this user alone read the private key on this machine (mode 0600)",
    ),
    (
        r"Permission denied \([a-z,-]+\)",
        "check the user (ansible_user) and the key (ansible_ssh_private_key_file). A board that has a password only "
        "gets a key by riscv.k3s.enroll",
    ),
    (
        r"must install the sshpass program",
        "install sshpass on this machine, or give the boards a key by riscv.k3s.enroll, which needs none",
    ),
    (r"Could not resolve hostname", "correct its name, or set ansible_host to its address"),
    (
        r"connect to host \S+ port \d+: Connection refused",
        "see that sshd runs on the board, and listens on that port (ansible_port)",
    ),
    (
        r"connect to host \S+ port \d+: |not responding|timed out",
        "see that the board is on, and has this address (ansible_host). One that is only slow needs a longer "
        "ANSIBLE_TIMEOUT",
    ),
    (
        r"kex_exchange_identification|banner exchange|Connection (?:closed|reset) by \S+ port",
        "try again: sshd there broke the connection off, as it does while the board starts, or with too many logins at "
        "once (MaxStartups in its sshd_config; a smaller ANSIBLE_FORKS here)",
    ),
)


def remedy(text: str) -> Optional[str]:
    """What to do about a text that tells that; None for another text."""
    if remedy_of_time(text) or "ssh" not in text:
        return remedy_of_time(text)
    return next((what for pattern, what in _KNOWN if re.search(pattern, text)), None)


def remedy_of_time(text: str) -> Optional[str]:
    """What to do where Ansible ended a task; None for another text."""
    return _NO_TIME if _ENDED.search(text) else None
