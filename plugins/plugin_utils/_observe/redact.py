# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Free text of programs, without what looks like a secret. Pure."""

from __future__ import annotations

import re

# A value is blanked when the word before it says that it is a secret.
_SECRET = re.compile(
    r"""((?:pass(?:word|wd)?|secret|token|api[-_]?key|credentials?|authorization)["']?\s*[:=]\s*["']?(?:(?:basic|bearer)\s+)?|\b(?:basic|bearer)\s+)"""
    r"""[^\s"',;&]+|(://[^\s/:@]+:)[^\s/@]+(?=@)""",
    re.IGNORECASE,
)


def redact(text):
    """``text`` with the values of what looks like passwords and tokens blanked."""
    return _SECRET.sub(lambda match: (match.group(1) or match.group(2)) + "…", text)
