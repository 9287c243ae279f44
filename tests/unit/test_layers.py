# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may know whom in plugins/: read from the imports, so that a shortcut shows before it is relied on."""

from __future__ import annotations

import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import board_tests  # noqa: E402  (it lives in tools/, which is no package)

OWN = board_tests.PLUGINS
STARTS_PROCESSES = ("subprocess", "pty", "os.system", "os.popen")
# Shared by the doors in action/ and filter/; they alone of plugin_utils may know Ansible.
DOORS = {"_action.py", "_door.py"}
REACHES_OUT = STARTS_PROCESSES + ("socket", "urllib.request", "http", "ssl", "tempfile", "shutil")


def code(folder):
    return [pytest.param(path, id=f"{folder}/{path.name}") for path in sorted((ROOT / "plugins" / folder).glob("*.py"))]


def imported(path, packages):
    return sorted(name for name in board_tests.imports(path) if board_tests.inside(name, packages))


@pytest.mark.parametrize("path", code("modules") + code("module_utils"))
def test_board_code_needs_nothing_that_a_board_lacks(path):
    brought = {"ansible", "ansible_collections", "yaml"} | sys.stdlib_module_names
    foreign = [name for name in board_tests.imports(path) if name.split(".")[0] not in brought]
    of_ansible = imported(path, ["ansible", "ansible_collections"])
    controller = [name for name in of_ansible if not board_tests.inside(name, (OWN + "module_utils",) + board_tests.BROUGHT)]
    assert (foreign, controller) == ([], [])


@pytest.mark.parametrize("path", code("modules") + code("module_utils"))
def test_only_the_manifest_editor_needs_pyyaml(path):
    if not path.name.startswith("_manifest"):
        assert imported(path, ["yaml"]) == []


@pytest.mark.parametrize("path", code("modules") + code("module_utils") + code("action") + code("filter") + code("callback"))
def test_only_command_starts_processes(path):
    if path.name != "_command.py":
        assert imported(path, STARTS_PROCESSES) == []


@pytest.mark.parametrize("path", code("plugin_utils") + code("plugin_utils/_causes"))
def test_plans_are_pure(path):
    """What decides on the controller does no I/O and does not know Ansible; pure parsers of module_utils it may use."""
    of_ansible = [] if path.name in DOORS else imported(path, ["ansible"])
    actors = imported(path, [OWN + folder for folder in ("modules", "action", "filter")])
    assert (imported(path, REACHES_OUT), of_ansible, actors) == ([], [], [])


@pytest.mark.parametrize("path", code("modules"))
def test_modules_do_not_call_each_other(path):
    assert imported(path, [OWN + "modules", OWN + "action", OWN + "plugin_utils"]) == []
