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
# The one that speaks ssh by itself, to boards of which Ansible knows nothing yet.
SPEAKS_SSH = {"_ssh/connect.py"}
# Shared by the doors in action/ and filter/; they alone of plugin_utils may know Ansible.
DOORS = {"_observe/action.py", "_report/shown.py", "filters.py"}
REACHES_OUT = STARTS_PROCESSES + ("socket", "urllib.request", "http", "ssl", "tempfile", "shutil")
GROUND = "(ground)"
MOST_FILES = 10
# The rooms, the lower ones first, and which others each may know. All may know the ground, files that lie in no room.
ROOMS = {
    "module_utils": {
        "_host": set(),
        "_output": set(),
        "_archive": set(),
        "_oci": {"_host", "_archive"},
        "_chain": set(),
        "_failure": {"_chain"},
        "_skopeo": {"_host", "_failure"},
        "_registry": {"_oci", "_failure", "_skopeo", "_chain"},
        "_program": {"_host", "_archive"},
        "_journal": {"_host"},
        "_waiting": set(),
        "_kube": {"_host", "_waiting"},
        "_manifest": {"_host", "_kube"},
        "_containerd": {"_host", "_output", "_journal", "_chain"},
        "_backup": {"_host"},
        "_binary": {"_host", "_output", "_journal"},
        "_system": {"_host", "_journal"},
        "_remains": {"_host", "_journal"},
    },
    "plugin_utils": {
        "_settings": set(),
        "_demand": set(),
        "_supply": set(),
        "_build": {"_demand", "_supply"},
        "_running": set(),
        "_observe": {"_demand", "_running"},
        "_upgrade": {"_demand", "_supply", "_build"},
        "_plan": {"_demand", "_supply", "_running", "_observe", "_upgrade"},
        "_diagnose": {"_running", "_observe"},
        "_prepare": {"_running", "_observe", "_diagnose"},
        "_ssh": set(),
        "_boards": {"_observe", "_ssh"},
        "_enroll": {"_observe", "_ssh", "_boards"},
        "_report": {"_observe"},
        "_fleet": {"_settings", "_supply", "_running", "_observe", "_plan", "_prepare", "_report"},
        "_rollout": {"_settings", "_demand", "_upgrade", "_running", "_fleet"},
        "_joining": {"_demand", "_running", "_rollout"},
        "_install": {"_demand", "_running", "_upgrade", "_fleet", "_joining"},
    },
}
# A room of many small files of one kind.
MANY_FILES = {"_diagnose/causes"}


def files(folder):
    return sorted(
        path for path in (ROOT / "plugins" / folder).rglob("*.py") if path.name != "__init__.py" or path.stat().st_size
    )


def code(folder):
    return [pytest.param(path, id=str(path.relative_to(ROOT / "plugins"))) for path in files(folder)]


def inside_of(path):
    """A file's path within module_utils or plugin_utils."""
    return "/".join(path.relative_to(ROOT / "plugins").parts[1:])


def imported(path, packages):
    return sorted(name for name in board_tests.imports(path) if board_tests.inside(name, packages))


def room_of(parts):
    return parts[0] if parts[0].startswith("_") and not parts[0].startswith("__") else GROUND


@pytest.mark.parametrize("path", code("modules") + code("module_utils"))
def test_board_code_needs_nothing_that_a_board_lacks(path):
    brought = {"ansible", "ansible_collections", "yaml"} | sys.stdlib_module_names
    foreign = [name for name in board_tests.imports(path) if name.split(".")[0] not in brought]
    of_ansible = imported(path, ["ansible", "ansible_collections"])
    controller = [
        name for name in of_ansible if not board_tests.inside(name, (OWN + "module_utils",) + board_tests.BROUGHT)
    ]
    assert (foreign, controller) == ([], [])


@pytest.mark.parametrize("path", code("modules") + code("module_utils"))
def test_only_the_manifest_editor_needs_pyyaml(path):
    if not inside_of(path).startswith("_manifest/"):
        assert imported(path, ["yaml"]) == []


@pytest.mark.parametrize(
    "path",
    code("modules") + code("module_utils") + code("action") + code("filter") + code("callback") + code("inventory"),
)
def test_only_command_starts_processes(path):
    if inside_of(path) != "_host/command.py":
        assert imported(path, STARTS_PROCESSES) == []


@pytest.mark.parametrize("path", code("plugin_utils"))
def test_plans_are_pure(path):
    """What decides on the controller does no I/O and does not know Ansible; pure parsers of module_utils it may use."""
    of_ansible = [] if inside_of(path) in DOORS else imported(path, ["ansible"])
    actors = imported(path, [OWN + folder for folder in ("modules", "action", "filter")])
    reaches = [] if inside_of(path) in SPEAKS_SSH else imported(path, REACHES_OUT + ("paramiko",))
    assert (reaches, of_ansible, actors) == ([], [], [])


@pytest.mark.parametrize("path", code("modules"))
def test_modules_do_not_call_each_other(path):
    assert imported(path, [OWN + "modules", OWN + "action", OWN + "plugin_utils"]) == []


@pytest.mark.parametrize("kind", ROOMS)
def test_rooms_know_only_those_below_them(kind):
    """So that there is no circle."""
    below = set()
    for room, known in ROOMS[kind].items():
        assert known <= below, room
        below.add(room)
    assert {room_of(path.relative_to(ROOT / "plugins" / kind).parts) for path in files(kind)} - {GROUND} == below


@pytest.mark.parametrize(
    "kind, path", [pytest.param(kind, *param.values, id=param.id) for kind in ROOMS for param in code(kind)]
)
def test_a_file_knows_no_more_than_its_room_may(kind, path):
    room = room_of(path.relative_to(ROOT / "plugins" / kind).parts)
    known = {
        room_of(name[len(OWN + kind) + 1 :].split(".")) for name in imported(path, [OWN + kind]) if name != OWN + kind
    }
    assert known - {room, GROUND} <= ROOMS[kind].get(room, set())


@pytest.mark.parametrize("kind", ROOMS)
def test_no_room_is_crowded(kind):
    counts = {}
    for path in files(kind):
        folder = inside_of(path.parent / "x")[:-2]
        counts[folder] = counts.get(folder, 0) + 1
    assert {folder: count for folder, count in counts.items() if count > MOST_FILES and folder not in MANY_FILES} == {}
