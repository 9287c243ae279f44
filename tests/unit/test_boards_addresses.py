# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which boards an inventory of addresses names."""

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._boards.addresses import MOST, Board, addresses, boards


@pytest.mark.parametrize(
    "text, expected",
    [
        ("192.168.173.11", [("192.168.173.11", None)]),
        ("192.168.173.11-13", [("192.168.173.%d" % last, None) for last in (11, 12, 13)]),
        ("192.168.173.11-11", [("192.168.173.11", None)]),
        (
            "192.168.173.254-192.168.174.1",
            [("192.168.173.254", None), ("192.168.173.255", None), ("192.168.174.0", None), ("192.168.174.1", None)],
        ),
        ("192.168.173.11:2222", [("192.168.173.11", 2222)]),
        ("192.168.173.11-12:2222", [("192.168.173.11", 2222), ("192.168.173.12", 2222)]),
        ("fd00::11", [("fd00::11", None)]),
        ("FD00:0::11", [("fd00::11", None)]),
        ("fd00::e-11", [("fd00::e", None), ("fd00::f", None), ("fd00::10", None), ("fd00::11", None)]),
        ("fd00::ffff-fd00::1:0", [("fd00::ffff", None), ("fd00::1:0", None)]),
        ("[fd00::11]", [("fd00::11", None)]),
        ("[fd00::11]:2222", [("fd00::11", 2222)]),
        ("[fd00::11-12]:2222", [("fd00::11", 2222), ("fd00::12", 2222)]),
        ("fe80::1%br-lan", [("fe80::1%br-lan", None)]),
        ("board-1.lan", [("board-1.lan", None)]),
        ("mars", [("mars", None)]),
        ("board-1.lan:22022", [("board-1.lan", 22022)]),
        ("board-[8:10]", [("board-8", None), ("board-9", None), ("board-10", None)]),
        ("board-[09:10].lan:2222", [("board-09.lan", 2222), ("board-10.lan", 2222)]),
    ],
)
def test_addresses(text, expected):
    assert list(addresses(text)) == expected


@pytest.mark.parametrize(
    "text, next_step",
    [
        ("", "give an address"),
        ("192.168.173", "give an address"),
        ("192.168.173.300", "give an address"),
        ("192.168.173.0/28", "give an address"),
        ("192.168.173.11-", "write a range as"),
        ("192.168.173.11-300", "write a range as"),
        ("192.168.173.11-x", "write a range as"),
        ("192.168.173.11-fd00::1", "write a range as"),
        ("192.168.173.20-11", "the lower address of a range first"),
        ("10.0.0.0-10.1.0.0", "at most 4096 boards"),
        ("fd00::-fdff::", "at most 4096 boards"),
        ("board-[0:99999]", "at most 4096 boards"),
        ("board-[9:1]", "the lower number first"),
        ("192.168.173.11:0", "from 1 to 65535"),
        ("192.168.173.11:65536", "from 1 to 65535"),
        ("board_1 -oProxyCommand=x", "give an address"),
        ("-oProxyCommand=x", "give an address"),
        ("root@board", "give an address"),
        ("a..b", "give an address"),
        ("fe80::1%eth0 x", "give an address"),
        ("board\n1", "give an address"),
        ("{{ x }}", "give an address"),
    ],
)
def test_what_is_no_address(text, next_step):
    with pytest.raises(Problem) as caught:
        list(boards([text]))
    assert next_step in caught.value.next_step and "addresses" in caught.value.where


@pytest.mark.parametrize(
    "entries, expected",
    [
        (["192.168.173.11"], [("192.168.173.11", "192.168.173.11", 22)]),
        # Overlapping ranges name a board once.
        (
            ["192.168.173.11-12", "192.168.173.12-13"],
            [("192.168.173.%d" % n, "192.168.173.%d" % n, 22) for n in (11, 12, 13)],
        ),
        # Behind one address.
        (["gate:2201", "gate:2202"], [("gate_2201", "gate", 2201), ("gate_2202", "gate", 2202)]),
        ([{"address": "gate", "port": 2201, "name": "mars"}], [("mars", "gate", 2201)]),
        ([{"address": "gate:2201", "port": 2202}], [("gate_2201", "gate", 2201)]),
        (
            [{"address": "192.168.173.11-12", "port": "2222"}],
            [("192.168.173.%d_2222" % n, "192.168.173.%d" % n, 2222) for n in (11, 12)],
        ),
    ],
)
def test_boards(entries, expected):
    assert [board[:3] for board in boards(entries)] == expected


def test_the_port_of_all_is_no_part_of_names():
    assert boards(["192.168.173.11"], 2222) == [Board("192.168.173.11", "192.168.173.11", 2222, {})]


def test_an_entry_has_a_login_of_its_own():
    assert boards([{"address": "mars", "user": "debian", "password": "x"}])[0].own == {
        "user": "debian",
        "password": "x",
    }


@pytest.mark.parametrize(
    "entries, found",
    [
        (["mars", {"address": "mars", "user": "debian"}], "mars port 22, with different logins"),
        (["mars", {"address": "mars", "name": "venus"}], "mars port 22, as mars and as venus"),
        ([{"address": "a", "name": "x"}, {"address": "b", "name": "x"}], "x"),
        ([{"address": "192.168.173.11-12", "name": "x"}], "x for 192.168.173.11-12"),
        ([{"address": "a", "name": "x\x1b[2J"}], "x\\x1b[2J"),
        ([{"address": "a", "name": "localhost"}], "localhost"),
        ([{"address": "a", "name": "server"}], "server"),
        ([{"address": "a", "adress": "b", "password": "hunter2"}], "adress"),
        ([{"name": "a"}], "without an address"),
        ([7], "without an address"),
        ([["a"]], "without an address"),
        ([{"address": "a", "port": True}], "a with the port True"),
        (["192.168.0.0-192.168.15.255", "mars"], "more than %d boards" % MOST),
    ],
)
def test_entries_that_cannot_be_meant(entries, found):
    with pytest.raises(Problem) as caught:
        boards(entries)
    assert found in caught.value.found and "hunter2" not in str(caught.value)
