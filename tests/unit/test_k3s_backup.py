# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_backup: what it saves of each datastore, how many are kept, and what a run that goes on finds."""

from __future__ import annotations

import os

import pytest
from fakes import FakeRunner

from ansible_collections.riscv.k3s.plugins.module_utils._backup import datastore as _datastore
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import k3s_backup

LABEL = "v1.35.8+k3s1-to-v1.36.3+k3s1"
NAME = "v1.35.8-k3s1-to-v1.36.3-k3s1"


class Server:
    def __init__(self, home):
        self.home = home
        self.db = home / "server/db"
        self.db.mkdir(parents=True)
        (home / "server/token").write_text("K10secret")
        self.number = 0

    def sqlite(self):
        (self.db / "etcd").mkdir()  # empty, as where sqlite was always used
        (self.db / "state.db").write_text("rows")
        (self.db / "state.db-wal").write_text("more rows")
        return self

    def etcd(self):
        (self.db / "etcd/member").mkdir(parents=True)
        return self

    def _save(self, argv, stdin):
        self.number += 1
        (self.db / "snapshots").mkdir(exist_ok=True)
        (self.db / "snapshots" / ("%s-board-1-%d" % (argv[4], self.number))).write_text("snapshot")
        return "Snapshot saved.\n"

    def run(self, check=None, **params):
        params = dict({"data_dir": str(self.home), "label": LABEL, "keep": 3, "k3s": "/usr/local/bin/k3s"}, **params)
        params = dict({"stopped": False, "resumed": False}, **params)
        self.runner = FakeRunner(
            [
                (["/usr/local/bin/k3s", "etcd-snapshot", "save", ...], self._save),
                (["/usr/local/bin/k3s", "etcd-snapshot", "prune", ...], (1, "", "no such command")),
            ]
        )
        before = sorted(self.home.rglob("*"))
        predicted = k3s_backup.run(params, True, self.runner)
        assert sorted(self.home.rglob("*")) == before and self.runner.calls == []
        done = k3s_backup.run(params, False, self.runner)
        assert {key: predicted[key] for key in ("changed", "kind", "stop")} == {
            key: done[key] for key in ("changed", "kind", "stop")
        }
        return done


@pytest.fixture(name="server")
def _server(tmp_path):
    return Server(tmp_path)


def test_sqlite_is_copied_while_k3s_is_stopped(server):
    server.sqlite()
    told = server.run()
    assert (told["changed"], told["kind"], told["stop"], told["path"]) == (False, "sqlite", True, None)
    done = server.run(stopped=True)
    saved = server.home / "riscv-k3s/backups" / ("0001-" + NAME)
    assert (done["changed"], done["path"]) == (True, str(saved)) and str(saved) in done["told"]
    assert (saved / "db/state.db").read_text() == "rows" and (saved / "db/state.db-wal").read_text() == "more rows"
    assert (saved / "token").read_text() == "K10secret" and saved.stat().st_mode & 0o777 == 0o700
    assert server.runner.calls == []


def test_a_run_that_goes_on_saves_it_once(server):
    server.sqlite().run(stopped=True)
    assert not server.run(resumed=True)["stop"] and not server.run(resumed=True, stopped=True)["changed"]
    assert server.run(resumed=True)["path"].endswith("0001-" + NAME)
    assert server.run(stopped=True)["path"].endswith("0002-" + NAME), "another run saves it anew"
    assert server.run(resumed=True, label="to-another")["stop"]


def test_the_last_ones_are_kept(server):
    server.sqlite()
    for dummy in range(5):
        server.run(stopped=True)
    assert sorted(os.listdir(server.home / "riscv-k3s/backups")) == ["000%d-%s" % (n, NAME) for n in (3, 4, 5)]


def test_one_that_was_cut_short_does_not_count(server):
    server.sqlite()
    part = server.home / "riscv-k3s/backups" / ("0001-" + NAME + ".part")
    part.mkdir(parents=True)
    assert server.run(resumed=True)["stop"]
    server.run(stopped=True, resumed=True)
    assert os.listdir(part.parent) == ["0001-" + NAME]


def test_embedded_etcd_is_saved_by_k3s(server):
    done = server.etcd().run()
    name = "riscv-k3s-" + NAME
    assert done["path"] == str(server.db / "snapshots" / (name + "-board-1-1")) and not done["stop"]
    saved = server.runner.calls[0]
    assert saved[1:] == [
        *("etcd-snapshot", "save", "--name", name, "--data-dir", str(server.home)),
        *("--etcd-snapshot-dir", str(server.db / "snapshots")),
    ]
    assert server.runner.calls[1][2] == "prune" and "--snapshot-retention" in server.runner.calls[1]
    assert not server.run(resumed=True)["changed"] and server.run()["changed"]


def test_a_snapshot_that_was_cut_short_does_not_count(server):
    server.etcd()
    (server.db / "snapshots").mkdir()
    (server.db / "snapshots" / ("riscv-k3s-%s-board-1-0.part" % NAME)).write_text("half")
    done = server.run(resumed=True)
    assert done["changed"] and done["path"].endswith("-board-1-1")


def test_a_snapshot_that_is_not_there(server, monkeypatch):
    server.etcd()
    monkeypatch.setattr(Server, "_save", lambda self, argv, stdin: "Snapshot saved.\n")
    with pytest.raises(Problem, match="there is none"):
        server.run()


def test_another_database(server):
    done = server.run()
    assert (done["kind"], done["changed"], done["stop"]) == ("external", False, False)
    assert "nobody saved it" in done["told"]
    assert not server.run(stopped=True)["changed"]


def test_no_room(server, monkeypatch):
    server.sqlite()

    class Full:
        f_bavail = f_frsize = 0

    monkeypatch.setattr(_datastore.os, "statvfs", lambda path: Full)
    with pytest.raises(Problem, match="no room to save"):
        server.run(stopped=True)
    assert not (server.home / "riscv-k3s").exists()


def test_what_a_run_left_that_was_cut_short_does_not_take_the_room(server, monkeypatch):
    server.sqlite()
    part = server.home / "riscv-k3s/backups" / ("0001-" + NAME + ".part")
    part.mkdir(parents=True)
    real = os.statvfs

    class Full:
        f_bavail = f_frsize = 0

    monkeypatch.setattr(_datastore.os, "statvfs", lambda path: Full if part.exists() else real(path))
    assert server.run(stopped=True)["changed"]


def test_a_copy_that_fails_leaves_nothing(server, monkeypatch):
    """k3s is started again, with what room is left."""
    server.sqlite()

    def full(*dummy):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_datastore, "_sync", full)
    with pytest.raises(Problem, match="No space left on device"):
        server.run(stopped=True)
    assert os.listdir(server.home / "riscv-k3s/backups") == []


def test_a_link_to_nowhere_in_the_data_is_told(server):
    server.sqlite()
    (server.db / "x").symlink_to("nowhere")
    with pytest.raises(Problem, match="the data of k3s cannot be saved"):
        server.run(stopped=True)
