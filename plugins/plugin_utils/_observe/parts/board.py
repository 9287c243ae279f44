# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the board is: the reader of what board.sh writes, and of the step before it. Pure."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem

# What the board tells in a line each, and what it may tell several times.
_WORDS = (
    "hostname",
    "machine",
    "k3s",
    "data_dir",
    "registries",
    "kubeconfig",
    "config_file",
    "boot_id",
    "machine_id",
    "uptime",
    "k3s_started",
    "running",
    "ran_as",
    "unit",
    "services",
    "rootless",
    "folder",
    "manager",
    "differs",
    "stale",
    "shut",
)
_LISTS = ("said", "address")
SHUT = "k3s cannot be executed on this board"


def read_board(sections, explicit, blank=False):
    """What board.sh told: a text for each of its words, "" where it had nothing to tell, lists for said and address.

    ``uptime`` and ``k3s_started`` are seconds since the boot that ``boot_id`` names, ``running`` is the data folder
    that the running containerd's command line names, ``ran_as`` k3s's name as a process (k3s-server, k3s-agent),
    ``unit`` the service that it runs in, ``services`` those that there are, ``rootless`` whose process (a user's id) is
    called like k3s where root has none, ``folder`` the role that the data folder tells (server, agent), ``said`` what
    k3s's environment or its services say of folders, ``role`` and ``service`` follow from these.

    ``manager`` is the service manager, systemd or openrc, ``shut`` a file k3s that may not be executed, where there is
    no program k3s.

    ``explicit`` says whether crictl and ctr were given, so that a board without k3s will do, ``blank`` whether one that
    is to get k3s will. Raises Problem when the board cannot be observed at all.
    """
    _check_user(sections["user"].out.strip())
    if "board" not in sections:
        raise Problem(
            "the observing script ended before it observed the board",
            next_step="check that the board's /bin/sh is a POSIX shell",
        )
    board: Dict[str, Any] = dict(dict.fromkeys(_WORDS, ""), **{word: [] for word in _LISTS})
    is_whole = False
    for line in sections["board"].out.split("\n"):
        word, dummy, value = line.partition(" ")
        is_whole = is_whole or line == "end"
        if word in _LISTS:
            board[word].append(value)
        elif word in _WORDS:
            board[word] = value
    if not is_whole:
        raise Problem(
            "what the board tells of itself breaks off",
            found=sections["board"].out.strip()[-300:] or "nothing",
            next_step="look again; if it stays so, check that the board's /bin/sh is a POSIX shell",
        )
    if not board["k3s"] and not explicit and not blank:
        if board["shut"]:
            raise Problem(
                SHUT,
                found="the file %s may not be executed" % board["shut"],
                where=board["hostname"],
                next_step="chmod 755 it, where it is the k3s of this board; its file system may also be mounted noexec",
            )
        raise Problem(
            "k3s was not found on this board",
            found="no program k3s in the usual folders",
            where=board["hostname"],
            next_step="install k3s first, by the playbook riscv.k3s.install; or name its path in the option k3s, or "
            "for a plain containerd give the options crictl, ctr and containerd_address",
        )
    return dict(board, role=_role(board), service=_service(board))


def _role(board):
    """As what k3s runs; where it does not run, what its data folder was made by."""
    for role in ("server", "agent"):
        if role in board["ran_as"]:
            return role
    return board["folder"]


def _service(board):
    """The service in which k3s runs, else the one that there is for its role; "" where that is not known.

    Alpine's package has one service for both roles.
    """
    if board["unit"]:
        return board["unit"]
    names = {name[: -len(".service")] if name.endswith(".service") else name for name in board["services"].split()}
    if len(names) == 1:
        return names.pop()
    # The packages of k3s for RPM call it k3s-server; k3s-ansible called it k3s-node, and what came of it still does.
    wanted = {"server": ("k3s", "k3s-server"), "agent": ("k3s-agent", "k3s-node")}.get(_role(board), ())
    return next((name for name in wanted if name in names), "")


def _check_user(user):
    if user != "0":
        raise Problem(
            "observing a board needs root there",
            found="user id %s" % (user or "unknown"),
            next_step="set become: true for the play, or connect as root",
        )
