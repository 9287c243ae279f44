# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that does something to the run, or to the lab, when a step begins: see tests/integration/steps.py."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import threading

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: at_step
type: aggregate
short_description: Injects a fault when a step begins
description:
  - AT_STEP names a task as Ansible prints it, with its role. When it begins, the JSON list AT_COMMAND is run, or, if
    that is V(kill), this run is ended
    by SIGKILL with all its processes, after AT_DELAY seconds.
  - The file AT_LOG gets the name of each step that begins.
requirements: [a process group of its own]
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "at_step"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task, is_conditional):
        name = task.get_name().strip()
        with open(os.environ["AT_LOG"], "a", encoding="utf-8") as file:
            file.write(name + "\n")
        if name == os.environ.get("AT_STEP"):
            self._act()

    def v2_playbook_on_handler_task_start(self, task):
        self.v2_playbook_on_task_start(task, False)

    @staticmethod
    def _act():
        # Before, since a kill leaves no time for it.
        pathlib.Path(os.environ["AT_LOG"] + ".done").touch()
        command, delay = os.environ["AT_COMMAND"], float(os.environ.get("AT_DELAY", "0"))
        act = (
            _kill
            if command == "kill"
            else lambda: subprocess.run(json.loads(command), check=True, capture_output=True, timeout=120)
        )
        if delay:
            threading.Timer(delay, act).start()
        else:
            act()


def _kill():
    os.killpg(os.getpgid(0), signal.SIGKILL)
