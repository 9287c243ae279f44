# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What enrolling decides, as tables: keys, host names, /etc/hosts, what is wanted of boards, texts of inventories."""

from __future__ import annotations

import base64

import pytest
import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll import enroll, hostname, inventory_text, keys, wanted
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll.board import Enrolled
from ansible_collections.riscv.k3s.plugins.plugin_utils._enroll.seen import File, Seen, seen
from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.frame import Section

BLOB = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + b"k" * 32).decode()
KEY = keys.Key("ssh-ed25519 %s me@here" % BLOB, "ssh-ed25519", BLOB)
PRINT = "SHA256:" + "A" * 43


@pytest.mark.parametrize(
    "text",
    [KEY.line, KEY.line + "\n", "# mine\n\n%s  \r\n" % KEY.line, "ssh-ed25519  %s\tme@here" % BLOB],
)
def test_public_keys(text):
    assert keys.key(text, "x.pub") == KEY


@pytest.mark.parametrize(
    "text, told",
    [
        ("", "no public key"),
        (KEY.line + "\n" + KEY.line, "no public key"),
        ("ssh-dss AAAA x", "no public key"),
        ("ssh-ed25519 !!!! x", "no public key"),
        # A key says itself what it is.
        ("ssh-rsa %s x" % BLOB, "no public key"),
        ('command="x" ' + KEY.line, "no public key"),
        (KEY.line + "\x1b[2J", "no public key"),
        (KEY.line + "x" * 20000, "no public key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n", "a private key, which stays here"),
    ],
)
def test_what_is_no_public_key(text, told):
    with pytest.raises(Problem, match=told) as caught:
        keys.key(text, "x.pub")
    assert "hunter2" not in str(caught.value) and "x.pub" in caught.value.where


@pytest.mark.parametrize(
    "text, there",
    [
        ("", False),
        (KEY.line, True),
        ("other\n%s\r\n" % KEY.line, True),
        ("ssh-ed25519 %s another comment" % BLOB, True),
        ('no-pty,from="a b" ' + KEY.line, True),
        ('command="echo \\"a b\\" c" ' + KEY.line, True),
        ("# " + KEY.line, False),
        ("#" + KEY.line, False),
        ("ssh-ed25519\xa0%s" % BLOB, False),
        ("ssh-ed25519\t%s" % BLOB, True),
        ("ssh-ed25519 AAAA %s" % BLOB, False),
        # It is in a command, and in a comment of another key.
        ('command="%s" ssh-rsa AAAA' % KEY.line, False),
        ("ssh-rsa AAAA me %s" % KEY.line, False),
    ],
)
def test_whether_a_file_has_the_key(text, there):
    assert keys.holds(text, KEY) is there


def board(folder="drwx------", file="-rw-------", owner=1000, text="", names=1, uid=1000):
    return Seen(
        uid,
        File("drwxr-xr-x", 2, uid, 1),
        File(folder, 2, owner, 1) if folder else None,
        File(file, names, owner, len(text)) if file else None,
        None,
        "vendor",
        "vendor",
        "",
        text,
        "",
    )


@pytest.mark.parametrize(
    "found, add, modes",
    [
        (board(None, None), True, True),
        (board(file=None), True, True),
        (board(), True, False),
        (board(text=KEY.line), False, False),
        (board(text=KEY.line, file="-rw-r--r--"), False, True),
        (board(text=KEY.line, folder="drwxrwxrwx"), False, True),
    ],
)
def test_what_is_to_be_done(found, add, modes):
    assert keys.work(found, KEY) == (add, modes)


@pytest.mark.parametrize(
    "found, told",
    [
        (board(folder="lrwxrwxrwx"), "~/.ssh is a symbolic link"),
        (board(folder="-rw-------"), "~/.ssh is a file"),
        (board(file="lrwxrwxrwx"), "authorized_keys is a symbolic link"),
        (board(file="prw-------"), "authorized_keys is something else"),
        (board(names=2), "2 names"),
        (board(owner=0), "belongs to the user 0"),
    ],
)
def test_files_that_are_left_alone(found, told):
    with pytest.raises(Problem, match="is left alone") as caught:
        keys.work(found, KEY)
    assert told in caught.value.found


def told(account, **texts):
    sections = {"account": Section(0, account, ""), "keys": Section(0, "", ""), "hosts": Section(0, "", "")}
    return {**sections, **{name: Section(*row) for name, row in texts.items()}}


def test_what_a_board_tells():
    account = "uid 0\nhome drwxr-xr-x 5 0 4096\nfile -rw-------. 1 0 178\nhostname vendor\nbecomes root\nend"
    found = seen(told(account, keys=(0, "a\nb", "")))
    assert (found.uid, found.file, found.folder, found.keys) == (0, File("-rw-------", 1, 0, 178), None, "a\nb")
    assert (found.hostname, found.hostname_file, found.becomes) == ("vendor", "", "root")


@pytest.mark.parametrize(
    "sections",
    [
        told(""),
        told("uid 0"),
        told("uid root\nend"),
        told("uid \x1b[2J\nend"),
        told("uid 0\nfile -rw-------\nend"),
        told("uid 0\nfile -rw------- 1 x 178\nend"),
        told("uid 0\nfile -rw------- 1 0 %s\nend" % ("9" * 5000)),
        told("uid 0\nend", keys=(1, "", "Permission denied")),
    ],
)
def test_what_cannot_be_what_a_board_tells(sections):
    with pytest.raises(Problem) as caught:
        seen(sections)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["a", "board-1", "1st", "board.lan", "a" * 63, "x" * 31 + "." + "y" * 32])
def test_names_of_boards(name):
    assert hostname.checked(name, "b") == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-a",
        "a-",
        "A",
        "a_b",
        "a b",
        "a..b",
        ".a",
        "a.",
        "a\n",
        "a;reboot",
        "$(id)",
        "ä",
        "a" * 64,
        "x" * 33 + "." + "y" * 32,
        "10.0.0.1",
        "12",
        "localhost",
        "localhost.lan",
        None,
        5,
        ["a"],
    ],
)
def test_what_is_no_name_of_a_board(name):
    with pytest.raises(Problem):
        hostname.checked(name, "b")


@pytest.mark.parametrize(
    "before, after",
    [
        ("127.0.0.1 localhost\n", "127.0.0.1 localhost\n"),
        ("127.0.1.1\tvendor\n", "127.0.1.1\tmars\n"),
        ("127.0.1.1 vendor.lan vendor", "127.0.1.1 mars.lan mars"),
        ("127.0.1.1  vendor   other # vendor\r\n", "127.0.1.1  mars   other # vendor\r\n"),
        ("127.0.1.1 mars vendor\n", "127.0.1.1 mars vendor\n"),
        ("127.0.1.1 other\n", "127.0.1.1 other mars\n"),
        ("127.0.1.1 vendor2 vendor\n", "127.0.1.1 vendor2 mars\n"),
        (
            "#127.0.1.1 vendor\n127.0.1.10 vendor\n10.0.0.1 vendor\n",
            "#127.0.1.1 vendor\n127.0.1.10 vendor\n10.0.0.1 vendor\n",
        ),
        ("127.0.1.1\n127.0.1.1 # vendor\n", "127.0.1.1\n127.0.1.1 # vendor\n"),
        ("", ""),
    ],
)
def test_lines_of_etc_hosts(before, after):
    assert hostname.hosts(before, "vendor", "mars") == after
    assert hostname.hosts(after, "mars", "mars") == after


def test_a_name_with_a_domain_in_etc_hosts():
    assert hostname.hosts("127.0.1.1 vendor.lan vendor\n", "vendor", "mars.home") == "127.0.1.1 mars.home mars\n"
    # What a board tells as its name is no pattern.
    assert hostname.hosts("127.0.1.1 vendor\n", ".*", "mars") == "127.0.1.1 vendor mars\n"


def test_what_is_wanted_of_each_board():
    found = wanted.wants(
        [
            "192.0.2.1-2",
            {"address": "192.0.2.8-9:2222", "hostname": "board-[8:9]", "user": "debian"},
            {"address": "192.0.2.5", "name": "gateway", "password": 1234, "host_key": PRINT, "hostname": "gate"},
        ],
        "root",
        "one",
    )
    rows = [(one.board.name, one.user, one.password, one.hostname, one.host_key) for one in found]
    assert rows == [
        ("192.0.2.1", "root", "one", "", ""),
        ("192.0.2.2", "root", "one", "", ""),
        ("192.0.2.8_2222", "debian", "one", "board-8", ""),
        ("192.0.2.9_2222", "debian", "one", "board-9", ""),
        ("gateway", "root", "1234", "gate", PRINT),
    ]


@pytest.mark.parametrize(
    "entries, told",
    [
        ([], "no board is named"),
        (["192.0.2.1-0"], "no address of boards"),
        ([{"name": "x"}], "no address of boards"),
        ([{"address": "192.0.2.1", "key_file": "x"}], "what is not known here"),
        ([{"address": "192.0.2.1-3", "hostname": "board-[1:2]"}], "as many names as boards"),
        ([{"address": "192.0.2.1-2", "hostname": "board"}], "as many names as boards"),
        ([{"address": "192.0.2.1", "hostname": "Board"}], "no name that a board can have"),
        ([{"address": "192.0.2.1", "hostname": ["a"]}], "no name that a board can have"),
        ([{"address": "192.0.2.1", "hostname": "board-[9:1]"}], "no address of boards"),
        ([{"address": "192.0.2.%d" % number, "hostname": "same"} for number in (1, 2)], "the same host name"),
        ([{"address": "192.0.2.1", "host_key": "AA:BB"}], "the fingerprint of one board's key"),
        ([{"address": "192.0.2.1-2", "host_key": PRINT}], "the fingerprint of one board's key"),
        ([{"address": "192.0.2.1", "user": "$(id)"}], "no name of a user"),
        ([{"address": "192.0.2.1", "user": "-l"}], "no name of a user"),
        ([{"address": "192.0.2.1", "password": ["hunter2"]}], "password is no text"),
        ([{"address": "192.0.2.1", "password": "hunter2\nx"}], "more than one line"),
        ([{"address": "192.0.2.1", "passwort": "hunter2"}], "what is not known here"),
        ([5], "no address of boards"),
    ],
)
def test_what_cannot_be_wanted(entries, told):
    with pytest.raises(Problem, match=told) as caught:
        wanted.wants(entries, "root", "one")
    assert "hunter2" not in str(caught.value)


def good(role=None, problem=None):
    return Enrolled([], "", False, role, problem)


@pytest.mark.parametrize(
    "found, servers, has_server, made",
    [
        ({"a": good(), "b": good()}, [], False, {"a": "server", "b": "agent"}),
        ({"a": good(), "b": good()}, ["b"], False, {"a": "agent", "b": "server"}),
        ({"a": good(), "b": good()}, ["a", "b"], False, {"a": "server", "b": "server"}),
        # What runs goes before what is first.
        ({"a": good(), "b": good("server")}, [], False, {"a": "agent", "b": "server"}),
        ({"a": good("agent"), "b": good()}, [], False, {"a": "agent", "b": "agent"}),
        ({"a": good(), "b": good()}, [], True, {"a": "agent", "b": "agent"}),
        # No other board becomes the first server because this one was not there today.
        ({"a": good(problem="x"), "b": good()}, [], False, {"b": "agent"}),
    ],
)
def test_which_board_is_a_server(found, servers, has_server, made):
    assert enroll.roles(found, servers, has_server) == made


VARIABLES = {"a": {"ansible_host": "192.0.2.1", "ansible_user": "root"}, "b": {"ansible_user": "debian"}}


def text_of(roles, content=None, servers=()):
    base = inventory_text.empty() if content is None else content
    return inventory_text.render(inventory_text.merged(base, roles, VARIABLES, servers))


def hosts_of(text):
    groups = yaml.safe_load(text)["k3s_cluster"]["children"]
    return {role: list(groups[role]["hosts"]) for role in groups}


def test_a_new_inventory_is_read_again():
    text = text_of({"a": "server", "b": "agent"})
    assert yaml.safe_load(text)["k3s_cluster"]["children"] == {
        "server": {"hosts": {"a": VARIABLES["a"]}},
        "agent": {"hosts": {"b": VARIABLES["b"]}},
    }
    content = inventory_text.read(text)
    assert text_of({"a": "server", "b": "agent"}, content) == text and inventory_text.has_server(content)
    assert inventory_text.read("") == inventory_text.read(None) == inventory_text.empty()
    assert not inventory_text.has_server(inventory_text.empty())


def test_what_somebody_added_stays():
    content = yaml.safe_load(text_of({"a": "server"}))
    content["k3s_cluster"]["vars"] = {"riscv_k3s_registry": "192.0.2.9:6000"}
    content["k3s_cluster"]["children"]["server"]["hosts"] = {"a": {"mine": [1], **VARIABLES["a"], "ansible_port": 1}}
    text = inventory_text.render(content)
    made = text_of({"a": "agent", "b": "agent"}, inventory_text.read(text))
    # A board stays in its group; what is no more so of its address is taken out.
    assert hosts_of(made) == {"server": ["a"], "agent": ["b"]}
    assert yaml.safe_load(made)["k3s_cluster"]["vars"] == content["k3s_cluster"]["vars"]
    kept = yaml.safe_load(made)["k3s_cluster"]["children"]["server"]["hosts"]["a"]
    assert list(kept.items()) == [("mine", [1]), *VARIABLES["a"].items()]
    assert text_of({"a": "agent", "b": "agent"}, inventory_text.read(made)) == made


def test_a_board_moves_where_the_user_says_so():
    content = inventory_text.read(text_of({"a": "server", "b": "agent"}))
    made = text_of({"a": "agent", "b": "server"}, content, ["b"])
    assert hosts_of(made) == {"server": ["b"], "agent": ["a"]}
    assert hosts_of(inventory_text.render(content)) == {"server": ["a"], "agent": ["b"]}


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "# a note\n",
        lambda text: text.replace("# Made by", "# By"),
        lambda text: text.replace("    server:", "      server:"),
        lambda text: text.replace("root", '"root"'),
        lambda text: text.replace("server:", "master:"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "all: {}\n",
        lambda text: "[server]\n192.0.2.1\n",
        lambda text: "- a\n",
        lambda text: "a: [\n",
        lambda text: "a: !vault x\n",
        lambda text: "[" * 5000,
        lambda text: "x\0y",
    ],
)
def test_an_inventory_in_another_form_is_nobody_of_ours(change):
    assert inventory_text.read(change(text_of({"a": "server"}))) is None


def test_names_that_yaml_might_take_for_something_else():
    variables = {name: {"ansible_user": "on"} for name in ("12", "1e3", "yes", "fd00::1", "fe80::1%eth0", "null")}
    made = inventory_text.merged(inventory_text.empty(), dict.fromkeys(variables, "agent"), variables)
    text = inventory_text.render(made)
    assert hosts_of(text)["agent"] == list(variables) and inventory_text.read(text) == made


def test_a_server_that_nobody_knows():
    content = inventory_text.read(text_of({"a": "server"}))
    inventory_text.check_servers(["a", "b"], ["b"], content)
    with pytest.raises(Problem, match="a server is no board that is known") as caught:
        inventory_text.check_servers(["a", "c"], ["b"], content)
    assert caught.value.found == "c"
