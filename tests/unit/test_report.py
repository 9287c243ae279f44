# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table that ends a run."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.plugin_utils._report.table import report, restarting, size

PATCHES = {"present": [], "absent": []}


def row(fix, image="docker.io/rancher/mirrored-pause:3.6", required=True, tag_from=None):
    return {"fix": fix, "image": image, "reason": "because", "required": required, "tag_from": tag_from}


def plan(*images, **changes):
    result = {
        "board": "board-1",
        "architecture": "riscv64",
        "k3s_version": "v1.24.2+k3s2",
        "images": list(images),
        "registries": {"change": False, "restart": False},
        "config": {"change": False, "restart": False, "path": "/own.yaml", "text": None, "reason": "as wanted"},
        "preload": {
            "place": False,
            "change": False,
            "restart": False,
            "archive": None,
            "obsolete": [],
            "reason": "as wanted",
        },
        "unpins": [],
        "patches": PATCHES,
        "warnings": [],
        "problems": [image for image in images if image["fix"] == "impossible" and image["required"]],
    }
    return dict(result, **changes)


API = {
    "reachable": True,
    "pods": [
        {"namespace": "kube-system", "ready": True, "phase": "Running"},
        {"namespace": "kube-system", "ready": False, "phase": "Pending"},
    ],
}


def test_what_loses_its_pin():
    name = "docker.io/rancher/mirrored-pause:3.6"
    assert "board-1: unpin %s (the catalogue has nothing for it any more)" % name in report(
        [plan(unpins=[{"source": name, "targets": [name]}])], API
    )


def test_healthy():
    lines = report([plan(row("present"))], dict(API, pods=API["pods"][:1]))
    assert lines[0].split() == [
        "BOARD",
        "ARCH",
        "K3S",
        "REGISTRIES",
        "IMAGES",
        "TO",
        "FIX",
        "MANIFESTS",
        "PODS",
        "READY",
    ]
    assert lines[1].split() == ["board-1", "riscv64", "v1.24.2+k3s2", "ok", "1", "of", "1", "0", "ok", "1", "of", "1"]
    assert lines[2:] == []


def test_what_is_planned_stands_below_the_table():
    patch = {"manifest": "coredns.yaml", "kind": "Deployment", "name": "coredns", "reason": "it has no overlay"}
    lines = report(
        [
            plan(
                row("tag", tag_from="reg:5000/pause:1"),
                registries={"change": True, "restart": True},
                patches={"present": [patch], "absent": []},
                warnings=["old"],
            )
        ],
        API,
    )
    assert "write, restart" in lines[1] and "1 to patch" in lines[1] and "1 of 2" in lines[1]
    assert lines[2:] == [
        "board-1: tag docker.io/rancher/mirrored-pause:3.6 from reg:5000/pause:1 (because)",
        "board-1: patch coredns.yaml Deployment/coredns (it has no overlay)",
        "board-1: warning: old",
    ]


def test_images_that_nothing_needs_yet_are_named_in_one_line():
    lines = report(
        [plan(row("impossible", required=False), row("impossible", "docker.io/rancher/x:1", required=False))], API
    )
    assert (
        lines[2]
        == "board-1: no source, and nothing needs it yet: docker.io/rancher/mirrored-pause:3.6, docker.io/rancher/x:1"
    )


def test_after_the_run_the_column_says_fixed():
    lines = report([plan(row("tag", tag_from="reg:5000/pause:1"))], API, done=True)
    assert "FIXED" in lines[0]
    assert lines[1].split()[4:8] == ["1", "of", "1", "1"]


def test_an_api_that_was_not_asked_is_not_counted():
    assert report([plan()], None)[1].endswith("?")


def test_pods_are_counted_once_whatever_the_number_of_boards():
    class Counted(list):
        looks = 0

        def __iter__(self):
            self.looks += 1
            return super().__iter__()

    pods = Counted([{"namespace": "kube-system", "phase": "Running", "ready": True}])
    lines = report([plan()] * 50, {"reachable": True, "pods": pods})
    assert lines[1].endswith("1 of 1") and pods.looks == 1


def test_what_holds_for_several_boards_is_said_once():
    boards = [plan(row("tag", tag_from="reg:5000/pause:1"), board="board-%d" % number) for number in range(8)]
    line = "tag docker.io/rancher/mirrored-pause:3.6 from reg:5000/pause:1 (because)"
    assert report(boards, API)[2:] == ["all boards: " + line]
    assert report(boards + [plan(board="board-8")], API)[3:] == [
        "board-0, board-1, board-2, board-3, board-4 and 3 more: " + line
    ]


def test_after_the_run_it_says_what_was_pulled():
    boards = [plan(row("tag", tag_from="reg:5000/pause:1")), plan(row("present"), board="board-2")]
    lines = report(boards, API, done=True, pulled={"board-1": 73_800_000})
    assert lines[0].endswith("  PULLED") and lines[1].endswith("  73.8 MB") and lines[2].endswith("  0 B")
    assert "PULLED" not in report(boards, API)[0]
    assert "PULLED" not in report(boards, API, done=True, pulled={"board-1": 0, "board-2": None})[0]


def test_of_many_boards_the_same_is_said_once():
    boards = [plan(row("present"), board="board-%02d" % number) for number in range(20)]
    (line,) = report(boards, None, done=True)[1:]
    assert line.split("  ")[0] == "all 20 boards" and "1 of 1" in line
    boards[7] = plan(row("tag", tag_from="x"), board="board-07")
    assert [line.split("  ")[0] for line in report(boards, None)[1:3]] == ["board-00 and 18 more", "board-07"]
    names = [line.split("  ")[0] for line in report(boards[:5], None)[1:]]
    assert names == ["board-%02d" % number for number in range(5)], "a few boards have a row each"


def test_a_converged_run_of_twenty_boards_ends_in_three_lines():
    later = [row(fix, required=False) for fix in ("stock", "impossible")]
    boards = [plan(row("present"), *later, board="board-%02d" % number) for number in range(20)]
    head, line = report(boards, None, done=True, pulled={})
    assert head.split()[:2] == ["BOARD", "ARCH"] and " 1 of 1 " in line, "what nothing runs is not counted"


@pytest.mark.parametrize(
    "count, text",
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (21_452_802, "21.5 MB"),
        (10**9, "1.0 GB"),
        (2 * 10**12, "2000.0 GB"),
    ],
)
def test_sizes_are_for_people(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    "preload, cell, line",
    [
        (
            {"place": True, "change": True, "restart": True, "archive": "new.tar", "obsolete": ["old.tar"]},
            "write, restart",
            "place new.tar (because)",
        ),
        (
            {"change": True, "restart": False, "archive": None, "obsolete": ["old.tar"]},
            "write",
            "remove old.tar (because)",
        ),
        (
            {"change": True, "restart": False, "archive": "new.tar", "obsolete": ["old.tar"]},
            "write",
            "remove old.tar (because)",
        ),
        (
            {"change": False, "restart": True, "archive": "new.tar", "obsolete": []},
            "restart",
            "restart for new.tar (because)",
        ),
    ],
)
def test_the_archive_of_images(preload, cell, line):
    lines = report([plan(row("present"), preload=dict({"place": False}, **preload, reason="because"))], API)
    assert cell in lines[1] and lines[2] == "board-1: " + line


@pytest.mark.parametrize(
    "config, cell, line",
    [
        ({"change": True, "restart": True, "text": "x"}, "write, restart", "write /own.yaml (because)"),
        ({"change": True, "restart": True, "text": None}, "write, restart", "remove /own.yaml (because)"),
        ({"change": False, "restart": True, "text": "x"}, "restart", "restart for /own.yaml (because)"),
    ],
)
def test_the_own_file_of_settings(config, cell, line):
    lines = report([plan(row("present"), config=dict(config, path="/own.yaml", reason="because"))], API)
    assert cell in lines[1] and lines[2] == "board-1: " + line


@pytest.mark.parametrize(
    "planned, done",
    [
        (
            {"images": [row("tag", tag_from="reg:5000/pause:1")]},
            "tagged docker.io/rancher/mirrored-pause:3.6 from reg:5000/pause:1",
        ),
        ({"images": [row("mirror")]}, "pulled docker.io/rancher/mirrored-pause:3.6"),
        (
            {"images": [dict(row("mirror"), reason="not in the store (a (nested) reason), so it is pulled")]},
            "pulled docker.io/rancher/mirrored-pause:3.6",
        ),
        ({"unpins": [{"source": "a", "targets": ["a"]}]}, "unpinned a"),
        ({"config": {"change": True, "restart": True, "path": "/o", "text": "x", "reason": "y"}}, "wrote /o"),
        ({"config": {"change": False, "restart": True, "path": "/o", "text": "x", "reason": "y"}}, "restarted for /o"),
        ({"warnings": ["k3s is old (very)"]}, "warning: k3s is old (very)"),
    ],
)
def test_after_the_run_the_lines_say_what_was_done(planned, done):
    assert report([dict(plan(), **planned)], API, done=True)[-1] == "board-1: " + done
    assert report([dict(plan(), **planned)], API)[-1].startswith("board-1: ")


def test_after_the_run_the_table_says_what_was_done_or_that_it_is_not_known():
    patches = {"present": [{"manifest": "m", "kind": "k", "name": "n", "reason": "r", "patch": {}}], "absent": []}
    change = plan(row("present"), registries={"change": True, "restart": True, "reason": "x"}, patches=patches)
    cells = [map(str.strip, report([change], API, **options)[1].split("  ")) for options in ({}, {"done": True})]
    assert [[cell for cell in row if "patch" in cell or "rit" in cell] for row in cells] == [
        ["write, restart", "1 to patch"],
        ["written, restarted", "1 patched"],
    ]
    lost = report([change], API, done=True, undone=["board-1"])[1]
    assert "patch" not in lost and "rit" not in lost and lost.split().count("?") == 2


def test_restarts_are_told_before_and_after():
    assert restarting(["a/b"])[0].startswith("restart the pods a/b (they wait")
    assert restarting(["a/b"], done=True) == ["restarted the pods a/b"]
    assert restarting([], done=True) == []


def test_what_follows_from_the_registry_is_shown_where_it_is_written():
    derived = {"mirrors": {"reg:5000": {"endpoint": ["http://reg:5000"]}}}
    settings = {"fixes": ["mirror", "tag"], "mirror_prefix": "reg:5000/stock"}
    change = plan(derived_registries=derived, settings=settings, registries={"change": True, "restart": True})
    text = "registries.yaml (from riscv_k3s_registry): reg:5000 speaks http"
    text += ", docker.io is looked for at reg:5000/stock first"
    assert report([change], API)[-1] == "board-1: write " + text
    assert report([change], API, done=True)[-1] == "board-1: wrote " + text
    assert len(report([dict(change, registries={"change": False, "restart": False})], API)) == 2


def test_of_a_board_that_failed_nothing_is_said_to_be_done():
    ill, well = plan(row("tag", tag_from="x")), plan(row("tag", tag_from="x"), board="board-2")
    lines = report([ill, well], API, done=True, undone=["board-1"])
    assert [line.split()[5:7] for line in lines[1:3]] == [["of", "1"], ["of", "1"]]
    assert [line.split()[4] for line in lines[1:3]] == ["0", "1"] and [line.split()[7] for line in lines[1:3]] == [
        "?",
        "1",
    ]
    name = "docker.io/rancher/mirrored-pause:3.6"
    assert lines[3:] == [
        "board-1: not known to be done: tag %s from x (because)" % name,
        "board-2: tagged %s from x" % name,
    ]
