# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which unit tests are of board code, so that they also run on an old Python without Ansible's controller.

A test file is one of board code when it imports modules or module_utils of this collection, and neither it nor a
helper of tests/unit that it imports needs anything of the controller: another kind of plugin, or more of Ansible
than ansible.module_utils. What the collection's own code imports is not looked at, on purpose: a module that
needs the controller must fail in that run, not drop out of it.

    python3 tools/board_tests.py        prints the files, one a line, relative to the checkout
"""

from __future__ import annotations

import ast
import functools
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
UNIT = ROOT / "tests" / "unit"
PLUGINS = "ansible_collections.riscv.k3s.plugins."
BOARD = (PLUGINS + "modules", PLUGINS + "module_utils")
# What a board test may import besides: what AnsiballZ brings along.
BROUGHT = ("ansible.module_utils", "ansible.release")


def inside(name, packages):
    return any(name == package or name.startswith(package + ".") for package in packages)


@functools.cache
def imports(path):
    """Dotted names a file imports. A string that names a plugin counts too (importlib, monkeypatch); one that ends
    with a dot, to which a name is added, counts as all plugins of that kind."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update(node.module + "." + alias.name for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(PLUGINS):
            kind = node.value[len(PLUGINS) : -1] if node.value.endswith(".") else None
            names.update(
                [node.value]
                if kind is None
                else [node.value + one.stem for one in (ROOT / "plugins" / kind).glob("*.py")]
            )
    return names


def helper(name):
    """The file below tests/unit that a dotted name stands for (pytest.ini puts that folder on the path), or None."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        path = UNIT.joinpath(*parts[:length])
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


def all_imports(path, seen=None):
    """imports() of a file and of the helpers it imports."""
    seen = set() if seen is None else seen
    if path in seen:
        return set()
    seen.add(path)
    names = imports(path)
    for name in sorted(names):
        found = helper(name)
        if found:
            names = names | all_imports(found, seen)
    return names


def is_board_test(names):
    of_ansible = {name for name in names if name.split(".")[0] in ("ansible", "ansible_collections")}
    return any(inside(name, BOARD) for name in names) and all(inside(name, BOARD + BROUGHT) for name in of_ansible)


def board_tests():
    """{test file: what it imports}, sorted by path; without those of programs, the same on any Python."""
    paths = [path for path in sorted(UNIT.rglob("test_*.py")) if "pytest.mark.programs" not in path.read_text("utf-8")]
    found = {path: all_imports(path) for path in paths}
    return {path: names for path, names in found.items() if is_board_test(names)}


if __name__ == "__main__":
    for test in board_tests():
        print(test.relative_to(ROOT))
