# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_board_settings: what it sets, that check mode predicts it, and that everything comes back."""

from __future__ import annotations

import os
import stat

import pytest
from fakes import FakeRunner

from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import opened, read
from ansible_collections.riscv.k3s.plugins.module_utils._system.host import Host
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import k3s_board_settings

FORWARD = {"kind": "sysctl", "name": "net.ipv4.ip_forward", "value": "1"}
BRIDGE = {"kind": "sysctl", "name": "net.bridge.bridge-nf-call-iptables", "value": "1"}
MODULE = {"kind": "module", "name": "br_netfilter", "value": "loaded"}
KEPT = {"kind": "file", "name": "/etc/sysctl.d/99-zz-riscv-k3s.conf", "content": "net.ipv4.ip_forward = 1\n"}


class Board:
    """A board in a folder: what the kernel shows in files, and programs from a table."""

    def __init__(self, home):
        self.home = home
        self.data_dir = str(home / "data")
        self.runner = FakeRunner()
        self.write("/proc/modules", "overlay 180224 3 - Live 0x0\n")
        self.write("/proc/sys/net/ipv4/ip_forward", "0\n")
        os.makedirs(str(home / "etc/sysctl.d"))

    def write(self, path, text):
        os.makedirs(os.path.dirname(str(self.home) + path), exist_ok=True)
        with open(str(self.home) + path, "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, path):
        with open(str(self.home) + path, encoding="utf-8") as file:
            return file.read()

    def run(self, *settings, check=False, state="present"):
        """The module, each time after a run in check mode, which must predict it and change nothing."""
        defaults = {"value": None, "content": None, "mode": "0644"}
        params = {
            "settings": [dict(defaults, **setting) for setting in settings],
            "state": state,
            "data_dir": self.data_dir,
        }
        host = Host(self.runner, str(self.home))
        before = self.all()
        self.predicted = k3s_board_settings.run(params, True, host)
        assert self.all() == before
        if check:
            return self.predicted[0]
        done, self.warnings = k3s_board_settings.run(params, False, host)
        return done

    def undo(self):
        return self.run(state="absent")

    def all(self):
        """Every file below the board's folder, with content and mode."""
        found = {}
        for folder, dummy, files in os.walk(str(self.home)):
            for name in files:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[path] = (file.read(), stat.S_IMODE(os.stat(path).st_mode))
        return found

    @property
    def noted(self):
        return read(self.data_dir)["system"]


@pytest.fixture(name="board")
def _board(tmp_path):
    return Board(tmp_path)


def test_a_sysctl_is_set_and_comes_back(board):
    before = board.all()
    done = board.run(FORWARD)
    assert board.predicted[0] == done
    assert done["changes"] == [{"kind": "sysctl", "name": "net.ipv4.ip_forward", "before": "0", "after": "1"}]
    assert [(row["before"], row["after"]) for row in done["diff"]] == [("0\n", "1\n")]
    assert board.read("/proc/sys/net/ipv4/ip_forward") == "1\n"
    assert board.noted == {"sysctl net.ipv4.ip_forward": {"value": "1", "before": "0"}}
    again = board.run(FORWARD)
    assert (again["changed"], again["changes"]) == (False, [])
    undone = board.undo()
    assert board.predicted[0] == undone and undone["changed"]
    assert board.all() == before
    assert not board.undo()["changed"]


def test_what_is_right_already_is_not_noted(board):
    board.write("/proc/sys/net/ipv4/ip_forward", "1\n")
    before = board.all()
    assert not board.run(FORWARD)["changed"]
    assert board.all() == before


def test_a_file_is_written_and_comes_back(board):
    board.write(KEPT["name"], "net.ipv4.ip_forward = 0\n")
    os.chmod(str(board.home) + KEPT["name"], 0o600)
    before = board.all()
    assert board.run(KEPT)["changed"] and board.predicted[0]["changed"]
    assert board.read(KEPT["name"]) == KEPT["content"]
    entry = list(read(board.data_dir)["files"].values())[-1]
    assert len(read(board.data_dir)["files"]) == 1
    assert (entry["kind"], entry["pending"]) == ("system", False)
    assert not board.run(KEPT)["changed"]
    assert board.undo()["changed"]
    assert board.all() == before


def test_a_file_that_was_not_there_goes(board):
    before = board.all()
    board.run(KEPT)
    board.undo()
    assert board.all() == before


def test_a_module_is_loaded_and_brings_its_setting(board):
    """Check mode cannot see the setting yet, and predicts it."""

    def modprobe(argv, dummy):
        board.write("/proc/modules", "br_netfilter 32768 0 - Live 0x0\n")
        board.write("/proc/sys/net/bridge/bridge-nf-call-iptables", "0\n")
        return ""

    board.runner.answers.append((["modprobe", "br_netfilter"], modprobe))
    done = board.run(MODULE, BRIDGE)
    names = [row["name"] for row in done["changes"]]
    assert names == [row["name"] for row in board.predicted[0]["changes"]] == ["br_netfilter", BRIDGE["name"]]
    assert board.read("/proc/sys/net/bridge/bridge-nf-call-iptables") == "1\n"
    assert not board.run(MODULE, BRIDGE)["changed"]
    board.undo()
    assert board.read("/proc/sys/net/bridge/bridge-nf-call-iptables") == "0\n"
    assert "br_netfilter" in board.read("/proc/modules") and board.runner.calls == [["modprobe", "br_netfilter"]]


def test_a_module_that_does_not_load(board):
    board.runner.answers.append((["modprobe", ...], (1, "", "modprobe: FATAL: Module br_netfilter not found")))
    with pytest.raises(Problem, match="not found"):
        board.run(MODULE)
    board.runner.answers[:] = [(["modprobe", ...], "")]
    with pytest.raises(Problem, match="did not become that"):
        board.run(MODULE)


def test_a_setting_that_is_not_there(board):
    with pytest.raises(Problem, match="no such thing"):
        board.run(BRIDGE)


@pytest.mark.parametrize(
    "setting",
    [
        dict(FORWARD, name="../../etc/passwd"),
        dict(FORWARD, name="net"),
        dict(MODULE, name="-r overlay"),
        dict(MODULE, name=""),
        dict(FORWARD, value=None),
        dict(KEPT, content=None),
    ],
)
def test_what_is_refused(board, setting):
    before = board.all()
    with pytest.raises(Problem):
        board.run(setting)
    assert board.all() == before


def test_what_somebody_changed_since_stays(board):
    """Another value of the setting, another text of the file: both are told, and both entries stay."""
    board.run(FORWARD, KEPT)
    board.write("/proc/sys/net/ipv4/ip_forward", "2\n")
    board.write(KEPT["name"], "theirs\n")
    assert not board.undo()["changed"]
    assert board.read("/proc/sys/net/ipv4/ip_forward") == "2\n" and board.read(KEPT["name"]) == "theirs\n"
    assert len(board.warnings) == 2 and all("left as it is" in text for text in board.warnings)
    assert board.noted and read(board.data_dir)["files"]


def test_what_came_back_by_itself_is_forgotten(board):
    """After a boot the setting is what it was: only the entry goes, and a setting that is gone likewise."""
    board.run(FORWARD)
    board.write("/proc/sys/net/ipv4/ip_forward", "0\n")
    assert not board.undo()["changed"] and not board.noted
    board.run(FORWARD)
    os.unlink(str(board.home) + "/proc/sys/net/ipv4/ip_forward")
    assert not board.undo()["changed"] and not board.noted


def test_the_first_value_of_all_comes_back(board):
    """A run that was cut short after its note, and one that set something else since, do not hide it."""
    with opened(board.data_dir) as journal:
        journal.will_change("sysctl net.ipv4.ip_forward", "1", "0")
        journal.save()
    board.run(FORWARD)
    board.run(dict(FORWARD, value="2"))
    assert board.noted == {"sysctl net.ipv4.ip_forward": {"value": "2", "before": "0"}}
    board.undo()
    assert board.read("/proc/sys/net/ipv4/ip_forward") == "0\n"


def test_an_entry_that_cannot_be_read_is_left_alone(board):
    """Of a newer version: a kind that is not known, and a form that is not."""
    with opened(board.data_dir) as journal:
        journal.will_change("hologram x", "1", "0")
        journal.save()
    path = board.data_dir + "/riscv-k3s/journal.json"
    with open(path, encoding="utf-8") as file:
        text = file.read().replace('"hologram x"', '"sysctl net.ipv4.ip_forward": {"value": 1},\n  "hologram x"')
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    assert not board.undo()["changed"]
    assert board.warnings == ["hologram x is left as it is: this version of riscv.k3s does not know such a setting"]
    with pytest.raises(Problem, match="cannot be read"):
        board.run(FORWARD)
    assert board.read("/proc/sys/net/ipv4/ip_forward") == "0\n"
