# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with which k3s could not read its files: whatever would restart it there is refused, and says why."""

from __future__ import annotations

import pytest
import test_install_document as install
import test_rollout as rollout
import test_undo as undo
from planning import COREDNS, PAUSE, decide, held, observed

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.next_start import faults
from ansible_collections.riscv.k3s.plugins.plugin_utils._running.registries_keys import judge

PATH, CONFIG = "/etc/rancher/k3s/registries.yaml", "/etc/rancher/k3s/config.yaml"
NO_LIST, NO_YAML, GOOD = "mirrors:\n  docker.io:\n    endpoint: hidden0\n", "mirrors:\n  - a: [\n", "mirrors: {}\n"


def registries(text, stale=True):
    """The part registries of a file, by what masked.sh shows of it."""
    row = {"path": PATH, "present": True, "sha256": "1" * 64, "mode": "0600", "stale": stale, "by_time": True}
    return {"registries": dict(row, wanted=None, mistakes=judge(text))}


def seen(text=GOOD, stale=True, running=True):
    return dict(registries(text, stale), k3s={"running": running}, errors=[])


@pytest.mark.parametrize(
    "board, expected",
    [
        (seen(), []),
        (seen(NO_LIST), ["line 3: endpoint in mirrors.docker.io is not a list of texts, as k3s wants it"]),
        (seen(NO_YAML), ["is no YAML in line 3"]),
        # A k3s that runs has read the file.
        (seen(NO_LIST, stale=False), []),
        (seen(NO_LIST, stale=None), ["line 3: endpoint"]),
        # One that does not run may not run because of it.
        (seen(NO_LIST, stale=False, running=False), ["line 3: endpoint"]),
        # A key that it does not know k3s passes over.
        (seen("mirrrors: {}\n"), []),
        # Not all of it was read.
        (seen("mirrors:\n  - a: [\nhidden0\n"), []),
        (seen("mirrors: &a1\n  <<: [*a1 ,*a1 ]\n"), []),
        (dict(seen(), registries={"path": PATH, "present": False, "mistakes": None, "stale": False}), []),
        ({"errors": []}, []),
    ],
)
def test_registries_that_k3s_cannot_read(board, expected):
    found = faults(board)
    assert len(found) == len(expected)
    assert all(text.startswith("%s %s" % (PATH, start)) for text, start in zip(found, expected))
    assert faults(board, [PATH]) == []


def test_settings_that_k3s_cannot_read():
    board = dict(seen(), config_file=CONFIG, config_fault="is no YAML in line 3")
    assert faults(board) == [CONFIG + " is no YAML in line 3"] and faults(board, [CONFIG]) == []
    # A flag says that k3s reads another registries.yaml.
    assert faults(dict(seen(NO_LIST), config={"private-registry": "/other.yaml"})) == []
    assert len(faults(dict(seen(NO_LIST), config={"private-registry": PATH}))) == 1


STOCK = [held(PAUSE), held(COREDNS)]
WANTED = {"mirrors": {"reg:5000": {"endpoint": ["http://reg:5000"]}}}


def test_a_plan_that_would_restart_k3s_is_refused():
    board = observed([], preloads=[], **registries(NO_LIST))
    plan = decide(board, fixes=["preload"])
    assert plan["preload"]["restart"]
    assert plan["registries"]["refused"].startswith(
        "k3s on board-1 could not read its files when it starts next. Found: %s line 3" % PATH
    )
    assert [text for text in plan["warnings"] if text.startswith("nothing is changed: k3s on board-1")]


def test_a_plan_without_a_restart_only_warns():
    plan = decide(observed(STOCK, **registries(NO_LIST)))
    assert plan["registries"]["refused"] is None
    assert [text for text in plan["warnings"] if text.startswith("k3s on board-1 could not read its files")]


def test_a_file_that_is_written_anew_is_no_reason():
    plan = decide(observed(STOCK, **registries(NO_LIST)), registries=WANTED)
    # What it holds is to be told first, which a closer look does.
    assert plan["registries"]["look"]
    looked = {"closer": {"registries": {"others": [], "replaced": []}}}
    plan = decide(observed(STOCK, **registries(NO_LIST), **looked), registries=WANTED)
    assert plan["registries"]["change"] and plan["registries"]["refused"] is None
    assert not any("could not read its files" in text for text in plan["warnings"])
    plan = decide(observed(STOCK, **registries(NO_LIST), **looked), registries=WANTED, merge=True)
    assert "could not read its files" in plan["registries"]["refused"]


def test_an_undo_that_would_restart_k3s():
    def undone(path):
        return undo.decide(undo.board(files={path: undo.file("ours")}, **registries(NO_YAML)))

    # That file goes.
    assert undone(PATH)["restart"]
    # That one was brought back already, and stays as it is.
    pending = undo.file("theirs", before={"sha256": "theirs"}, pending=True)
    with pytest.raises(Problem, match="could not read its files"):
        undo.decide(undo.board(files={PATH: pending}, **registries(NO_YAML)))
    with pytest.raises(
        Problem, match="k3s on board-1 could not read its files when it starts next. Found: %s is no YAML" % PATH
    ):
        undone(CONFIG + ".d/riscv-k3s.yaml")
    assert undo.decide(undo.board(**registries(NO_YAML)))["changes"] == 0


def test_an_upgrade_of_k3s():
    cluster = rollout.Cluster(rollout.OLD, rollout.OLD)
    cluster.seen["b2"].update(registries(NO_LIST))
    made = cluster.plan()
    assert list(made["problems"]) == ["b2"] and "could not read its files" in made["problems"]["b2"]
    cluster = rollout.Cluster(rollout.NEW, rollout.NEW)
    cluster.seen["b2"].update(registries(NO_LIST))
    assert cluster.plan(binary=None)["problems"] == {}


def test_a_board_that_gets_its_files_is_judged_by_its_installation():
    plan = decide(observed([], has_not_run=True, **registries(NO_LIST)), fixes=["preload"])
    assert plan["registries"]["refused"] is None and not any("could not read" in text for text in plan["warnings"])


def test_an_installation():
    board = dict(install.fresh("a1"), **registries(NO_YAML))
    made = install.run(install.fleet_of({"s1": install.fresh("s1"), "a1": board}))
    assert list(made["problems"]) == ["a1"] and "could not read its files" in made["problems"]["a1"]
