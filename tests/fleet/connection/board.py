# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A connection to a simulated board: each command runs on this machine, in a mount namespace of its own that ends with
it.
"""

from __future__ import annotations

import os
import pathlib
import shlex

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import local

DOCUMENTATION = """
name: board
short_description: Runs commands on a simulated board
description: Where the board is, the environment variable FLEET says.
options:
  become_success_timeout:
    type: int
    default: 10
    description: As in the plugin local.
  become_strip_preamble:
    type: bool
    default: true
    description: As in the plugin local.
extends_documentation_fragment: [connection_pipelining]
"""

ENTER = pathlib.Path(__file__).resolve().parents[1] / "enter"


class Connection(local.Connection):
    """The plugin local, with the board's own folders over the machine's."""

    transport = "board"

    def exec_command(self, cmd, in_data=None, sudoable=True):
        board = pathlib.Path(os.environ["FLEET"]) / "boards" / self._play_context.remote_addr
        log, vanishes = board / "commands", board / "vanishes"
        with open(log, "a", encoding="utf-8") as file:
            file.write("1\n")
        if vanishes.exists() and len(log.read_text().splitlines()) > int(vanishes.read_text()):
            raise AnsibleConnectionFailure("%s does not answer" % board.name)
        if (board / "proc").exists():
            # The observing script names the folder in a variable of its own; ends of lines are sent as numbers.
            cmd = cmd.replace("@0012proc=/proc@0012", "@0012proc=%s@0012" % (board / "proc"))
        words = ["unshare", "--mount", "--propagation", "private", str(ENTER), str(board), cmd]
        return super().exec_command(shlex.join(words), in_data, sudoable)
