# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of a run: one pass over all boards, and nothing in it that is a secret."""

from __future__ import annotations

import json

import pytest
from planning import CATALOGUE, COREDNS, PAUSE, REGISTRIES, asked, fleet_of, held, observed, settings_of

from ansible_collections.riscv.k3s.plugins.module_utils.pod import workload
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import conditions as _conditions
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import fleet as _fleet
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import prepared as _prepared
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet import run as _run
from ansible_collections.riscv.k3s.plugins.plugin_utils._fleet.machines import with_versions

MIRROR = "reg:5000/stock"
ANSWER = {"image": MIRROR + "/rancher/mirrored-pause:3.6", "has_architecture": True, "cause": None}
GOOD = [held(PAUSE), held(COREDNS)]


def pod(name="coredns-1", ready=True, namespace="kube-system", **more):
    row = {"namespace": namespace, "name": name, "uid": name, "node": "b1", "phase": "Running", "ready": ready}
    return dict(row, deleting=False, reasons=[], owner=None, containers=[], images=[], **more)


def server(images=None, pods=(), **more):
    api = {"reachable": True, "error": None, "nodes": [{"name": "b1", "ready": True}], "pods": list(pods)}
    return observed(
        GOOD if images is None else images, api=api, data_dir="/d", disk={"available": 1, "path": "/d"}, **more
    )


def agent(images=None, **more):
    return observed(GOOD if images is None else images, data_dir="/d", disk=None, demand=[asked(PAUSE)], **more)


def fleet(*rows, **more):
    """b1 is the server; ``rows`` are what was seen, or that and settings."""
    pairs = [row if isinstance(row, tuple) else (row, settings_of()) for row in rows]
    return fleet_of({"b%d" % number: pair for number, pair in enumerate(pairs, 1)}, **more)


def test_a_fleet_that_is_as_it_should_be():
    made = _run.present(fleet(server(), agent()), {})
    assert (made["changes"], made["waves"], made["restarts"], made["patches"], made["unready"]) == (0, [], [], [], [])
    assert list(made["boards"]) == ["b1", "b2"] and made["servers"] == ["b1"] and made["problems"] == {}
    assert [plan["stages"] for plan in made["boards"].values()] == [[], []]


def test_stages_and_waves_and_what_the_stages_need():
    made = _run.present(fleet(server([]), (agent([]), settings_of(registries=REGISTRIES))), {})
    assert made["waves"] == [["b2"], ["b1"]]
    assert [plan["stages"] for plan in made["boards"].values()] == [["images"], ["start", "images"]]
    of_server, of_agent = made["boards"].values()
    assert (of_server["service"], of_agent["service"]) == ("k3s", "k3s-agent")
    assert (of_agent["data_dir"], of_agent["settings"]["pull_retries"]) == ("/d", 3)
    assert made["lease"]["server"] == "b1" and made["first_server"] == "b1"
    assert made["settings"]["gate_timeout"] == 300


def test_pods_that_wait_for_an_image_are_restarted():
    waiting = {"name": "c", "image": "rancher/mirrored-coredns-coredns:1.9.1", "state": "waiting", "reason": "x"}
    made = _run.present(fleet(server([], [pod(ready=False) | {"containers": [waiting]}])), {})
    assert made["restarts"] == ["kube-system/coredns-1"] and len(made["unready"]) == 1
    assert any(line.startswith("restart the pods kube-system/coredns-1 (") for line in made["table"])


def test_what_is_refused_is_not_advised_to_be_done():
    seen = {"present": True, "sha256": "x", "mode": "0600", "stale": False, "path": "/r.yaml"}
    looked = {"registries": {"others": ["mirrors.quay.io"], "replaced": []}}
    made = _run.present(fleet((server(registries=seen, closer=looked), settings_of(registries=REGISTRIES))), {})
    assert list(made["problems"]) == ["b1"] and any("would go: mirrors.quay.io" in line for line in made["table"])
    assert made["table"][-1].endswith("first settle what is wrong above, until then riscv.k3s.site changes nothing")


def test_a_board_whose_k3s_is_stopped_is_no_node_that_was_not_looked_at():
    """Its node has a name of its own."""
    nodes = [{"name": "b1", "ready": True}, {"name": "worker", "ready": False, "boot_id": "boot-2"}]
    api = {"reachable": True, "error": None, "nodes": nodes, "pods": []}
    stopped = dict(agent(images=None), hostname="b2", identity={"boot_id": "boot-2"}, msg="k3s does not run")
    made = _run.present(fleet(server() | {"api": api}, lost={"b2": stopped}), {})
    assert made["verdict"]["left"] == [] and "b2: it could not be looked at: k3s does not run" in str(made["table"])


def test_a_server_outside_the_run_that_does_not_answer_is_named():
    servers = ["s1", "s2"]
    away = {"s1": {"unreachable": True, "msg": "no route"}, "s2": server() | {"hostname": "s2"}}
    made = _run.present(fleet(agent(), servers=servers, away=away), {})
    assert any("the server s1, no board of this run, does not answer: no route" in line for line in made["table"])


def test_a_server_that_is_in_truth_the_board_itself_tells_nothing():
    """ansible-pull has the connection local for every host: the board's own demand is not that of the cluster."""
    identity = {"boot_id": "boot-1", "machine_id": "m-1", "addresses": ["10.0.0.1"], "said": ["k3s", "agent"]}
    itself = server() | {"hostname": "b1", "identity": dict(identity, said=[])}
    boards = {"b1": dict(agent(), identity=identity)}
    for kept in (
        dict(itself, identity={}),
        dict(itself, identity=dict(identity, boot_id="boot-2")),
        # Containers of one image share a kernel and a machine id.
        dict(itself, identity=dict(identity, addresses=["10.0.0.2"])),
    ):
        assert _fleet.elsewhere({"s1": kept}, boards) == {"s1": kept}
    assert _fleet.elsewhere({"s1": server()}, {"b1": agent()}) == {"s1": server()}
    away = _fleet.elsewhere({"s1": itself}, boards)
    assert "demand" not in away["s1"] and "is b1 itself, by the connection local" in away["s1"]["msg"]
    with pytest.raises(Problem, match="no server of the cluster was observed"):
        _run.present(fleet(agent(), servers=["s1"], away=away), {})


def test_the_document_holds_no_secret_and_no_more_than_is_read():
    secret = {"configs": {"reg:5000": {"auth": {"username": "u", "password": "hunter2"}}}}
    settings = settings_of(registries=secret, registry_password="hunter2", registry="reg:5000")
    made = _run.present(fleet((server(GOOD, [pod("other", namespace="default")]), settings)), {})
    text = json.dumps(made)
    assert "hunter2" not in text and made["boards"]["b1"]["registries"]["change"]
    assert made["api"]["pods"] == [], "pods of others that are well are read by nobody"
    assert "catalogue" not in made["settings"]


def test_a_mirror_is_asked_once_an_architecture_and_for_what_is_missing_alone():
    settings = settings_of(mirror_prefix=MIRROR)
    amd = dict(agent([]), architecture="amd64")
    boards = fleet(*((seen, settings) for seen in (server(GOOD), agent([held(COREDNS)]), agent([]), amd)))
    asks = _run.questions(boards)
    assert [(ask.architecture, ask.prefix, ask.variant) for ask in asks] == [
        ("riscv64", MIRROR, None),
        ("amd64", MIRROR, None),
    ]
    assert asks[1].images == (ANSWER["image"],) and asks[1].board == "b4"
    assert _run.questions(fleet((server(), settings))) == []
    assert _run.questions(fleet((server([]), settings_of(mirror_prefix=MIRROR, fixes=["tag"])))) == []


def test_what_the_mirror_answered_is_for_its_architecture():
    settings = settings_of(mirror_prefix=MIRROR, registries=REGISTRIES)
    boards = fleet((server([]), settings), (agent([]), settings))
    made = _run.present(boards, {("riscv64", MIRROR, None): [ANSWER]})
    fixes = {row["image"]: row["fix"] for row in made["boards"]["b2"]["images"]}
    assert fixes == {PAUSE: "mirror", COREDNS: "tag"}
    silent = [dict(ANSWER, has_architecture=None, cause="registry-refused", message="nobody listens")]
    made = _run.present(boards, {("riscv64", MIRROR, None): silent})
    assert any("the mirror could not be asked" in text for text in made["warnings"])


@pytest.mark.parametrize(
    "cause, changes, before",
    [
        (None, {}, None),
        ("no-such-image", {}, "unpublished"),
        ("tls-authority", {}, "unasked"),
        ("registry-refused", {}, "unasked"),
        # Without a mirror the sources are all there is, and they are not asked.
        ("tls-authority", {"fixes": ["tag"]}, None),
    ],
)
def test_what_comes_before_site(cause, changes, before):
    settings = settings_of(mirror_prefix=MIRROR, registries=REGISTRIES, **changes)
    answer = dict(ANSWER, has_architecture=None if cause else True, cause=cause, message="not trusted")
    made = _run.present(fleet((server([]), settings)), {_run._key(fleet((server([]), settings)).boards[0]): [answer]})
    assert made["before"] == before
    assert ("Next: run the playbook riscv.k3s.site" in made["table"][-1]) == (before is None)
    # The source of a third party is taken only by who does not publish first.
    assert ("unless riscv.k3s.publish fills" in " ".join(made["table"])) == (before == "unpublished")
    # Where nothing is lacking, an answer is about nothing.
    assert _run.present(fleet((server(GOOD), settings)), {})["before"] is None


def test_the_first_server_may_be_away():
    away = server([], [pod(ready=False)])
    made = _run.present(fleet_of({"b2": (agent([]), settings_of())}, servers=["b1"], away={"b1": away}), {})
    assert {row["image"] for row in made["boards"]["b2"]["images"]} == {PAUSE, COREDNS}
    assert (made["servers"], made["first_server"], made["unready"] != []) == ([], "b1", True)


def test_a_server_that_is_lost_does_not_stop_the_others():
    """It is named, and the run does not end well."""
    boards = {"b1": (server([]), settings_of())}
    for seen in ({}, server()):
        made = _run.present(fleet_of(boards, servers=["b9", "b1"], lost={"b9": seen}), {})
        assert (made["first_server"], made["lost"], made["waves"]) == ("b1", ["b9"], [["b1"]])
        assert made["verdict"]["answer"] != "healthy"


def cluster(*uids, **more):
    nodes = [{"name": "n" + uid, "uid": uid, "ready": True} for uid in uids]
    return {"reachable": True, "error": None, "nodes": nodes, "pods": [], **more}


def test_the_first_server_that_answers_is_asked():
    silent = dict(server(), api={"reachable": False, "error": "refused", "nodes": [], "pods": [], "addons": []})
    for dead in range(3):
        rows = {"b%d" % number: (silent if number == dead else server(), settings_of()) for number in range(3)}
        made = _run.present(fleet_of(rows, servers=["b0", "b1", "b2"]), {})
        assert made["first_server"] == ("b1" if dead == 0 else "b0") == made["lease"]["server"]
        assert made["api"]["reachable"]


def test_two_clusters_in_one_inventory_are_told_apart():
    rows = {
        "b1": (dict(server(), api=cluster("1", "2")), settings_of()),
        "c1": (dict(server(), api=cluster("3")), settings_of()),
    }
    with pytest.raises(Problem, match="2 clusters.*b1 shows the nodes n1, n2; c1 shows the nodes n3.*--limit"):
        _run.present(fleet_of(rows, servers=["b1", "c1"]), {})
    same = {"b1": rows["b1"], "c1": (dict(server(), api=cluster("2", "9")), settings_of())}
    _run.present(fleet_of(same, servers=["b1", "c1"]), {})


def test_nothing_is_changed_on_a_board_of_which_it_is_not_known_how_k3s_runs():
    doubtful = dict(agent([]), doubts=["riscv_k3s_data_dir is /a, but the k3s that runs uses /b"])
    made = _run.present(fleet(server(), doubtful), {})
    assert list(made["boards"]) == ["b1"] and made["waves"] == [] and list(made["unplanned"]) == ["b2"]
    assert made["verdict"]["answer"] == "not known" and "/b" in " ".join(made["table"])
    assert _run.absent(fleet(server(), doubtful))["problems"]["b2"].startswith("what was done to b2 is not known")


def test_gates_are_checked_before_anything_is_changed():
    with pytest.raises(Problem, match="the gate 'mine' is not a JMESPath"):
        _run.present(fleet((server(), settings_of(gates=[{"name": "mine", "query": "lenght(pods)"}]))), {})


def test_a_catalogue_of_one_s_own_is_complete_unless_it_says_otherwise():
    for settings, has_metrics in (
        (settings_of(catalogue=None), True),
        (settings_of(), False),
        (settings_of(catalogue_defaults=True), True),
        (settings_of(catalogue=None, catalogue_defaults=False), False),
    ):
        entries = _run._catalogue_of(settings)
        assert any("metrics-server" in entry.stock for entry in entries) == has_metrics


def test_absent_plans_the_undo_of_each_board():
    journal = {"files": {}, "images": {}, "error": None, "lease": None}
    ill = dict(agent(), journal=dict(journal, error="it cannot be read"))
    made = _run.absent(fleet(dict(server(), journal=journal), ill))
    assert list(made["boards"]) == ["b1"] and "it cannot be read" in made["problems"]["b2"]
    assert (made["changes"], made["lines"], made["restarts"]) == (0, ["b1: nothing to take back"], [])


def test_what_boards_have_in_common_is_made_once(monkeypatch):
    made = []
    read = _run._catalogue.read
    monkeypatch.setattr(_run._catalogue, "read", lambda raw: made.append(1) or read(raw))
    settings = settings_of(catalogue=CATALOGUE)
    _run.present(fleet((server([]), settings), *((agent([]), settings) for dummy in range(50))), {})
    assert len(made) == 1


def test_a_pod_of_the_document_tells_its_workload_and_no_other_label():
    owner = {"kind": "ReplicaSet", "name": "coredns-abc"}
    broken = dict(pod(ready=False), owner=owner, labels={"pod-template-hash": "abc", "app": "x" * 1000})
    [shown] = _run.present(fleet(server(GOOD, [broken])), {})["api"]["pods"]
    assert workload(shown["owner"], shown["labels"]) == ("Deployment", "coredns")
    assert shown["labels"] == {"pod-template-hash": "abc"}


def test_a_machine_that_the_inventory_names_twice():
    """By its name and by its address, say: two boards that are changed at the same time. Neither is, and it is said."""
    nodes = [{"name": name, "ready": True, "uid": name, "boot_id": "boot-" + name} for name in ("b1", "x")]
    first = server(identity={"boot_id": "boot-b1"})
    first["api"]["nodes"] = nodes
    twice = agent([], identity={"boot_id": "boot-x"})
    made = _run.present(fleet(first, twice, twice), {})
    assert list(made["unplanned"]) == ["b2", "b3"] and list(made["boards"]) == ["b1"] and made["waves"] == []
    assert made["verdict"]["answer"] == "not known"
    assert "b2: b2 and b3 are one machine: each is the node x. Next:" in made["verdict"]["unknown"][0]


@pytest.mark.parametrize(
    "kubelet, is_told",
    [("v1.24.2+k3s2", False), ("v1.23.5+k3s1", True), ("v1.24.2+k3s-54c12b8f", True), ("v1.34.4", False), ("", False)],
)
def test_a_k3s_that_is_installed_and_another_that_runs(kubelet, is_told):
    """As after an upgrade without a restart, or with one k3s of the distribution's and one in /usr/local/bin."""
    seen = server()
    seen["api"]["nodes"][0]["kubelet"] = kubelet
    made = _run.present(fleet(seen), {})
    assert ["k3s %s runs, v1.24.2+k3s2 is installed" % kubelet in text for text in made["warnings"]] == [True] * is_told


def test_versions_that_only_the_api_tells():
    """An agent is not asked for them: a server's API knows its node."""
    told = {"kubelet": "v1.36.3+k3s1", "runtime": "containerd://2.3.4-k3s1"}
    unasked = {"k3s": {"running": True, "version": None}, "containerd": {"version": None, "pins": False}}
    head = server()
    head["api"]["nodes"] += [{"name": "b2", "ready": True, "boot_id": "b", **told}]
    boards = [agent(identity={"boot_id": boot}, **unasked) for boot in ("b", "of no node")]
    found = [board.seen for board in with_versions(fleet(head, *boards)).boards]
    assert [seen["k3s"]["version"] for seen in found[1:]] == ["v1.36.3+k3s1", None]
    assert found[1]["containerd"] == {"version": "2.3.4-k3s1", "pins": True}


def test_a_node_that_this_run_cannot_change_is_not_waited_for():
    """A dead server of which another one tells; it stays wrong in the verdict."""
    nodes = [{"name": "b1", "uid": "1", "ready": True}, {"name": "dead", "uid": "2", "ready": False}]
    pods = [pod("a", ready=False) | {"node": "dead"}]
    api = {"reachable": True, "error": None, "nodes": nodes, "pods": pods}
    made = _run.present(fleet(dict(server([]), api=api)), {})
    assert (made["not_awaited"], made["unready"], made["verdict"]["answer"]) == (["dead"], [], "wrong")
    assert _conditions.health_missing(made, {"api": api}) == []
    own = dict(api, nodes=[dict(nodes[0], ready=False)], pods=[])
    made = _run.present(fleet(dict(server([]), api=own)), {})
    assert made["not_awaited"] == [] and len(_conditions.health_missing(made, {"api": own})) == 1


def test_what_boards_are_prepared_and_rebooted(monkeypatch):
    """Agents first, each server by itself; only where the inventory allows it, and something waits for a boot."""
    waits = {"system": [{}], "rows": [], "lines": ["cgroups: x"], "reboot": ["x"], "left": [], "changes": 1}
    monkeypatch.setattr(_prepared._prepare, "plan", lambda seen, name, *dummy: dict(waits, board=name))
    allowed = settings_of(prepare_reboot=True, serial=[1])
    made = _prepared.prepared(fleet((server(), allowed), (agent(), allowed), (agent(), allowed), agent()))
    assert made["waves"] == [["b2"], ["b3"], ["b4"], ["b1"]] and made["reboots"] == [["b2"], ["b3"], ["b1"]]
    assert (made["changes"], made["lines"][0], made["lease"]["server"]) == (4, "all boards: cgroups: x", "b1")
    assert made["boards"]["b1"]["system"] == [{}] and "data_dir" in made["boards"]["b1"]


def test_what_is_alike_is_told_once_and_then_how_to_have_it_done(monkeypatch):
    told = {"b1": ["swap: ok: there is none"], "b2": ["swap: ok: there is none", "sysctl: would x", "time: would y"]}
    plan = {"system": [], "rows": [], "reboot": [], "left": [], "changes": 0}
    monkeypatch.setattr(
        _prepared._prepare, "plan", lambda seen, name, *dummy: dict(plan, board=name, lines=told.get(name, []))
    )
    assert _prepared.prepared(fleet(server(), agent()))["lines"] == [
        "all boards: swap: ok: there is none",
        "b2: sysctl: would x",
        "b2: time: would y",
        "Next: to have it done, name the steps, as with -e riscv_k3s_prepare=sysctl,time",
    ]
    told["b2"] = []
    assert _prepared.prepared(fleet(server(), agent()))["lines"] == ["b1: swap: ok: there is none"]


def test_a_board_whose_system_was_not_seen_leaves_the_others_prepared():
    made = _prepared.prepared(fleet(server(preflight=None, system=None), agent(preflight=None, system=None)))
    assert sorted(made["problems"]) == ["b1", "b2"] and made["boards"] == {} and made["reboots"] == []
