# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What site ends with where something is not healthy: diagnose's first findings, decided by diagnose's own code."""

from __future__ import annotations

import pathlib
from unittest import mock

import pytest
import yaml

from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose import first
from ansible_collections.riscv.k3s.plugins.plugin_utils._report.progress import RunReport

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLACES = ("playbooks/diagnose.yml", "roles/health/tasks/report.yml", "roles/fleet/tasks/failed.yml")
DOWN = {"unreachable": True, "msg": "ssh: no route to host"}


def found(cause, board):
    return {
        "title": "%s on %s" % (cause, board),
        "cause": cause,
        "confidence": "certain",
        "evidence": ["read there"],
        "remedy": "Mend it.",
        "mended_by": "riscv.k3s.site",
        "command": "mend %s" % board,
        "run_on": board,
    }


def told(findings=(), collect=()):
    document = {"findings": list(findings), "collect": list(collect)}
    with mock.patch.object(first, "diagnose", return_value=document):
        return first.why({"b1": {}}, 0)


def test_a_finding_is_told_with_evidence_remedy_who_mends_it_and_its_command():
    assert told([found("disk-full", "b1")]) == [
        "WHY: disk-full on b1  [disk-full, certain]",
        "   evidence: read there",
        "   remedy:   Mend it.",
        "   mended by: riscv.k3s.site",
        "   on b1: mend b1",
    ]


def test_the_first_of_each_cause_is_told_in_the_order_of_diagnose_and_others_are_counted():
    rows = [found("a", "b1"), found("a", "b2"), found("b", "b1"), found("c", "b1"), found("d", "b1")]
    lines = told(rows)
    assert [line for line in lines if line.startswith("WHY: ")] == [
        "WHY: a on b1  [a, certain]",
        "WHY: b on b1  [b, certain]",
        "WHY: c on b1  [c, certain]",
        "WHY: and 2 more. Next: run the playbook riscv.k3s.diagnose, which looks at every board",
    ]


def test_where_there_is_no_cause_it_says_so_and_names_diagnose():
    row = {"board": "s1", "pod": "kube-system/x", "text": "It runs.", "command": "k3s kubectl describe pod x"}
    assert told(collect=[row]) == [
        "WHY: no cause was found for kube-system/x. It runs. Next: run the playbook riscv.k3s.diagnose, which looks at "
        "every board",
        "   on s1: k3s kubectl describe pod x",
    ]
    assert told()[0].startswith("WHY: no cause was found on the boards that were looked at. Next: run the playbook")


def test_no_look_is_not_known():
    assert first.why({}, 0)[0].startswith("WHY: not known: the closer look did not take place. Next: run the playbook")


def test_what_a_board_says_moves_no_terminal():
    lines = first.why({"b1": dict(DOWN, msg="no\x1b[2J route\u202e")}, 0)
    assert any("\\x1b[2J route\\u202e" in line for line in lines)
    assert not any("\x1b" in line or "\u202e" in line or "\n" in line for line in lines)


@pytest.mark.parametrize("place", PLACES)
def test_every_look_for_causes_reads_the_same_parts(place):
    """Else a finding of diagnose would be none here."""
    text = (ROOT / place).read_text(encoding="utf-8")
    assert "gather: [all, events, logs, inspect, preflight, dns, service_state, last_words]" in text
    assert yaml.safe_load(text)


def test_the_run_report_ends_with_it():
    report = RunReport()
    lines = ["WHY: x", "   evidence: y"]
    report.begin(1, "Report", "b1", 0)
    report.end(1, "b1", 1, "riscv.k3s.k3s_verdict", {"failed": True, "msg": "WRONG: x", "why": lines}, "failed", True)
    assert report.lines(2, {"b1"})[-3:] == ["", *lines]
