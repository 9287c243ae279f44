# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action boards_enroll against ssh servers on loopback, each of which runs what it is told in a real sh."""

from __future__ import annotations

import paramiko
import pytest
from shell_board import ShellBoard

from ansible_collections.riscv.k3s.plugins.action import boards_enroll
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll import board as _board

PASSWORD = "one-time-hunter2"
DEFAULTS = {name: option.get("default") for name, option in boards_enroll.OPTIONS.items()}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Of who runs Ansible: with a key, and without an agent."""
    monkeypatch.setenv("HOME", str(tmp_path / "own"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / "own/.ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.chdir(tmp_path / "own")
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(tmp_path / "own/.ssh/id_ecdsa"))
    (tmp_path / "own/.ssh/id_ecdsa.pub").write_text("%s %s me@here\n" % (key.get_name(), key.get_base64()))
    # What k3s is there is read by the inventory plugin's script, which has tests of its own.
    monkeypatch.setattr(_board.Board, "_role", lambda board, one: None)
    return tmp_path / "own"


@pytest.fixture
def start(tmp_path, home):
    boards = []

    def start(**options):
        folder = tmp_path / ("board-%d" % len(boards))
        boards.append(ShellBoard(folder, **dict({"password": PASSWORD}, **options)))
        return boards[-1]

    yield start
    for board in boards:
        board.close()


def entry(board, **more):
    return dict({"address": board.address, "port": board.port}, **more)


def enroll(*entries, dry=False, **options):
    given = dict(DEFAULTS, boards=list(entries), password=PASSWORD, accept_new=True, timeout=10)
    return boards_enroll.enrolled(dict(given, **options), dry)


def test_check_run_check_run(start, home):
    board = start()
    one = entry(board, name="mars", hostname="board-1")
    before = board.files()
    foretold = enroll(one, dry=True)
    assert board.files() == before and not (home / ".ssh/known_hosts").exists()
    made = enroll(one)
    assert foretold["changed"] and made["changed"] and made["problems"] == foretold["problems"] == []
    assert foretold["inventory"] == made["inventory"]
    after = board.files()
    (home / "inventory.yml").write_text(made["inventory"]["text"])
    for dry in (True, False):
        again = enroll(one, dry=dry, password="")
        assert (again["changed"], again["problems"], again["boards"]["mars"]["done"]) == (False, [], [])
        assert again["inventory"]["text"] == made["inventory"]["text"]
    assert board.files() == after
    assert after["home/.ssh"][0][-3:] == "700" and after["home/.ssh/authorized_keys"][0][-3:] == "600"
