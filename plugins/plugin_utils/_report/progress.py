# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the callback run_report tells of a run: which boards are still at it, and what each board got in the end. Pure.

It goes by the modules of this collection and by no name of a play, role or task.
"""

from __future__ import annotations

from ansible_collections.riscv.k3s.plugins.module_utils.pod import is_done, is_past, is_unready, ready_count
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.joined_pods import own_node
from ansible_collections.riscv.k3s.plugins.plugin_utils._report.table import size
from ansible_collections.riscv.k3s.plugins.plugin_utils.text_table import table

NAMESPACE = "kube-system"
_OWN = "riscv.k3s."
_NAMED = 3  # boards in a line of progress
# What says which node of the API a board is.
_IDENTITY = ("hostname", "config", "file_settings", "identity")
_SLOWEST = 5  # steps in the list, none that took less than a second
_LONGEST = 160


class RunReport:
    """Collects what happens; every moment is a number of seconds from a clock that never goes back."""

    def __init__(self):
        self._begun = None
        self._steps = {}  # id of a step: _Step, in the order in which they began
        self._boards = {}  # name: _Board, in the order in which they appeared
        self._api = None
        self._seen = {}  # board: what tells which node it is
        self._why = []  # why the cluster is not healthy, as the verdict told it
        self._is_outdated = False  # whether something was changed since the API was asked last

    def begin(self, step, name, board, now):
        """A board begins with a step (any hashable value tells one from another), whose ``name`` is for people."""
        self._begun = now if self._begun is None else self._begun
        self._steps.setdefault(step, _Step(name)).begin(board, now)
        self._boards.setdefault(board, _Board())

    def retry(self, step, board, result):
        """A step that waits for something was not content yet; ``result`` is what it saw."""
        if step in self._steps:
            self._steps[step].waits[board] = waits_for(result)

    def end(self, step, board, now, action, result, status="ok", delegated=False):
        """A board is done with a step.

        ``action`` is the module's full name; ``status`` ok, skipped, ignored, failed or unreachable; ``delegated``
        whether another board than this one was looked at or changed.
        """
        if step in self._steps:
            self._steps[step].end(board, now, status == "skipped")
        row = self._boards.setdefault(board, _Board())
        if status == "skipped":
            return
        # As Ansible's recap counts: what failed is not counted as changed.
        is_changed = bool(result.get("changed")) and status in ("ok", "ignored")
        row.changed += is_changed
        self._is_outdated |= is_changed
        if status in ("failed", "unreachable"):
            where = self._steps[step].name if step in self._steps else action
            row.failure = "%s: %s" % (status.upper() + (" in " + where if status == "failed" else ""), reason(result))
        for one in _parts(result):
            # Of a loop that is delegated, each item tells it, and the whole does not.
            self._read(action, board, one, delegated or bool(one.get("_ansible_delegated_vars")))

    def _read(self, action, board, result, delegated):
        if not action.startswith(_OWN) or is_hidden(result):
            return
        action = action[len(_OWN) :]
        if action in ("k3s_info", "k3s_wait"):
            if not delegated and result.get("hostname"):
                self._seen[board] = {key: result[key] for key in _IDENTITY if key in result}
            if result.get("api"):
                self._api, self._is_outdated = result["api"], False
        elif action == "k3s_verdict":
            self._why = result.get("why") or []
        elif action in _COUNTED:
            column, count = _COUNTED[action]
            counts = self._boards[board].counts
            # A try in check mode is told as no change, whatever its rows would have done.
            counts[column] = counts.get(column, 0) + (count(result) or 0 if result.get("changed", True) else 0)

    def progress(self, now):
        """What is going on for a second or more, as one line; None when there is nothing."""
        running = [step for step in self._steps.values() if step.pending and now - min(step.pending.values()) >= 1]
        if not running:
            return None
        step = min(running, key=lambda step: min(step.pending.values()))
        boards = sorted(step.pending)
        who = ", ".join(boards[:_NAMED]) + (" and %d more" % (len(boards) - _NAMED) if len(boards) > _NAMED else "")
        text = printable(
            "%s: %s, %s" % (step.name.rpartition(" : ")[2], who, duration(int(now - min(step.pending.values()))))
        )
        missing = next(filter(None, map(step.waits.get, boards)), "")
        if missing:
            return "%s, waits for %s" % (text, missing)
        return text + (", %d done" % len(step.done) if step.done else "")

    def lines(self, now, failed=(), check=False):
        """The end: a table with a line a board, the slowest steps, and why the cluster is not healthy where it is not.
        Where nothing was changed and nothing failed, one line.
        ``failed`` are the boards whose run did not end well.
        """
        if not self._boards:
            return []
        took = "It took %s." % duration(now - (now if self._begun is None else self._begun))
        did = any(row.changed or row.counts or row.failure for row in self._boards.values())
        if not did and not failed and not self._why:
            return [took + (" Nothing would change." if check else " Nothing was changed.")]
        known = [column for column in _COLUMNS if any(column in row.counts for row in self._boards.values())]
        # What the API said before a change is no longer so, but check mode changes nothing.
        ready = self._ready() if check or not self._is_outdated else {}
        head = (
            ["BOARD", "WOULD CHANGE" if check else "CHANGED", *known] + (["PODS READY"] if ready else []) + ["RESULT"]
        )
        rows = [head]
        for name, row in self._boards.items():
            cells = [_cell(column, row.counts.get(column)) for column in known]
            pods = [ready.get(name, "-")] if ready else []
            rows.append([name, str(row.changed), *cells, *pods, (row.failure or "FAILED") if name in failed else "ok"])
        why = [""] + self._why if self._why else []
        return table(rows) + [printable(line) for line in self._slowest(took) + why]

    def _ready(self):
        """{board: "3 of 4"} as the API said last, {} where it did not say."""
        if not self._api or not self._api.get("reachable"):
            return {}
        found: dict = {}
        nodes = self._api.get("nodes") or ()
        boards = {own_node(seen, nodes): board for board, seen in self._seen.items()}
        for pod in self._api["pods"]:
            if pod["namespace"] == NAMESPACE and not is_done(pod) and not is_past(pod):
                found.setdefault(boards.get(pod["node"]), []).append(pod)
        return {board: ready_count(found[board]) if board in found else "-" for board in self._seen}

    def _slowest(self, all_of_it):
        took: dict = {}
        for step in self._steps.values():
            if step.done:
                seconds, times, slowest = took.get(step.name, (0, 0, (0, "")))
                took[step.name] = (
                    seconds + step.seconds,
                    times + 1,
                    max([slowest] + [(value, board) for board, value in step.done.items()]),
                )
        rows = sorted((item for item in took.items() if item[1][0] >= 1), key=lambda item: -item[1][0])[:_SLOWEST]
        lines = ["", all_of_it + (" The slowest steps:" if rows else "")]
        for name, (seconds, times, (longest, board)) in rows:
            more = ", %d times" % times if times > 1 else ""
            lines.append("%8s  %s%s (%s on %s)" % (duration(seconds), name, more, duration(longest), board))
        return lines


class _Step:
    def __init__(self, name):
        self.name = name
        self.pending = {}  # board: since when
        self.done = {}  # board: seconds
        self.waits = {}  # board: what it still waits for
        self._before = 0  # seconds of earlier waves: between them others were at work
        self._first = self._last = None

    @property
    def seconds(self):
        """From the first board's begin to the last one's end, of each wave."""
        return self._before + (0 if self._first is None else self._last - self._first)

    def begin(self, board, now):
        if not self.pending:
            self._before = self.seconds
            self._first = self._last = None
        self.pending[board] = now

    def end(self, board, now, skipped):
        begun = self.pending.pop(board, now)
        self.waits.pop(board, None)
        if skipped:
            return
        self._first = begun if self._first is None else min(self._first, begun)
        self._last = now
        self.done[board] = self.done.get(board, 0) + now - begun


class _Board:
    def __init__(self):
        self.changed = 0
        self.counts = {}
        self.failure = None


_COUNTED = {
    "crictl_image_pull": ("PULLED", lambda result: result.get("downloaded")),
    "crictl_image_tag": ("TAGGED", lambda result: _changed(result.get("images"))),
    "k3s_manifest_patch": ("PATCHED", lambda result: _changed(result.get("files"))),
    "k3s_pod_restart": ("RESTARTED", lambda result: len(result.get("restarted") or ())),
    "oci_image_build": ("BUILT", lambda result: bool(result.get("changed"))),
    "registry_image_copy": ("COPIED", lambda result: _changed(result.get("images"))),
}
_COLUMNS = tuple(column for column, dummy in _COUNTED.values())


def _changed(rows):
    return sum(bool(row.get("changed")) for row in rows or ())


def _cell(column, count):
    if count is None:
        return "-"
    return size(count) if column == "PULLED" else str(count)


def _parts(result):
    """The results of a loop one by one, or the one result."""
    rows = result.get("results")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else [result]


def is_hidden(result):
    """Whether a result must not be shown (no_log)."""
    return bool(result.get("_ansible_no_log")) or "censored" in result


def reason(result):
    """Why a step failed, in one line."""
    if is_hidden(result):
        return "its result is hidden by no_log"
    failed = next((row for row in _parts(result) if row.get("failed") or row.get("unreachable")), result)
    if is_hidden(failed):
        return "its result is hidden by no_log"
    return _line(_text(failed.get("msg") or result.get("msg") or "it did not say why"))


def _text(message):
    return "; ".join(map(str, message)) if isinstance(message, (list, tuple)) else str(message)


def waits_for(result):
    """What a step that waits still misses, as far as its result tells: "coredns-7448 (ErrImagePull) and 2 more", or ""
    where it does not.
    """
    api = result.get("api")
    if is_hidden(result):
        return ""
    if (result.get("k3s") or {}).get("running") is False:
        return "containerd, which does not answer"
    if not api:
        return ""
    if not api.get("reachable"):
        return "the API, which does not answer"
    missing = ["node %s" % node["name"] for node in api.get("nodes") or () if not node["ready"]]
    for pod in api.get("pods") or ():
        if pod["namespace"] == NAMESPACE and is_unready(pod) and not is_past(pod):
            why = pod["reasons"][0].rpartition(": ")[2] if pod["reasons"] else pod["phase"]
            missing.append("%s (%s)" % (pod["name"], why))
    return _line(missing[0]) + (" and %d more" % (len(missing) - 1) if missing[1:] else "") if missing else ""


def _line(text):
    text = printable(" ".join(text.split()))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def duration(seconds):
    """Seconds for people: 0.4 s, 12 s, 3 min 05 s, 2 h 07 min; a tenth only where it is no whole number."""
    if seconds < 9.95 and not isinstance(seconds, int):
        return "%.1f s" % seconds
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return "%d s" % rest
    return "%d min %02d s" % (minutes, rest) if minutes < 60 else "%d h %02d min" % divmod(minutes, 60)
