# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which node a board is, and whether those who tell how k3s runs agree."""

import pytest

from ansible_collections.riscv.k3s.plugins.plugin_utils._running.how_it_runs import node_doubt, own_node


def node(name, **row):
    return dict({"name": name, "boot_id": "boot-" + name, "machine_id": "m-" + name, "internal_ip": ""}, **row)


def board(hostname="board-1", boot="boot-board-1", machine="", addresses=(), said=(), **seen):
    identity = {"boot_id": boot, "machine_id": machine, "addresses": list(addresses), "said": list(said)}
    return dict({"hostname": hostname, "identity": identity, "data_dir": "/var/lib/rancher/k3s"}, **seen)


NODES = [node("board-1"), node("board-2"), node("renamed", boot_id="boot-x", internal_ip="10.0.0.3")]
SHARED = [
    node(name, boot_id="b", machine_id="m", internal_ip=ip) for name, ip in (("n1", "10.0.0.1"), ("n2", "10.0.0.2"))
]


@pytest.mark.parametrize(
    "seen, nodes, expected",
    [
        (board(), NODES, "board-1"),
        # Its name says nothing, nor does the inventory's: the kernel's boot does.
        (board("localhost", "boot-x"), NODES, "renamed"),
        (board("BOARD-2", "boot-board-2"), NODES, "board-2"),
        # Boards that share a kernel.
        (board("n2", "b", "m"), SHARED, "n2"),
        (board("x", "b", "m", ["127.0.0.1", "10.0.0.2"]), SHARED, "n2"),
        (board("x", "b", "m", file_settings={"node-name": "n1"}), SHARED, "n1"),
        (board("x", "b", "m", said=["K3S_NODE_NAME=n2"]), SHARED, "n2"),
        # Rows of a kubelet that tells no boot.
        (board("Board-1"), [node("board-1", boot_id="")], "board-1"),
        (board("board-1", ""), NODES, "board-1"),
    ],
)
def test_own_node(seen, nodes, expected):
    row, why = own_node(seen, nodes)
    assert (row["name"], why) == (expected, None)


@pytest.mark.parametrize(
    "seen, nodes, expected",
    [
        (board("board-1", "another"), NODES, "the node board-1 of the API is another machine"),
        (
            board("stranger", "another"),
            NODES,
            "this board (stranger) is no node of the cluster, whose nodes are: board-1",
        ),
        (board("stranger", ""), [], "is no node of the cluster, whose nodes are: none"),
        (board("x", "b", "m"), SHARED, "several nodes of the API could be this board: n1, n2"),
        (board("", ""), NODES, "this board (without a name) is no node"),
        # A container beside the nodes of this kernel, or beside the only one.
        (board("x", "b", "other"), SHARED, "this board (x) is no node"),
        (board("x", "b", "other"), SHARED[:1], "this board (x) is no node"),
    ],
)
def test_no_node_is_no_guess(seen, nodes, expected):
    row, why = own_node(seen, nodes)
    assert row is None and expected in why


@pytest.mark.parametrize(
    "told, files, expected",
    [
        ({}, {}, None),
        ({"data-dir": "/var/lib/rancher/k3s/"}, {"data-dir": "/elsewhere"}, None),
        ({"data-dir": "/mnt/x"}, {}, "k3s's own account (the node board-1) names the data folder /mnt/x"),
        (None, {"data-dir": "/mnt/x"}, "k3s's file of settings names the data folder /mnt/x"),
        (None, {}, None),
        # In other words the same folder; what k3s makes of the last three only what runs tells.
        ({"data-dir": "/var//lib/./rancher/k3s"}, {}, None),
        ({"data-dir": "~/k3s"}, {}, None),
        ({"data-dir": "$HOME/k3s"}, {}, None),
        ({"data-dir": "../k3s"}, {}, None),
    ],
)
def test_where_accounts_differ(told, files, expected):
    found = node_doubt(board(file_settings=files), node("board-1", settings=told))
    assert (found is None) if expected is None else (expected in found)
