# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards on which Ansible cannot become root: what to do, in place of a look at ssh, which works."""

from __future__ import annotations

import pytest
from fake_fleet import FakeFleet

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.verdict import Looked, verdict
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import split_output
from ansible_collections.riscv.k3s.plugins.plugin_utils.becoming import remedy

# What people were told, and the word that tells them what helps.
SAID = [
    # ansible/ansible#86441, #87423, traefikturkey/onramp#68: Ubuntu 25.10 and 26.04
    ("Task failed: Timeout (12s) waiting for privilege escalation prompt: ", "sudo.ws"),
    ("Task failed: Timed out waiting for become success or become password prompt.", "sudo.ws"),
    # ansible/ansible#85835
    ("Missing sudo password", "-K"),
    ("Incorrect sudo password", "-K"),
    ("sudo: a password is required\r\n", "-K"),
    ("sudo: a terminal is required to read the password; either use ssh's -t option or configure an askpass", "-K"),
    # ansible/ansible#31131
    ("sudo: sorry, you must have a tty to run sudo", "requiretty"),
    # Alpine has doas; the shells of dash, bash, busybox and fish
    ("/bin/sh: 1: sudo: not found", "doas"),
    ("bash: line 1: sudo: command not found", "doas"),
    ("sh: sudo: not found", "doas"),
    ("fish: Unknown command: sudo", "doas"),
    ("board is not in the sudoers file.", "NOPASSWD"),
    # zh_CN: openEuler, Bianbu
    ("sudo: 需要密码\r\n", "-K"),
    ("sudo: 没有终端存在，且未指定 askpass 程序", "-K"),
    ("sudo：抱歉，您必须拥有一个终端来执行 sudo", "requiretty"),
    ("bash: 行 1: sudo: 未找到命令", "doas"),
    ("bash: 第 1 行：sudo：未找到命令", "doas"),
    ("board 不在 sudoers 文件中。此事将被报告。", "NOPASSWD"),
    ("用户 board 无权在 board-2 上运行 sudo。", "NOPASSWD"),
    ("对不起，用户 board 无权以 root 的身份在 board-2 上执行 /bin/sh -c id。", "NOPASSWD"),
    # zh_TW
    ("sudo: 需要密碼", "-K"),
    ("sudo: 需要終端器才能讀取密碼；可以使用 -S 選項，從標準輸入讀取，或是設定 askpass 協助工具", "-K"),
    ("sudo: 3 次密碼錯誤嘗試", "-K"),
    ("board 不在 sudoers 檔案中。\n本事件已向管理員報告。", "NOPASSWD"),
    ("board 不允許在 board-2 執行 sudo。", "NOPASSWD"),
    ("對不起，使用者 board 不能在 board-2 上執行 sudo。", "NOPASSWD"),
    ("對不起，使用者 board 不允許以 board-2 上的 root 身份執行「/bin/sh -c id」", "NOPASSWD"),
    # Another language, or an encoding that is not UTF-8
    ("sudo: Ein Passwort ist notwendig\r\n\nShared connection to 192.0.2.11 closed.\r\n", "LC_ALL=C sudo -n true"),
    ("sudo: unable to resolve host board-2: Name or service not known\r\nsudo: il est nécessaire de", "LC_ALL=C"),
    ("sudo: \ufffd\ufffd\u04aa\ufffd\ufffd\ufffd\ufffd", "LC_ALL=C"),
    ("sudo-rs: account validation failure, is your account locked?", "LC_ALL=C"),
]


@pytest.mark.parametrize("text, word", SAID)
def test_what_helps_is_said_wherever_it_is_told(text, word):
    assert word in remedy(text)
    with pytest.raises(Problem, match="did not run the observing script") as caught:
        split_output(text, "riscv-k3s-0123")
    assert word in caught.value.next_step
    (sentence,) = verdict([Looked("board-2", {"msg": text})], None, {"health_namespaces": []})["boards"]["board-2"][
        "unknown"
    ]
    assert text.strip() in sentence and word in sentence.partition(" Next: ")[2]
    fleet = FakeFleet()
    fleet.boards["board-2"] = {"msg": text}
    (finding,) = [one for one in fleet.document()["findings"] if one["cause"] == "board-unreachable"]
    assert word in finding["remedy"]


@pytest.mark.parametrize(
    "text",
    [
        "Failed to connect to the host via ssh: ssh: connect to host 192.0.2.11 port 22: No route to host",
        "Permission denied (publickey,password).",
        "the board did not run the observing script. Found: no output. Next: check it",
        # Warnings of sudo, which runs it.
        "sudo: unable to resolve host board-2: Name or service not known",
        "sudo: 无法解析主机：board-2: 未知的名称或服务",
        "sudo: impossible de résoudre l'hôte board-2\nsh: 1: Syntax error: word unexpected",
        "您不能在 board-2 上执行它",
        "",
    ],
)
def test_another_failure_has_another_remedy(text):
    assert remedy(text) is None
