# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a container's command is looked for in its image, and what runs when that is a script.

As runc and the kernel do it; the image may be a folder on a board or one that is about to be made.
"""

from __future__ import annotations

import posixpath
from typing import Any, Callable, List, Optional, Tuple, TypeVar

# What containerd sets when an image has no PATH of its own.
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HEAD = 256  # bytes: as far as the kernel reads a script's first line
_MOST_SCRIPTS = 4  # as the kernel: scripts that are run by scripts
_T = TypeVar("_T")


class NoInterpreter(Exception):
    """A script that does not start; ``script`` is what stands for it, ``why`` begins with a verb."""

    def __init__(self, script: Any, why: str) -> None:
        super().__init__(why)
        self.script, self.why = script, why


def places(command: str, search_path: str, workdir: Optional[str] = None) -> List[str]:
    """The paths in the image where ``command`` may be, in order."""
    if "/" in command:
        return [posixpath.join(workdir or "/", command)]
    return [posixpath.join("/", folder, command) for folder in search_path.split(":")]


def what_runs(
    found: _T, content: Callable[[_T], str], look: Callable[[str], Optional[_T]], workdir: Optional[str] = None
) -> _T:
    """``found`` itself or, when it is a script, the interpreter that the kernel starts for it in the end.

    ``content`` gives the file on this machine that holds what was found, ``look`` finds a path in the image. For
    `#!/usr/bin/env python3` it is env: a program of the image that tells the same as python3. Raises NoInterpreter.
    """
    for _script in range(_MOST_SCRIPTS + 1):
        is_script, interpreter = _first_line(content(found))
        if not is_script:
            return found
        if not interpreter:
            raise NoInterpreter(found, "names no interpreter")
        following = look(posixpath.join(workdir or "/", interpreter))
        if following is None:
            raise NoInterpreter(found, "needs %s, which is not in the image" % interpreter)
        found = following
    raise NoInterpreter(found, "is a script of a script of a script")


def _first_line(path: str) -> Tuple[bool, str]:
    """Whether a file is a script, and the interpreter that it names."""
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    words = head[2:].split(b"\n")[0].decode("utf-8", "replace").split()
    return head.startswith(b"#!"), words[0] if words else ""
