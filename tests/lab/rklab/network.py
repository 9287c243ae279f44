# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's network: a bridge in the controller's namespace, one namespace a board, routes for the pods, and no way
out.
"""

from __future__ import annotations

import os
import re

from common import CONTROLLER, CONTROLLER_ADDRESS, NAMESPACE_PREFIX, run

BRIDGE = "lab0"


def namespaces():
    """Names of the lab's network namespaces that exist now."""
    folder = "/run/netns"
    # Whole names: that of another lab may begin as this one's does.
    own = re.compile(re.escape(NAMESPACE_PREFIX) + r"(controller|board-\d+)")
    return sorted(name for name in (os.listdir(folder) if os.path.isdir(folder) else []) if own.fullmatch(name))


def inside(namespace, argv):
    """``argv`` as a command in that network namespace. (`ip netns exec` would also hide the cgroups.)"""
    return ["nsenter", "--net=/run/netns/" + namespace, *argv]


def create(boards):
    """Make the namespaces, the bridge, and a cable from each board to it."""
    run(["ip", "netns", "add", CONTROLLER])
    _ip(CONTROLLER, "link set lo up")
    _ip(CONTROLLER, "link add %s type bridge" % BRIDGE)
    _ip(CONTROLLER, "address add %s/24 dev %s" % (CONTROLLER_ADDRESS, BRIDGE))
    _ip(CONTROLLER, "link set %s up" % BRIDGE)
    for board in boards:
        if board.emulated:
            # The emulator's own end of the cable: the board is no namespace.
            _ip(CONTROLLER, "tuntap add dev %s mode tap" % board.name)
            _ip(CONTROLLER, "link set %s master %s up" % (board.name, BRIDGE))
            continue
        run(["ip", "netns", "add", board.namespace])
        _ip(CONTROLLER, "link add %s type veth peer name eth0 netns %s" % (board.name, board.namespace))
        _ip(CONTROLLER, "link set %s master %s up" % (board.name, BRIDGE))
        _ip(board.namespace, "link set lo up")
        _ip(board.namespace, "address add %s/24 dev eth0" % board.address)
        _ip(board.namespace, "link set eth0 up")
        # Without any route service addresses are unreachable: the kernel wants one before it rewrites the address.
        _ip(board.namespace, "route add 10.43.0.0/16 dev eth0")
        run(inside(board.namespace, ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]))
    for board in boards:
        for namespace in [CONTROLLER] + [other.namespace for other in boards if other is not board]:
            _ip(namespace, "route add %s via %s" % (board.pod_cidr, board.address))


def processes(namespace):
    """Process ids in that network namespace."""
    return [int(pid) for pid in run(["ip", "netns", "pids", namespace], check=False).stdout.split()]


def delete():
    """Remove every namespace of the lab, with what is in it."""
    for name in namespaces():
        run(["ip", "netns", "delete", name])


def _ip(namespace, command):
    run(["ip", "-n", namespace, *command.split()])
