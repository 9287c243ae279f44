# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_config_file: what it writes, and that the original comes back, through any number of runs and cuts."""

from __future__ import annotations

import json
import os
import stat

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._host.moment import moment
from ansible_collections.riscv.k3s.plugins.module_utils._journal import owned_files as _own_files
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import opened, read
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import k3s_config_file

SECRET = "mirrors: {}\n# password: hunter2\n"


class Board:
    def __init__(self, home):
        self.data_dir = str(home / "data")
        self.path = home / "etc" / "registries.yaml"

    def run(self, check=False, **params):
        """The module, each time after a run in check mode, which must predict it and change nothing."""
        params = dict(
            {
                "path": str(self.path),
                "paths": [],
                "content": None,
                "mode": "0600",
                "kind": "file",
                "secret": False,
                "state": "present",
                "pending": False,
            },
            **params,
        )
        params["data_dir"] = self.data_dir
        before = self.all()
        predicted = k3s_config_file.run(params, True)
        assert self.all() == before
        if check:
            return predicted[0]
        done = k3s_config_file.run(params, False)
        assert predicted == done
        self.warnings = done[1]
        return done[0]

    def write(self, text, mode=0o600):
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(text)
        self.path.chmod(mode)

    def all(self):
        """Every file and folder below the board's, with its content and mode."""
        home = os.path.dirname(self.data_dir)
        found = {}
        for folder, folders, files in os.walk(home):
            found.update({os.path.join(folder, name): None for name in folders})
            for name in files:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[path] = (file.read(), stat.S_IMODE(os.stat(path).st_mode))
        return found

    @property
    def entries(self):
        return read(self.data_dir)["files"]


@pytest.fixture(name="board")
def _board(tmp_path):
    return Board(tmp_path)


def test_a_file_of_an_installation_that_stands_there_already_is_noted(board):
    """As where a data folder was wiped, and /etc was kept. By its notes a k3s is known as ours."""
    board.write("# Written by riscv.k3s\nserver: x\n")
    for changed in (True, False):
        done = board.run(content="# Written by riscv.k3s\nserver: x\n", kind="install")
        assert done["changed"] is changed
        assert read(board.data_dir)["files"][str(board.path)]["kind"] == "install"
    assert board.run(state="absent")["changed"] and not board.path.exists()


def test_a_new_file_and_its_folder_go_again(board):
    board.write("x")
    before = board.all()
    done = board.run(path=str(board.path.parent / "config.yaml.d" / "riscv-k3s.yaml"), content="a: 1\n")
    assert done["changed"] and done["present"] and done["diff"]["after"] == "a: 1\n"
    assert not board.run(path=done["path"], content="a: 1\n")["changed"]
    assert board.run(path=done["path"], state="absent")["changed"]
    os.rmdir(board.data_dir)
    assert board.all() == before
    assert not board.run(path=done["path"], state="absent")["changed"]


@pytest.mark.parametrize("runs", [1, 3])
def test_the_original_comes_back_with_its_mode(board, runs):
    board.write(SECRET, mode=0o640)
    for number in range(runs):
        assert board.run(content="number %d\n" % number)["changed"]
    assert stat.S_IMODE(board.path.stat().st_mode) == 0o600
    assert board.run(state="absent")["changed"]
    assert board.path.read_text() == SECRET and stat.S_IMODE(board.path.stat().st_mode) == 0o640
    assert os.listdir(board.data_dir) == [] and not board.run(state="absent")["changed"]


def test_the_mode_alone(board):
    board.write("same\n", mode=0o644)
    assert board.run(content="same\n")["changed"] and not board.run(content="same\n")["changed"]
    assert board.run(state="absent")["changed"] and stat.S_IMODE(board.path.stat().st_mode) == 0o644


def test_the_mode_alone_leaves_the_time_of_the_file(board):
    """k3s has loaded this content: a newer time would have it restarted by the next run."""
    board.write("same\n", mode=0o644)
    os.utime(board.path, (1000, 1000))
    board.run(content="same\n")
    assert board.path.stat().st_mtime == 1000 and stat.S_IMODE(board.path.stat().st_mode) == 0o600
    board.run(content="ours\n")
    written = board.entries[str(board.path)]["written"]
    board.path.chmod(0o644)
    assert board.run(content="ours\n")["changed"] and board.entries[str(board.path)]["written"] == written


def test_the_journal_notes_when_a_file_was_written(board):
    board.run(content="ours\n")
    written = board.entries[str(board.path)]["written"]
    now = moment()
    assert written["boot"] == now.boot and now.uptime - 60 < written["uptime"] <= now.uptime


def test_what_k3s_has_loaded_is_noted_once_it_was_restarted(board):
    """Of our own files, of somebody's, of archives by their name; and of none that is not there."""
    archive = board.path.parent / "riscv-k3s-0123456789ab.tar"
    gone = str(board.path.parent / "gone.yaml")
    board.write("somebody's\n")
    archive.write_text("")
    paths = [str(board.path), str(archive), gone]
    assert board.run(state="settled", path=None, paths=paths)["changed"]
    noted = {str(board.path): sha256(b"somebody's\n"), str(archive): None}
    assert read(board.data_dir)["loaded"] == noted and not board.entries
    assert not board.run(state="settled", path=None, paths=paths)["changed"]
    board.run(content="ours\n")
    assert read(board.data_dir)["loaded"] == {str(archive): None}
    board.run(state="absent")
    assert os.listdir(board.data_dir) == []


def test_a_file_whose_entry_cannot_be_read_is_left(board):
    board.run(content="ours\n")
    path = os.path.join(board.data_dir, "riscv-k3s", "journal.json")
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    data["files"][str(board.path)]["colour"] = "blue"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file)
    before = board.all()
    assert not board.run(state="absent")["changed"] and "does not know: colour" in board.warnings[0]
    for check in (True, False):
        with pytest.raises(Problem, match="neither changed nor taken back"):
            board.run(check=check, content="other\n")
    assert board.all() == before


def test_secrets_are_in_no_result_and_not_in_the_journal(board):
    board.write(SECRET)
    results = [board.run(content=SECRET + "more", secret=True)]
    with open(os.path.join(board.data_dir, "riscv-k3s", "journal.json"), encoding="utf-8") as file:
        results.append(file.read())
    results.append(board.run(state="absent", pending=True, secret=True))
    results.append(board.run(state="settled"))
    assert "hunter2" not in str(results)


@pytest.mark.parametrize("edit", ["edited\n", None])
def test_what_somebody_changed_since_is_left(board, edit):
    board.write("original\n")
    board.run(content="ours\n")
    if edit:
        board.path.write_text(edit)
    else:
        board.path.unlink()
    for _again in range(2):
        assert not board.run(state="absent")["changed"]
        assert "is left as it is: somebody" in board.warnings[0] and "kept next to the journal" in board.warnings[0]
    board.write("ours\n")
    assert board.run(state="absent")["changed"] and board.path.read_text() == "original\n"


def test_what_is_not_in_the_journal_is_left(board):
    board.write("not ours\n")
    assert not board.run(state="absent")["changed"] and board.path.exists()


def test_a_file_of_ours_that_is_not_in_the_journal_goes(board):
    board.write("# Written by riscv.k3s, do not edit\n")
    assert board.run(state="absent")["changed"] and not board.path.exists()


def test_pending_until_k3s_was_restarted(board):
    board.write("original\n")
    board.run(content="ours\n")
    assert board.run(state="settled")["changed"] and board.entries, "it is still ours, and noted as loaded"
    assert not board.run(state="settled")["changed"]
    assert board.run(state="absent", pending=True)["changed"]
    assert board.entries[str(board.path)]["pending"] is True
    assert not board.run(state="absent", pending=True)["changed"]
    assert board.run(state="settled")["changed"] and os.listdir(board.data_dir) == []


@pytest.mark.parametrize("original", ["original\n", None])
@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_power_cut_before_the_change_loses_nothing(board, original, earlier, state, monkeypatch):
    """The journal tells of the change, and the change was not made."""
    if original:
        board.write(original)
    if earlier or state == "absent":
        board.run(content="ours, earlier\n")

    class PowerCut(Exception):
        pass

    def cut(*args, **kwargs):
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr(_own_files, "write_bytes", cut)
        patched.setattr(_own_files, "remove", cut)
        params = {
            "path": str(board.path),
            "mode": "0600",
            "secret": False,
            "kind": "file",
            "pending": False,
            "data_dir": board.data_dir,
        }
        with pytest.raises(PowerCut):
            k3s_config_file.run(dict(params, state=state, content="ours, later\n"), False)
    assert board.run(state="absent")["changed"] and board.warnings == []
    assert (board.path.read_text() if board.path.exists() else None) == original
    assert os.listdir(board.data_dir) == []


@pytest.mark.parametrize(
    ("params", "message"), [({"path": "a"}, "must be absolute"), ({"mode": "rw"}, "octal"), ({"mode": "0x1"}, "octal")]
)
def test_what_cannot_be_asked_for(board, params, message):
    with pytest.raises(Problem, match=message):
        board.run(content="x", **params)


def test_links_are_refused(board):
    board.write("target\n")
    link = board.path.parent / "link"
    link.symlink_to(board.path)
    with pytest.raises(Problem, match="symbolic link"):
        board.run(path=str(link), content="x")


def test_archives_are_not_restored_as_files(board):
    with opened(board.data_dir) as journal:
        journal.will_place(str(board.path))
        journal.save()
    with pytest.raises(Problem, match="k3s_image_archive"):
        board.run(state="absent")
