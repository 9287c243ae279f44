# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a board told of itself, as the variable ``k3s_board``. Pure.

A board may answer anything: what has not the form that it must have is not known, and told; what is known is one line
of printable text, or a number.
"""

from __future__ import annotations

import re
import shlex
from typing import Any, Dict, List, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._output.k3s import parse_k3s_version
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import Seen, split_output, why
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import paths_elsewhere
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.parts.board import read_board, trace_of

_LONGEST = 120  # characters of a value
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~:-]{0,63}\Z")
_VERSION = re.compile(r"v[0-9]+(\.[0-9]+)+[A-Za-z0-9.+-]{0,40}\Z")
_PATH = re.compile(r"/[A-Za-z0-9._+/-]{1,119}\Z")
_CHECKSUM = re.compile(r"([0-9a-f]{64}) ")
ROLES = ("server", "agent")
# As one that nobody knows anything of. Expressions of an inventory find each key on every board.
UNKNOWN: Dict[str, Any] = {
    "hostname": None,
    "machine": None,
    "model": None,
    "os": {"id": None, "version": None, "name": None},
    "kernel": None,
    "memory_mb": None,
    "python": {"path": None, "version": None},
    "k3s": {"installed": None, "role": None, "version": None},
    "cluster": None,
    "host_key": None,
    "unread": [],
    "reached": False,
    "problem": None,
}
_NOT_ROOT = "k3s: only root may see it; log in as root, or set become"


def read(output: str, token: str, program_timeout: int) -> Dict[str, Any]:
    """What ``script`` with ``token`` wrote, in the form of UNKNOWN; ``unread`` holds a sentence for each part that is
    not known.

    Raises Problem where it wrote nothing that can be read.
    """
    sections = split_output(output, token)
    reader = _Reader(sections, token, program_timeout)
    row = dict(UNKNOWN, reached=True, **reader.machine(), os=reader.system(), **reader.k3s())
    return dict(row, unread=reader.unread)


class _Reader:
    def __init__(self, sections, token, program_timeout):
        self.sections = sections
        self.token = token
        self.limit = program_timeout
        self.unread: List[str] = []

    def machine(self) -> Dict[str, Any]:
        lines = self.sections["machine"].out.split("\n")
        if "end" not in lines:
            raise Problem(
                "what the board tells of itself breaks off",
                found=self.sections["machine"].out.strip()[-300:] or "nothing",
                next_step="check that the board's /bin/sh is a POSIX shell",
            )
        told = {
            key: value.strip("\0 ")
            for key, dummy, value in (line.partition(" ") for line in lines[: lines.index("end")])
        }
        amount = re.match(r"([0-9]{1,12}) kB\Z", told.get("memory", ""))
        return {
            "hostname": self._word("hostname", told),
            "machine": self._word("machine", told),
            "kernel": self._word("kernel", told),
            "model": self._text("model", told.get("model")),
            "memory_mb": int(amount.group(1)) // 1024 if amount else self._missing("memory", told.get("memory")),
            "python": self._python(told),
        }

    def _python(self, told: Dict[str, str]) -> Dict[str, Optional[str]]:
        path, resolved = told.get("python"), told.get("python_file", "")
        if path is None:
            return {"path": None, "version": None}  # that there is none is known
        if not _PATH.match(path):
            return {"path": self._missing("python", path), "version": None}
        version = re.search(r"python([23]\.[0-9]{1,3})\Z", resolved)
        return {"path": path, "version": version.group(1) if version else None}

    def system(self) -> Dict[str, Optional[str]]:
        seen = self._section("system", "os")
        told = os_release(seen.out) if seen else {}
        version = told.get("VERSION_ID")
        return {
            "id": self._word("os", {"os": told["ID"].lower()} if "ID" in told else {}) if seen else None,
            # A distribution that moves on has none.
            "version": self._word("version of the os", {"version of the os": version}) if version else None,
            "name": self._text("name of the os", told.get("PRETTY_NAME")) if seen else None,
        }

    def k3s(self) -> Dict[str, Any]:
        """k3s and cluster; of what needs root nothing is guessed without it."""
        unknown: Dict[str, Any] = {"k3s": dict(UNKNOWN["k3s"]), "cluster": None}
        if self.sections["user"].out.strip() != "0":
            self.unread.append(_NOT_ROOT)
            return unknown
        try:
            board = read_board(self.sections, True)
        except Problem as problem:
            self.unread.append("k3s: %s" % problem.what)
            return unknown
        trace = trace_of(board)
        if trace and not board["ran_as"]:
            self.unread.append("k3s: %s" % trace)
            return unknown
        if not board["k3s"] and not board["ran_as"]:
            return dict(unknown, k3s={"installed": False, "role": None, "version": None})
        # Where k3s keeps its data elsewhere than this one command looked, what lies here may be of another time.
        is_here = self._is_here(board)
        role = board["role"] if board["role"] in ROLES and (board["ran_as"] or is_here) else None
        if not role:
            self.unread.append(
                "role of k3s: it does not run, and %s"
                % ("has not run in " + printable(board["data_dir"]) if is_here else "where its data lies is not known")
            )
        return {
            "k3s": {"installed": True, "role": role, "version": self._version(board)},
            "cluster": self._cluster() if is_here else None,
        }

    def _is_here(self, board) -> bool:
        if not board["k3s"]:
            return True  # it runs, and told by its command line where its data lies
        seen = Seen(self.sections, self.token, board)
        return bool(board["running"] or seen.good("config")) and "data_dir" not in paths_elsewhere(seen)

    def _version(self, board) -> Optional[str]:
        if not board["k3s"]:
            return self._missing("version of k3s", "no program k3s in the usual folders")
        seen = self._section("version", "version of k3s")
        version = parse_k3s_version(seen.out + "\n") if seen else None
        if seen and not (version and _VERSION.match(version)):
            return self._missing("version of k3s", seen.out.strip() or "nothing")
        return version

    def _cluster(self) -> Optional[str]:
        seen = self._section("cluster", "cluster")
        if not seen or not seen.out.strip():
            return None  # a server that has not started yet has no certificate
        found = _CHECKSUM.match(seen.out)
        return found.group(1)[:16] if found else self._missing("cluster", seen.out)

    def _section(self, name: str, what: str) -> Any:
        """A step that went well; else None, and why stands among what is unread."""
        if name not in self.sections:
            return self._missing(what, None)
        if self.sections[name].rc:
            return self._missing(what, why(self.sections[name], self.limit))
        return self.sections[name]

    def _word(self, name: str, told: Dict[str, str]) -> Optional[str]:
        value = told.get(name)
        return value if value and _WORD.match(value) else self._missing(name, value)

    def _text(self, name: str, value: Optional[str]) -> Optional[str]:
        shown = printable(value or "").strip()
        if len(shown) > _LONGEST:
            return self._missing(name, value)
        # That a board has none is known.
        return shown or None

    def _missing(self, name: str, found: Optional[str]) -> Any:
        shown = printable(found or "").strip()[:_LONGEST]
        self.unread.append("%s: %s" % (name, shown or "the board does not tell it"))
        return None


def os_release(text: str) -> Dict[str, str]:
    """The settings of a file os-release, whose values are quoted as in a shell. A line that is none is left out."""
    found = {}
    for line in text.splitlines():
        match = re.match(r"([A-Z][A-Z0-9_]*)=(.*)\Z", line.strip())
        try:
            words = shlex.split(match.group(2)) if match else []
        except ValueError:
            continue
        if match and len(words) == 1:
            found[match.group(1)] = words[0]
    return found
