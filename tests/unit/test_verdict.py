# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Healthy, wrong, or not known: nothing is called healthy that was not seen."""

from __future__ import annotations

import pytest
from planning import COREDNS, PAUSE, decide, held, observed

from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.verdict import Looked, ends_well, later, lines, verdict

SETTINGS = {"health_namespaces": ["kube-system"]}
GOOD = [held(PAUSE), held(COREDNS)]


def node(name="b1", ready=True, **more):
    return dict({"name": name, "uid": name, "ready": ready, "boot_id": "boot-" + name}, **more)


def seen(**more):
    return dict(observed(GOOD, hostname="b1", identity={"boot_id": "boot-b1"}), **more)


def pod(image_id="x@sha256:1", **more):
    container = {"name": "c", "image": COREDNS, "image_id": image_id, "state": "running", "reason": ""}
    row = {"namespace": "kube-system", "name": "coredns-1", "uid": "u", "node": "b1", "phase": "Running", "ready": True}
    return dict(row, deleting=False, reasons=[], owner=None, labels={}, containers=[container], **more)


def api(*pods, nodes=None, **more):
    return dict({"reachable": True, "error": None, "nodes": nodes or [node()], "pods": list(pods)}, **more)


def judge(board=None, view=None, **more):
    board = seen() if board is None else board
    plan = decide(board, servers=[seen()]) if board.get("images") is not None else None
    return verdict([Looked("b1", board, plan, **more)], api(pod()) if view is None else view, SETTINGS)


def test_healthy_is_what_was_seen():
    found = judge()
    assert (found["answer"], found["boards"]["b1"]["answer"], found["doubtful"]) == ("healthy", "healthy", [])
    assert lines(found) == ["All healthy."] and ends_well(found)


NOT_HEALTHY = [
    ("a board that does not answer", {"msg": "Connection refused", "unreachable": True}, None, "not known"),
    ("a board that was not looked at", {}, None, "not known"),
    ("not a node of the cluster", None, api(nodes=[node("other")]), "not known"),
    ("its name is another machine's", None, api(nodes=[node(boot_id="x")]), "not known"),
    ("its node is not Ready", None, api(nodes=[node(ready=False)]), "wrong"),
    ("another node is not Ready", None, api(nodes=[node(), node("b2", ready=False)]), "wrong"),
    ("the API was not asked", None, {}, "not known"),
    ("the API does not answer", None, api(reachable=False, error="refused"), "not known"),
    ("a row of the API that cannot be read", None, api(unread=["ValueError: x"]), "not known"),
    ("a pod that is not Ready", None, api(pod() | {"ready": False}), "wrong"),
    ("a pod that runs another content", None, api(pod("sha256:" + "0" * 64)), "not known"),
    ("k3s does not run", seen(k3s={"running": False, "role": "agent"}), None, "wrong"),
    ("images that were not read", seen(images=None), None, "not known"),
    ("manifests that were not read", seen(manifests=None, k3s={"running": True, "role": "server"}), None, "not known"),
    ("a part that failed", seen(errors=[{"section": "stats", "rc": 1, "message": "stat: no -c"}]), None, "not known"),
    (
        "a journal that cannot be read",
        seen(journal={"error": "empty", "files": {}, "images": {}}),
        None,
        "not known",
    ),
    ("it is not known how k3s runs", seen(doubts=["two folders"]), None, "not known"),
    (
        "a manifest that is too large",
        seen(manifests=[{"path": "big.yaml", "left_out": "size", "workloads": True, "skip": False}]),
        None,
        "not known",
    ),
    ("k3s's account differs", None, api(nodes=[node(settings={"data-dir": "/mnt/x"})]), "not known"),
]


@pytest.mark.parametrize("board, view, answer", [row[1:] for row in NOT_HEALTHY], ids=[row[0] for row in NOT_HEALTHY])
def test_what_was_not_seen_is_not_healthy(board, view, answer):
    found = judge(board, view)
    assert found["answer"] == answer
    assert "All healthy." not in lines(found) and not ends_well(found)
    assert len(lines(found)) >= 1 and ("Remedy: " in lines(found)[0] or "Next: " in lines(found)[0])


def test_a_closer_look_decides_what_digests_leave_open():
    doubt = api(pod("x@sha256:9"))
    found = judge(view=doubt)
    assert (found["answer"], found["doubtful"]) == ("not known", ["b1"])
    for config, answer in (("sha256:c", "healthy"), ("sha256:d", "wrong")):
        closer = {"contents": {"names": {COREDNS: "sha256:c"}, "containers": {"u/c": config}}}
        found = judge(view=doubt, closer=closer)
        assert (found["answer"], found["doubtful"]) == (answer, [])


def test_what_is_yet_to_be_changed_is_not_judged_by_what_it_holds():
    old = seen(images=[held(PAUSE), held(COREDNS, "sha256:0", platforms=["linux/amd64"])])
    found = judge(old, is_changed=True)
    assert found["answer"] == "healthy"
    assert lines(found, 3) == ["TO DO: 3 changes. Next: run the playbook riscv.k3s.site"]
    assert ends_well(found, 3)
    assert judge(old)["answer"] == "wrong"


def test_one_next_step_is_named_and_publish_before_site():
    found = judge(view=api(pod() | {"ready": False}), is_changed=True)
    told = lines(found, 2)
    assert "Remedy" not in told[0] and told[-1] == "TO DO: 2 changes. Next: run the playbook riscv.k3s.site"
    told = lines(found, 2, before="unpublished")
    assert told[-1] == "TO DO: 2 changes. Next: run the playbook riscv.k3s.publish, then riscv.k3s.site"
    # What cannot be asked may hold all or nothing: site is no next step then.
    asked = lines(found, 2, before="unasked")[-1].partition("Next: ")[2]
    assert asked.startswith("settle why the mirror cannot be asked") and "playbook riscv.k3s.plan again" in asked
    assert "run the playbook riscv.k3s.site" not in asked
    assert "Remedy" in lines(found)[0] and "Remedy" in lines(found, 2, is_refused=True)[0]


def test_changes_do_not_excuse_what_is_not_known():
    assert not ends_well(judge(seen(doubts=["x"])), 3)
    assert ends_well(judge(view=api(pod() | {"ready": False})), 3)


def test_nodes_that_are_no_boards_of_the_run_are_named_and_not_called_healthy():
    view = api(pod(), nodes=[node(), node("b2"), node("b3\x1b[2J")])
    found = judge(view=view)
    assert found["answer"] == "healthy" and ends_well(found), "a limited run that is fine ends well"
    left = "NOT LOOKED AT: 2 nodes of the cluster, no board of this run: b2, b3\\x1b[2J"
    assert lines(found) == ["Healthy: the 1 board of this run.", left]
    assert lines(found, 1) == [left, "TO DO: 1 change. Next: run the playbook riscv.k3s.site"]
    wrong = lines(judge(seen(images=[]), view))
    assert wrong[0].startswith("WRONG: ") and wrong[-1] == left


def test_boards_of_the_run_are_none_of_them_whatever_their_nodes_are_called():
    view = api(pod(), nodes=[node(), node("b2"), node("worker-3", boot_id="boot-b3")])
    others = [Looked("B2", {"msg": "Connection refused"})]
    beside = [dict(seen(), hostname="b3", identity={"boot_id": "boot-b3"})]
    found = verdict([Looked("b1", seen(), decide(seen(), servers=[seen()])), *others], view, SETTINGS, beside)
    assert found["left"] == [] and not any("NOT LOOKED AT" in line for line in lines(found))


def test_a_board_that_failed_is_told_by_which_node_it_is():
    """Its node's name need not be its own in the inventory."""
    view = api(pod(), nodes=[node(), node("worker-3", ready=False, boot_id="boot-b3")])
    stopped = dict(seen(), hostname="b3", identity={"boot_id": "boot-b3"}, msg="k3s does not run")
    boards = [Looked("b1", seen(), decide(seen(), servers=[seen()])), Looked("agent", {"msg": "k3s does not run"})]
    assert verdict(boards, view, SETTINGS, [stopped])["left"] == []


def test_a_server_outside_the_run_that_does_not_answer_is_named():
    away = {"s1": {"unreachable": True, "msg": "no\nroute"}, "s2": {"hostname": "s2", "api": api(pod())}}
    away["s3"] = {"hostname": "s3", "api": {"reachable": False, "error": "E1 memcache | refused"}}
    board = Looked("b1", seen(), decide(seen(), servers=[seen()]))
    told = lines(verdict([board], api(pod()), SETTINGS, (), away))
    said = "NOT LOOKED AT: the server %s, no board of this run, does not answer: %s"
    assert told == ["Healthy: the 1 board of this run.", said % ("s1", "no route"), said % ("s3", "refused")]


def test_a_board_that_is_no_node_is_told_what_to_do():
    text = lines(judge(view=api(nodes=[node("other")])))[0]
    assert "is no node of the cluster" in text and "Next: see that k3s runs" in text and "Remedy" not in text


def test_where_something_stands_in_the_way_it_is_not_advised_to_run_site():
    told = lines(judge(is_changed=True), 2, is_refused=True)
    assert told == [
        "TO DO: 2 changes. Next: first settle what is wrong above, until then riscv.k3s.site changes nothing"
    ]


def test_many_sentences_are_counted():
    pods = [dict(pod(), name="p%d" % number, ready=False) for number in range(9)]
    shown = lines(judge(view=api(*pods)))
    assert len(shown) == 6 and shown[-1] == "WRONG: and 4 more"


def test_what_a_later_look_did_not_read_stays_as_it_was():
    first = seen(errors=[{"section": "stats", "rc": 1, "message": "x"}, {"section": "images", "rc": 1, "message": "y"}])
    now = later(first, {"hostname": "b1", "images": [], "errors": []})
    assert [error["section"] for error in now["errors"]] == ["stats"] and now["images"] == []
    assert later(first, None) == first and later(first, {"msg": "gone"}) == {"msg": "gone"}
