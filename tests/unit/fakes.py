# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the Runner that answers from a table, for tests of board code.

    runner = FakeRunner([
        (["k3s", "crictl", "inspecti", ...], read("inspecti.json")),     # Ellipsis: any further words
        (["k3s", "ctr", "version"], (1, "", "connection refused")),      # rc, out, err
        (["k3s", "crictl", "pull", ...], [(1, "", "EOF"), "Image is up to date"]),   # one answer a call
    ])
    programs = Programs({"k3s": "k3s"}, runner, is_root=True)

An argument list that no pattern fits fails the test; `runner.calls` holds every argument list in order, without how
long containerd is waited for, and `runner.typed` with that.
"""

import pathlib

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import Result, last_lines
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

FIXTURES = pathlib.Path(__file__).parent / "fixtures"


def read(name):
    """The text of a recorded output in tests/unit/fixtures."""
    return (FIXTURES / name).read_text(encoding="utf-8")


class FakeRunner:
    """Answers argument lists from ``answers``, a list of (pattern, answer); the first pattern that fits is taken.

    An answer is text (what the program prints), (rc, out, err), a function of (argv, stdin) that returns one of
    these or raises Problem, or a list of them that is used up call by call.
    """

    def __init__(self, answers=()):
        self.answers = list(answers)
        self.calls = []
        self.typed = []

    def run(self, argv, stdin=None, timeout=60, env=None, check=True):
        """As Runner.run, with the same Problem for a failing program when ``check`` is set."""
        self.typed.append([str(word) for word in argv])
        # How long containerd is waited for is no part of the question.
        argv = [word for word in self.typed[-1] if not word.startswith(("--timeout=", "--connect-timeout="))]
        self.calls.append(argv)
        rc, out, err = self.answer(argv, stdin)
        if check and rc != 0:
            raise Problem(
                f"`{' '.join(argv)}` failed with exit status {rc}", found=last_lines(err or out) or "no message"
            )
        return Result(argv, rc, out, err)

    def answer(self, argv, stdin):
        """The (rc, out, err) for one call."""
        for pattern, answer in self.answers:
            if _fits(pattern, argv):
                if isinstance(answer, list):
                    assert answer, f"no answer is left for {argv}"
                    answer = answer.pop(0)
                if callable(answer):
                    answer = answer(argv, stdin)
                return (0, answer, "") if isinstance(answer, str) else answer
        raise AssertionError(f"an unexpected program was started: {argv}")


def _fits(pattern, argv):
    if pattern and pattern[-1] is ...:
        return argv[: len(pattern) - 1] == list(pattern[:-1])
    return argv == list(pattern)
