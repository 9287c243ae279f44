# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The callback run_report: hears of events, and shows what plugin_utils/_report/progress makes of them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: run_report
type: aggregate
short_description: Shows the progress of a run, and at the end what each board got
version_added: "1.0.0"
author: The riscv.k3s developers (@riscv-k3s)
description:
  - While a step goes on, the last line of the terminal says which step it is, which boards are still at it, for how
    long, and, where it is tried
    again until something is ready, what is still waited for.
  - In the end there is a table with a line a board. It tells how many steps changed something, and as far as modules of
    this collection ran, how much was
    pulled and how many images were tagged or built, manifests patched and pods restarted, how many pods of
    C(kube-system) are Ready, and what failed.
    Below it are the slowest steps, and where the cluster is not healthy, the first findings of a diagnosis.
  - Results with C(no_log) are counted but not shown.
  - If the output is not a terminal, only that table is shown. So it is where ansible-runner runs the play (AWX,
    Automation Controller, execution environments), which gives it a terminal and keeps each line as an event.
requirements:
  - Enable it in the configuration, as in the example.
options:
  report:
    description:
      - V(full) shows all of it.
      - V(end) shows the table, and no progress.
      - V(off) shows nothing.
    type: str
    choices: ["full", "end", "off"]
    default: full
    env:
      - name: RISCV_K3S_REPORT
    ini:
      - section: riscv_k3s
        key: report
"""

EXAMPLES = r"""
# ansible.cfg
# [defaults]
# callbacks_enabled = riscv.k3s.run_report
#
# or for one run:
# ANSIBLE_CALLBACKS_ENABLED=riscv.k3s.run_report ansible-playbook -i inventory.yml riscv.k3s.site
"""

import atexit
import os
import sys
import threading
import time

from ansible import constants, context
from ansible.playbook.role_include import IncludeRole
from ansible.plugins.callback import CallbackBase

from ansible_collections.riscv.k3s.plugins.plugin_utils._report.progress import RunReport
from ansible_collections.riscv.k3s.plugins.plugin_utils.text_table import cut

_ERASE = "\r\033[K"
_INTERVAL = 0.5  # seconds


class StatusLine:
    """One line at the end of a terminal. What is written to ``wrap(STREAM)`` removes it first."""

    def __init__(self, terminal):
        self._terminal = terminal
        self._shown = ""
        self._lock = threading.RLock()
        # Ansible forks while this is written: nobody may hold the lock at that moment, or the child would find it
        # locked forever.
        os.register_at_fork(
            before=self._lock.acquire, after_in_parent=self._lock.release, after_in_child=self._lock.release
        )

    def show(self, text):
        """Put ``text`` in the place of what is shown; "" shows nothing."""
        # Not up to the last column, behind which some terminals begin a new line.
        text = cut(text, max(self._width() - 1, 0))
        with self._lock:
            if text != self._shown:
                self._terminal.write((_ERASE if self._shown else "") + text)
                self._terminal.flush()
                self._shown = text

    def wrap(self, stream):
        """A stream that writes to ``stream``."""
        return _Stream(self, self._lock, stream)

    def _width(self):
        try:
            return os.get_terminal_size(self._terminal.fileno()).columns or 80
        except OSError:
            return 80


class _Stream:
    def __init__(self, line, lock, stream):
        self._line = line
        self._lock = lock
        self._stream = stream

    def write(self, text):
        with self._lock:
            self._line.show("")
            return self._stream.write(text)

    def __getattr__(self, name):
        return getattr(self._stream, name)


class CallbackModule(CallbackBase):
    """Progress, and a report in the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "riscv.k3s.run_report"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, display=None, options=None):
        super().__init__(display, options)
        self._report = RunReport()
        self._events = threading.Lock()
        self._over = threading.Event()
        self._started = False

    def v2_playbook_on_start(self, playbook):
        mode = self.get_option("report")
        self.disabled = mode == "off"
        if self._started:
            return
        self._started = True
        if mode == "full" and _is_watched():
            line = StatusLine(sys.stdout)
            # Warnings go to the same terminal.
            sys.stdout, sys.stderr = line.wrap(sys.stdout), line.wrap(sys.stderr) if sys.stderr.isatty() else sys.stderr
            atexit.register(self._over.set)
            threading.Thread(target=self._renew, args=(line,), daemon=True).start()

    def _renew(self, line):
        while not self._over.wait(_INTERVAL):
            with self._events:
                text = self._report.progress(time.monotonic())
            line.show(text or "")
        line.show("")

    def v2_runner_on_start(self, host, task):
        # It asks somebody, on the line that progress would be in.
        if _action(task) != "ansible.builtin.pause":
            with self._events:
                self._report.begin(task._uuid, _name(task), host.get_name(), time.monotonic())

    def v2_runner_retry(self, result):
        with self._events:
            self._report.retry(result.task._uuid, result.host.get_name(), result.result)

    def v2_runner_on_ok(self, result):
        self._end(result, "ok")

    def v2_runner_on_skipped(self, result):
        self._end(result, "skipped")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._end(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result):
        self._end(result, "unreachable")

    def _end(self, result, status):
        delegated = bool(result.result.get("_ansible_delegated_vars"))
        with self._events:
            self._report.end(
                result.task._uuid,
                result.host.get_name(),
                time.monotonic(),
                _action(result.task),
                result.result,
                status,
                delegated,
            )

    def v2_playbook_on_stats(self, stats):
        self._over.set()
        failed = {board for board in stats.processed if stats.failures.get(board) or stats.dark.get(board)}
        with self._events:
            lines = self._report.lines(time.monotonic(), failed, bool(context.CLIARGS.get("check")))
        if lines:
            self._display.display("\n".join(["RUN REPORT", *lines]))


def _is_watched():
    """Whether stdout is a terminal on which a line can be written anew, and nobody makes a record of each of them."""
    # ansible-runner gives a terminal, too. What is written there becomes an event of the job, and may come between the
    # pieces of the marks that its callback puts around events. It sets both of these.
    by_runner = "AWX_ISOLATED_DATA_DIR" in os.environ or constants.DEFAULT_STDOUT_CALLBACK == "awx_display"
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb" and not by_runner


def _name(task):
    # Its get_name takes no argument.
    return task.get_name() if isinstance(task, IncludeRole) else task.get_name(include_role_fqcn=False)


def _action(task):
    return getattr(task, "resolved_action", None) or task.action
