# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards that ssh does not reach: what to do, by its words."""

from __future__ import annotations

import pytest
from fake_fleet import FakeFleet

from ansible_collections.riscv.k3s.plugins.plugin_utils import becoming
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.verdict import Looked, verdict
from ansible_collections.riscv.k3s.plugins.plugin_utils.reaching import remedy

VIA = "Task failed: Failed to connect to the host via ssh: "
# What people were told, and the word that tells them what helps.
SAID = [
    # milvus-io/milvus#17770, ansible/awx#387
    (VIA + "Host key verification failed.", "known_hosts"),
    (VIA + "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\nHost key verification failed.", "ssh-keygen -R"),
    # Next-Kick/openclaw-hardened-ansible#1
    (VIA + "Warning: Permanently added 'b' (ED25519).\r\nroot@b: Permission denied (publickey,password).", "enroll"),
    (VIA + 'Load key "k": bad permissions\r\nroot@b: Permission denied (publickey).', "0600"),
    (VIA + "Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures", "IdentitiesOnly"),
    # ansible/ansible#16840, ansible/ansible-runner#136
    (VIA + 'unix_listener: path "/runner/a/cp/8f0c2d1a5b.4GkQ2mXn" too long for Unix domain socket', "ANSIBLE_HOME"),
    (VIA + "ssh: Could not resolve hostname board-2: Name or service not known", "ansible_host"),
    (VIA + "ssh: connect to host 192.0.2.1 port 22: Connection refused", "ansible_port"),
    (VIA + "ssh: connect to host 192.0.2.1 port 22: No route to host", "is on"),
    (VIA + "ssh: connect to host 192.0.2.1 port 22: Connection timed out", "ANSIBLE_TIMEOUT"),
    (VIA + "Connection timed out during banner exchange", "ANSIBLE_TIMEOUT"),
    (VIA + "kex_exchange_identification: Connection closed by remote host", "MaxStartups"),
    (VIA + "Connection reset by 192.0.2.1 port 22", "MaxStartups"),
    ("to use the 'ssh' connection type with passwords, you must install the sshpass program", "sshpass on this"),
    ("Task failed: Timed out after 8 second(s).", "ANSIBLE_TASK_TIMEOUT"),
]


@pytest.mark.parametrize("text, word", SAID)
def test_what_helps_is_said_wherever_it_is_told(text, word):
    assert word in remedy(text) and becoming.remedy(text) is None
    (sentence,) = verdict([Looked("board-2", {"msg": text})], None, {"health_namespaces": []})["boards"]["board-2"][
        "unknown"
    ]
    assert word in sentence.partition(" Next: ")[2] and ".. " not in sentence
    fleet = FakeFleet()
    fleet.boards["board-2"] = {"msg": text}
    (finding,) = [one for one in fleet.document()["findings"] if one["cause"] == "board-unreachable"]
    assert word in finding["remedy"] and finding["remedy"].endswith(".") and finding["remedy"][0].isupper()


@pytest.mark.parametrize(
    "text",
    [
        VIA + "something that nobody has seen before",
        "Get https://192.0.2.1:6443: dial tcp: connect to host x port 1: Connection refused",
        "",
    ],
)
def test_another_failure_has_another_remedy(text):
    assert remedy(text) is None
