# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""k3s_binary: what it places and refuses, that check mode predicts it, that everything comes back, and what a run that
is cut short leaves.
"""

from __future__ import annotations

import os

import pytest
from fakes import FakeRunner
from programs import elf

from ansible_collections.riscv.k3s.plugins.module_utils._binary import placed
from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.module_utils._journal.journal import opened, read
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import k3s_binary

OLD, NEW, NEWER = (elf(body=text) for text in (b"old", b"new", b"newer"))
FOREIGN = elf(body=b"foreign")
VERSIONS = {OLD: "v1.34.1+k3s1", NEW: "v1.35.7+k3s1", NEWER: "v1.36.3+k3s1", FOREIGN: "v1.33.1+k3s1"}
DEFAULTS = {
    "src": None,
    "sha256": None,
    "version": None,
    "architecture": None,
    "size": None,
    "replace": False,
    "links": False,
}


class Board:
    """A board in a folder, whose programs are made of text and say the version that the table has."""

    def __init__(self, home):
        self.home = home
        (home / "bin").mkdir()
        self.path = home / "bin/k3s"
        self.data_dir = home / "data"
        self.found = {}
        self.packages = []
        self.warnings = []

    @staticmethod
    def _version(path):
        with open(path, "rb") as file:
            program = file.read()
        if program not in VERSIONS:
            return 126, "", "Exec format error"
        return "k3s version %s (abcdef12)\ngo version go1.24\n" % VERSIONS[program]

    def module(self, check=False, **params):
        params = dict(dict(DEFAULTS, path=str(self.path), data_dir=str(self.data_dir)), **params)
        runner = FakeRunner(self._answers(params))
        done, self.warnings = k3s_binary.run(params, check, runner, "riscv64", self.found.get)
        return done

    def _answers(self, params):
        paths = {params["src"], str(self.path), os.path.realpath(self.path)} - {None}
        return [([path, "--version"], lambda argv, stdin: self._version(argv[0])) for path in paths] + self.packages

    def run(self, program=None, **params):
        """The module, after a run in check mode that must predict it and leave no trace."""
        if program is not None:
            src = self.home / "src"
            src.write_bytes(program)
            params = dict(dict(src=str(src), sha256=sha256(program), state="present"), **params)
        before = self.all()
        predicted = self.module(check=True, **params)
        assert self.all() == before
        done = self.module(**params)
        told = ("changed", "before", "after", "path", "diff")
        assert {key: predicted[key] for key in told} == {key: done[key] for key in told}
        return done

    def all(self):
        return {
            path.relative_to(self.home): path.read_bytes() if path.is_file() and not path.is_symlink() else None
            for path in sorted(self.home.rglob("*"))
        }

    def kept(self):
        folder = self.data_dir / "riscv-k3s/programs"
        return sorted(path.read_bytes() for path in folder.iterdir()) if folder.exists() else []

    def journal(self):
        return read(str(self.data_dir))["programs"]


@pytest.fixture(name="board")
def _board(tmp_path):
    return Board(tmp_path)


def test_a_board_without_k3s(board):
    done = board.run(NEW, version="1.35.7+k3s1")
    assert (done["changed"], done["before"], done["after"]["version"]) == (True, None, "v1.35.7+k3s1")
    assert board.path.read_bytes() == NEW and board.path.stat().st_mode & 0o777 == 0o755
    assert not board.run(NEW)["changed"] and board.run(NEW)["ours"]
    assert board.run(state="absent")["changed"]
    assert not board.path.exists() and board.all().keys() <= {board.path.parent.relative_to(board.home)} | {
        path.relative_to(board.home) for path in (board.home / "src", board.data_dir)
    }
    assert not board.run(state="absent")["changed"]


def test_an_upgrade_and_back(board):
    board.run(OLD)
    done = board.run(NEW, replace=True)
    assert (done["before"]["version"], done["previous"]["version"]) == ("v1.34.1+k3s1", "v1.34.1+k3s1")
    assert board.kept() == [OLD] and board.run(state="settled")["changed"] and board.kept() == []
    board.run(NEWER)
    assert board.kept() == [NEW]
    assert board.run(state="previous")["after"]["version"] == "v1.35.7+k3s1" and board.path.read_bytes() == NEW
    assert board.kept() == [NEW] and not board.run(state="previous")["changed"]
    assert board.run(state="settled")["changed"] and not board.run(state="settled")["changed"]
    assert board.kept() == [] and not board.run(state="previous")["changed"]
    assert board.run(state="absent")["changed"] and not board.path.exists()


def test_what_comes_back_is_the_last_that_was_settled(board):
    """A broken one was replaced by another one, before it was known that it is."""
    board.run(OLD)
    board.run(NEW)
    assert board.run(NEWER)["previous"]["version"] == "v1.34.1+k3s1" and board.kept() == [OLD]
    board.run(state="previous")
    assert board.path.read_bytes() == OLD


def test_one_that_is_not_ours(board):
    board.path.write_bytes(FOREIGN)
    board.path.chmod(0o751)
    with pytest.raises(Problem, match="another k3s is there"):
        board.run(NEW)
    assert board.path.read_bytes() == FOREIGN and board.journal() == {}
    board.run(NEW, replace=True)
    board.run(state="settled")
    assert board.kept() == [FOREIGN]
    board.run(NEWER)
    assert board.kept() == sorted([FOREIGN, NEW])
    board.run(state="absent")
    assert board.path.read_bytes() == FOREIGN and board.path.stat().st_mode & 0o777 == 0o751
    assert (board.kept(), board.journal()) == ([], {})


def test_the_first_upgrade_of_one_that_is_not_ours_leaves_nothing_once_it_is_back(board):
    board.path.write_bytes(FOREIGN)
    board.run(NEW, replace=True)
    board.run(state="previous")
    board.run(state="settled")
    assert board.path.read_bytes() == FOREIGN and (board.kept(), board.journal()) == ([], {})


def test_the_same_program_of_somebody_else_stays_theirs(board):
    board.path.write_bytes(NEW)
    done = board.run(NEW, links=True)
    assert (done["changed"], done["ours"]) == (False, False)
    assert not board.run(state="absent")["changed"] and board.path.read_bytes() == NEW


def test_one_that_somebody_replaced_since(board):
    board.run(OLD)
    board.path.write_bytes(FOREIGN)
    assert not board.run(state="absent")["changed"] and "somebody replaced it" in board.warnings[0]
    with pytest.raises(Problem, match="another k3s is there"):
        board.run(NEW)
    assert board.run(NEW, replace=True)["previous"]["version"] == "v1.33.1+k3s1"


@pytest.mark.parametrize(
    "words, said",
    [
        (["dpkg-query", "-S"], "k3s: /usr/bin/k3s"),
        (["rpm", "-qf"], "k3s-1.29.4-1.oe2403.riscv64"),
        (["apk", "info", "--who-owns"], "/usr/bin/k3s is owned by k3s-1.36.1.1-r2"),
    ],
)
@pytest.mark.parametrize("state", ["present", "announced"])
def test_a_package_is_not_replaced(board, words, said, state):
    board.path.write_bytes(FOREIGN)
    board.found[words[0]] = "/usr/bin/" + words[0]
    board.packages = [(words + [str(board.path)], said + "\n")]
    with pytest.raises(Problem) as caught:
        board.module(src=str(board.home / "src"), sha256=sha256(NEW), replace=True, state=state)
    assert said in caught.value.found and "upgrade the package" in caught.value.next_step


def test_a_file_that_no_package_owns(board):
    board.path.write_bytes(FOREIGN)
    board.found["dpkg-query"] = "/usr/bin/dpkg-query"
    board.packages = [(["dpkg-query", "-S", str(board.path)], (1, "", "dpkg-query: no path found"))]
    assert board.run(NEW, replace=True)["changed"]


@pytest.mark.parametrize(
    "program, options, message",
    [
        (elf("amd64"), {}, "does not run on a board of riscv64. Found: it is a program for amd64"),
        (b"#!/bin/sh\n", {}, "is no program. Found: a script"),
        (b"<html>", {}, "is no program. Found: a web page"),
        (b"\x1f\x8b...", {}, "is no program. Found: a gzip archive"),
        (b"", {}, "is no program. Found: an empty file"),
        (NEW[:20], {}, "ELF header of .* cannot be read"),
        (NEW, {"sha256": "0" * 64}, "is not the program that was asked for. Found: its sha256 is"),
        (NEW, {"sha256": "sha256:12"}, "checksum of a k3s program is not valid"),
        (NEW, {"version": "v1.36.3+k3s1"}, "is not v1.36.3.k3s1. Found: it says that it is v1.35.7.k3s1"),
        (elf(body=b"does not run"), {}, "failed with exit status 126. Found: Exec format error"),
    ],
)
def test_what_is_refused_changes_nothing(board, program, options, message):
    board.path.write_bytes(OLD)
    src = board.home / "src"
    src.write_bytes(program)
    before = board.all()
    asked = dict({"src": str(src), "sha256": sha256(program), "state": "present", "replace": True}, **options)
    for check in (True, False):
        with pytest.raises(Problem, match=message):
            board.module(check=check, **asked)
    if board.data_dir.exists():
        board.data_dir.rmdir()
    assert board.all() == before


def test_announced(board):
    asked = {"sha256": sha256(NEW), "state": "announced", "size": 1000}
    assert board.module(check=True, **asked)["needed"] and not board.data_dir.exists()
    told = board.module(**asked)
    assert (told["needed"], told["changed"]) == (True, False)
    with open(told["upload"], "wb") as file:
        file.write(NEW)
    assert board.module(src=told["upload"], sha256=sha256(NEW), state="present")["changed"]
    assert not os.path.exists(told["upload"]) and not board.module(**asked)["needed"]


def test_no_room(board):
    with pytest.raises(Problem, match="no room for another k3s"):
        board.module(sha256=sha256(NEW), state="announced", size=1 << 60)


def test_check_mode_tells_that_a_run_was_cut_short_before_it_placed_another_program(board):
    board.run(NEW)
    with opened(str(board.data_dir)) as journal:
        journal.programs[str(board.path)].update(sha256=sha256(OLD))
        journal.save()
    assert board.run(NEW)["changed"] and not board.run(NEW)["changed"]


def test_check_mode_needs_no_file(board):
    done = board.module(
        check=True, src=str(board.home / "none"), sha256=sha256(NEW), version="v1.35.7+k3s1", state="present"
    )
    assert (done["changed"], done["after"]) == (True, {"sha256": sha256(NEW), "version": "v1.35.7+k3s1"})


def test_links_are_made_where_there_is_no_such_command(board):
    board.found["kubectl"] = "/usr/bin/kubectl"
    (board.home / "bin/ctr").write_text("somebody's")
    board.run(NEW, links=True)
    assert os.readlink(board.home / "bin/crictl") == "k3s" and not (board.home / "bin/kubectl").exists()
    assert not board.run(NEW, links=True)["changed"]
    (board.home / "bin/crictl").unlink()
    assert board.run(NEW, links=True)["changed"]
    board.run(state="absent")
    assert sorted(os.listdir(board.home / "bin")) == ["ctr"]


def test_a_symbolic_link_stays(board):
    board.path.symlink_to(board.home / "k3s-real")
    (board.home / "k3s-real").write_bytes(OLD)
    assert board.run(NEW, replace=True)["path"] == str(board.home / "k3s-real")
    assert board.path.is_symlink() and board.path.read_bytes() == NEW


def test_examined(board):
    src = board.home / "src"
    src.write_bytes(NEW)
    params = dict(DEFAULTS, src=str(src), state="examined", sha256="sha256:" + sha256(NEW).upper())
    with pytest.raises(Problem, match="does not run on a board of amd64"):
        k3s_binary.run(params, False, FakeRunner(), "x86_64")
    done = k3s_binary.run(dict(params, architecture="riscv64"), False, FakeRunner(), "x86_64")[0]
    assert done == {"changed": False, "sha256": sha256(NEW), "size": len(NEW), "architecture": "riscv64"}


def test_a_folder_that_is_named_as_a_program_is_told_with_what_to_do(board):
    params = dict(DEFAULTS, src=str(board.home), state="examined", sha256=None)
    with pytest.raises(Problem, match="is a folder. Next: name the k3s program itself in riscv_k3s_binary"):
        k3s_binary.run(params, False, FakeRunner(), "riscv64")


def placed_journal(board):
    return opened(str(board.data_dir))


class Killed(BaseException):
    """As by a power cut: nothing of ours catches it."""


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("state", ["present", "previous", "settled", "absent"])
def test_cut_short_anywhere_and_run_again(board, monkeypatch, state, at):
    """At each of the moments at which a file, a link or the journal changes."""
    board.path.write_bytes(FOREIGN)
    board.run(OLD, replace=True)
    board.run(state="settled")
    (board.home / "src").write_bytes(NEW)
    asked = {"present": {"src": str(board.home / "src"), "sha256": sha256(NEW), "links": True}}.get(state, {})
    if state in ("previous", "settled"):
        board.run(NEW)
    count = iter(range(100))

    def before(real):
        def call(*args, **kwargs):
            if next(count) == at:
                raise Killed
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for name in ("put", "remove"):
            patch.setattr(placed, name, before(getattr(placed, name)))
        for name in ("link", "symlink"):
            patch.setattr(placed.os, name, before(getattr(os, name)))
        patch.setattr(placed.Journal, "save", before(placed.Journal.save))
        try:
            board.module(state=state, **asked)
        except Killed:
            pass
    board.module(state=state, **asked)
    wanted = {"present": NEW, "previous": OLD, "settled": NEW, "absent": FOREIGN}[state]
    assert board.path.read_bytes() == wanted
    assert not board.module(state=state, **asked)["changed"]
    if state == "present":
        assert board.kept() == sorted([FOREIGN, OLD])
        board.module(state="previous")
        assert board.path.read_bytes() == OLD
    board.module(state="absent")
    assert board.path.read_bytes() == FOREIGN and (board.kept(), board.journal()) == ([], {})


def _fifo(path):
    os.mkfifo(path)


def _to_itself(path):
    path.symlink_to(path)


def _to_device(path):
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("state", ["present", "announced", "absent", "previous"])
@pytest.mark.parametrize(
    "make, found",
    [
        (_fifo, "it is no regular file"),
        (_to_device, "it is no regular file"),
        (os.mkdir, "Is a directory"),
        (_to_itself, "Too many levels of symbolic links"),
    ],
)
def test_a_place_that_holds_no_file_is_told_at_once(board, make, found, state):
    make(board.path)
    with pytest.raises(Problem, match="cannot read .*" + found):
        board.module(sha256=sha256(NEW), replace=True, state=state)


@pytest.mark.parametrize("state", ["present", "announced"])
def test_what_a_link_leads_to_is_replaced_only_where_it_is_a_program(board, state):
    """As /usr/local/bin/k3s that leads to /etc/passwd."""
    (board.home / "passwd").write_bytes(b"root:x:0:0::/:/bin/sh")
    board.path.symlink_to("../passwd")
    (board.home / "src").write_bytes(NEW)
    with pytest.raises(Problem, match="passwd is not replaced. Found: it is no program: a file that begins with"):
        board.module(src=str(board.home / "src"), sha256=sha256(NEW), replace=True, state=state)
    assert (board.home / "passwd").read_bytes() == b"root:x:0:0::/:/bin/sh"


def test_a_script_that_says_a_version_of_k3s_is_one(board):
    VERSIONS[b"#!/bin/sh"] = "v1.33.1+k3s1"
    board.path.write_bytes(b"#!/bin/sh")
    assert board.run(NEW, replace=True)["previous"]["version"] == "v1.33.1+k3s1"


def test_a_journal_does_not_make_another_file_a_program(board):
    shadow = board.home / "shadow"
    shadow.write_bytes(b"root:$6$")
    with placed_journal(board) as journal:
        row = {"sha256": sha256(b"root:$6$"), "version": None, "mode": 493, "uid": 0, "gid": 0}
        journal.programs[str(shadow)] = {"sha256": row["sha256"], "version": None, "links": ["../etc/x", "ctr"]}
        journal.programs[str(shadow)].update(previous=None, before=None)
        journal.save()
    for check in (True, False):
        with pytest.raises(Problem, match="shadow is not replaced. Found: it is no program"):
            board.module(check=check, path=str(shadow), state="absent")
    assert shadow.read_bytes() == b"root:$6$"


def test_one_that_was_being_taken_back_when_the_run_ended_and_is_asked_for_again(board, monkeypatch):
    """The old one must come back all the same: it did not, and the broken one stayed."""
    board.run(OLD)
    board.run(state="settled")
    board.run(NEW)

    def killed(*dummy):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(placed, "put", killed)
        with pytest.raises(Killed):
            board.module(state="previous")
    (board.home / "src").write_bytes(NEW)
    board.module(src=str(board.home / "src"), sha256=sha256(NEW), version="v1.35.7+k3s1", state="present")
    assert board.path.read_bytes() == NEW and board.journal()[str(board.path)]["previous"]["sha256"] == sha256(OLD)
    board.module(state="previous")
    assert board.path.read_bytes() == OLD


def test_what_is_wrong_with_the_place_is_told(board, monkeypatch):
    board.run(OLD)

    def refused(*dummy):
        raise PermissionError(1, "Operation not permitted", str(board.path))

    monkeypatch.setattr(placed, "put", refused)
    with pytest.raises(Problem, match="Operation not permitted: .*Next: see what is wrong with that file"):
        board.run(NEW)
