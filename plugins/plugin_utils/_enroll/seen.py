# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a board that is to be enrolled has already. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, NamedTuple, Optional

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable

_LONGEST_NAME = 253
_TOLD = ("home", "folder", "file", "hosts")


class File(NamedTuple):
    """``mode`` is as ls shows it, with the kind in front; ``names`` how many hard links it has."""

    mode: str
    names: int
    owner: int
    size: int


class Seen(NamedTuple):
    """``folder`` is ~/.ssh and ``file`` authorized_keys in it, None where there is none; ``keys`` and ``hosts_text``
    are what the files hold.
    """

    uid: int
    home: Optional[File]
    folder: Optional[File]
    file: Optional[File]
    hosts: Optional[File]
    hostname: str
    hostname_file: str
    becomes: str  # "root", "root with its password", or "" where the program for it is not there
    keys: str
    hosts_text: str
    cloud_init: str = ""  # "keeps" or "sets" the host name at a start, "" where it is not there


def seen(sections: Mapping[str, Any]) -> Seen:
    """From the sections of look.sh. Raises Problem."""
    told = _words(sections["account"].out)
    if "end" not in told or not re.match(r"[0-9]{1,10}\Z", told.get("uid", "")):
        raise Problem("the board does not tell who is logged in", found=sections["account"].err[:200])
    files = {name: _file(told.get(name, "")) for name in _TOLD}
    for name in ("keys", "hosts"):
        if sections[name].rc:
            raise Problem("a file there cannot be read", found=sections[name].err[:200])
    return Seen(
        uid=int(told["uid"]),
        hostname=_name(told.get("hostname", "")),
        hostname_file=_name(told.get("hostname_file", "")),
        becomes=told.get("becomes", ""),
        keys=sections["keys"].out,
        hosts_text=sections["hosts"].out,
        cloud_init=told.get("cloud_init", ""),
        **files,
    )


def _name(text: str) -> str:
    return printable(text)[:_LONGEST_NAME]


def _words(text: str) -> Dict[str, str]:
    return {line.partition(" ")[0]: line.partition(" ")[2].strip() for line in text.split("\n") if line}


def _file(text: str) -> Optional[File]:
    if not text:
        return None
    words = text.split()
    if len(words) != 4 or not all(re.match(r"[0-9]{1,15}\Z", word) for word in words[1:]):
        raise Problem("a file there cannot be told", found=text[:200])
    # Behind the mode may stand a mark of SELinux or of access lists.
    return File(words[0][:10], *map(int, words[1:]))
