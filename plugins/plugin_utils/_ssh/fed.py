# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripts for the shell of a login, whichever it is: a short command, whose /bin/sh reads the script from what is sent.
Pure.

As an argument a script would not do: fish and tcsh read quotes and the ends of lines in ways of their own, and dropbear
takes no command of more than 9000 bytes.
"""

from __future__ import annotations

from typing import NamedTuple

# dd takes no byte too many, as busybox's head does: what is sent behind the script is for the script. One that did not
# arrive whole, or behind something else, is not run at all.
_COMMAND = '/bin/sh -c \'text=$(dd bs=1 count=%d 2>/dev/null); case $text in "exec 2"*%s) eval "$text" ;; esac\''


class Fed(NamedTuple):
    """``data`` is to be sent first."""

    command: str
    data: bytes


def fed(text: str, token: str, before: str = "") -> Fed:
    """``token`` is a random word, ``before`` how it is to be root. It writes its errors where it writes all else."""
    data = ("exec 2>&1\n%s\n#%s" % (text.rstrip("\n"), token)).encode()
    return Fed(before + _COMMAND % (len(data), token), data)
