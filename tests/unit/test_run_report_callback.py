# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback run_report in real runs of ansible-playbook, on a terminal and without one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading

import pytest
from conftest import ROOT

COLUMNS = 40
PLAY = """
- name: A run
  hosts: all
  gather_facts: false
  tasks:
    - name: Take a while
      ansible.builtin.command: sleep 1.6
      changed_when: true
    - name: Hide it
      ansible.builtin.command: echo hunter2
      changed_when: true
      no_log: true
    - name: Include
      ansible.builtin.include_role:
        name: nothing
    - name: Break off
      ansible.builtin.command: sh -c 'echo hunter3 >&2; exit 1'
      no_log: true
      when: inventory_hostname == 'board-2'
"""
# By its name alone it is that of ansible-runner.
AWX_DISPLAY = """
from ansible.plugins.callback.default import CallbackModule as Default

DOCUMENTATION = '''
    name: awx_display
    type: stdout
    short_description: As default
    extends_documentation_fragment: [default_callback]
'''


class CallbackModule(Default):
    CALLBACK_NAME = "awx_display"
"""


@pytest.fixture(name="run")
def _run(tmp_path):
    path = tmp_path / "play.yml"
    path.write_text(PLAY, encoding="utf-8")
    (tmp_path / "roles/nothing/tasks").mkdir(parents=True)
    (tmp_path / "roles/nothing/tasks/main.yml").write_text("[]\n")
    inventory = tmp_path / "hosts.ini"
    inventory.write_text(
        "board-1 ansible_connection=local\nboard-2 "
        "ansible_connection=local\n[all:vars]\nansible_python_interpreter=%s\n" % sys.executable
    )

    def run(terminal, **extra):
        environment = dict(
            {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "RISCV_", "AWX_"))},
            ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".venv/collections"),
            ANSIBLE_CALLBACKS_ENABLED="riscv.k3s.run_report",
            ANSIBLE_LOCAL_TEMP=str(tmp_path / "local"),
            ANSIBLE_REMOTE_TEMP=str(tmp_path / "remote"),
            TERM="xterm",
            **extra,
        )
        argv = [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory), str(path)]
        return _on_terminal(argv, environment) if terminal else _without(argv, environment)

    return run


def _without(argv, environment):
    done = subprocess.run(
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stdout
    return done.stdout


def _on_terminal(argv, environment):
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    with subprocess.Popen(argv, env=environment, stdin=child, stdout=child, stderr=child) as process:
        os.close(child)
        # It takes seconds. One that hangs must not hang the tests.
        guard = threading.Timer(120, process.kill)
        guard.start()
        output = b""
        while True:
            try:
                data = os.read(parent, 65536)
            except OSError:  # nobody has the other end any more
                break
            if not data:
                break
            output += data
        guard.cancel()
    os.close(parent)
    assert process.returncode == 2, output
    return output.decode("utf-8").replace("\r\n", "\n")


def check_end(text):
    assert "hunter" not in text and "Callback dispatch" not in text
    lines = text[text.index("RUN REPORT") :].splitlines()
    assert lines[1:4] == [
        "BOARD    CHANGED  RESULT",
        "board-1  2        ok",
        "board-2  2        FAILED in Break off: its result is hidden by no_log",
    ]
    assert lines[5].startswith("It took ") and "  Take a while (" in lines[6]


def test_terminal_shows_progress_in_a_line_that_goes_away(run):
    text = run(True)
    shown = re.findall(r"Take a while: [^\n]*?(?=\r\033\[K)", text)
    # Each is erased before anything else is written, and none reaches the last column.
    assert "Take a while: board-1, board-2, 1 s" in shown and len(shown) == text.count("Take a while: "), text
    assert all(len(line) < COLUMNS for line in shown)
    check_end(text)


# What ansible-runner sets, which gives ansible-playbook a terminal and makes an event of each line. So do AWX and
# execution environments, which run it.
@pytest.mark.parametrize(
    "told", [{"AWX_ISOLATED_DATA_DIR": "/runner/artifacts/1"}, {"ANSIBLE_STDOUT_CALLBACK": "awx_display"}]
)
def test_under_ansible_runner_a_terminal_shows_the_end_alone(run, tmp_path, told):
    (tmp_path / "callbacks").mkdir()
    (tmp_path / "callbacks/awx_display.py").write_text(AWX_DISPLAY, encoding="utf-8")
    text = run(True, ANSIBLE_CALLBACK_PLUGINS=str(tmp_path / "callbacks"), ANSIBLE_NOCOLOR="1", **told)
    assert "\033" not in text and "Take a while: " not in text
    check_end(text)


def test_without_a_terminal_there_is_only_the_end(run):
    text = run(False)
    assert "\033" not in text and "\r" not in text and "Take a while: " not in text
    check_end(text)


def test_report_can_be_switched_off(run):
    text = run(True, RISCV_K3S_REPORT="off")
    assert "RUN REPORT" not in text and "Take a while: " not in text


def test_report_of_the_end_alone(run):
    text = run(True, RISCV_K3S_REPORT="end")
    assert "Take a while: " not in text
    check_end(text)
