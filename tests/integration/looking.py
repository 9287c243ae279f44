# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A diagnosis of the lab without a playbook: the same script on the boards, read by the same functions, in a fraction
of the time.
"""

from __future__ import annotations

import pathlib
import secrets
import time

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.diagnosis import diagnose
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import EXTRAS, PARTS, observe
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.script import build_script

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS_OF__diagnose = PARTS + EXTRAS


def look_at(lab, board, parts=PARTS, api="auto"):
    """What the first look of k3s_info tells of a board."""
    token = "riscv-k3s-" + secrets.token_hex(8)
    done = lab.exec(board, ["sh", "-c", build_script(token, parts, api=api)])
    return observe(done.stdout, token, parts, architecture="riscv64")


def look_at_all(lab):
    """What diagnose reads of both boards."""
    boards = {}
    for board, api in ((lab.server, "auto"), (lab.agent, "never")):
        boards[board] = dict(look_at(lab, board, PARTS_OF__diagnose, api), observed_at=time.time())
    return boards


def document_of(lab, boards):
    """The document of diagnose."""
    return diagnose(boards, time.time(), [lab.inventory, ROOT / "tests/lab/inventory"])


def look(lab):
    """The document of diagnose, of now."""
    return document_of(lab, look_at_all(lab))
