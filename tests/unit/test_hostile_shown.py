# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text that a pod, an image or a registry chose, through each way out to a terminal or a log: nothing of it acts, hides
or forges a line.
"""

import importlib
import json
import pathlib
import unicodedata

import pytest
from ansible.errors import AnsibleFilterError
from fake_fleet import FakeFleet
from fakes import read

from ansible_collections.riscv.k3s.plugins.module_utils._containerd import pull as _cri_pull
from ansible_collections.riscv.k3s.plugins.module_utils._containerd import rows as _containerd_rows
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem, fail_on_problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable, printable_lines
from ansible_collections.riscv.k3s.plugins.plugin_utils._diagnose.page import page
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import verdict
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.waves import fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import undo
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan.restarts import unready
from ansible_collections.riscv.k3s.plugins.plugin_utils._report.progress import RunReport, reason, waits_for
from ansible_collections.riscv.k3s.plugins.plugin_utils.filters import door
from ansible_collections.riscv.k3s.plugins.plugin_utils.text_table import cut, table, width

FILTERS = pathlib.Path(__file__).resolve().parents[2] / "plugins" / "filter"
HOSTILE = {
    "title of the window": "\x1b]0;owned\x07",
    "clears the screen": "\x1b[2J\x1b[H",
    "C1 sequence": "\x9b2J\x90x\x9c",
    "turns the direction": "\u202egpj.exe\u2066\u061c\u200f",
    "overwrites the line": "\rok: [board-1]",
    "forges a line": "\nok: [board-1]",
    "forges a line as another system": "\r\nok: [board-1]",
    "ends of lines and paragraphs": "\x85\u2028\u2029\x0b\x0c",
    "bell, backspace, delete": "\x07\x08\x7f",
    "hides": "\u200b\ufeff\u2060\U000e0041\u3164\u034f",
    "half a character": "\ud800",
    "private and unassigned": "\ue000\U0010ffff",
}
ALL = "a" + "b".join(HOSTILE.values()) + "z"
UNFIT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def poisoned(value):
    """``value`` with hostile text at the end of each text in it."""
    if isinstance(value, dict):
        return {key: poisoned(one) for key, one in value.items()}
    if isinstance(value, list):
        return [poisoned(one) for one in value]
    return value + ALL if isinstance(value, str) else value


def assert_shown(lines):
    assert lines
    for line in lines:
        assert not {unicodedata.category(one) for one in line} & UNFIT, ascii(line)
        assert not {"\u3164", "\u034f"} & set(line), ascii(line)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_printable(text):
    shown = printable("a" + text)
    assert_shown([shown])
    assert printable(shown) == shown and shown.startswith("a") and len(shown) > 1


def test_what_becomes_of_it():
    assert printable("\x1b[2J\x9b\u202e\U000e0041\ud800\r") == "\\x1b[2J\\x9b\\u202e\\U000e0041\\ud800\\x0d"
    assert printable("a\nb\tc\r\nd") == "a b c d"
    assert printable_lines("a\x1b\n\tb\r\n") == "a\\x1b\n\tb\\x0d\n"


@pytest.mark.parametrize(
    "text",
    [
        "\u4e2d\u6587\u955c\u50cf\uff0c\u3000\u9f8d",
        "Gr\u00fc\u00dfe\u00a0\u2026",
        "e\u0301",
        "\U0001f600",
        "\u0939\u093f",
        "C:\\x1b",
        "",
    ],
)
def test_ordinary_text_stays(text):
    assert printable(text) == text


def test_columns_stand_below_each_other():
    lines = table([("A", "B"), ("\u955c\u50cf", "x"), ("e\u0301e", "y"), ("\x1b", "z")])
    assert lines == ["A     B", "\u955c\u50cf  x", "e\u0301e    y", "\\x1b  z"]
    assert {width(line) for line in lines} == {7}
    assert (cut("a\u955c\u50cf", 4), cut("abc", 4), cut("e\u0301e\u0301", 1)) == ("a\u955c", "abc", "e\u0301")


def test_problem():
    problem = Problem(ALL, found=ALL, where=ALL, next_step=ALL)
    problem.found = "%s; in the store there is %s" % (problem.found, ALL)
    assert_shown([str(problem), *problem.args, *problem.parts().values()])


def test_a_problem_is_as_long_as_it_says():
    assert Problem("\x1b" * 3000).what == "\\x1b" * 500 + " … (3000 characters)"


def test_failure_of_a_module():
    warned = []

    class Module:
        def fail_json(self, **result):
            assert_shown([*result.values(), *warned])

        warn = warned.append

    problem = Problem(ALL, found=ALL)
    problem.warnings = [ALL]
    with fail_on_problem(Module()):
        raise problem
    assert len(warned) == 1


def test_error_of_a_filter():
    def fail():
        raise Problem(ALL)

    with pytest.raises(AnsibleFilterError) as caught:
        door(fail)()
    assert_shown([caught.value.message])


PLAN = {
    "board": ALL,
    "architecture": "riscv64",
    "k3s_version": ALL,
    "images": [
        dict(fix=fix, image=ALL, reason=ALL, required=fix != "impossible", tag_from=ALL, source=ALL, locked=None)
        for fix in ("tag", "pull", "impossible")
    ],
    "registries": {"change": False, "restart": False},
    "config": {"change": True, "restart": False, "path": ALL, "text": "x", "reason": ALL},
    "preload": {
        "place": True,
        "change": True,
        "restart": False,
        "archive": ALL,
        "obsolete": [ALL],
        "reason": ALL,
        "images": [{"targets": [ALL]}],
    },
    "unpins": [{"source": ALL, "targets": [ALL]}],
    "patches": {
        "present": [dict.fromkeys(("manifest", "kind", "name", "reason"), ALL)],
        "absent": [{"manifest": ALL, "reason": ALL}],
    },
    "warnings": [ALL],
    "problems": [{"image": ALL, "reason": ALL}],
    "changes": 9,
}
POD = {
    "namespace": "kube-system",
    "name": ALL,
    "node": ALL,
    "uid": ALL,
    "phase": "Pending",
    "ready": False,
    "reasons": [ALL],
    "deleting": False,
    "owner": None,
}
API = {"reachable": True, "error": None, "nodes": [{"name": ALL, "ready": False}], "pods": [POD]}
ROW = {
    "name": ALL,
    "image": ALL,
    "instead": None,
    "source": ALL,
    "mirror": None,
    "sure": "exact",
    "patch": None,
    "where": [ALL],
    "fix": None,
}
FLEET = {"waves": [["b" + ALL], ["c" + ALL]], "max_fail_percentage": 0}
CANDIDATE = {"image": ALL, "architecture": "riscv64", "sources": [ALL], "required": False}
ANSWER = {
    "image": ALL,
    "digest": None,
    "has_architecture": False,
    "platforms": [],
    "exists": False,
    "cause": "not_found",
    "message": ALL,
}


def _diagnosis(shown):
    fleet = FakeFleet()
    row = fleet.waiting(
        "p" + ALL, "ErrImagePull", "code = NotFound desc = failed to resolve reference x: not found" + ALL
    )
    fleet.event(row, "Failed" + ALL, ALL)
    example = json.loads(read("diagnose.json"))
    return shown(fleet.document()) + shown(poisoned(example))


def _gates(shut):
    gates = [
        {"name": "g", "query": "pods[?name=='none']", "found": "pods[].name"},
        {"name": "h", "query": "!newly_broken", "found": "newly_broken"},
    ]
    fake = FakeFleet()
    fake.waiting("p" + ALL, "ErrImagePull", reasons=[ALL])
    plan = dict(PLAN, images=[])
    return shut(fake.agent, plan, "board-2", fake.server["api"], {}, gates) + shut({"msg": ALL}, plan, "board-2")


def _undo(plan):
    observed = {
        "hostname": "n",
        "journal": {"files": {}, "images": {}, "error": None},
        "images": [],
        "preloads": [{"name": ALL}],
        "manifests": [],
    }
    return plan(observed, [], "b")["lines"]


def _lock(lock):
    return lock([CANDIDATE], {"riscv64": [ANSWER]}, "2026-11-24T21:00:00Z")["left_out"]


def _waves(waves):
    return waves({ALL: PLAN}, [])["lines"]


def _verdict(verdict):
    seen = verdict(FLEET, "b" + ALL, {"b" + ALL: ALL}, [])
    return seen["lines"] + list(seen["failed"].values())


def _table(upgrade_table):
    seen = upgrade_table({"rows": [ROW], "problems": [ALL]}, [ANSWER])
    return seen["lines"] + seen["missing"]


def _publication(publication):
    row = {"mirror": ALL, "instead": None, "sure": "exact", "source": ALL, "image": ALL, "missing": ALL}
    row.update(third_party=True, recipe=None, required=True)
    answers = {key: {"source": None, "mirror": ALL, "stock": None} for key in ("served", "messages")}
    made = publication({ALL: {"problems": [ALL], "rows": [dict(row, **answers, platforms={"mirror": [ALL]})]}})
    return made["missing"] + made["later"] + made["left"] + made["lines"]


def _ending(publish_ending):
    return publish_ending({"missing": [], "later": [printable(ALL)], "left": [printable(ALL)]}, [ALL])


def _patience(patience):
    pod = {"uid": "u", "namespace": "kube-system", "name": ALL, "node": ALL, "labels": {}, "owner": None}
    pod.update(phase="Running", ready=False, deleting=False, containers=[])
    event = {"kind": "Pod", "uid": "u", "name": ALL, "type": "Normal", "count": 2, "time": ""}
    probe = dict(event, reason="Unhealthy", message="Liveness probe failed: " + ALL)
    kill = dict(event, reason="Killing", message="Container a\x1bb failed liveness probe, will be restarted")
    seen = {"api": {"reachable": True, "pods": [pod]}, "details": {"events": [probe, kill]}}
    return patience({}, [seen], 1)["killed"]


# A filter that makes text for people, and the texts that it makes of hostile ones.
SHOWN = {
    "diagnosis_text": _diagnosis,
    "failure_reason": lambda reason: [
        reason({"msg": ALL}),
        reason({"msg": "Module result deserialization failed", "module_stderr": ALL, "rc": 1}),
    ],
    "first_findings": lambda findings: findings({ALL: {"unreachable": True, "msg": ALL}}, [ALL]),
    "lock": _lock,
    "patience": _patience,
    "report": lambda report: report([PLAN, dict(PLAN, board="\u955c\u50cf")], API, done=True),
    "shut_gates": _gates,
    "undo_plan": _undo,
    "unfetched_archives": lambda unfetched: unfetched(
        [{"item": {"url": ALL, "shown": ALL, "checksum": ALL, "file": ALL}, "stat": {"exists": False}}],
        [{"item": {"url": ALL, "shown": ALL, "checksum": ALL, "file": ALL}, "msg": ALL}],
    ),
    "undo_report": lambda report: report(
        [{"board": ALL, "lines": [ALL], "left": [ALL]}, {"board": ALL, "lines": [], "left": []}]
    ),
    "unready": lambda unready: unready(API) + unready({"reachable": False, "error": ALL}),
    "publish_ending": _ending,
    "upgrade_publication": _publication,
    "upgrade_table": _table,
    "verdict": lambda judge: verdict.lines(
        judge(
            [verdict.Looked(ALL, {"msg": ALL}), verdict.Looked("b", {"hostname": ALL, "doubts": [ALL], "errors": []})],
            dict(API, unread=[ALL]),
            {"health_namespaces": ["kube-system"]},
        )
    ),
    "wave_verdict": _verdict,
    "waves": _waves,
}
# Those whose results are for programs, and stay as they were; test_plan.py looks at the warnings of a plan.
FOR_PROGRAMS = {
    "catalogue",
    "declared_servers",
    "diagnose_page",
    "diagnosis",
    "image_builds",
    "install_config",
    "inventory_settings",
    "join_pods",
    "lock_candidates",
    "made_builds",
    "patched_manifests",
    "registries_yaml",
    "registry_access",
    "undo_pods",
    "upgrade_images",
}


def filters():
    found = {}
    for path in sorted(FILTERS.glob("[!_]*.py")):
        found.update(
            importlib.import_module("ansible_collections.riscv.k3s.plugins.filter." + path.stem)
            .FilterModule()
            .filters()
        )
    return found


# What k3s_plan makes its texts with.
FUNCTIONS = {
    "undo_plan": undo.undo_plan,
    "undo_report": undo.undo_report,
    "unready": unready,
    "verdict": verdict.verdict,
    "waves": fleet,
}


@pytest.mark.parametrize("name", SHOWN)
def test_filters_that_make_text_for_people(name):
    assert_shown(SHOWN[name](dict(filters(), **FUNCTIONS)[name]))


def test_no_filter_is_forgotten():
    assert set(filters()) == (set(SHOWN) | FOR_PROGRAMS) - set(FUNCTIONS)


def test_few_filters_are_public():
    texts = [path.read_text(encoding="utf-8") for path in FILTERS.glob("[!_]*.py")]
    assert sum("short_description: 'INTERNAL: " not in text for text in texts) <= 8


def test_the_report_of_a_run():
    report = RunReport()
    report.begin(1, "role : do" + ALL, "b" + ALL, 0.0)
    assert_shown([report.progress(5.0)])
    report.retry(1, "b" + ALL, {"api": API})
    assert_shown([report.progress(5.0), reason({"msg": ALL}), waits_for({"api": API})])
    report.end(1, "b" + ALL, 9.0, "riscv.k3s.k3s_info", {"failed": True, "msg": ALL}, "failed")
    assert_shown(report.lines(10.0, {"b" + ALL})[:1] + list(filter(None, report.lines(10.0, {"b" + ALL}))))


def test_differences():
    row = {
        "name": ALL,
        "digest": "sha256:1",
        "digest_before": "sha256:0",
        "pinned": True,
        "pinned_before": False,
        "changed": True,
    }
    for shown in (_containerd_rows.diff([row]), _cri_pull.diff([row], {ALL: "sha256:0"})):
        assert_shown(shown["before"].splitlines() + shown["after"].splitlines())
        assert [shown[side].count("\n") for side in ("before", "after")] == [1, 1]


def test_the_page_holds_nothing_but_ascii_and_shows_it_by_way_of_its_own_filter():
    text = page(poisoned(dict(json.loads(read("diagnose.json")), schema="")) | {"schema": 1})
    assert text.isascii() and "\x1b" not in text and "textContent, printableValue);" in text


def test_what_programs_use_is_as_it_was():
    fake = FakeFleet()
    fake.waiting("p" + ALL, "ErrImagePull", ALL)
    assert [row["name"] for row in filters()["diagnosis"](fake.boards)["pods"]][-1:] == ["p" + ALL]
