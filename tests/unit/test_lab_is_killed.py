# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab command that was killed leaves: the next one finds all of it, and takes it back.

The lab's modules have names that those of other tests have, too. So each test is a Python of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from test_project import ROOT

# A machine of a few files in the place of this one.
_MACHINE = """
import contextlib, os, pathlib, signal, stat, sys, tempfile, types
sys.path.insert(0, sys.argv[1])
import lifecycle, machine
place = pathlib.Path(sys.argv[2])
machine._SHARED = str(place / "labs.json")
machine.RISCV64 = place / "qemu-riscv64"
machine._setting = lambda name: place / name.replace("/", "-")
machine._is_mounted = lambda path: True
machine.KERNEL_SETTINGS = ["kernel/panic"]
for name, value in (("kernel/panic", "0"), (machine.INOTIFY, "128")):
    machine._setting(name).write_text(value)
machine.BINFMT = place
lifecycle._mounts = lambda: []
lifecycle._end_processes_in_namespaces = lambda: None
lifecycle.cgroups = types.SimpleNamespace(delete=lambda: None, leftovers=lambda: [])
lifecycle.network = types.SimpleNamespace(delete=lambda: None, namespaces=lambda: [])
def settings():
    return {name: machine._setting(name).read_text() for name in ("kernel/panic", machine.INOTIFY)}
before = settings()
"""


def lab(tmp_path, text, **options):
    environment = dict(os.environ, RISCV_K3S_LAB_DIR=str(tmp_path / "state"), XDG_CACHE_HOME=str(tmp_path / "cache"))
    argv = [sys.executable, "-c", _MACHINE + text, str(ROOT / "tests/lab/rklab"), str(tmp_path)]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, **options)


def test_down_takes_back_the_machine_that_a_killed_build_had_set_up(tmp_path):
    done = lab(
        tmp_path,
        """
machine.acquire(lifecycle._BUILDER)
machine._setting("kernel/panic").write_text("10")
assert ["this machine's settings" in line for line in lifecycle.leftovers()] == [True]
lifecycle.down()
assert settings() == before and lifecycle.leftovers() == [] and not os.path.exists(machine._SHARED)
""",
    )
    assert done.returncode == 0, done.stderr


def test_the_machine_is_noted_before_it_is_changed(tmp_path):
    done = lab(
        tmp_path,
        """
set_of = machine._setting
def killed(name):
    if "labs" in machine.json.loads(pathlib.Path(machine._SHARED).read_text() or "{}"):
        raise KeyboardInterrupt
    return set_of(name)
machine._setting = killed
with contextlib.suppress(KeyboardInterrupt):
    machine.acquire(lifecycle.NAME)
machine._setting = set_of
assert machine.is_acquired(lifecycle.NAME) and settings() == before
lifecycle.down()
assert lifecycle.leftovers() == []
""",
    )
    assert done.returncode == 0, done.stderr


def test_what_a_killed_build_left_half_made_goes_before_the_next_one(tmp_path):
    done = lab(
        tmp_path,
        """
import builds
folder = place / "cache"
for name in (".debian-x1/root/dev", ".booted-x2/out", "debian-riscv64-1", "kubernetes-1"):
    (folder / name).mkdir(parents=True)
with builds.lock(folder), tempfile.TemporaryDirectory(dir=folder, prefix=".programs-") as own:
    assert {path.name for path in folder.iterdir()} == {
        "debian-riscv64-1", "kubernetes-1", ".lock", pathlib.Path(own).name
    }
""",
    )
    assert done.returncode == 0, done.stderr


def test_a_lab_command_that_is_ended_cleans_up(tmp_path):
    """By SIGTERM, as of a job that takes too long."""
    done = lab(
        tmp_path,
        """
import runpy
command = runpy.run_path(sys.argv[1] + "/__main__.py", run_name="lab")
def perform(_options):
    with tempfile.TemporaryDirectory(dir=place, prefix=".debian-"):
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
command["main"].__globals__["perform"] = perform
sys.argv[1:] = ["status"]
command["main"]()
""",
    )
    assert (done.returncode, done.stderr) == (1, "lab: interrupted. Next: tests/lab/lab down\n")
    assert not list(tmp_path.glob(".debian-*"))


@pytest.mark.parametrize("name", ["board", "root"])
def test_what_holds_keys_of_a_board_is_made_for_nobody_else(name):
    """The cache of a user may be read by others; a board's disk holds its private key."""
    text = (ROOT / "tests/lab/rklab/emulated" / (name + ".py")).read_text(encoding="utf-8")
    for function in ("_first_boot", "_make(folder)"):
        if "def " + function in text:
            assert "out.mkdir(mode=0o700)" in text.partition("def " + function)[2].partition("\ndef ")[0]
