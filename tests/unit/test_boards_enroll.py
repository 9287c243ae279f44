# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action boards_enroll against ssh servers on loopback, each of which runs what it is told in a real sh."""

from __future__ import annotations

import base64
import os
import re
import shutil

import paramiko
import pytest
import yaml
from shell_board import ShellBoard
from ssh_boards import answer

from ansible_collections.riscv.k3s.plugins.action import boards_enroll
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll import board as _board
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh import connect

PASSWORD = "one-time-hunter2"
ROLE = _board.Board._role
DEFAULTS = {name: option.get("default") for name, option in boards_enroll.OPTIONS.items()}
BUSYBOX = shutil.which("busybox")
SHELLS = [
    pytest.param(None, id="sh"),
    pytest.param(BUSYBOX, id="busybox", marks=pytest.mark.skipif(not BUSYBOX, reason="busybox is not installed")),
]


@pytest.fixture(scope="module")
def key():
    return paramiko.ECDSAKey.generate()


@pytest.fixture
def home(tmp_path, monkeypatch, key):
    """Of who runs Ansible: with a key, and without an agent."""
    monkeypatch.setenv("HOME", str(tmp_path / "own"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    (tmp_path / "own/.ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.chdir(tmp_path / "own")
    key.write_private_key_file(str(tmp_path / "own/.ssh/id_ecdsa"))
    (tmp_path / "own/.ssh/id_ecdsa.pub").write_text(line_of(key))
    # What k3s is there is read by the inventory plugin's script, which has tests of its own.
    monkeypatch.setattr(_board.Board, "_role", lambda board, one: None)
    return tmp_path / "own"


def line_of(key):
    return "%s %s me@here\n" % (key.get_name(), key.get_base64())


@pytest.fixture
def start(tmp_path, home):
    """Starts a board."""
    boards = []

    def start(**options):
        boards.append(ShellBoard(tmp_path / ("board-%d" % len(boards)), **dict({"password": PASSWORD}, **options)))
        return boards[-1]

    yield start
    for board in boards:
        board.close()


def entry(board, **more):
    return dict({"address": board.address, "port": board.port}, **more)


def enroll(*entries, dry=False, **options):
    given = dict(DEFAULTS, boards=list(entries), password=PASSWORD, accept_new=True, timeout=10)
    return boards_enroll.enrolled(dict(given, **options), dry)


def keys_of(board):
    return (board.home / ".ssh/authorized_keys").read_bytes()


def put(board, content, mode=0o600):
    (board.home / ".ssh").mkdir(mode=0o700, exist_ok=True)
    (board.home / ".ssh/authorized_keys").write_bytes(content)
    (board.home / ".ssh/authorized_keys").chmod(mode)


@pytest.mark.parametrize("busybox", SHELLS)
def test_check_run_check_run(start, home, busybox):
    board = start(busybox=busybox)
    one = entry(board, name="mars", hostname="board-1", user="mango")
    (board.root / "etc/hosts").chmod(0o640)
    before = board.files()
    foretold = enroll(one, dry=True, lock_password=True)
    assert board.files() == before and not (home / ".ssh/known_hosts").exists()
    made = enroll(one, lock_password=True)
    assert foretold["changed"] and made["changed"] and made["problems"] == foretold["problems"] == []
    assert foretold["inventory"] == made["inventory"]
    done = made["boards"]["mars"]["done"]
    assert done == ["install the key", "name it board-1 (it was vendor)", "lock the password"]
    assert [text.replace("(it is", "(it was") for text in foretold["boards"]["mars"]["done"]] == done
    after = board.files()
    (home / "inventory.yml").write_text(made["inventory"]["text"])
    for dry in (True, False):
        again = enroll(one, dry=dry, password="", lock_password=True)
        assert (again["changed"], again["problems"], again["boards"]["mars"]["done"]) == (False, [], [])
        assert again["inventory"]["text"] == made["inventory"]["text"]
    assert board.files() == after
    assert after["home/.ssh"][0][-3:] == "700" and after["home/.ssh/authorized_keys"][0][-3:] == "600"
    assert (board.root / "etc/hostname").read_text() == (board.root / "running").read_text() == "board-1\n"
    assert (board.root / "etc/hosts").read_text() == "127.0.0.1\tlocalhost\n127.0.1.1\tboard-1 # ours\n"
    assert board.is_locked("mango") and not board.is_locked("root")
    # Of the files that were there nothing but what was told has changed, and none is left over.
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {"etc/hostname", "etc/hosts", "etc/shadow", "running"}
    assert {name: after[name][0] for name in before} == {name: row[0] for name, row in before.items()}
    assert set(after) - set(before) == {"home/.ssh", "home/.ssh/authorized_keys", "told"}


def test_the_host_key_is_shown_and_recorded(start, home):
    board = start()
    made = enroll(entry(board, name="mars"))
    shown = "%s %s" % (board.host_key.get_name(), board.host_key.fingerprint)
    assert "mars: host key %s, recorded in %s" % (shown, home / ".ssh/known_hosts") in made["lines"]
    assert (home / ".ssh/known_hosts").read_text() == board.known()
    assert "mars: host key %s, known" % shown in enroll(entry(board, name="mars"))["lines"]


def test_an_unknown_host_key_is_refused_and_shown(start, home):
    board = start()
    for dry in (True, False):
        (problem,) = enroll(entry(board), accept_new=False, dry=dry)["problems"]
        assert "its host key is not known" in problem and board.host_key.fingerprint in problem
        assert "riscv_k3s_enroll_accept_new" in problem
    assert board.logins == [] and not (home / ".ssh/known_hosts").exists()


def test_a_changed_host_key_is_refused_whatever_is_accepted(start, home):
    board, other = start(), start()
    known = board.known().replace(board.host_key.get_base64(), other.host_key.get_base64())
    (home / ".ssh/known_hosts").write_text(known)
    for more in ({}, {"host_key": board.host_key.fingerprint}):
        (problem,) = enroll(entry(board, name="mars", **more))["problems"]
        assert problem.startswith("mars: its host key is another one than the one that is known")
    assert board.logins == [] and (home / ".ssh/known_hosts").read_text() == known


def test_an_expected_host_key_is_taken_and_no_other(start, home):
    board, other = start(), start()
    entries = [entry(board, name="a", host_key=board.host_key.fingerprint)]
    entries.append(entry(other, name="b", host_key=board.host_key.fingerprint))
    made = enroll(*entries, accept_new=False)
    (problem,) = made["problems"]
    assert problem.startswith("b: its host key is not the expected one") and "ssh_host_ecdsa_key.pub" in problem
    assert (home / ".ssh/known_hosts").read_text() == board.known() and other.logins == []
    # Nor is one that was recorded before.
    (home / ".ssh/known_hosts").write_text(board.known() + other.known())
    assert "not the expected one" in enroll(entries[1])["problems"][0]


OTHER = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA== somebody"


@pytest.mark.parametrize(
    "before, between",
    [
        (b"", b""),
        (OTHER + b"\n", b""),
        (OTHER, b"\n"),
        (OTHER + b"\r\n# \xff\xfe no text\n\n", b""),
        (b"#" + OTHER, b"\n"),
    ],
)
def test_the_key_comes_behind_what_is_there(start, key, before, between):
    board = start()
    put(board, before)
    assert enroll(entry(board))["problems"] == []
    assert keys_of(board) == before + between + line_of(key).encode()
    assert enroll(entry(board))["changed"] is False


@pytest.mark.parametrize("options", ["", 'from="127.0.0.1,a b",no-pty '])
def test_a_key_that_is_there_is_not_added_again(start, key, options):
    board = start()
    put(board, (options + line_of(key).rstrip()).encode(), 0o644)
    made = enroll(entry(board, name="mars"))
    assert made["boards"]["mars"]["done"] == ["set the modes of ~/.ssh and authorized_keys"]
    assert keys_of(board) == (options + line_of(key).rstrip()).encode()
    assert board.files()["home/.ssh/authorized_keys"][0][-3:] == "600"


def hostile(kind):
    def make(board):
        folder = board.home / ".ssh"
        if kind == "linked folder":
            (board.root / "elsewhere").mkdir()
            folder.symlink_to(board.root / "elsewhere")
            return
        folder.mkdir()
        file = folder / "authorized_keys"
        if kind == "folder":
            file.mkdir()
        elif kind == "huge":
            file.write_bytes(b"x" * 70000)
        elif kind == "nul":
            file.write_bytes(b"a\0b\n")
        else:
            (board.root / "target").write_text("precious\n")
            (file.symlink_to if kind == "link" else file.hardlink_to)(board.root / "target")

    return make


@pytest.mark.parametrize(
    "kind, told",
    [
        ("link", "authorized_keys is a symbolic link"),
        ("linked folder", "~/.ssh is a symbolic link"),
        ("folder", "authorized_keys is a folder"),
        ("hard link", "has 2 names"),
        ("huge", "it has 70000 bytes"),
        ("nul", "it is no text"),
    ],
)
def test_a_hostile_file_of_keys_is_left_alone(start, kind, told):
    board = start()
    hostile(kind)(board)
    before = board.files()
    (problem,) = enroll(entry(board, hostname="board-1"))["problems"]
    assert "its file authorized_keys is left alone" in problem and told in problem
    assert board.files() == before


def test_nothing_else_is_done_before_the_key_logs_in(start):
    board = start(reads="elsewhere")
    made = enroll(entry(board, name="mars", hostname="board-1"), lock_password=True)
    (problem,) = made["problems"]
    assert "the key is installed, but does not log in" in problem and "AuthorizedKeysFile" in problem
    assert made["boards"]["mars"]["done"] == ["install the key"] and made["inventory"] is None
    assert (board.root / "running").read_text() == "vendor\n" and not board.is_locked("root")


def test_a_password_whose_lock_locks_the_key_out_is_unlocked_again(start):
    board = start(pam=False)
    (problem,) = enroll(entry(board, user="mango"), lock_password=True)["problems"]
    assert "the password is not locked" in problem and "UsePAM" in problem
    assert not board.is_locked("mango") and (board.root / "told").read_text() == "passwd -l\npasswd -u\n"


def test_a_lock_is_undone_when_the_connection_breaks(start, monkeypatch):
    board = start()

    def breaks(board, one, running, before):
        raise connect.Unreached("no_ssh", "the connection broke")

    monkeypatch.setattr(_board.Board, "_verify_locked", breaks)
    (problem,) = enroll(entry(board, user="mango"), lock_password=True)["problems"]
    assert "the connection broke" in problem
    # The command outlives the connection: its last act is waited for, not one on the way to it.
    for dummy in range(500):
        if "passwd -u" in (board.root / "told").read_text():
            break
        connect.time.sleep(0.02)
    assert (board.root / "told").read_text() == "passwd -l\npasswd -u\n" and not board.is_locked("mango")


def test_a_lock_that_cannot_be_taken_back_is_told(start):
    board = start(pam=False)
    program = board.root / "bin/passwd"
    program.write_text(program.read_text().replace("-u) sed", "-u) exit 1; sed"))
    (problem,) = enroll(entry(board, user="mango"), lock_password=True)["problems"]
    assert "the lock cannot be taken back" in problem and "console: passwd -u mango" in problem


def test_where_k3s_runs_the_name_stays(start, monkeypatch):
    monkeypatch.setattr(_board.Board, "_role", lambda board, one: "agent")
    board = start()
    for dry in (True, False):
        (problem,) = enroll(entry(board, hostname="board-1"), dry=dry)["problems"]
        assert "k3s is agent there, and calls its node vendor" in problem
    assert (board.root / "running").read_text() == "vendor\n"
    assert enroll(entry(board, hostname="vendor"))["boards"][board_name(board)]["role"] == "agent"


def board_name(board):
    return "%s_%d" % (board.address, board.port)


def test_what_runs_on_a_board_says_which_part_it_has(start, monkeypatch):
    monkeypatch.setattr(_board.Board, "_role", ROLE)
    boards = [start(lies=runs("k3s-agent")), start(lies=runs("k3s-server")), start(lies=lambda command: None)]
    made = enroll(*(entry(board, name="board-%d" % number) for number, board in enumerate(boards)))
    assert made["problems"] == []
    assert [row["role"] for row in made["boards"].values()] == ["agent", "server", "agent"]


def runs(service):
    def lies(command):
        token = re.search("riscv-k3s-[0-9a-f]{16}", command).group()
        return answer(token, board={"ran_as": service}).encode() if "step machine" in command else None

    return lies


def test_a_board_with_systemd_is_named_by_hostnamectl(start):
    board = start()
    (board.root / "run/systemd/system").mkdir(parents=True)
    program = board.root / "bin/hostnamectl"
    program.write_text('#!/bin/sh\n[ "$1" = set-hostname ] && echo "$2" | tee "$ROOT/running" >"$ROOT/etc/hostname"\n')
    program.chmod(0o755)
    (board.root / "bin/hostname").write_text("#!/bin/sh\nexit 1\n")
    assert enroll(entry(board, hostname="board-1"))["problems"] == []
    assert (board.root / "etc/hostname").read_text() == "board-1\n"


def test_a_name_that_is_not_set_is_told(start):
    board = start()
    (board.root / "bin/hostname").write_text("#!/bin/sh\necho sethostname: not permitted >&2\nexit 1\n")
    made = enroll(entry(board, name="mars", hostname="board-1"))
    assert "the host name is not set" in made["problems"][0] and "not permitted" in made["problems"][0]
    assert made["boards"]["mars"]["done"] == ["install the key"]


@pytest.mark.parametrize("kind", ["link", "no text", "none"])
def test_an_etc_hosts_that_cannot_be_edited_is_left_alone(start, kind):
    board = start()
    hosts = board.root / "etc/hosts"
    hosts.rename(board.root / "etc/other")
    if kind == "link":
        hosts.symlink_to("other")
    elif kind == "no text":
        hosts.write_bytes(b"127.0.1.1 vendor \xff\n")
    before = {name: row for name, row in board.files().items() if name in ("etc/hosts", "etc/other")}
    one = entry(board, hostname="board-1")
    assert enroll(one)["problems"] == [] and enroll(one)["changed"] is False
    assert {name: row for name, row in board.files().items() if name in before} == before
    assert hosts.is_symlink() == (kind == "link") and hosts.exists() == (kind != "none")


def test_a_wrong_password_for_sudo_is_told_and_not_shown(start):
    board = start(uid=1000, sudo_password="another")
    (problem,) = enroll(entry(board, user="mango", hostname="board-1"))["problems"]
    assert "sudo does not take the password" in problem and PASSWORD not in problem
    assert (board.root / "running").read_text() == "vendor\n"


def test_sudo_is_given_the_password_once_and_nothing_else(start):
    """It would take each line behind a wrong one for another try, and lock the account."""
    board = start(uid=1000)
    (board.root / "bin/sudo").write_text(
        '#!/bin/sh\n[ "$1" != -n ] || exit 1\n'
        'while IFS= read -r line; do echo "$line" >>"$ROOT/told"; echo Sorry, try again: $line; done\nexit 1\n'
    )
    (problem,) = enroll(entry(board, user="mango", hostname="board-1"))["problems"]
    assert (board.root / "told").read_text() == PASSWORD + "\n"
    assert "sudo does not take the password" in problem and "Sorry, try again" in problem and PASSWORD not in problem


def test_sudo_that_allows_a_shell_and_nothing_else(start):
    board = start(uid=1000)
    (board.root / "bin/sudo").write_text('#!/bin/sh\n[ "$1 $2" = "-n /bin/sh" ] || exit 1\nshift\nexec "$@"\n')
    assert enroll(entry(board, user="mango", hostname="board-1"))["problems"] == []
    assert (board.root / "running").read_text() == "board-1\n"


def test_sudo_that_does_not_read_the_password(start):
    """What is sent to sudo is never the name of a board."""
    board = start(uid=1000)
    (board.root / "bin/sudo").write_text(
        '#!/bin/sh\n[ "$1" != -n ] || exit 1\nshift 4\n[ "$1" != /bin/sh ] || exec "$@"\n'
    )
    (problem,) = enroll(entry(board, user="mango", hostname="board-1"))["problems"]
    assert "did not do what it was told" in problem and PASSWORD not in problem
    assert (board.root / "running").read_text() == "vendor\n"


@pytest.mark.skipif(not BUSYBOX, reason="busybox is not installed")
def test_a_board_without_passwd(start, monkeypatch):
    board = start(busybox=BUSYBOX)
    (board.root / "bin/passwd").unlink()
    for name in ("sed", "env"):
        (board.root / "bin" / name).symlink_to(BUSYBOX)
    monkeypatch.setenv("PATH", str(board.root / "bin"))
    (problem,) = enroll(entry(board, user="mango"), lock_password=True)["problems"]
    assert "there is no program passwd" in problem and not board.is_locked("mango")


@pytest.mark.parametrize(
    "words, told",
    [
        (b"unknown command: %s" % PASSWORD.encode(), "did not do what it was told"),
        (b"WARNING: Your password has expired. %s" % PASSWORD.encode(), "its password has expired"),
    ],
)
def test_a_board_that_repeats_the_password(start, words, told):
    made = enroll(entry(start(lies=lambda command: words), name="mars"))
    assert told in made["problems"][0] and PASSWORD not in repr(made)


@pytest.mark.parametrize("busybox", SHELLS)
@pytest.mark.parametrize("named", ["vendor", "board-1"])
def test_cloud_init_does_not_take_the_name_back(start, busybox, named):
    """As it does at a start, where it is not told to leave the name alone."""
    board = start(busybox=busybox)
    folder = board.root / "etc/cloud/cloud.cfg.d"
    folder.mkdir(parents=True)
    (board.root / "etc/cloud/cloud.cfg").write_text("preserve_hostname: false\n")
    for name in ("running", "etc/hostname"):
        (board.root / name).write_text(named + "\n")
    (board.root / "etc/hosts").unlink()
    one = entry(board, name="mars", hostname="board-1")
    was = " (it was vendor)" if named == "vendor" else ""
    assert enroll(one, dry=True)["problems"] == [] and not list(folder.iterdir())
    done = enroll(one)["boards"]["mars"]["done"]
    assert done == ["install the key", "name it board-1%s, and let cloud-init keep it" % was]
    (file,) = folder.iterdir()
    assert yaml.safe_load(file.read_text()) == {"preserve_hostname": True, "manage_etc_hosts": False}
    assert oct(file.stat().st_mode)[-3:] == "644"
    assert enroll(one)["boards"]["mars"]["done"] == []
    # Somebody else may have told it so.
    file.rename(folder / "10-mine.cfg")
    assert enroll(one)["boards"]["mars"]["done"] == []


@pytest.mark.parametrize("status", [0, 1])
def test_the_key_gets_the_label_of_selinux(start, status):
    board = start()
    (board.root / "bin/restorecon").write_text('#!/bin/sh\necho "$@" >>"$ROOT/told"\nexit %d\n' % status)
    (board.root / "bin/restorecon").chmod(0o755)
    assert enroll(entry(board))["problems"] == []
    assert (board.root / "told").read_text() == "-F %s/.ssh %s/.ssh/authorized_keys\n" % (board.home, board.home)


@pytest.mark.parametrize("when", ["step install", "=locked"])
def test_a_host_key_that_changes_between_the_logins(start, when):
    """The board was not swapped in the meantime: somebody stands between."""
    board, other = start(), paramiko.ECDSAKey.generate()
    board.lies = lambda command: setattr(board, "host_key", other) if when in command else None
    (problem,) = enroll(entry(board, user="mango"), lock_password=True)["problems"]
    assert "its host key is another one than the one that is known" in problem and other.fingerprint in problem
    assert "UsePAM" not in problem and "StrictModes" not in problem and not board.is_locked("mango")


def test_where_no_password_is_given_that_is_told(start):
    (problem,) = enroll(entry(start()), password="")["problems"]
    assert "the key was refused; no password is given" in problem


def test_a_name_that_is_the_password_is_not_told(start):
    board = start()
    (board.root / "running").write_text(PASSWORD + "\n")
    made = enroll(entry(board, name="mars", hostname="board-1"))
    assert made["problems"] == [] and PASSWORD not in repr(made)


def test_an_empty_password_is_not_locked(start):
    board = start()
    (board.root / "etc/shadow").write_text("mango::1:0:99999:7:::\n")
    assert "it is empty" in enroll(entry(board, user="mango"), lock_password=True)["problems"][0]
    assert not board.is_locked("mango")


def test_a_user_whose_sudo_asks_for_the_password(start):
    board = start(uid=1000, sudo_password=PASSWORD)
    one = entry(board, user="mango", hostname="board-1")
    assert enroll(one)["problems"] == []
    assert (board.root / "running").read_text() == "board-1\n"
    # It could become root no more.
    (problem,) = enroll(one, lock_password=True)["problems"]
    assert "sudo asks for it" in problem and not board.is_locked("mango")
    assert all(PASSWORD not in command for command in board.commands)


@pytest.mark.parametrize("dry", [True, False])
def test_a_user_who_does_not_become_root(start, dry):
    board = start(uid=1000, sudo_password="another")
    enroll(entry(board, user="mango"))
    (problem,) = enroll(entry(board, user="mango", hostname="board-1"), password="", dry=dry)["problems"]
    assert "mango is not root, and does not become it" in problem
    assert (board.root / "running").read_text() == "vendor\n"


def test_no_password_is_told_anywhere(start, home):
    good, bad = start(), start(password="another")
    own = entry(bad, name="b", password="second-hunter3")
    made = enroll(entry(good, name="a", user="mango", hostname="board-1"), own, lock_password=True)
    assert len(made["problems"]) == 1 and "Found: the key was refused; the password was refused" in made["problems"][0]
    texts = [repr(made), *good.commands, *bad.commands]
    texts += [path.read_text(errors="replace") for path in home.rglob("*") if path.is_file()]
    texts += [repr(board.files()) for board in (good, bad)]
    assert not [text for text in texts if re.search("hunter[23]", text)]


def test_one_that_fails_does_not_hold_up_the_others(start):
    boards = [start(), start(password="another"), start()]
    entries = [entry(board, name="board-%d" % number) for number, board in enumerate(boards)]
    gone = start()
    gone.close()
    made = enroll(*entries, entry(gone, name="gone"))
    assert [text.partition(":")[0] for text in made["problems"]] == ["board-1", "gone"]
    assert made["failure"] == ["2 of 4 boards are not enrolled: board-1, gone"]
    assert len([text for text in made["lines"] if ": not enrolled: " in text]) == 2
    groups = yaml.safe_load(made["inventory"]["text"])["k3s_cluster"]["children"]
    assert [list(groups[role]["hosts"]) for role in ("server", "agent")] == [["board-0"], ["board-2"]]
    assert boards[0].takes("root", boards_enroll._key(None)[0].blob)


def tells(account):
    """A board that answers so when it is looked at, and else does what it is told."""

    def lies(command):
        token = re.search("riscv-k3s-[0-9a-f]{16}", command).group()
        sections = (("account", account), ("keys", ""), ("hosts", "127.0.1.1 \x1b[2J\n"))
        text = "".join("%s<%s\n%s\n%s>0\n\n" % (token, *pair, token) for pair in sections)
        return text.encode() if "step account" in command else None

    return lies


@pytest.mark.parametrize(
    "lies, told",
    [
        (tells("uid 0\nhostname \x1b[2J%s\nend" % ("x" * 9000)), "authorized_keys is not what was written"),
        (tells("uid 0\nfile \x1b]0;x\x07 1 2\nend"), "a file there cannot be told"),
        (lambda command: b"\x1b[31m no shell" * 5000, "did not do what it was told"),
        (lambda command: b"x" * (connect.LARGEST + 1), "answers more than 256 KiB"),
        (lambda command: b"", "did not do what it was told"),
    ],
    ids=["name", "file", "no shell", "huge", "nothing"],
)
def test_what_a_board_answers_acts_on_no_terminal(start, lies, told):
    board = start(lies=lies)
    for dry in (True, False):
        made = enroll(entry(board, name="mars", hostname="board-1"), dry=dry)
        texts = [*made["problems"], *made["lines"], *made["boards"]["mars"]["done"]]
        assert texts and all(text.isprintable() and len(text) < 5000 for text in texts)
    assert made["inventory"] is None and told in made["problems"][0]


def test_a_board_that_is_late(start):
    board = start(lies=lambda command: connect.time.sleep(5) or b"")
    (problem,) = enroll(entry(board), timeout=0.5)["problems"]
    assert "it did not answer within 0.5 s" in problem and "raise riscv_k3s_enroll_timeout" in problem


@pytest.mark.parametrize("seconds", [-1, 0, float("inf"), float("nan")])
def test_a_time_that_is_none(start, seconds):
    board = start()
    with pytest.raises(Problem, match="riscv_k3s_enroll_timeout is too small or too large"):
        enroll(entry(board), timeout=seconds)
    assert board.logins == []


def test_an_inventory_that_cannot_be_written_is_told_before_anything_is_done(start, home):
    board = start()
    for dry in (True, False):
        with pytest.raises(Problem, match="there is no folder for the inventory"):
            enroll(entry(board), inventory="nowhere/inventory.yml", dry=dry)
    assert board.logins == []


def test_an_inventory_in_a_folder_that_can_only_be_read(start, home, monkeypatch):
    """As the project of AWX in its container."""
    board = start()
    monkeypatch.setattr(boards_enroll.os, "access", lambda path, how: path != str(home))
    with pytest.raises(Problem, match="the inventory cannot be written. Found: nothing can be written into its folder"):
        enroll(entry(board), inventory="inventory.yml")
    assert board.logins == []


def test_an_inventory_that_is_a_link_stays_one(start, home):
    (home / "link.yml").symlink_to("real.yml")
    assert enroll(entry(start()), inventory="link.yml")["inventory"]["path"] == str(home / "real.yml")


def test_the_key_of_who_runs_it(home, key):
    for name in ("id_rsa.pub", "id_ed25519.pub"):
        (home / ".ssh" / name).write_text(line_of(key))
    assert boards_enroll._key(None)[1] == str(home / ".ssh/id_ed25519")
    (home / ".ssh/id_ed25519.pub").write_text(base64.b64encode(b"PRIVATE").decode())
    with pytest.raises(Problem, match="no public key of ssh"):
        boards_enroll._key(None)
    with pytest.raises(Problem, match="is a private key, which stays here"):
        boards_enroll._key(str(home / ".ssh/id_ecdsa"))
    with pytest.raises(Problem, match="is not there"):
        boards_enroll._key(str(home / ".ssh/none.pub"))


def test_without_a_key_there_is_one_clear_error(home):
    os.remove(home / ".ssh/id_ecdsa.pub")
    with pytest.raises(Problem) as caught:
        enroll("192.0.2.1")
    assert "ssh-keygen -t ed25519" in caught.value.next_step and "id_ed25519.pub, id_ecdsa.pub" in caught.value.found


def test_the_private_key_must_be_that_of_the_public_one(home):
    (home / ".ssh/id_ecdsa.pub").write_text(line_of(paramiko.ECDSAKey.generate()))
    with pytest.raises(Problem, match="is another one"):
        enroll("192.0.2.1")


def test_a_private_key_that_cannot_be_used(home, key):
    key.write_private_key_file(str(home / ".ssh/id_ecdsa"), password="hunter2")
    for told in ("needs its passphrase", "cannot be read"):
        with pytest.raises(Problem, match=told) as caught:
            enroll("192.0.2.1")
        assert "ssh-add" in caught.value.next_step
        if (home / ".ssh/id_ecdsa").exists():
            os.remove(home / ".ssh/id_ecdsa")


def test_a_key_of_the_agent_needs_no_file(start, home, key, monkeypatch):
    board = start()
    os.remove(home / ".ssh/id_ecdsa")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nonexistent")
    monkeypatch.setattr(paramiko, "Agent", type("Agent", (), {"get_keys": lambda agent: [key]}))
    assert enroll(entry(board))["problems"] == []


def test_an_inventory_of_somebody_else_is_left_alone(start, home):
    board = start()
    (home / "inventory.yml").write_text("all:\n  hosts: {}\n")
    made = enroll(entry(board, name="mars"))
    assert made["inventory"] is None and "the inventory that is there is left alone" in made["problems"][-1]
    assert "        mars:" in made["lines"] and made["boards"]["mars"]["done"] == ["install the key"]


def test_a_setting_that_is_misspelt():
    boards_enroll.check_names({"riscv_k3s_enroll_user": "x", "riscv_k3s_pinned": True})
    with pytest.raises(Problem, match="did you mean riscv_k3s_enroll_lock_password"):
        boards_enroll.check_names({"riscv_k3s_enroll_lock_pasword": True})


class Task:
    def __init__(self, **arguments):
        self.args, self.check_mode, self.async_val, self.no_log = arguments, False, 0, True


def run(**arguments):
    action = object.__new__(boards_enroll.ActionModule)
    action._task, action._connection = Task(), type("C", (), {"_shell": type("S", (), {"tmpdir": None})})
    action.validate_argument_spec = lambda argument_spec: (None, dict(DEFAULTS, **arguments))
    return action.run(None, {})


def test_without_paramiko_there_is_one_clear_error(monkeypatch):
    monkeypatch.setattr(connect, "PARAMIKO_ERROR", ImportError("No module named 'paramiko'"))
    made = run(boards=["192.0.2.1"])
    assert made["failed"] and "the playbook riscv.k3s.enroll needs paramiko" in made["msg"]
    assert made["problems"] == [made["msg"]] and made["inventory"] is None


def test_the_action_fails_where_a_board_does(start):
    board = start()
    good = dict(accept_new=True, timeout=10, password=PASSWORD)
    assert run(boards=[entry(board)], **good)["failed"] is False
    made = run(boards=[entry(board, user="other")], **dict(good, user="other"))
    assert made["failed"] is False and made["changed"] is False
    assert run(boards=[])["msg"].startswith("no board is named")
