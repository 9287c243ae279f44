# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A containerd that does not answer ctr or crictl: whether it is not there, or only late. Pure.

Recorded from ctr 1.6.20 and crictl 1.34 at a socket that is missing, one that nobody listens at, and one that accepts
and stays silent. ctr waits for a missing socket as well, so that its deadline alone tells nothing.
"""

from __future__ import annotations

import re

_BY_CTR = ("failed to dial", "connection refused", "code = unavailable", "cannot access socket")
_BY_CRICTL = (
    "validate service connection",
    "connect: connection refused",
    "connect: no such file or directory",
    "failed to connect",
)
_LATE = re.compile(r"deadline ?exceeded", re.IGNORECASE)
_ABSENT = re.compile(r"dial unix|connection refused|no such file or directory", re.IGNORECASE)


def ctr_is_silent(message: str) -> bool:
    """Whether what ctr wrote on stderr says that containerd did not answer."""
    return any(sign in message.lower() for sign in _BY_CTR)


def crictl_is_silent(message: str) -> bool:
    """Whether what crictl wrote on stderr says that containerd did not answer."""
    # A refused connection to a registry is told by containerd, so it does not name this program's own socket.
    return any(sign in message for sign in _BY_CRICTL) and ("unix://" in message or "dial unix" in message)


def is_late(message: str) -> bool:
    """Whether a containerd that is there did not answer in time: a board that is busy, or a containerd that hangs."""
    return bool(_LATE.search(message)) and not _ABSENT.search(message)
