# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the observing action plugins share: their options, the one command, and how a problem is told."""

from __future__ import annotations

import secrets
import time
from abc import abstractmethod

from ansible.plugins.action import ActionBase

from ansible_collections.riscv.k3s.plugins.module_utils._host.programs import PROGRAM_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import is_unanswered
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import PROGRAM_TIMEOUT
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import is_untold, observe, other_paths
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.script import argument, build_script

# Where a service names a file of settings, and that one the data folder, it takes three.
_LOOKS = 3


class ObservingAction(ActionBase):
    """An action that reads a board by one shell script and changes nothing, so that check mode runs it too."""

    TRANSFERS_FILES = False
    OPTIONS: dict[str, dict] = {}
    # The name in the inventory: host names may all be the same, as on boards with a vendor's image.
    board = None

    def run(self, tmp=None, task_vars=None):
        """Validate the options, observe, and turn a Problem into a failure with its parts."""
        result = super().run(tmp, task_vars)
        self.board = (task_vars or {}).get("inventory_hostname")
        self._task.args = {name: value for name, value in self._task.args.items() if not is_unanswered(value)}
        spec = dict(PROGRAM_OPTIONS, program_timeout={"type": "int", "default": PROGRAM_TIMEOUT}, **self.OPTIONS)
        dummy, options = self.validate_argument_spec(argument_spec=spec)
        try:
            _check(options["program_timeout"])
            result.update(self.observe_board(options), changed=False)
        except Problem as problem:
            result.update(problem.parts(), failed=True, changed=False, msg=str(problem))
        return result

    @abstractmethod
    def observe_board(self, options):
        """The action's own result; ``options`` are the validated ones."""

    def look(self, options, parts, architecture="auto", api=None, events=False, whole=(), versions=True):
        """Run the script for ``parts`` on the board and return what observe() makes of it."""
        token = "riscv-k3s-" + secrets.token_hex(8)
        # Only a folder that the task names wins over the one in k3s's config.yaml.
        data_dir = options["data_dir"] if self._task.args.get("data_dir") else None
        limit, blank = options["program_timeout"], not options.get("require_k3s", True)
        explicit = bool(options["crictl"] and options["ctr"])
        paths: dict = {}
        for dummy in range(_LOOKS):
            script = build_script(
                token,
                parts,
                data_dir=data_dir,
                programs=options,
                api=api or options["api"],
                events=events,
                program_timeout=limit,
                paths=paths,
                whole=whole,
                versions=versions,
                blank=blank,
            )
            done = self._low_level_execute_command(argument(script), executable="/bin/sh")
            output = done["stdout"]
            if token not in output:
                output += "\n" + done["stderr"]
            others = other_paths(output, token, explicit, data_dir, blank=blank)
            if not others:
                break
            paths = dict(paths, **others)
        seen = observe(output, token, parts, architecture, explicit, limit, data_dir, versions, blank)
        if not versions and is_untold(seen):
            return self.look(options, parts, architecture, api, events, whole)
        # The board's clock is compared with the controller's at the moment of the answer.
        return dict(seen, observed_at=round(time.time())) if "preflight" in parts else seen


def _check(program_timeout):
    # 0 would be no limit at all.
    if program_timeout < 1:
        raise Problem("program_timeout is less than a second", found=str(program_timeout), next_step="give 1 or more")
