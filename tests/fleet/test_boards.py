# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin boards as a user starts it: ansible-inventory over twenty ssh servers on loopback addresses."""

from __future__ import annotations

import functools
import json
import os
import pathlib
import subprocess
import time

import pytest
import yaml
from ssh_boards import SshBoard, answer, same_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = "one-time-hunter2"
AGENT = {"answer": functools.partial(answer, board={"ran_as": "k3s-agent"}), "delay": 1}
SLOW, SLOWER, LIMIT = 2, 3, 9
BOARDS = [{}, *[AGENT] * 13, {"delay": SLOW}, {"delay": SLOWER}, None, None, {"password": "another"}, {}]


def ansible(program, *words, folder):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "SSH_AUTH"))}
    environment.update(ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".venv/collections"), HOME=str(folder), COLUMNS="500")
    start = time.monotonic()
    done = subprocess.run(
        [ROOT / ".venv/bin" / program, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr, time.monotonic() - start


@pytest.fixture
def boards(tmp_path):
    addresses = ["127.0.1.%d" % number for number in range(1, 21)]
    port = same_port(addresses)
    found = [
        SshBoard(address, port, **dict({"password": PASSWORD}, **kind))
        for address, kind in zip(addresses, BOARDS)
        if kind is not None
    ]
    known = [board.known() for board in found]
    # The last one has another key than the one that is known.
    known[-1] = known[0].replace("[127.0.1.1]", "[127.0.1.20]")
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/known_hosts").write_text("".join(known))
    (tmp_path / "vault").write_text("the key of the vault\n")
    yield found
    for board in found:
        board.close()


@pytest.mark.slow
def test_twenty_boards_in_the_time_of_the_slowest_and_then_from_the_cache(boards, tmp_path):
    encrypted = ansible(
        "ansible-vault",
        "encrypt_string",
        "--vault-password-file",
        "vault",
        PASSWORD,
        "--name",
        "password",
        folder=tmp_path,
    )[0]
    (tmp_path / "boards.riscv_k3s.yml").write_text(
        yaml.safe_dump(
            {
                "plugin": "riscv.k3s.boards",
                "addresses": ["127.0.1.1-20"],
                "port": boards[0].port,
                "timeout": LIMIT,
                "cache": True,
                "cache_plugin": "ansible.builtin.jsonfile",
                "cache_connection": str(tmp_path / "cache"),
            }
        )
        + encrypted
    )
    words = ["-i", "boards.riscv_k3s.yml", "--vault-password-file", "vault", "-vvvv"]
    bare = ansible("ansible-inventory", "-i", "localhost,", "--graph", folder=tmp_path)[2]
    graph, errors, seconds = ansible("ansible-inventory", *words, "--graph", folder=tmp_path)
    # One after the other would take the sum. A busy machine has as much as half of it beside Ansible's own time.
    total = sum((kind or {}).get("delay", 0) for kind in BOARDS)
    print("ansible-inventory by itself %.1f s, with the boards %.1f s" % (bare, seconds), end=", ")
    print("of which the slowest takes %d s, all together %d s" % (SLOWER, total))
    assert seconds - bare < total / 2
    shown = [line.strip("| -:") for line in graph.splitlines() if "|--" in line]
    assert {"@k3s_cluster", "@server", "@agent", "@unreachable", "@arch_riscv64", "@os_debian_13"} <= set(shown)
    assert all("127.0.1.%d" % number in shown for number in range(1, 21))
    for number, reason in (
        (17, "it refuses connections"),
        (18, "it refuses connections"),
        (19, "the login of root failed"),
        (20, "its host key is another one than the one that is known"),
    ):
        assert "127.0.1.%d is unreachable: %s" % (number, reason) in errors
    commands = [len(board.commands) for board in boards]
    assert commands == [1] * 16 + [0, 0]
    # No password reached who has another key.
    assert boards[-1].logins == []

    listed, more_errors, again = ansible("ansible-inventory", *words, "--list", folder=tmp_path)
    print("from the cache %.1f s" % again)
    assert [len(board.commands) for board in boards] == commands
    groups = json.loads(listed[listed.index("\n{\n") :])
    assert len(groups["agent"]["hosts"]) == 13 and groups["k3s_cluster"]["children"] == ["server", "agent"]
    assert groups["unreachable"]["hosts"] == ["127.0.1.%d" % number for number in (17, 18, 19, 20)]
    kept = "".join(file.read_text() for file in (tmp_path / "cache").rglob("*") if file.is_file())
    assert kept and PASSWORD not in graph + errors + listed + more_errors + kept
