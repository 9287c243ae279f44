# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as `ansible-galaxy collection build` makes it: what users run, and nothing of developers."""

from __future__ import annotations

import collections
import io
import pathlib
import re
import subprocess
import sys
import tarfile

import pytest
from test_project import PLAYBOOKS, PLUGINS, ROLES, ROOT, files, read_yaml

# What may stand at the top of it.
TOP = {"plugins", "roles", "playbooks", "inventory", "docs", "meta", "changelogs"}
TOP |= {"README.md", "README.zh-CN.md", "LICENSE", "SECURITY.md", "bindep.txt", "requirements.txt"}
TOP |= {"CHANGELOG.md", "CHANGELOG.rst", "MANIFEST.json", "FILES.json"}
# For who works on it; README says that they are in the repository.
OF_DEVELOPERS = {"CONTRIBUTING.md", "docs/design.md", "docs/testing.md", "docs/releasing.md"}
OF_DEVELOPERS |= {"tests/lab/README.md"}
# Bytes. What is in it, and why it is not less, stands in docs/releasing.md.
LARGEST = 860_000


@pytest.fixture(name="built", scope="module")
def _built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    command = [pathlib.Path(sys.executable).with_name("ansible-galaxy"), "collection", "build", str(ROOT)]
    subprocess.run([*command, "--output-path", str(folder)], check=True, capture_output=True)
    return next(folder.glob("riscv-k3s-*.tar.gz"))


@pytest.fixture(name="names")
def _names(built):
    with tarfile.open(built) as archive:
        return {member.name for member in archive if member.isfile()}


def test_it_holds_what_users_run_and_nothing_else(names):
    assert {name.split("/")[0] for name in names} - TOP == set()
    tracked = {str(path.relative_to(ROOT)) for path in files()} | {"MANIFEST.json", "FILES.json"}
    assert names - tracked == set()
    code = {name for name in tracked if name.split("/")[0] in ("plugins", "roles", "playbooks", "inventory", "meta")}
    assert code - names == set()
    assert {"playbooks/%s.yml" % name for name in PLAYBOOKS} <= names
    assert {"roles/%s/README.md" % name for name in ROLES} <= names
    assert any(PLUGINS.glob("modules/*.py"))


def test_it_is_small(built, capsys):
    size = built.stat().st_size
    with capsys.disabled():
        print("\nthe built collection: %d kB; each part alone: %s" % (size // 1000, ", ".join(_parts(built))))
    assert size < LARGEST


def _parts(built):
    """What each folder at its top takes, compressed by itself, the largest first."""
    contents = collections.defaultdict(list)
    with tarfile.open(built) as archive:
        for member in filter(tarfile.TarInfo.isfile, archive):
            contents[member.name.split("/")[0]].append((member, archive.extractfile(member).read()))
    sizes = {name: _compressed(files) // 1000 for name, files in contents.items()}
    return ["%s %d" % (name, sizes[name]) for name in sorted(sizes, key=sizes.get, reverse=True) if sizes[name]]


def _compressed(files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for member, content in files:
            archive.addfile(member, io.BytesIO(content))
    return len(packed.getvalue())


def test_what_it_links_to_is_in_it(names):
    """Links from its documents to its files, but for those to texts for developers."""
    broken = [
        "%s: %s" % (name, link)
        for name in sorted(names)
        if name.endswith(".md")
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", (ROOT / name).read_text(encoding="utf-8"))
        if not _there((ROOT / name).parent / link, names)
    ]
    assert broken == []


def _there(path, names):
    inside = str(path.resolve().relative_to(ROOT))
    return inside in OF_DEVELOPERS or any(name == inside or name.startswith(inside + "/") for name in names)


def test_the_address_of_the_repository_stands_in_one_place():
    galaxy = read_yaml(ROOT / "galaxy.yml")
    text = (ROOT / "galaxy.yml").read_text(encoding="utf-8")
    assert {galaxy[key] for key in ("documentation", "homepage", "issues")} == {galaxy["repository"]}
    assert text.count("https://") == 1
    recipes = read_yaml(ROOT / "playbooks/vars/recipes.yml")["riscv_k3s_recipes"]
    own = {name: recipe["source"] for name, recipe in recipes.items() if name in ("pause", "klipper-lb")}
    assert set(own.values()) == {galaxy["repository"]} and len(own) == 2, "tools/address puts it there"
