# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What boards say where they do not do what they are told, in the words that real ones were seen to say it."""

import pytest

from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.told import hidden, meaning


@pytest.mark.parametrize(
    "said, what",
    [
        ("WARNING: Your password has expired.\nPassword change required but no TTY available.", "password has expired"),
        ("You are required to change your password immediately (administrator enforced).", "password has expired"),
        ("Your account has expired; please contact your system administrator.", "account has expired"),
        ("System is booting up. Unprivileged users are not permitted to log in yet.", "nobody but root"),
        ("This account is currently not available.", "runs no commands"),
        ("sudo: sorry, you must have a tty to run sudo", "wants a terminal"),
        ("sudo: unable to resolve host vendor: Temporary failure in name resolution", None),
        ("Hello from /root/.bashrc", None),
        ("", None),
    ],
)
def test_what_it_means(said, what):
    found = meaning(said)
    assert found is None if what is None else what in found.what and found.next_step


def test_a_text_without_the_password():
    assert hidden("a: hunter2, hunter2x", "hunter2") == "a: …, …x"
    assert hidden("a", "") == "a"
