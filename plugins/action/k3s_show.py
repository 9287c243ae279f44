# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action behind the module k3s_show: a table for people."""

from __future__ import annotations

from typing import Any, Dict

from ansible.plugins.action import ActionBase

from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._report.shown import show

OPTIONS: Dict[str, Dict[str, Any]] = {
    "lines": {"type": "list", "elements": "str", "required": True},
    "problems": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(ActionBase):
    """Show lines of text. Runs on the controller and changes nothing, so that check mode runs it, too."""

    TRANSFERS_FILES = False

    def run(self, tmp=None, task_vars=None):
        """The lines, as they were shown; a failure with the problems, where there are any."""
        result = super().run(tmp, task_vars)
        dummy, options = self.validate_argument_spec(argument_spec=OPTIONS)
        show(self._display, options["lines"])
        if options["problems"]:
            return dict(result, failed=True, changed=False, msg=printable("; ".join(options["problems"])))
        return dict(result, changed=False, msg=options["lines"])
