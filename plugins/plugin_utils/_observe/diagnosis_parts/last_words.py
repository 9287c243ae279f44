# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What k3s itself wrote last, and of archives of images: the reader of what last_words.sh writes. Pure."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._journal.owned_files import ARCHIVES

_HELD = "held "
_UNREAD = "k3s's log was not read to its end: it is not known whether k3s could import all archives in %s" % ARCHIVES
# When k3s started and what time it is, in seconds since the boot.
_MOMENTS = re.compile(r"([0-9]+) ([0-9]+)(?:\.[0-9]+)?(?: |$)")


def read_last_words(seen: Any) -> Dict[str, Any]:
    """The part ``last_words``: errors and starts at the end of k3s's log, oldest first; empty where k3s runs. And
    ``imports``, where it runs: a line of its log for each archive that is there and that it could not import.
    """
    lines, imports = _lines(seen, "last_words"), _lines(seen, "imports")
    if imports and imports[-1] != seen.token:
        seen.error("imports", _UNREAD)
    return {
        "last_words": lines[1:] if lines and _MOMENTS.match(lines[0]) else lines,
        "imports": _failed_imports(imports),
    }


def _lines(seen: Any, step: str) -> List[str]:
    if step not in seen.sections:
        return []
    return [line.rstrip() for line in seen.sections[step].out.split("\n") if line.strip()]


def _failed_imports(lines: List[str]) -> List[str]:
    """Since k3s started last. It tries again when a file changes: what it said last of an archive counts."""
    held = sorted((line[len(_HELD) :] for line in lines if line.startswith(_HELD)), key=len)
    failed: Dict[str, str] = {}
    for line in lines:
        if "Starting k3s v" in line:
            failed = {}
        # The longest: the name of one may be the beginning of another, also of one that is gone.
        name = next((one for one in held[::-1] if _is_named(one, line)), None)
        if name is None or line.startswith(_HELD):
            continue
        failed.pop(name, None)
        if "level=error" in line:
            failed[name] = line
    return list(failed.values())


def _is_named(name: str, line: str) -> bool:
    return bool(re.search(re.escape("%s/%s" % (ARCHIVES, name)) + r"(?![\w.-])", line))


def seconds_of_k3s(seen: Any) -> Optional[int]:
    """For how many seconds k3s has been running, None where it was not seen: looked for anew after its containerd did
    not answer.
    """
    words = seen.sections["last_words"].out.lstrip() if "last_words" in seen.sections else ""
    if not words and "last_words" not in seen.sections:
        words = "%s %s" % (seen.board["k3s_started"], seen.board["uptime"])
    found = _MOMENTS.match(words.split("\n")[0])
    return max(0, int(found.group(2)) - int(found.group(1))) if found else None
