# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of runs as a terminal shows them: real playbooks, on simulated boards."""

from __future__ import annotations

import io
import os
import subprocess

import pytest
from boards import Fleet
from prerequisites import missing
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

WIDTH = 132
PAGE = """<!DOCTYPE html><meta charset="utf-8"><body style="margin: 0">
<pre style="margin: 0; padding: 1em; display: inline-block; color: {foreground}; background: {background};
font: 14px/1.35 'DejaVu Sans Mono', monospace">{code}</pre>"""
COLOURS = "new Set([...document.querySelectorAll('pre span')].map(one => getComputedStyle(one).color)).size"


@pytest.fixture(name="fleet", scope="module")
def _fleet(tmp_path_factory):
    if os.geteuid() != 0:
        missing("simulated boards need mount namespaces: run this as root")
    return Fleet(tmp_path_factory.mktemp("fleet"), servers=1, agents=2)


@pytest.fixture(name="terminal")
def _terminal(fleet, chromium, screenshot):
    """Runs a playbook; the page with the last lines of what it showed, of which a picture was taken."""
    contexts = []

    def show(playbook, lines):
        command = "ansible-playbook -i inventory.yml riscv.k3s." + playbook
        shown = _shown(fleet, playbook).strip().splitlines()
        text = "\n".join(["$ " + command, "..." if shown[lines:] else "", *shown[-lines:]])
        contexts.append(chromium.new_context(viewport={"width": 1300, "height": 900}))
        page = contexts[-1].new_page()
        page.set_content(_html(text))
        screenshot(page.locator("pre"), playbook)
        return page

    yield show
    for context in contexts:
        context.close()


def _shown(fleet, playbook):
    env = dict(fleet.environment(), ANSIBLE_FORCE_COLOR="1", ANSIBLE_CALLBACKS_ENABLED="riscv.k3s.run_report")
    for name in ("ANSIBLE_NOCOLOR", "ANSIBLE_CALLBACK_RESULT_FORMAT"):
        del env[name]
    argv = fleet.argv(playbook="riscv.k3s." + playbook)
    return subprocess.run(argv, env=env, check=True, capture_output=True, text=True, timeout=300).stdout


def _html(text):
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text.from_ansi(text))
    return console.export_html(theme=MONOKAI, code_format=PAGE, inline_styles=True)


def test_the_plan_and_then_the_run(terminal):
    """For people to look at; what they show is true, since it was run. `make docs` takes the pictures."""
    page = terminal("plan", 50)
    assert "TO DO: 12 changes. Next: run the playbook riscv.k3s.site" in page.locator("pre").inner_text()
    page = terminal("site", 40)
    assert "All healthy." in page.locator("pre").inner_text()
    assert page.evaluate(COLOURS) >= 3, "it is as colourful as Ansible"
