# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of the playbooks on the site is made from what they are; the guides of the site link to what is there."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import re
import sys

import pytest
from test_project import PLAYBOOKS, ROLES, ROOT, read_yaml

from ansible_collections.riscv.k3s.plugins.plugin_utils._settings import declared


def tool(path):
    """A script of tools/ as a module, without running it."""
    loader = importlib.machinery.SourceFileLoader(
        "tool_" + ROOT.joinpath(path).stem.replace("-", "_"), str(ROOT / path)
    )
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


@pytest.fixture(name="made")
def _made(monkeypatch):
    # No compiled file beside the script.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tool("tools/playbooks-doc")


@pytest.fixture(name="page")
def _page(made):
    return made.document()


def section_of(name, page):
    return page.partition("\nriscv.k3s.%s\n---" % name)[2].partition("\n---")[0]


def test_the_page_is_as_made(page):
    assert (ROOT / "docs/docsite/rst/playbooks.rst").read_text(encoding="utf-8") == page, "run tools/playbooks-doc"


def test_each_guide_for_users_is_named_in_readme_and_on_the_page_of_guides(made):
    """But for texts for developers, which are not in the built collection."""
    written = (ROOT / "docs/docsite/rst/guides.rst").read_text(encoding="utf-8")
    assert written == made.guides(), "run tools/playbooks-doc"
    of_developers = {path for path in read_yaml(ROOT / "galaxy.yml")["build_ignore"] if path.endswith(".md")}
    for_users = {"docs/" + path.name for path in (ROOT / "docs").glob("*.md")} - of_developers
    assert set(re.findall(r"``(docs/\S+\.md)``", made.guides())) == for_users


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_each_playbook_has_a_section_with_its_settings(name, page):
    section = section_of(name, page)
    assert "riscv.k3s.%s" % name in section, "README's table of playbooks names each in a row"
    assert "It takes the settings of" in section or "It reads itself" in section


def test_a_role_is_named_that_is_reached_through_another(page):
    site = section_of("site", page)
    assert "`riscv.k3s.images#role`" in site and "`riscv.k3s.upgrade#role`" not in site


@pytest.mark.parametrize("role", ROLES)
def test_each_option_of_a_role_has_its_default(role):
    """As declared; what has none says in its description what is then."""
    specs = read_yaml(ROOT / "roles" / role / "meta/argument_specs.yml")["argument_specs"]
    options = [item for spec in specs.values() for item in spec["options"].items()]
    declared_ones = {declared.PREFIX + name: declared.default_of(name) for name in declared.SETTINGS}
    assert {name for name, dummy in options} <= set(declared_ones)
    assert [name for name, option in options if option.get("default") != declared_ones[name]] == []


def test_the_guides_of_the_site_link_to_what_is_there(monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    pages = {str(path): text for path, text in tool("tools/site/guides.py").pages().items()}
    assert "(docs/prepare.md)" in pages["README.md"] and "(roles/" not in pages["README.md"]


def test_screenshots_are_shown_where_there_are_some(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    shots, index = tool("tools/site/screenshots.py"), ROOT / "tools/site/index.rst"
    source, taken = tmp_path / "source", tmp_path / "taken"
    source.mkdir()
    (source / "index.rst").write_bytes(index.read_bytes())
    shots.main(source, taken)
    assert (source / "index.rst").read_bytes() == index.read_bytes() and not (source / "screenshots.rst").exists()
    taken.mkdir()
    for name in ("site", "unknown"):
        (taken / (name + ".png")).touch()
    shots.main(source, taken)
    assert "   screenshots\n" in (source / "index.rst").read_text(encoding="utf-8")
    text = (source / "screenshots.rst").read_text(encoding="utf-8")
    assert re.findall(r"image:: (\S+)", text) == ["screenshots/site.png"]
    assert [path.name for path in (source / "screenshots").iterdir()] == ["site.png"]
