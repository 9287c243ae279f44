# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a task failed. The words are those of ansible-core 2.19 to 2.22, and of CPython 3.6 and 3.7."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.plugin_utils.failing import reason

NOTHING = "Module result deserialization failed: No start of json char found"
OLD = "SyntaxError: future feature annotations is not defined"
SYNTAX = "    def import_controller_module(_module_name: str, /) -> t.Any:\n    ^\nSyntaxError: invalid syntax\n"
NO_FILE = "FileNotFoundError: [Errno 2] No such file or directory: 'python.cfg'"


def of_module(stderr="", stdout="", rc=1):
    return {"failed": True, "msg": NOTHING, "module_stderr": stderr, "module_stdout": stdout, "rc": rc}


@pytest.mark.parametrize(
    "result, said",
    [
        ({"failed": True, "msg": "no space left"}, "no space left"),
        ({"failed": True}, "no message"),
        ({"failed": True, "msg": None}, "no message"),
        (
            {
                "msg": "All items completed",
                "results": [{"changed": True}, {"failed": True, "msg": "a"}, {"failed": True}],
            },
            "a",
        ),
        (
            {"msg": "One or more items failed", "results": [{"failed": False, "msg": "b"}, "odd"]},
            "One or more items failed",
        ),
        ({"msg": "c", "results": None}, "c"),
    ],
)
def test_its_message_or_that_of_the_first_item_that_failed(result, said):
    assert reason(result) == said


@pytest.mark.parametrize(
    "result, said, remedy",
    [
        (
            of_module("pyenv: python3: command not found\n", rc=127),
            "pyenv: python3: command not found",
            "install python3",
        ),
        (
            of_module('  File "/tmp/AnsiballZ_a.py", line 3\n    ^\n%s\n' % OLD),
            "^ | " + OLD,
            "older than this ansible-core",
        ),
        (of_module(stdout="env: python3: No such file\n", rc=127), "env: python3: No such file", "install python3"),
        (of_module(SYNTAX), "SyntaxError: invalid syntax", "older than this ansible-core"),
        (of_module("sudo: not found\n", rc=127), "sudo: not found", ""),
        # A module's own defect, or the disk's: nothing is said of the Python.
        (of_module(NO_FILE), NO_FILE, ""),
        (of_module("AttributeError: 'NoneType' object has no attribute 'x'\n"), "AttributeError", ""),
        (of_module("Killed\n", rc=137), "Killed", ""),
        (of_module(), "", ""),
    ],
)
def test_a_module_without_a_result_is_told_by_what_was_written_instead(result, said, remedy):
    text = reason({"results": [result]})
    assert text.startswith(NOTHING) and said in text
    assert (". Next: " in text, remedy in text, ". On the board: " in text) == (bool(remedy), True, bool(said))


def test_an_interpreter_that_is_not_there():
    result = of_module("/bin/sh: 1: /usr/bin/python9: not found\n", rc=127)
    result["msg"] = "The module interpreter '/usr/bin/python9' was not found."
    assert reason(result) == (
        "The module interpreter '/usr/bin/python9' was not found. On the board: /bin/sh: 1: /usr/bin/python9: not "
        "found. Next: install python3 there, or name it by ansible_python_interpreter"
    )


def test_a_task_that_ansible_ended_is_told_as_that():
    """As a pull of images that takes longer than task_timeout of ansible.cfg lets it."""
    text = reason({"failed": True, "msg": "Task failed: Timed out after 60 second(s)."})
    assert text.startswith("Task failed: Timed out after 60 second(s). Next: give tasks more time: task_timeout in ")


def test_what_was_written_is_shown_without_secrets_and_control_characters():
    text = reason(of_module("\x1b[2Jpassword=hidden\n"))
    assert "\x1b" not in text and "hidden" not in text
