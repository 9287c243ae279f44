# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook enroll as a user starts it, on ssh servers on loopback that run what they are told in a real sh."""

from __future__ import annotations

import json
import os
import pathlib
import pty
import subprocess

import paramiko
import pytest
import yaml
from shell_board import ShellBoard

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = "one-time-hunter2"


class Controller:
    """A folder in which ansible-playbook is started, which is HOME, too."""

    def __init__(self, folder):
        self.folder = folder
        (folder / ".ssh").mkdir(parents=True, mode=0o700)
        key = paramiko.ECDSAKey.generate()
        key.write_private_key_file(str(folder / ".ssh/id_ecdsa"))
        (folder / ".ssh/id_ecdsa.pub").write_text("%s %s me@here\n" % (key.get_name(), key.get_base64()))

    def enroll(self, *words, **variables):
        return subprocess.run(
            self.argv(variables, "-vvv", "--diff", *words),
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def argv(self, variables, *words):
        given = {"riscv_k3s_enroll_" + name: value for name, value in variables.items()}
        (self.folder / "enroll.json").write_text(json.dumps(given))
        return [str(ROOT / ".venv/bin/ansible-playbook"), "riscv.k3s.enroll", "-e", "@enroll.json", *words]

    def environment(self):
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("ANSIBLE_", "SSH_AUTH"))}
        kept.update(ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".venv/collections"), HOME=str(self.folder))
        return kept


@pytest.fixture
def boards(tmp_path):
    found = [ShellBoard(tmp_path / name, password=PASSWORD) for name in ("a", "b")]
    yield found
    for board in found:
        board.close()


@pytest.mark.slow
def test_check_run_check_run_by_playbook(boards, tmp_path):
    controller = Controller(tmp_path / "own")
    entries = [
        {"address": board.address, "port": board.port, "name": "mars-%d" % number, "hostname": "board-%d" % number}
        for number, board in enumerate(boards)
    ]
    variables = {"boards": entries, "password": PASSWORD, "accept_new": True, "lock_password": True}
    before = [board.files() for board in boards]
    outputs = [controller.enroll("--check", **variables)]
    assert [board.files() for board in boards] == before and not (controller.folder / "inventory.yml").exists()
    assert "mars-0: to do: install the key; name it board-0 (it is vendor); lock the password" in outputs[0].stdout
    outputs.append(controller.enroll(**variables))
    after, inventory = [board.files() for board in boards], (controller.folder / "inventory.yml").read_bytes()
    groups = yaml.safe_load(inventory)["k3s_cluster"]["children"]
    assert [list(groups[role]["hosts"]) for role in ("server", "agent")] == [["mars-0"], ["mars-1"]]
    outputs += [controller.enroll("--check", **variables), controller.enroll(**variables)]
    assert [done.returncode for done in outputs] == [0] * 4, outputs[-1].stdout
    assert ["changed=0" in done.stdout for done in outputs] == [False, False, True, True]
    assert [board.files() for board in boards] == after
    assert (controller.folder / "inventory.yml").read_bytes() == inventory
    # One that is not there fails the run, and is told; so is a wrong option.
    outputs.append(controller.enroll(**{**variables, "boards": [*entries, "127.0.0.1:1"]}))
    assert outputs[-1].returncode == 2 and "1 of 3 boards are not enrolled: 127.0.0.1_1" in outputs[-1].stdout
    assert "127.0.0.1_1: not enrolled: it refuses connections" in outputs[-1].stdout
    outputs.append(controller.enroll(**dict(variables, timeout="soon")))
    assert outputs[-1].returncode == 2 and "timeout" in outputs[-1].stdout + outputs[-1].stderr
    assert not [done for done in outputs if PASSWORD in done.stdout + done.stderr]


@pytest.mark.slow
@pytest.mark.parametrize("by_runner", [False, True])
def test_at_a_terminal_it_asks_and_in_a_job_of_ansible_runner_it_does_not(boards, tmp_path, by_runner):
    """A job has a terminal, too, and nobody types there."""
    controller = Controller(tmp_path / "own")
    entries = [{"address": board.address, "port": board.port} for board in boards]
    words = controller.argv({"boards": entries, "accept_new": True})
    given = dict(controller.environment(), **({"AWX_ISOLATED_DATA_DIR": str(tmp_path)} if by_runner else {}))
    child, terminal = pty.fork()
    if not child:
        os.chdir(controller.folder)
        os.execve(words[0], words, given)
    said, is_answered = b"", False
    try:
        while True:
            said += os.read(terminal, 4096)
            if b"password of the boards" in said and not is_answered:
                assert not by_runner, said
                os.write(terminal, PASSWORD.encode() + b"\r")
                is_answered = True
    except OSError:
        pass  # it has ended, and with it the terminal
    finally:
        os.close(terminal)  # which ends it, where it still asks
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    text, inventory = said.decode(), controller.folder / "inventory.yml"
    assert (status, is_answered, inventory.exists()) == ((2, False, False) if by_runner else (0, True, True)), text
    assert PASSWORD not in text
    assert not by_runner or "no password is given" in text and "2 of 2 boards are not enrolled" in text
