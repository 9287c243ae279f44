# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the steps of prepare decide by, and what they decide. Pure."""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence

# What a row says: all is well; prepare changes it, where its step is chosen; only another kernel mends it; a person
# must; it could not be read.
OK, CHANGE, KERNEL, HAND, UNKNOWN = "ok", "change", "kernel", "hand", "unknown"
OWN_MARK = "# Written by riscv.k3s: what k3s needs. The playbook riscv.k3s.undo takes it back.\n"


class Facts(NamedTuple):
    """``preflight`` and ``system`` are those parts of an observation, ``cluster`` what cluster.py has, ``seen_at`` the
    controller's time when it saw the board.
    """

    preflight: Mapping[str, Any]
    system: Mapping[str, Any]
    cluster: Mapping[str, Any] = {}
    seen_at: Optional[int] = None


class Row(NamedTuple):
    """One thing that k3s needs: ``text`` says what is done about it or what was found, ``needed_for`` what k3s needs it
    for, ``settings`` what k3s_board_settings is to do.
    """

    step: str
    state: str
    text: str
    needed_for: str = ""
    settings: Sequence[Dict[str, Any]] = ()
    # Whether it has an effect only after the next boot.
    reboot: bool = False


def a_file(path: str, lines: Sequence[str]) -> Dict[str, Any]:
    """The setting of a file of ours."""
    return {"kind": "file", "name": path, "content": own_text(lines), "mode": "0644"}


def own_text(lines: Sequence[str]) -> str:
    """The text of a file of ours."""
    return OWN_MARK + "".join(line + "\n" for line in lines)


def value(kind: str, name: str, text: str) -> Dict[str, Any]:
    """The setting of anything else."""
    return {"kind": kind, "name": name, "value": text}


def listed(names: Sequence[str]) -> str:
    """Names for people."""
    return ", ".join(names)
