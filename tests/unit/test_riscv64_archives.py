# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's release archives: what go.mod files pin, and that an archive is made again only when its inputs changed."""

from __future__ import annotations

import importlib.util
import pathlib
import sys
import tarfile

import pytest

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "lab" / "riscv64"


@pytest.fixture
def build(monkeypatch, tmp_path):
    """The script as a module, with a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("riscv64_build", FOLDER / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("debian", None)


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in FOLDER.glob("*/go.mod")))
def test_each_folder_pins_a_package_and_a_version(build, folder):
    package, version = build.pinned((FOLDER / folder / "go.mod").read_text())
    assert folder in package or package == "."
    assert version[0].isdigit()
    assert package == "." or (FOLDER / folder / "go.sum").is_file()


def test_a_tool_without_its_module_is_refused(build):
    with pytest.raises(build.BuildError, match="requires no module"):
        build.pinned("module x\n\ntool example.org/a/cmd/a\n\nrequire example.org/ab v1.0.0\n")


def test_made_once_for_the_same_inputs(build):
    made = []

    def make(folder):
        made.append(folder)
        (folder / "pause").write_bytes(b"program")

    first = build.archive("pause", "1.0.0", "key", make)
    content = first.read_bytes()
    assert build.archive("pause", "1.0.0", "key", make) == first and len(made) == 1
    build.archive("pause", "1.0.0", "other key", make)
    assert len(made) == 2 and first.read_bytes() == content
    with tarfile.open(first) as archive:
        assert [(info.name, info.mode, info.mtime) for info in archive] == [("pause", 0o755, 0)]
    assert sorted(path.name for path in first.parent.iterdir()) == [
        "pause_1.0.0_linux_riscv64.key",
        "pause_1.0.0_linux_riscv64.tgz",
    ]


def test_a_failed_build_leaves_nothing_and_says_why(build):
    def make(folder):
        build.run("pause: building", ["sh", "-c", "echo it is broken >&2; exit 3"])

    with pytest.raises(build.BuildError, match="(?s)sh ended with 3.*it is broken"):
        build.archive("pause", "1.0.0", "key", make)
    assert list(build.cache_folder().iterdir()) == []


def test_a_missing_program_is_named(build):
    with pytest.raises(build.BuildError, match="no-such-program was not found"):
        build.run("x", ["no-such-program"])
