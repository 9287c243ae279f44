# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script that is sent to the shell of a login, whichever it is."""

import shlex
import shutil
import subprocess

import pytest
from prerequisites import missing

from ansible_collections.riscv.k3s.plugins.plugin_utils._boards import script as boards_script
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll import script as enroll_script
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.script import argument
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.fed import fed

TOKEN = "riscv-k3s-0123456789abcdef"
# Words that fish, tcsh and bash read each in its own way.
TEXT = """echo 'one'\\''two' !x "$((1 + 1))" '{a,b}' \\
  more
echo error >&2
IFS= read -r line && echo "$line"
"""
pytestmark = pytest.mark.programs

SHELLS = ["sh", "bash", "dash", "fish", "tcsh", "busybox"]


def run(command, data, shell="sh"):
    path = shutil.which(shell)
    if not path:
        missing("%s is not there: a shell that people log in with" % shell)
    shell = [path, "sh"] if shell == "busybox" else [path]
    return subprocess.run([*shell, "-c", command], input=data, capture_output=True, timeout=20, check=False)


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_runs_it(shell):
    command, data = fed(TEXT, TOKEN)
    done = run(command, data + b"behind\n", shell)
    assert (done.stdout, done.stderr) == (b"one'two !x 2 {a,b} more\nerror\nbehind\n", b"")


@pytest.mark.parametrize("become", [False, True])
@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_hands_on_an_argument(shell, become):
    """What a connection of Ansible sends, as Ansible quotes it."""
    text = TEXT.replace("echo error >&2\n", "printf '%s\\n' '@0012' 'a\\\\b' \"`printf '\\101'`\"\n")
    command = "/bin/sh -c " + shlex.quote(argument(text))
    if become:
        command = "env /bin/sh -c " + shlex.quote("echo begun; " + command)
    done = run(command, b"behind\n", shell)
    said = b"begun\n" * become + b"one'two !x 2 {a,b} more\n@0012\na\\\\b\nA\nbehind\n"
    assert (done.stdout, done.stderr) == (said, b"")


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: b"hunter2\n" + data, lambda data: b""])
def test_what_did_not_arrive_whole_is_not_run(change, tmp_path):
    command, data = fed("echo run >%s/told" % tmp_path, TOKEN)
    run(command, change(data))
    assert not (tmp_path / "told").exists()
    run(command, data)
    assert (tmp_path / "told").exists()


def test_a_command_is_short_and_one_line():
    """dropbear takes 9000 bytes."""
    for one in (
        boards_script.command(TOKEN, "sudo"),
        *(enroll_script.command(name, TOKEN) for name in ("look", "key", "hostname", "password", "lock")),
    ):
        assert len(one.command) < 200 and one.command.isprintable() and "hunter2" not in one.command
        assert one.data.isascii()
