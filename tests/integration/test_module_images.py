# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""crictl_image_pull and crictl_image_tag on a board of the lab: check, run, check, run, and what the store holds."""

from __future__ import annotations

import json

import modules
import pytest

ONE, TWO = "10.99.0.1:5000/tests/one:1", "10.99.0.1:5000/tests/two:1"
MOVING = "10.99.0.1:5000/tests/moving:1"
STOCK, OTHER = "docker.io/rancher/tests-stock:1", "docker.io/library/tests-other:latest"
NAMES = (ONE, TWO, MOVING, STOCK, OTHER)
PIN = "io.cri-containerd.pinned=pinned"
SOURCE = {"src": modules.program("pause"), "entrypoint": ["/pause"]}
MOVED = dict(SOURCE, image=MOVING, labels={"tests": "moved"})


@pytest.fixture(scope="module", autouse=True)
def _registry(lab, connected, tmp_path_factory):
    """Two images of other content in the registry, and a tag that moves."""
    images = dict(SOURCE, image=ONE), dict(SOURCE, image=TWO, labels={"tests": "two"}), dict(SOURCE, image=MOVING)
    modules.build(lab, tmp_path_factory.mktemp("build"), *images)


@pytest.fixture(name="board")
def _board(lab):
    """A board whose store has none of the names that are used here."""
    modules.remove_images(lab, lab.agent, *NAMES)
    yield lab.agent
    modules.remove_images(lab, lab.agent, *NAMES)


def pull(*images, **options):
    return {"riscv.k3s.crictl_image_pull": dict(images=list(images), architecture="riscv64", **options)}


def tag(source, *targets, **options):
    return {
        "riscv.k3s.crictl_image_tag": dict(
            images=[{"source": source, "targets": list(targets)}], architecture="riscv64", **options
        )
    }


def store(lab, board):
    """{name: (digest, whether it is pinned)} as ctr says."""
    lines = [line.split() for line in lab.exec(board, ["k3s", "ctr", "images", "ls"]).stdout.splitlines()[1:]]
    return {line[0]: (line[2], PIN in line[-1]) for line in lines if "@" not in line[0]}


def image_id(lab, board, name):
    """The id by which the kubelet finds this name; None where it does not."""
    done = lab.exec(board, ["k3s", "crictl", "inspecti", name], check=False)
    return json.loads(done.stdout)["status"]["id"] if done.returncode == 0 else None


def filled(result, digests):
    """A prediction, with what only the pull itself can tell filled in."""
    text = json.dumps(modules.told(result))
    for name, digest in digests.items():
        text = text.replace("%s known after the pull" % name, "%s %s" % (name, digest)).replace(
            '"known after the pull"', '"%s"' % digest
        )
    return json.loads(text)


def test_pull_and_tag(lab, board, tmp_path):
    """The two as a play has them: in check mode the tags are predicted although their source is not there yet."""
    both = pull(ONE, deep=True), tag(ONE, STOCK, "tests-other", expected=[ONE])
    run = modules.tasks(
        lab,
        tmp_path,
        board,
        *[dict(task, check_mode=check, diff=True) for check in (True, False, True, False) for task in both],
    )
    assert run.failures == []
    pulls, tags = [modules.Steps(*[row["result"] for row in run.rows[start::2]]) for start in (0, 1)]
    digest = pulls.done["images"][0]["digest"]
    measured = {
        key: pulls.done["images"][0][key] for key in ("digest", "architecture", "size", "seconds", "downloaded")
    }
    assert pulls.done["downloaded"] == measured["downloaded"]
    assert measured["downloaded"] in (0, measured["size"]), "0 where another name stood for it"
    predicted = dict(filled(pulls.predicted, {ONE: digest}), downloaded=measured["downloaded"])
    predicted["images"][0].update(measured)
    modules.assert_four_steps(pulls._replace(predicted=predicted))
    assert measured["architecture"] == "riscv64" and pulls.again["images"][0]["digest"] == digest

    modules.assert_four_steps(tags._replace(predicted=filled(tags.predicted, {STOCK: digest, OTHER: digest})))
    assert tags.done["normalised"] == {"tests-other": OTHER}
    if "Version:  1.6.20" in lab.exec(board, ["k3s", "ctr", "version"]).stdout:
        assert any("1.6.20" in warning for warning in tags.done["warnings"]), (
            "this containerd honours no pins, which is told"
        )
    there = store(lab, board)
    assert [there[name] for name in (ONE, STOCK, OTHER)] == [(digest, False), (digest, True), (digest, True)]
    ids = {image_id(lab, board, name) for name in (ONE, STOCK, OTHER)}
    assert len(ids) == 1 and None not in ids


def test_pull_always_follows_a_tag_that_moves_and_keeps_its_pin(lab, board, tmp_path):
    move = {"riscv.k3s.oci_image_build": modules.by_http(MOVED), "delegate_to": "localhost"}
    always = pull(MOVING, policy="always")
    run = modules.tasks(
        lab, tmp_path, board, pull(MOVING), tag(MOVING, MOVING), always, move, pull(MOVING), always, always
    )
    assert run.failures == []
    assert [row["result"]["changed"] for row in run.rows] == [True, True, False, True, False, True, False]
    digest = run.rows[-1]["result"]["images"][0]["digest"]
    assert digest == run.rows[3]["result"]["digest"] != run.rows[0]["result"]["images"][0]["digest"]
    assert store(lab, board)[MOVING] == (digest, True)


def test_existing_and_pins(lab, board, tmp_path):
    keep = tag(TWO, STOCK, existing="keep")
    four = modules.four("crictl_image_tag", tag(TWO, STOCK)["riscv.k3s.crictl_image_tag"])
    unpin = tag(TWO, STOCK, pinned=False)
    wanted = [
        pull(ONE, TWO),
        tag(ONE, STOCK, pinned=False),
        dict(keep, check_mode=True),
        keep,
        *four,
        dict(unpin, check_mode=True),
        unpin,
    ]
    run = modules.tasks(lab, tmp_path, board, *wanted)
    assert run.failures == []
    one, two = [row["digest"] for row in run.rows[0]["result"]["images"]]
    first, *kept = [row["result"] for row in run.rows[1:4]]
    assert (first["images"][0]["digest"], first["images"][0]["pinned"]) == (one, False)
    assert [(result["changed"], result["images"][0]["digest"]) for result in kept] == [(False, one)] * 2
    overwritten = modules.Steps(*[row["result"] for row in run.rows[4:8]])
    modules.assert_four_steps(overwritten)
    assert overwritten.done["diff"]["before"].split() == [STOCK, one] and overwritten.done["diff"]["after"].split() == [
        STOCK,
        two,
        "pinned",
    ]
    predicted, unpinned = [row["result"] for row in run.rows[8:]]
    assert unpinned["changed"] and modules.told(predicted, "diff") == modules.told(unpinned, "diff")
    assert store(lab, board)[STOCK] == (two, False)


def test_absent_removes_one_name_and_not_its_siblings(lab, board, tmp_path):
    absent = modules.four("crictl_image_tag", {"images": [{"targets": [STOCK]}], "state": "absent"})
    run = modules.tasks(lab, tmp_path, board, pull(ONE), tag(ONE, STOCK, OTHER), *absent)
    assert run.failures == []
    modules.assert_four_steps(modules.Steps(*[row["result"] for row in run.rows[2:]]))
    there = store(lab, board)
    assert STOCK not in there and there[OTHER] == (run.rows[0]["result"]["images"][0]["digest"], True) and ONE in there
    assert image_id(lab, board, STOCK) is None and image_id(lab, board, OTHER)
