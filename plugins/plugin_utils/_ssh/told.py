# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a board says where it does not do what it was told: what that means, and without the password in it. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

HIDDEN = "…"


class Meaning(NamedTuple):
    what: str
    next_step: str


# In the words of OpenSSH, PAM, shadow, util-linux and sudo. Programs that lock an account out come first: their words
# name a password or a terminal, too.
_KNOWN = (
    (
        r"password has expired|password change required|required to change your password|must change your password",
        Meaning(
            "its password has expired",
            "log in there by hand once (`ssh`, with a terminal), set a new password, and give that one here",
        ),
    ),
    (
        r"system is booting up|unprivileged users are not permitted to log in yet|system is going down",
        Meaning("the board lets nobody but root log in yet", "wait until it has started, and try again"),
    ),
    (
        r"account has expired|account (?:is )?expired",
        Meaning("the account has expired", "log in as another user, or lift it there: chage -E -1 USER"),
    ),
    (
        r"account is (?:currently )?not available|login is disabled|may not log ?in",
        Meaning("the user's login runs no commands", "log in as another user, or give this one a shell there"),
    ),
    (
        r"must have a tty",
        Meaning("sudo wants a terminal there", "take requiretty out of /etc/sudoers, or log in as root"),
    ),
)


def meaning(text: str) -> Meaning | None:
    """What a board means by its words; None for others."""
    return next((one for pattern, one in _KNOWN if re.search(pattern, text, re.IGNORECASE)), None)


def hidden(text: str, password: str) -> str:
    """A text from a board, without the password: a menu in the place of a shell repeats what it is told."""
    return text.replace(password, HIDDEN) if password else text
