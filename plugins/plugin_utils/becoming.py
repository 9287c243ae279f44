# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do where Ansible could not become root on a board, by what it or the board said of that. Pure."""

from __future__ import annotations

import re
from typing import Optional

_OTHERWISE = "let the user become root without a password (NOPASSWD in sudoers), or log in as root"
_PASSWORD = "give the user's password with -K (ansible_become_password), or " + _OTHERWISE
# In the words of Ansible, sudo, sudo-rs and shells; those of sudo and bash in Chinese (zh_CN and zh_TW), too. Nothing
# but words tells it: Ansible itself looks for those of sudo in the controller's language.
_KNOWN = (
    (
        r"waiting for (?:privilege escalation|become success or become password) prompt|\[sudo: \[sudo via ansible",
        # ansible/ansible#85837
        "where sudo is sudo-rs (Ubuntu 25.10 and later), Ansible does not know its question for the password: set "
        "ansible_become_exe to sudo.ws, which is there too; or " + _OTHERWISE + ". A board that is only slow needs a "
        "longer ANSIBLE_TIMEOUT",
    ),
    (
        r"(?:[Mm]issing|[Ii]ncorrect) (?:\w+ )?password|a (?:terminal|password) is required|no password was provided"
        r"|no tty present|需要密[码碼]|才能讀取密碼|未提供密[码碼]|次密碼錯誤嘗試|没有终端存在|未提供終端機",
        _PASSWORD,
    ),
    (r"must have a tty|必须拥有一个终端", "take requiretty out of sudoers there, or log in as root"),
    (
        r"sudo: (?:command )?(?:not found|inaccessible)|(?:unknown command:?|can't execute) '?sudo|sudo: No such file"
        r"|sudo(?:: ?|：)(?:未找到命令|找不到命令|找不到指令|命令找不到)",
        "there is no sudo: install it; or, where doas is, set ansible_become_method to community.general.doas; or log "
        "in as root",
    ),
    (
        r"not in the sudoers file|is not allowed to (?:execute|run)|may not run sudo"
        r"|不在 sudoers |无权以 [^\n]{1,200} 的身份|不允許以 [^\n]{1,200} 身份"
        r"|(?:无权|不能|不允許)在 [^\n]{1,200} (?:上运行|上執行|執行) sudo",
        _OTHERWISE,
    ),
    # A last line of sudo itself, in whatever language; ssh may add that it ends. That sudo cannot resolve the board's
    # name is only a warning.
    (
        r"(?:\A|\n)sudo(?:-rs)?(?:: |：)(?!unable to resolve host|无法解析主机|無法解析主機)[^\n]*"
        r"(?:\s*\n(?:Shared c|C)onnection to \S+ closed\.)?\s*\Z",
        "sudo says that, in words that are not known here: `LC_ALL=C sudo -n true` says it in English, as that user on "
        "the board. Where it wants a password, " + _PASSWORD,
    ),
)


def remedy(text: str) -> Optional[str]:
    """What to do about a text that tells that; None for another text."""
    return next((what for pattern, what in _KNOWN if re.search(pattern, text, re.IGNORECASE)), None)
