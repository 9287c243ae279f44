# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that starts programs on a board."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import time
from typing import Callable, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# Programs of k3s on a board lie in one of these, and sudo often leaves out /usr/local/bin. k3s's installer takes
# /opt/bin where /usr cannot be written to.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/bin"
_WATCH_SECONDS = 0.2
_LONGEST_COMMAND = 400


class Result(NamedTuple):
    """What a program did: its argument list, exit status, and what it wrote (text)."""

    argv: List[str]
    rc: int
    out: str
    err: str


class TimedOut(Problem):
    """A program that was ended because it took too long. ``err`` is what it had written to stderr."""

    def __init__(self, what: str, err: str = "", next_step: Optional[str] = None) -> None:
        super().__init__(what, found=last_lines(err) or "no message", next_step=next_step)
        self.err = err


def find_program(name: str, own_path: bool = False) -> Optional[str]:
    """The path of a program, or None when this machine has none of that name. ``own_path`` as OwnPathRunner has it."""
    found = _find(name, _search_path(os.environ.get("PATH", ""), own_path))
    return found if "/" in found else None


class Runner:
    """Runs programs from argument lists, never through a shell. Tests inject another one."""

    own_path = False

    def run(
        self,
        argv: Sequence[object],
        stdin: Optional[str] = None,
        timeout: float = 60,
        env: Optional[Mapping[str, str]] = None,
        check: bool = True,
        watch: Optional[Callable[[str], None]] = None,
        largest: Optional[int] = None,
    ) -> Result:
        """Run ``argv`` and return a Result.

        ``stdin`` is text or None, ``timeout`` seconds, ``env`` extra environment variables. ``watch`` is called with
        what was written to stderr so far (text) some times a second while the program runs; what it raises ends the
        program. It does not go together with ``stdin``, whose rest subprocess would not write after the first call.
        ``largest`` (bytes) is the most that it may write to one file, where the machine can say so (Linux). Raises
        Problem when the program is missing and, with ``check``, when it exits non-zero; TimedOut when it takes longer.
        """
        if watch and stdin is not None:
            raise ValueError("a watch is for programs that read nothing")
        words = [str(word) for word in argv]
        environment = dict(os.environ, LC_ALL="C", **(env or {}))
        environment["PATH"] = _search_path(environment.get("PATH", ""), self.own_path)
        program = words[0]
        try:
            # subprocess looks a name up in the PATH of this process, not in that of `env`.
            program = _find(words[0], environment["PATH"])
            done = _run(
                [program] + words[1:], None if stdin is None else stdin.encode(), timeout, environment, watch, largest
            )
        except FileNotFoundError as error:
            raise Problem(
                "the program %s was not found" % words[0],
                where=environment["PATH"],
                next_step="install it, or name its full path in the module's options",
            ) from error
        except (OSError, ValueError) as error:  # ValueError: a word with a NUL, or with half a character
            raise Problem(
                "the program %s cannot be run" % program, found=getattr(error, "strerror", None) or str(error)
            ) from error
        except subprocess.TimeoutExpired as error:
            raise TimedOut(
                "`%s` did not finish within %s seconds" % (shown(words), timeout),
                _text(error.stderr),
                next_step="check whether the board's disk or k3s is overloaded, then run again",
            ) from error
        result = Result(words, done.returncode, _text(done.stdout), _text(done.stderr))
        if check and result.rc != 0:
            raise Problem(
                "`%s` failed with exit status %d" % (shown(words), result.rc),
                found=last_lines(result.err or result.out) or "no message",
            )
        return result


class OwnPathRunner(Runner):
    """On the controller: programs of the user's own PATH go before those of the system, also for what they start."""

    own_path = True


def shown(argv: Sequence[object]) -> str:
    """A command for a message: of one with hundreds of names in it the first ones, so that the rest of the message is
    seen.
    """
    words = [str(word) for word in argv]
    line = " ".join(words)
    if len(line) <= _LONGEST_COMMAND:
        return line
    head = line[:_LONGEST_COMMAND].rpartition(" ")[0] or line[:_LONGEST_COMMAND]
    return "%s … (%d words)" % (head, len(words))


def last_lines(text: str, count: int = 5) -> str:
    """The last ``count`` non-empty lines of ``text``, as one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-count:])


def _search_path(path: str, own_path: bool) -> str:
    return ":".join(filter(None, (path, SEARCH_PATH) if own_path else (SEARCH_PATH, path)))


def _find(name: str, path: str) -> str:
    if "/" in name:
        return name
    for folder in path.split(":"):
        candidate = os.path.join(folder, name)
        if folder and os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return candidate
    return name


class _Process(subprocess.Popen):
    """A process that does not outlive a block that fails.

    AnsibleModule.run_command, which ansible-test would rather see, ends no program that takes too long, shows nothing
    of one that runs, and is for modules alone: the runner serves the controller, too.
    """

    def __exit__(self, kind, value, traceback):
        if kind is not None:
            self.kill()
        super().__exit__(kind, value, traceback)


def _run(argv, data, timeout, environment, watch, largest):
    """As subprocess.run; with ``watch``, that is called while the program runs."""
    pipe = subprocess.PIPE
    stdin = subprocess.DEVNULL if data is None else pipe
    with _Process(argv, stdin=stdin, stdout=pipe, stderr=pipe, env=environment) as process:
        _limit(process.pid, largest)
        out, err = _communicate(process, data, timeout, watch)
    return subprocess.CompletedProcess(argv, process.returncode, out, err)


def _limit(pid, largest):
    if largest is not None and hasattr(resource, "prlimit"):
        # It may have ended already.
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest, largest))


def _communicate(process, data, timeout, watch):
    end = time.monotonic() + timeout
    while True:
        left = end - time.monotonic()
        try:
            return process.communicate(data, timeout=max(0, min(_WATCH_SECONDS, left) if watch else left))
        except subprocess.TimeoutExpired as error:
            if left <= 0 or not watch:
                raise
            watch(_text(error.stderr))


def _text(data: Optional[bytes]) -> str:
    return (data or b"").decode("utf-8", "replace")
