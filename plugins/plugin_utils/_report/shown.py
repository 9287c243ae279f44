# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables for people: shown as plain text, whatever the stdout callback makes of results."""

from __future__ import annotations

from typing import Any, Sequence

from ansible import constants

from ansible_collections.riscv.k3s.plugins.module_utils.text import printable_lines


def show(display: Any, lines: Sequence[str]) -> bool:
    """Show ``lines`` on Ansible's ``display``; returns whether they are shown.

    The default callback shows a list as JSON, each line in quotes. A callback that writes a document for programs gets
    nothing here: for it the lines are in the result. What a terminal would act on in a line is shown instead, whoever
    made the line.
    """
    is_text = "json" not in constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK")
    if lines and is_text:
        display.display("\n".join(map(printable_lines, lines)))
    return is_text
