# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection as users have it: built, installed into an empty folder, and run from there by each ansible-core.

Which of them is on this machine is up to its Pythons; `pytest -rs` shows those that are not. With RISCV_K3S_TARBALL it
is that tarball which is installed; `tools/release-check` so tries its candidate.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest
from boards import ROOT
from prerequisites import missing

PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
OWN = pathlib.Path(sys.executable).parent
TOO_OLD = "2.18"
# Of those below the oldest one that is promised there is nothing of requirements-release.
OTHERS = sorted(path.stem.split("-")[2] for path in ROOT.glob("requirements-release-*.in"))


def programs(core):
    """The folder of the programs of a version of ansible-core, which is made where it is not there yet."""
    made = subprocess.run(
        [str(ROOT / "tools/environment"), "requirements-core.txt"],
        env={**os.environ, "CORE": core},
        capture_output=True,
        text=True,
        check=False,
    )
    # 3: no such Python on this machine. Without a network, or with a wrong checksum, nothing was found out.
    if made.returncode == 3:
        missing("ansible-core %s: %s" % (core, made.stderr.strip()))
    assert made.returncode == 0, "ansible-core %s: %s" % (core, made.stderr)
    return pathlib.Path(made.stdout.strip()) / "bin"


@pytest.mark.parametrize("status", [0, 1, 2, 3, 127])
def test_only_a_missing_python_is_skipped(status, monkeypatch):
    """tools/environment ends with 3 there. What it could not install was not tried."""
    made = subprocess.CompletedProcess([], status, "/made\n", "what it said\n")
    monkeypatch.setattr(subprocess, "run", lambda *dummy, **_options: made)
    monkeypatch.delenv("CI", raising=False)
    if status:
        with pytest.raises(pytest.skip.Exception if status == 3 else AssertionError, match="core 2.20: what it said"):
            programs("2.20")
    else:
        assert programs("2.20") == pathlib.Path("/made/bin")


def install(folder, programs_):
    """Install the collection into an empty folder, with nothing else on the path of collections."""
    environment = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(folder / "collections"), ANSIBLE_NOCOLOR="1")
    environment.update(ANSIBLE_HOME=str(folder / "home"), ANSIBLE_LOCAL_TEMP=str(folder / "local"))

    def galaxy(*args):
        command = [str(programs_ / "ansible-galaxy"), "collection", *args]
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "WARNING" not in done.stderr, done.stdout + done.stderr

    built = os.environ.get("RISCV_K3S_TARBALL")
    if not built:
        galaxy("build", str(ROOT), "--output-path", str(folder))
        (built,) = folder.glob("riscv-k3s-*.tar.gz")
    galaxy("install", "--offline", os.path.abspath(built), "-p", str(folder / "collections"))
    assert not (folder / "collections/ansible_collections/riscv/k3s/tests").exists()
    return environment


def test_a_tarball_that_is_given_is_the_one_that_is_installed(monkeypatch, tmp_path):
    commands = []

    def ran(command, **_options):
        commands.append(command[2:])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", ran)
    monkeypatch.setenv("RISCV_K3S_TARBALL", "/candidate.tar.gz")
    install(tmp_path, OWN)
    assert commands == [["install", "--offline", "/candidate.tar.gz", "-p", str(tmp_path / "collections")]]


def play(fleet, programs_, environment, playbook):
    """Run a playbook of the installed collection on the fleet. It may not warn of anything."""
    command = [str(programs_ / "ansible-playbook"), *fleet.argv(playbook="riscv.k3s." + playbook)[1:]]
    done = subprocess.run(
        command,
        env={**fleet.environment(), **environment, "ANSIBLE_CALLBACKS_ENABLED": "riscv.k3s.run_report"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    text = done.stdout + done.stderr
    assert done.returncode == 0 and "WARNING" not in text and "DEPRECATED" not in text, text
    return text


def story(fleet, programs_, folder):
    """What a user does first: look, then do it, then see that it is done."""
    environment = install(folder, programs_)
    before = fleet.look()
    assert "tag" in play(fleet, programs_, environment, "plan")
    assert fleet.touched(before) == []
    assert "All healthy." in play(fleet, programs_, environment, "site")
    before = fleet.look()
    assert "All healthy." in play(fleet, programs_, environment, "site")
    assert fleet.touched(before) == []


def test_what_was_built_and_installed_runs(make_fleet, tmp_path):
    story(make_fleet(servers=1, agents=1), OWN, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("core", OTHERS)
def test_it_runs_on_each_ansible_core(core, make_fleet, tmp_path):
    folder = programs(core)
    said = subprocess.run([str(folder / "ansible"), "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith("ansible [core %s." % core)
    story(make_fleet(servers=1, agents=1), folder, tmp_path)


@pytest.fixture(name="old", scope="module")
def _old(make_fleet, tmp_path_factory):
    fleet, folder = make_fleet(servers=1, agents=1), tmp_path_factory.mktemp("old")
    return fleet, install(folder, OWN), programs(TOO_OLD)


@pytest.mark.slow
@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_an_ansible_core_that_is_too_old_is_told_in_one_sentence(playbook, old):
    """Before anything is evaluated or any board is asked."""
    fleet, environment, folder = old
    command = [str(folder / "ansible-playbook"), *fleet.argv(playbook="riscv.k3s." + playbook)[1:]]
    environment = {**fleet.environment(), **environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    text = " ".join((done.stdout + done.stderr).split())
    assert done.returncode and text.count("riscv.k3s needs ansible-core 2.19 or newer. Found: ansible-core 2.18.") == 1
    assert "PLAY [" not in text and not any(fleet.commands().values()), text
