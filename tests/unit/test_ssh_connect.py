# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One command on a board by ssh, against small ssh servers: logins, keys of hosts, and each way to fail."""

import contextlib
import os
import socket
import threading
import time

import paramiko
import pytest
from shell_board import ShellBoard
from ssh_boards import SshBoard

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh import connect
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.connect import HostKeys, Login, Place, ask
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.many import gather
from ansible_collections.riscv.k3s.plugins.plugin_utils._ssh.unreached import NEXT, Unreached

TOKEN = "riscv-k3s-0123456789abcdef"
LOGIN = Login("root", password="one-time", agent=False)


@pytest.fixture
def server(tmp_path):
    """Starts a board and returns it, with its key in the file known."""
    boards = []

    def start(is_known=True, **options):
        boards.append(SshBoard("127.0.0.1", **dict({"answer": lambda token: "hello"}, **options)))
        if is_known:
            with open(tmp_path / "known", "a", encoding="utf-8") as file:
                file.write(boards[-1].known())
        return boards[-1]

    yield start
    for board in boards:
        board.close()


@pytest.fixture
def reach(tmp_path):
    def reach(board, login=LOGIN, seconds=5, accept_new=False):
        keys = HostKeys([str(tmp_path / "known")], accept_new)
        return ask(Place(board.address, board.port), login, keys, TOKEN, seconds)

    return reach


def test_an_answer(server, reach):
    board = server()
    assert reach(board) == ("hello", board.host_key.fingerprint, False)
    assert (board.logins, board.commands) == ([("root", "password")], [TOKEN])


def test_where_nothing_is_answered_its_error_is(server, reach):
    assert reach(server(answer=lambda token: "", stderr="sudo: a password is required\n")).output.startswith("sudo: a")
    assert reach(server(stderr="a profile's words\n")).output == "hello"


def test_a_key_goes_before_a_password(server, reach, tmp_path):
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(tmp_path / "id"))
    login = Login("debian", connect.private_key(str(tmp_path / "id")), "one-time", False)
    board = server(client_key=key)
    assert reach(board, login).output == "hello" and board.logins[-1] == ("debian", "key")
    # One that is not accepted is followed by the password.
    board = server()
    assert reach(board, login).output == "hello" and board.logins[-1] == ("debian", "password")


def test_keys_of_the_agent_come_last(server, reach, monkeypatch):
    keys = [paramiko.ECDSAKey.generate() for dummy in range(2)]
    monkeypatch.setattr(paramiko, "Agent", type("Agent", (), {"get_keys": lambda agent: keys}))
    board = server(client_key=keys[1])
    assert reach(board, Login("root", password="wrong")).output == "hello"
    assert [way for dummy, way in dict.fromkeys(board.logins)] == ["password", "key"]
    with pytest.raises(Unreached, match="neither key_file nor password is given"):
        reach(board, Login("root", agent=False))


@pytest.mark.parametrize("tries", [1, 2])
def test_a_board_that_takes_few_tries_is_connected_to_again(server, reach, tries):
    """As with MaxAuthTries: the key and the password of one login are more than it takes."""
    board = server(tries=tries)
    keys = [paramiko.ECDSAKey.generate() for dummy in range(2)]
    assert reach(board, Login("root", keys[0], "one-time", False)).output == "hello"
    assert [way for dummy, way in board.logins] == ["key", "password"]
    with pytest.raises(Unreached) as caught:
        reach(server(tries=1), Login("root", keys[0], "wrong", False))
    ended = "was refused, and the board ended the connection"
    assert caught.value.found == "the key of key_file %s; the password %s" % (ended, ended)


def test_a_new_key_of_a_host_is_told_after_the_second_connection(server, reach):
    login = Login("root", paramiko.ECDSAKey.generate(), "one-time", False)
    assert reach(server(tries=1, is_known=False), login, accept_new=True).is_new


def question(text, echo=False):
    return ("", "", (text, echo))


def test_the_password_is_the_answer_to_one_question(server, reach):
    board = server(questions=[question("Password: ")])
    assert reach(board).output == "hello" and board.answers == [["one-time"]]
    # Some say something first, and ask nothing by it.
    board = server(questions=[("", "Welcome."), question("Password: ")])
    assert reach(board).output == "hello" and board.answers == [[], ["one-time"]]


@pytest.mark.parametrize(
    "questions, answers",
    [
        ([question("Password: "), question("New password: ")], [["one-time"]]),
        ([question("Password: "), ("", "Changing it", "Current password: ", "New password: ")], [["one-time"]]),
        # What is typed shows there.
        ([question("Login: ", True)], []),
        ([("", "", "Password: ", "Code: ")], []),
    ],
)
def test_no_other_question_gets_the_password(server, reach, questions, answers):
    board = server(questions=questions)
    with pytest.raises(Unreached, match="is not all that it asks for: ") as caught:
        reach(board)
    assert board.answers == answers and caught.value.reason == "authentication"
    assert "one-time" not in str(caught.value)


@pytest.mark.parametrize(
    "options, what",
    [
        ({"words": "System is booting up. See pam_nologin(8)\n"}, "the board lets nobody but root log in yet"),
        (
            {"questions": [question("Password: "), ("", "You are required to change your password", "New one: ")]},
            "its password has expired",
        ),
        ({"words": "Authorized use only\x1b[2J, not with one-time2"}, "the login of root failed"),
    ],
)
def test_what_a_board_says_of_a_login_that_it_refuses(server, reach, options, what):
    with pytest.raises(Unreached) as caught:
        reach(server(**options), Login("root", password="one-time2", agent=False))
    assert caught.value.what.endswith(what) and str(caught.value).isprintable()
    assert "one-time2" not in str(caught.value)
    if "words" in options:
        assert "; it says: %s" % options["words"][:9] in caught.value.found


def test_many_keys_of_an_agent_are_told_once(server, reach, monkeypatch):
    keys = [paramiko.ECDSAKey.generate() for dummy in range(5)]
    monkeypatch.setattr(paramiko, "Agent", type("Agent", (), {"get_keys": lambda agent: keys}))
    # Also over the tries that a board allows: the last one is let in.
    board = server(client_key=keys[4], tries=2)
    assert reach(board, Login("root")).output == "hello"
    with pytest.raises(Unreached) as caught:
        reach(server(), Login("root"))
    assert caught.value.found == "a key of the ssh agent was refused (5 times)"


@pytest.mark.parametrize(
    "options, login, reason, found",
    [
        ({"password": "other"}, LOGIN, "authentication", "the password was refused"),
        (
            {},
            Login("root", paramiko.ECDSAKey.generate(), "", False),
            "authentication",
            "the key of key_file was refused",
        ),
        ({}, Login("root", agent=False), "authentication", "neither key_file nor password is given"),
        ({"is_known": False}, LOGIN, "host_key_unknown", "SHA256:"),
        ({"banner": [b"HTTP/1.1 400 Bad\x1b[2J Request\r\n" * 200]}, LOGIN, "no_ssh", ""),
        ({"banner": []}, LOGIN, "no_ssh", ""),
        ({"answer": lambda token: "x" * (connect.LARGEST + 1)}, LOGIN, "nonsense", None),
    ],
)
def test_failures(server, reach, options, login, reason, found):
    with pytest.raises(Unreached) as caught:
        reach(server(**options), login)
    problem = caught.value
    assert (problem.reason, bool(problem.next_step)) == (reason, True)
    assert problem.found is None if found is None else found in problem.found
    assert "one-time" not in str(problem) and str(problem).isprintable()
    assert "127.0.0.1 port" in problem.where


def test_no_password_goes_to_a_host_whose_key_is_another_one(server, reach, tmp_path):
    board = server(is_known=False)
    other = SshBoard("127.0.0.1", answer=None)
    (tmp_path / "known").write_text(board.known().replace(board.host_key.get_base64(), other.host_key.get_base64()))
    other.close()
    before = (tmp_path / "known").read_bytes()
    with pytest.raises(Unreached, match="another one than the one that is known") as caught:
        reach(board, accept_new=True)
    assert caught.value.reason == "host_key_changed" and "ssh-keygen -R '[127.0.0.1]" in caught.value.next_step
    assert board.host_key.fingerprint in caught.value.found
    assert (board.logins, (tmp_path / "known").read_bytes()) == ([], before)


def test_a_new_key_is_recorded_once(server, reach, tmp_path):
    # As an editor may leave it, without the end of the line.
    (tmp_path / "known").write_text("mars ssh-ed25519 AAAA")
    board = server(is_known=False)
    assert [reach(board, accept_new=True).is_new for dummy in range(2)] == [True, False]
    assert (tmp_path / "known").read_text() == "mars ssh-ed25519 AAAA\n" + board.known()
    assert reach(board).output == "hello"


def test_the_file_of_keys_is_made_for_its_owner_alone(server, reach, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    board = server(is_known=False)
    keys = HostKeys(accept_new=True)
    assert ask(Place(board.address, board.port), LOGIN, keys, TOKEN, 5).is_new
    assert os.stat(tmp_path / ".ssh").st_mode & 0o777 == 0o700
    assert os.stat(tmp_path / ".ssh/known_hosts").st_mode & 0o777 == 0o600


def test_a_key_that_cannot_be_recorded_is_not_trusted(server, reach, tmp_path):
    (tmp_path / "file").write_text("")
    board = server(is_known=False)
    keys = HostKeys([str(tmp_path / "known")], True)
    # Its folder is a file.
    keys.paths = [str(tmp_path / "file/known")]
    with pytest.raises(Unreached, match="cannot be recorded") as caught:
        ask(Place(board.address, board.port), LOGIN, keys, TOKEN, 5)
    assert (caught.value.reason, board.logins) == ("host_key_not_recorded", [])


def test_an_expected_key_is_recorded_and_no_other(tmp_path):
    mine, other = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
    keys, place = HostKeys([str(tmp_path / "known")]), Place("mars", 22)

    def check(key, expected):
        return keys.check(place, key.get_name(), key.get_base64(), expected.fingerprint)

    with pytest.raises(Unreached, match="not the expected one") as caught:
        check(other, mine)
    assert caught.value.reason == "host_key_unexpected" and "ssh_host_ecdsa_key.pub" in caught.value.next_step
    assert not (tmp_path / "known").exists()
    assert [check(mine, mine) for dummy in range(2)] == [True, False]
    # What is known, and what was changed, must be the expected one as well.
    with pytest.raises(Unreached, match="not the expected one"):
        check(mine, other)
    with pytest.raises(Unreached, match="another one than the one that is known"):
        check(other, other)
    assert (tmp_path / "known").read_text() == "mars %s %s\n" % (mine.get_name(), mine.get_base64())


def test_a_dry_look_at_keys_records_none(tmp_path):
    key, keys = paramiko.ECDSAKey.generate(), HostKeys([str(tmp_path / "known")], True, True)
    for dummy in range(2):
        assert keys.check(Place("mars", 22), key.get_name(), key.get_base64())
    assert not (tmp_path / "known").exists()


def test_a_session_has_several_commands_that_may_be_spoken_to(tmp_path):
    board = ShellBoard(tmp_path / "board", password="one-time")
    keys = HostKeys([str(tmp_path / "known")], True)
    with connect.session(Place(board.address, board.port), LOGIN, keys, 5) as one:
        assert (one.way, one.run("cat", b"told"), one.run("echo twice")) == ("password", "told", "twice\n")
        running = one.start("read -r a; echo first $a; read -r b; echo last $b")
        running.send(b"1\n")
        assert running.until(b"first 1")
        running.end_of_input()
        assert (running.output(), running.until(b"never")) == (b"first 1\nlast\n", False)
    board.close()


def test_a_command_begins_when_the_one_before_has_ended(tmp_path):
    """dropbear takes the end of the one before for that of the new one."""
    board = ShellBoard(tmp_path / "board", password="one-time", lingers=0.1)
    keys = HostKeys([str(tmp_path / "known")], True)
    with connect.session(Place(board.address, board.port), LOGIN, keys, 5) as one:
        assert [one.run("echo %d" % number) for number in range(3)] == ["0\n", "1\n", "2\n"]
    board.close()


def test_what_nobody_reads_is_no_failure(tmp_path):
    board = ShellBoard(tmp_path / "board", password="one-time")
    keys = HostKeys([str(tmp_path / "known")], True)
    with connect.session(Place(board.address, board.port), LOGIN, keys, 5) as one:
        running = one.start("echo no such command")
        assert running.output() == b"no such command\n"
        running.send(b"x" * 100000)
    board.close()


def test_a_problem_of_who_uses_a_session_stays_one(tmp_path):
    board = ShellBoard(tmp_path / "board", password="one-time")
    keys = HostKeys([str(tmp_path / "known")], True)
    with pytest.raises(Problem, match="mine") as caught:
        with connect.session(Place(board.address, board.port), LOGIN, keys, 5):
            raise Problem("mine")
    assert not isinstance(caught.value, Unreached)
    with pytest.raises(Unreached, match="did not answer within 0.5 s"):
        with connect.session(Place(board.address, board.port), LOGIN, keys, 0.5) as one:
            one.run("sleep 1")
    board.close()


def for_ever():
    while True:
        time.sleep(0.05)
        yield b"x"


@pytest.mark.parametrize(
    "options",
    [{"silent": True}, {"delay": 9}, {"banner": for_ever()}, {"stuck": True}],
    ids=["silent", "slow", "never ends a line", "takes no command"],
)
def test_a_board_that_is_late(server, reach, options):
    start = time.monotonic()
    with pytest.raises(Unreached, match="did not answer within 0.6 s"):
        reach(server(**options), seconds=0.6)
    assert time.monotonic() - start < 3


def test_no_more_is_read_than_a_board_may_send(server, reach, monkeypatch):
    """paramiko keeps errors that nobody reads, however many they are."""
    monkeypatch.setattr(connect, "MOST", 300 * 1000)
    start = time.monotonic()
    limited = []
    monkeypatch.setattr(
        connect, "_Limited", lambda sock, real=connect._Limited: limited.append(real(sock)) or limited[0]
    )
    # Which of its threads meets the end first is left to chance: then the connection broke.
    with contextlib.suppress(Unreached):
        reach(server(stderr="x" * 2000 * 1000, answer=lambda token: ""), seconds=9)
    assert limited[0]._left == 0 and time.monotonic() - start < 3


def test_nobody_listens(server, reach):
    board = server()
    board.close()
    with pytest.raises(Unreached) as caught:
        reach(board)
    assert caught.value.reason == "refused"


@pytest.mark.parametrize(
    "error, reason",
    [
        (socket.gaierror(-2, "Name or service not known"), "name"),
        (OSError(113, "No route to host"), "no_route"),
        (ConnectionResetError(104, "Connection reset by peer"), "no_ssh"),
        (TimeoutError("timed out"), "timeout"),
        (RuntimeError("what nobody thought of"), "other"),
    ],
)
def test_each_error_has_a_reason(monkeypatch, tmp_path, error, reason):
    def fail(*dummy, **named):
        raise error

    monkeypatch.setattr(connect.socket, "create_connection", fail)
    with pytest.raises(Unreached) as caught:
        ask(Place("mars", 22), LOGIN, HostKeys([str(tmp_path / "known")]), TOKEN, 5)
    assert caught.value.reason == reason and reason in NEXT


def test_files_of_keys_that_cannot_be_read(tmp_path):
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(tmp_path / "locked"), password="hunter2")
    (tmp_path / "text").write_text("no key\n")
    assert connect.private_key(str(tmp_path / "locked"), "hunter2") == key
    for name, passphrase, what in (
        ("locked", "", "needs its passphrase"),
        ("locked", "hunter3", "no private key"),
        ("text", "", "no private key"),
        ("missing", "", "cannot be read"),
    ):
        with pytest.raises(Problem, match=what) as caught:
            connect.private_key(str(tmp_path / name), passphrase)
        assert str(tmp_path / name) in caught.value.where and "hunter" not in str(caught.value)
    with pytest.raises(Problem, match="known host keys cannot be read"):
        HostKeys([str(tmp_path)])


def test_without_paramiko_there_is_one_clear_error(monkeypatch):
    connect.check_paramiko("it")
    monkeypatch.setattr(connect, "PARAMIKO_ERROR", ImportError("No module named 'paramiko'"))
    with pytest.raises(Problem) as caught:
        connect.check_paramiko("the inventory plugin riscv.k3s.boards")
    assert "the inventory plugin riscv.k3s.boards needs paramiko" in caught.value.what
    assert "pip install paramiko" in caught.value.next_step and "Python that runs Ansible" in caught.value.where


def test_many_at_a_time_take_the_time_of_the_slowest():
    start = time.monotonic()
    found = gather(range(20), lambda item: time.sleep(item / 100) or item, lambda item: None, 20, 5)
    assert list(found.items()) == [(item, item) for item in range(20)]
    assert time.monotonic() - start < 1


def test_no_more_than_are_wanted_at_a_time():
    now, most = [], []

    def work(item):
        now.append(item)
        most.append(len(now))
        time.sleep(0.02)
        now.remove(item)
        return item

    assert len(gather(range(9), work, lambda item: None, 3, 5)) == 9 and max(most) == 3


def test_one_that_hangs_is_left_behind_and_the_next_has_its_place():
    hangs = threading.Event()
    found = gather("ab", lambda item: hangs.wait(9) if item == "a" else item, lambda item: "late", 1, 0.1)
    hangs.set()
    assert found == {"a": "late", "b": "b"}


def test_a_mistake_of_ours_is_none_of_a_board():
    with pytest.raises(ZeroDivisionError):
        gather([0], lambda item: 1 / item, lambda item: None, 1, 5)
