# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why k3s itself does not come up, by its own last words: what is read of them, and what they tell."""

from __future__ import annotations

import pytest
from fake_board import TOKEN, FakeBoard
from fake_fleet import FakeFleet

from ansible_collections.riscv.k3s.plugins.module_utils.text import redact
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.observe import PARTS, observe

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
