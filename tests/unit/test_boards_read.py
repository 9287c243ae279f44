# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a board tells of itself to an inventory: the script in real shells, and its answer, also a hostile one."""

import os
import platform
import subprocess

import pytest
from fake_board import SHELLS, TOKEN, FakeBoard
from hypothesis import given, settings
from hypothesis import strategies as st
from ssh_boards import OS, answer

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.module_utils.text import printable
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards import script
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.groups import groups, safe, warnings
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.read import UNKNOWN, os_release, read

SCRIPT = "k3s: only root may see it; log in as root, or set become"
K3S = {"installed": True, "role": "server", "version": "v1.36.3+k3s1"}
NONE = {"installed": False, "role": None, "version": None}
NOT_KNOWN = {"installed": None, "role": None, "version": None}


# Those of boards; the frame around is tested in more.
@pytest.fixture(params=[shell for shell in SHELLS if shell[0] != "bash"], ids=lambda shell: shell[0])
def shell(request):
    return request.param


@pytest.fixture
def board(tmp_path):
    board = FakeBoard(tmp_path)
    board.file("proc/meminfo", "MemTotal:        8029512 kB\nMemFree:  1 kB\n")
    board.file("proc/device-tree/model", b"Milk-V Mars\0")
    board.file("root/etc/os-release", OS)
    board.program("python3.13", "#!/bin/sh\n")
    (tmp_path / "bin/python3").symlink_to("python3.13")
    board.file("data/agent/server-ca.crt", "the certificate")
    return board


def look(board, shell, data_dir=None, **options):
    def build(token, dummy, **settings):
        return script.script(token, root=str(board.home / "root"), **dict(settings, **options))

    # As an inventory looks, nobody names the folder; config.yaml leads there in a test.
    board.file("etc/config.yaml", "data-dir: %s\n" % (data_dir or board.data))
    return read(board.run((), shell, build=build, data_dir=None), TOKEN, 30)


def test_a_server(board, shell):
    board.k3s()
    row = look(board, shell)
    assert row["k3s"] == {"installed": True, "role": "server", "version": "v1.24.2+k3s2"}
    assert (row["model"], row["memory_mb"], row["unread"]) == ("Milk-V Mars", 7841, [])
    assert row["os"] == {"id": "debian", "version": "13", "name": "Debian GNU/Linux 13 (trixie)"}
    assert row["python"] == {"path": str(board.home / "bin/python3"), "version": "3.13"}
    if shell != ["busybox", "sh"]:
        assert (row["hostname"], row["kernel"], row["machine"]) == ("Board-1", "6.12.0", "riscv64")
    # sha256sum of the file above.
    assert row["cluster"] == "a5e2afc8822f6538"
    # One start of k3s: containerd and the API are not asked.
    assert board.calls() == ["--version"]


def test_an_agent_that_does_not_run(board, shell):
    board.file("root/usr/lib/os-release", "ID=alpine\nVERSION_ID=3.22.1\n")
    (board.home / "root/etc/os-release").unlink()
    (board.manifests).rmdir()
    (board.data / "server").rmdir()
    row = look(board, shell)
    assert (row["k3s"]["role"], row["os"]["id"], row["os"]["version"]) == ("agent", "alpine", "3.22.1")


def test_k3s_that_never_ran_has_no_role(board, shell):
    row = look(board, shell, data_dir=str(board.home / "nothing"))
    assert row["k3s"] == {"installed": True, "role": None, "version": "v1.24.2+k3s2"}
    assert row["unread"] == ["role of k3s: it does not run, and has not run in %s" % (board.home / "nothing")]
    assert (row["cluster"], groups(row)[-1]) == (None, ("k3s_not_known", None))


def test_a_role_is_not_told_by_a_folder_where_k3s_does_not_keep_its_data(board, shell):
    """A unit names another one, which a second look would find; there is but one."""
    board.file("units/k3s.service", "ExecStart=/usr/local/bin/k3s server --data-dir /elsewhere\n")
    row = look(board, shell)
    assert row["k3s"]["role"] is None and row["cluster"] is None
    assert row["unread"] == ["role of k3s: it does not run, and where its data lies is not known"]


def test_no_k3s(board, shell):
    (board.home / "bin/k3s").unlink()
    row = look(board, shell)
    assert (row["k3s"], row["unread"], groups(row)[-1]) == (NONE, [], ("no_k3s", None))


def test_who_is_not_root_is_told_what_anybody_may_see(board, shell):
    board.program("id", "#!/bin/sh\necho 1000\n")
    board.k3s()
    row = look(board, shell)
    if shell != ["busybox", "sh"] or row["unread"]:
        assert (row["k3s"], row["unread"], row["model"]) == (NOT_KNOWN, [SCRIPT], "Milk-V Mars")
        assert groups(row)[-1] == ("k3s_not_known", None)


def test_a_bare_board(board, shell):
    """No device tree, no os-release, no Python, and a k3s that hangs."""
    for path in ("proc/device-tree/model", "root/etc/os-release", "proc/meminfo"):
        (board.home / path).unlink()
    board.answer("--version", rc=124)
    board.file("root/sys/class/dmi/id/product_name", "Pioneer\n")
    board.k3s(role="agent")
    row = look(board, shell, program_timeout=7)
    assert (row["model"], row["os"]["id"], row["memory_mb"]) == ("Pioneer", None, None)
    assert (row["k3s"]["role"], row["k3s"]["version"]) == ("agent", None)
    assert [text.partition(":")[0] for text in row["unread"]] == ["memory", "os", "version of k3s"]
    assert "did not finish within 30 s" in row["unread"][2]


def test_the_command_is_one_for_each_shell_of_a_login():
    """This machine, as a board: whoever runs the test, its kernel's words are told."""
    fed = script.command(TOKEN)
    output = subprocess.run(fed.command, shell=True, input=fed.data, capture_output=True, check=True, timeout=60)
    assert output.stderr == b""
    row = read(output.stdout.decode(), TOKEN, 30)
    assert (row["machine"], row["kernel"]) == (platform.machine(), platform.release())
    assert row["k3s"]["installed"] is (None if os.geteuid() else row["k3s"]["installed"])


@pytest.mark.parametrize(
    "become, start", [("", "/bin/sh -c '"), ("sudo", "sudo -n /bin/sh -c '"), ("doas", "doas -n /bin/sh -c '")]
)
def test_become(become, start):
    assert script.command(TOKEN, become).command.startswith(start)


@pytest.mark.parametrize(
    "told, expected",
    [
        ({}, {"k3s": K3S, "cluster": "ab" * 8, "unread": []}),
        ({"board": {"ran_as": "", "folder": "agent"}}, {"k3s": dict(K3S, role="agent")}),
        ({"board": {"k3s": "", "ran_as": "", "running": ""}}, {"k3s": NONE, "cluster": None, "unread": []}),
        # It runs, and is no program in the usual folders.
        (
            {"board": {"k3s": ""}},
            {
                "k3s": dict(K3S, version=None),
                "unread": [
                    "version of k3s: no program k3s in the usual folders",
                    "cluster: the board does not tell it",
                ],
            },
        ),
        # It has a service, and nobody looked where that finds its program.
        (
            {"board": {"k3s": "", "ran_as": "", "running": "", "services": "k3s.service "}},
            {"k3s": NOT_KNOWN, "unread": ["k3s: k3s has a service here (k3s), and its program was not found"]},
        ),
        ({"user": "1000"}, {"k3s": NOT_KNOWN, "unread": [SCRIPT]}),
        (
            {"board": None},
            {"k3s": NOT_KNOWN, "unread": ["k3s: the observing script ended before it observed the board"]},
        ),
        ({"cluster": ""}, {"cluster": None, "unread": []}),
        ({"cluster": "x"}, {"cluster": None, "unread": ["cluster: x"]}),
        ({"version": ""}, {"k3s": dict(K3S, version=None), "unread": ["version of k3s: nothing"]}),
        ({"version": "k3s version v1.36.3-\x1b[2J (0)\n"}, {"k3s": dict(K3S, version=None)}),
        ({"machine": {"python": None, "python_file": None}}, {"python": {"path": None, "version": None}, "unread": []}),
        ({"machine": {"python": "/x y"}}, {"unread": ["python: /x y"]}),
        ({"machine": {"model": None}}, {"model": None, "unread": []}),
        ({"machine": {"model": "\0"}}, {"model": None, "unread": []}),
        ({"machine": {"model": "A\x1b]0;x\x07B"}}, {"model": "A\\x1b]0;x\\x07B"}),
        ({"machine": {"model": "x" * 121}}, {"model": None, "unread": ["model: " + "x" * 120]}),
        ({"machine": {"model": "{{ lookup('pipe', 'id') }}"}}, {"model": "{{ lookup('pipe', 'id') }}", "unread": []}),
        ({"machine": {"machine": "riscv64 x"}}, {"machine": None, "unread": ["machine: riscv64 x"]}),
        ({"machine": {"hostname": "-x"}}, {"hostname": None, "unread": ["hostname: -x"]}),
        ({"machine": {"memory": "9" * 13 + " kB"}}, {"memory_mb": None}),
        ({"system": "ID=arch\n"}, {"os": {"id": "arch", "version": None, "name": None}}),
        (
            {"system": "ID='a b'\nPRETTY_NAME=x"},
            {"os": {"id": None, "version": None, "name": "x"}, "unread": ["os: a b"]},
        ),
    ],
)
def test_read(told, expected):
    row = read(answer(TOKEN, **told), TOKEN, 30)
    assert {key: row[key] for key in expected} == expected
    assert set(row) == set(UNKNOWN) and row["reached"]


@pytest.mark.parametrize(
    "output, what",
    [
        ("", "did not run the observing script"),
        ("sudo: a password is required\n", "did not run the observing script"),
        (answer("another"), "did not run the observing script"),
        (answer(TOKEN)[:60], "breaks off in the part 'machine'"),
        ("%s<machine\nhostname x\n%s>0\n\n" % (TOKEN, TOKEN), "breaks off"),
        ("%s<machine\nend\n%s>0\n\n" % (TOKEN, TOKEN), "breaks off before the part"),
    ],
)
def test_what_is_no_answer(output, what):
    with pytest.raises(Problem) as caught:
        read(output, TOKEN, 30)
    assert what in caught.value.what


ANSWERED = answer(TOKEN)


@settings(max_examples=200)
@given(st.integers(0, len(ANSWERED)), st.integers(0, 200), st.text(max_size=200))
def test_no_answer_breaks_the_reader(start, length, text):
    """Whatever stands in it: a row in its form with printable texts, and groups with plain names, or a Problem."""
    try:
        row = read(ANSWERED[:start] + text + ANSWERED[start + length :], TOKEN, 30)
    except Problem:
        return
    assert set(row) == set(UNKNOWN)
    texts = [str(value) for value in (row["model"], *row["os"].values(), *row["k3s"].values(), *row["unread"])]
    assert [printable(text) for text in texts] == texts
    names = [name for pair in groups(row) for name in pair if name]
    assert all(safe(name) == name and len(name) < 140 for name in names)


@pytest.mark.parametrize(
    "text, expected",
    [
        ('ID="openEuler"\nVERSION_ID="22.03"\n', {"ID": "openEuler", "VERSION_ID": "22.03"}),
        ("# a comment\n\nID=alpine\r\n", {"ID": "alpine"}),
        ("ID=a\nID=b", {"ID": "b"}),
        ("ID='never ends\nX=1\nid=x\nY=a b\nZ=", {"X": "1"}),
    ],
)
def test_os_release(text, expected):
    assert os_release(text) == expected


def row_of(**told):
    return dict(read(answer(TOKEN), TOKEN, 30), **told)


@pytest.mark.parametrize(
    "told, expected",
    [
        (
            {},
            [
                ("arch_riscv64", None),
                ("model_milk_v_mars", None),
                ("os_debian_13", "os_debian"),
                ("server", "k3s_cluster"),
            ],
        ),
        ({"os": {"id": "arch", "version": None, "name": None}}, [("os_arch", None)]),
        ({"os": {"id": "openeuler", "version": "24.03", "name": None}}, [("os_openeuler_24_03", "os_openeuler")]),
        ({"os": UNKNOWN["os"], "model": None, "machine": None}, [("server", "k3s_cluster")]),
        ({"model": "../../all:x {{ y }}"}, [("model_all_x_y", None)]),
        ({"model": "星光"}, [("arch_riscv64", None)]),
        ({"model": "x" * 99}, [("model_" + "x" * 60, None)]),
        ({"k3s": NONE}, [("no_k3s", None)]),
        ({"k3s": NOT_KNOWN}, [("k3s_not_known", None)]),
        ({"reached": False}, [("unreachable", None)]),
    ],
)
def test_groups(told, expected):
    found = groups(row_of(**told))
    assert set(expected) <= set(found)
    # Of one that was not reached nothing else is told.
    assert len(found) == 1 or "reached" not in told


def test_warnings_say_from_when_they_are():
    assert list(warnings("mars", row_of())) == []
    row = dict(UNKNOWN, problem={"text": "It refuses."}, unread=["os: x"])
    assert list(warnings("mars", row)) == ["mars is unreachable: It refuses.", "mars, not known of it: os: x"]
    assert "in the cache since yesterday" in next(warnings("mars", row, "yesterday"))
