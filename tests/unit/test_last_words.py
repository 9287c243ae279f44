# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why k3s itself does not come up, by its own last words: what is read of them, and what they tell."""

from __future__ import annotations

import pytest
from fake_board import SHELLS, TOKEN, FakeBoard
from fake_fleet import FakeFleet

from ansible_collections.riscv.k3s.plugins.module_utils.text import redact
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import PARTS, observe
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.script import build_script

LOGFMT = 'time="2026-11-26T08:00:00Z" level=%s msg="%s"'
DOWN = {"installed": True, "version": "v1.36.3+k3s1", "role": "agent", "running": False}
PASSWORD = (
    "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match server "
    "node-passwd entry, try enabling a unique node name with the --with-node-id flag"
)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (
            LOGFMT % ("error", PASSWORD),
            "node-password-rejected",
        ),
        (
            LOGFMT
            % (
                "error",
                'failed to get CA certs: Get \\"https://127.0.0.1:6444/cacerts\\": read tcp '
                "127.0.0.1:1->127.0.0.1:6444: read: connection reset by peer",
            ),
            "server-unreachable",
        ),
        (
            LOGFMT % ("fatal", "failed to find memory cgroup (v2)"),
            "cgroup-missing",
        ),
        (
            LOGFMT
            % (
                "fatal",
                "starting kubernetes: preparing server: bootstrap data already found and encrypted with "
                "different token",
            ),
            "k3s-start-failed",
        ),
        (
            LOGFMT % ("fatal", "something that nobody has seen before"),
            "k3s-start-failed",
        ),
        (
            LOGFMT % ("fatal", "listen tcp :6443: bind: address already in use"),
            "k3s-start-failed",
        ),
        (
            LOGFMT % ("fatal", "server time isn't set properly: 1970-01-01 00:00:12.34 +0000 UTC m=+0.21"),
            "clock",
        ),
        (
            LOGFMT % ("fatal", "exec /var/lib/rancher/k3s/data/3a5a046ca7/bin/k3s-server failed: permission denied"),
            "k3s-not-executable",
        ),
        ("k3s-agent.service: Failed at step EXEC spawning /usr/local/bin/k3s: Permission denied", "k3s-not-executable"),
        ("k3s.service: Failed to execute /usr/local/bin/k3s: Exec format error", "k3s-not-executable"),
        (
            "k3s.service: Unable to locate executable '/usr/local/bin/k3s': No such file or directory",
            "k3s-not-executable",
        ),
        (" * supervise-daemon: failed to exec `/sbin/k3s': No such file or directory", "k3s-not-executable"),
        (
            "E0118 17:33:58.888700 1457370 bootstrap.go:265] part of the existing bootstrap client certificate is "
            "expired: 2020-12-06 18:55:55 +0000 UTC",
            "certificate-expired",
        ),
    ],
)
def test_causes(line, cause):
    fleet = FakeFleet()
    fleet.agent["k3s"] = DOWN
    fleet.agent["errors"] = [{"section": "containerd", "rc": 1, "message": "connection refused"}]
    fleet.agent["last_words"] = [LOGFMT % ("error", "what was got over: no space left on device"), line]
    found = {one["cause"]: one for one in fleet.document()["findings"]}
    assert set(found) == {cause, "k3s-down"}
    assert found[cause]["confidence"] == "likely" and found[cause]["subject"]["board"] == "board-2"
    assert redact(line) in found[cause]["evidence"][0] and found[cause]["command"]


@pytest.mark.parametrize(("answers", "expected"), [(True, 0), (False, 4)])
def test_the_log_is_read_only_where_containerd_does_not_answer(tmp_path, answers, expected):
    board = FakeBoard(tmp_path)
    log = "\n".join(
        [
            "level=info msg=fine",
            LOGFMT % ("error", "--token=abcdefgh refused"),
            "E0101 12:00:00.0 1 a.go:1] went wrong",
            "panic: F0211 22:57:15.9 1 a.go:1] went down",
            LOGFMT % ("info", "Waiting to retrieve agent configuration; server is not ready: " + PASSWORD),
            "",
        ]
    )
    board.file("k3s.log", log)
    if not answers:
        board.answer("ctr --namespace k8s.io version", err="connection refused", rc=1)
    seen = observe(
        board.run([*PARTS, "last_words"], k3s_logs=[str(tmp_path / "k3s.log")]), TOKEN, [*PARTS, "last_words"]
    )
    assert len(seen["last_words"]) == expected
    assert not any("abcdefgh" in line or "fine" in line for line in seen["last_words"])


def test_the_errors_of_a_k3s_that_only_did_not_answer_in_time_are_old():
    fleet = FakeFleet()
    fleet.agent["k3s"] = dict(DOWN, running=None)
    fleet.agent["last_words"] = [LOGFMT % ("fatal", "failed to find memory cgroup (v2)")]
    assert "cgroup-missing" not in fleet.causes()


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize(
    "line",
    [
        "k3s-node.service: Failed at step EXEC spawning /usr/local/bin/k3s: Permission denied",
        "k3s-node.service: Unable to locate executable '/usr/local/bin/k3s': No such file or directory",
        " * supervise-daemon: failed to exec `/sbin/k3s': No such file or directory",
    ],
)
def test_what_the_service_manager_says_is_read_too(tmp_path, shell, line):
    board = FakeBoard(tmp_path)
    board.answer("ctr --namespace k8s.io version", err="connection refused", rc=1)
    board.file("k3s.log", "Started it.\n%s\n" % line)
    parts = ["k3s", "last_words"]
    seen = observe(board.run(parts, shell, k3s_logs=[str(tmp_path / "k3s.log")]), TOKEN, parts)
    assert [text.strip() for text in seen["last_words"]] == [line.strip()]


def asked(board, shell, *names):
    """What the programs of these names were asked for."""
    for name in names:
        board.program(name, '#!/bin/sh\necho %s "$@" >>%s\n' % (name, board.home / "asked"))

    def of_systemd(*args, **options):
        # The machine that runs the test need not have it.
        return build_script(*args, **options).replace("/run/systemd/system", str(board.home))

    board.run(["k3s", "service_state", "last_words"], shell, build=of_systemd)
    return (board.home / "asked").read_text()


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_service_of_another_name_is_asked_for(tmp_path, shell):
    """k3s-ansible called agents k3s-node (k3s-io/k3s-ansible#89), and what came of it does (timothystewart6#675)."""
    board = FakeBoard(tmp_path)
    board.answer("ctr --namespace k8s.io version", err="connection refused", rc=1)
    board.file("units/k3s-node.service", "")
    said = asked(board, shell, "systemctl", "journalctl")
    assert "systemctl show" in said and " k3s.service k3s-agent.service k3s-node.service\n" in said
    assert "journalctl -u k3s -u k3s-agent -u k3s-node -b" in said


def test_the_commands_name_the_service_that_there_is():
    fleet = FakeFleet()
    fleet.agent.update(k3s=DOWN, service="k3s-node", last_words=[LOGFMT % ("fatal", "something")])
    fleet.agent["errors"] = [{"section": "containerd", "rc": 1, "message": "connection refused"}]
    commands = {one["cause"]: one["command"] for one in fleet.document()["findings"]}
    assert commands == {
        "k3s-down": "systemctl start k3s-node",
        "k3s-start-failed": "journalctl -u k3s-node --no-pager -n 50",
    }
    fleet.agent["preflight"]["init"] = "openrc"
    commands = {one["cause"]: one["command"] for one in fleet.document()["findings"]}
    assert commands["k3s-start-failed"] == "tail -n 50 /var/log/k3s-node.log"


EARLY = (
    "x509: certificate has expired or is not yet valid: "
    "current time 2022-09-16T18:32:28Z is before 2022-09-16T18:41:21Z"
)


@pytest.mark.parametrize(("skew", "remedy"), [(0, "rotate-ca"), (-900, "Set it")])
def test_a_certificate_of_the_future_is_no_fault_of_a_clock_that_is_right(skew, remedy):
    """k3s-io/k3s#6152: to set the clock, which is right, is no remedy."""
    fleet = FakeFleet()
    fleet.agent.update(k3s=DOWN, last_words=[LOGFMT % ("error", EARLY)])
    fleet.agent["preflight"]["time"] += skew
    (found,) = [
        one for one in fleet.document()["findings"] if one["cause"] == "clock" and "k3s's log" in one["evidence"][0]
    ]
    assert remedy in found["remedy"] and ("is right" in found["title"]) == (skew == 0)


MOVED = (
    "Failed to test %s connection: this server is a not a member of the etcd cluster. Found "
    "[server-1-b2=https://192.0.2.31:2380], expect: server-1-b2=https://[fd00::aac3]:2380"
)


@pytest.mark.parametrize("store", ["data store", "etcd"])
def test_a_server_with_another_address_waits_and_calls_that_no_error(tmp_path, store):
    """k3s-io/k3s#11780, #7558: it stays in activating for ever, by lines of level=info."""
    board = FakeBoard(tmp_path)
    board.answer("ctr --namespace k8s.io version", err="connection refused", rc=1)
    board.file("k3s.log", LOGFMT % ("info", MOVED % store) + "\n")
    parts = ["k3s", "last_words"]
    seen = observe(board.run(parts, k3s_logs=[str(tmp_path / "k3s.log")]), TOKEN, parts)
    fleet = FakeFleet()
    fleet.agent.update(k3s=DOWN, last_words=seen["last_words"])
    (found,) = [one for one in fleet.document()["findings"] if one["cause"] == "k3s-start-failed"]
    assert "another address than its cluster knows it by" in found["title"] and "node-ip" in found["remedy"]
