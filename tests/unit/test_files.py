# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing files: whole or not at all, mode kept, never through a symbolic link."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._host import files as _files
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_new_file_is_for_root_alone(tmp_path):
    path = str(tmp_path / "a.yaml")
    assert _files.write_bytes(path, b"x") is None
    assert _files.read_bytes(path) == b"x"
    assert mode_of(path) == 0o600


def test_existing_file_keeps_its_mode(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")
    path.chmod(0o640)
    _files.write_bytes(str(path), b"new")
    assert (path.read_bytes(), mode_of(path)) == (b"new", 0o640)
    _files.write_bytes(str(path), b"new", mode=0o600)
    assert mode_of(path) == 0o600


def test_mtime_moves_even_when_the_clock_stands_behind(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")
    future = 4102444800 * 10**9
    os.utime(path, ns=(future, future))
    _files.write_bytes(str(path), b"new")
    assert path.stat().st_mtime_ns > future


def test_backup_is_a_name_that_k3s_does_not_deploy(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")
    backup = _files.write_bytes(str(path), b"new", backup=True)
    assert backup.endswith(".bak")
    with open(backup, "rb") as file:
        assert file.read() == b"old"


def test_symbolic_link_is_refused_and_its_target_kept(tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    link = tmp_path / "a.yaml"
    link.symlink_to(target)
    with pytest.raises(Problem, match="symbolic link"):
        _files.write_bytes(str(link), b"new")
    assert target.read_bytes() == b"precious"
    assert sorted(os.listdir(tmp_path)) == ["a.yaml", "target"]


def test_missing_folder_is_a_problem(tmp_path):
    with pytest.raises(Problem, match="cannot write"):
        _files.write_bytes(str(tmp_path / "no" / "a.yaml"), b"x")


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"old")

    def full_disk(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full_disk)
    with pytest.raises(Problem, match="No space left on device"):
        _files.write_bytes(str(path), b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.yaml"]


def test_remove_says_whether_there_was_one(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"")
    assert _files.remove(str(path)) is True
    assert _files.remove(str(path)) is False
    assert _files.read_bytes(str(path)) is None


def test_what_a_killed_write_left_goes_with_a_later_one(tmp_path):
    old, young = tmp_path / ".riscv-k3s-old", tmp_path / ".riscv-k3s-young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    _files.write_bytes(str(tmp_path / "file"), b"whole")
    assert sorted(os.listdir(tmp_path)) == [young.name, "file"]
