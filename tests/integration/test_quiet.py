# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy lab, a booting one, and one in mid-upgrade give no finding: what is merely starting is told as that.

That faults are found all the same is in test_causes.py, on the same lab.
"""

from __future__ import annotations

import json
import threading
import time
import uuid

import pytest
import yaml
from looking import document_of, look, look_at_all
from runs import ROOT, all_ready, play
from test_upgrade_prepared import versions

INVENTORY = ROOT / "tests/lab/inventory/group_vars/k3s_cluster.yml"


def watch(lab, act, seconds=150):
    """Diagnose again and again while ``act`` is done and until all is well; returns (seconds, document, for how
    many seconds the latest k3s had been running) of each look.

    Looks count from the moment at which k3s starts: left out are those while a board is off, or its k3s is being
    stopped and is not started yet.
    """
    failed, looks, well = [], [], 0

    def run():
        try:
            act()
        except BaseException as error:  # pylint: disable=broad-exception-caught  # of another thread
            failed.append(error)

    began, acting = time.monotonic(), threading.Thread(target=run)
    acting.start()
    while well < 2 and time.monotonic() - began < seconds:
        moment, before = time.monotonic() - began, processes(lab)
        try:
            boards = look_at_all(lab)
        except pytest.fail.Exception:
            time.sleep(0.2)
            continue
        after = processes(lab)
        if any(not after[board] or before[board] not in ("", after[board]) for board in boards):
            continue
        ages = [board["k3s"]["seconds"] for board in boards.values()]
        # It was started after this look had read that it does not run: then that is true, and a finding.
        if None in ages:
            continue
        document = document_of(lab, boards)
        looks.append((round(moment, 1), document, min(ages)))
        is_over = not acting.is_alive() and not document["findings"] and not document["collect"]
        well = well + 1 if is_over and all_ready(lab) else 0
    acting.join()
    assert failed == []
    assert well == 2, "not well after %d s: %s" % (seconds, looks[-1:])
    return looks


def processes(lab):
    """{board: number of the process of its k3s, "" for none}."""
    ask = "pid=$(cat /run/k3s*.pid) && kill -0 $pid && echo $pid"
    return {board: lab.exec(board, ask, check=False).stdout.strip() for board in (lab.server, lab.agent)}


def assert_quiet(looks):
    """No finding, and nothing to collect but what is starting."""
    for moment, document, dummy in looks:
        found = [(row["cause"], row["title"], row["evidence"]) for row in document["findings"]]
        assert found == [], "after %s s" % moment
        others = [row for row in document["collect"] if "starting for" not in row["text"]]
        assert others == [], "after %s s" % moment
    assert min(age for dummy, dummy2, age in looks) < 15, "nothing was seen while it started"


def reboot(lab, *boards):
    for board in boards:
        lab.lab("reboot", board)


def stop(lab):
    lab.exec(lab.agent, "service k3s-agent stop")
    lab.exec(lab.server, "service k3s stop")


def leave(lab):
    """The agent is no node any more."""
    lab.exec(lab.agent, "service k3s-agent stop")
    lab.kubectl("delete", "node", lab.agent)


def start(lab):
    lab.exec(lab.server, "service k3s start")
    lab.exec(lab.agent, "service k3s-agent start")


STARTS = {
    "both boards boot": lambda lab: reboot(lab, lab.server, lab.agent),
    "the agent joins late": lambda lab: lab.exec(lab.agent, "service k3s-agent start"),
    "the agent boots": lambda lab: reboot(lab, lab.agent),
    "the server boots": lambda lab: reboot(lab, lab.server),
    "k3s was stopped and is started": start,
}
# What is done before, and is not looked at: a k3s that is stopped does not start.
BEFORE = {"the agent joins late": leave, "k3s was stopped and is started": stop}
QUICK = {"both boards boot", "the agent joins late"}


def test_a_healthy_lab_gives_no_finding(healthy):
    document = look(healthy)
    assert (document["findings"], document["collect"], document["cluster_known"]) == ([], [], True)


@pytest.mark.parametrize("way", [pytest.param(way, marks=[] if way in QUICK else pytest.mark.slow) for way in STARTS])
def test_a_lab_that_starts_gives_no_finding(healthy, way):
    lab = healthy
    if way in BEFORE:
        BEFORE[way](lab)
    assert_quiet(watch(lab, lambda: STARTS[way](lab)))


@pytest.mark.slow
def test_prepare_and_undo_right_after_a_restart_give_no_finding(healthy):
    lab = healthy

    def act():
        start(lab)
        play(lab, "riscv.k3s.prepare", "-e", json.dumps({"riscv_k3s_prepare": ["sysctl", "modules"]}))
        play(lab, "riscv.k3s.undo", "-e", json.dumps({"riscv_k3s_undo_components": ["prepare"]}))

    # A k3s that was started four times in three minutes counts as one that ends again and again, and the tests before
    # this one started it, too.
    time.sleep(180)
    stop(lab)
    assert_quiet(watch(lab, act))


def catalogue(lab):
    """The lab's, with an image for CoreDNS that needs no patch: else the overlay is stale after an upgrade, which is
    true and a finding until site runs.
    """
    text = INVENTORY.read_text(encoding="utf-8").replace("{{ riscv_k3s_registry }}", lab.registry)
    rows = yaml.safe_load(text)["riscv_k3s_catalogue"]
    for row in rows:
        if row["stock"].endswith("coredns-coredns"):
            del row["patch"]
            row["source"] += "-entrypoint"
            # As its recipe has it: started by an entrypoint.
            row["build"] = {"recipe": row["build"]["recipe"]}
    return rows


@pytest.mark.slow
def test_a_lab_in_mid_upgrade_gives_no_finding(healthy):
    lab = healthy
    given = {
        "riscv_k3s_catalogue": catalogue(lab),
        "riscv_k3s_mirror_prefix": "%s/quiet-%s" % (lab.registry, uuid.uuid4().hex[:8]),
        "riscv_k3s_target_disable": ["traefik", "servicelb"],
    }
    running, other = versions(lab)

    def run(playbook, **more):
        play(lab, "riscv.k3s." + playbook, "-e", json.dumps(dict(given, **more)))

    run("build_images")
    for version in (running, other):
        run("prepare_upgrade", riscv_k3s_target_version=lab.versions[version])
    run("site")
    lab.wait("a healthy lab", lambda: all_ready(lab), 90)
    try:
        assert_quiet(watch(lab, lambda: lab.lab("upgrade", other)))
    finally:
        back = watch(lab, lambda: lab.lab("upgrade", running))
        play(lab, "riscv.k3s.site")
    assert_quiet(back)
