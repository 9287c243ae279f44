# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the board is: the reader of what board.sh writes, and of the step before it. Pure."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, Optional

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import SEARCH_PATH
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
    "given",
)
_LISTS = ("said", "address", "start", "shut", "directory", "dangling")
SHUT = "k3s cannot be executed on this board"
# Of the files that begin with k3s where services lie, those that start k3s itself, by their name.
_SERVICES = {"server": ("k3s", "k3s-server"), "agent": ("k3s-agent", "k3s-node")}


def read_board(sections, explicit, blank=False):
    """What board.sh told: a text for each of its words, "" where it had nothing to tell, and a list for each of _LISTS.

    ``uptime`` and ``k3s_started`` are seconds since the boot that ``boot_id`` names, ``running`` is the data folder
    that the running containerd's command line names, ``ran_as`` k3s's name as a process (k3s-server, k3s-agent),
    ``unit`` the service that it runs in, ``services`` those that there are, ``rootless`` whose process (a user's id) is
    called like k3s where root has none, ``folder`` the role that the data folder tells (server, agent), ``said`` what
    k3s's environment or its services say of folders, ``role`` and ``service`` follow from these.

    ``manager`` is the service manager, systemd or openrc. Where no program k3s was found, ``given`` is the one
    that the user names, ``start`` by which program k3s or its services were started, ``shut`` are files that may not be
    executed in the places where one was looked for, ``directory`` folders there, ``dangling`` links to nothing.

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
        raise _without_program(board)
    return dict(board, role=_role(board), service=_service(board))


def _without_program(board: Mapping[str, Any]) -> Problem:
    trace = trace_of(board)
    looked = list(_looked(board))
    if board["shut"]:
        what, looked = SHUT, list(_shut(board))
        next_step = "chmod 755 it, where it is the k3s of this board; its file system may also be mounted noexec"
    elif trace:
        what = trace
        next_step = "see how k3s is started there, and make a link to its program in one of the usual folders"
        if not _runs(board):
            next_step += "; where its program is gone, put it back, or remove the service and run riscv.k3s.install"
    elif board["directory"] or board["dangling"]:
        what, looked = "what is called k3s on this board is no program", looked[1:]
        next_step = "put the program k3s in its place; where k3s is not installed, move the folder away, and run "
        if board["dangling"]:
            next_step = "see whether what it leads to is mounted; where k3s is not installed, remove the link, and run "
        next_step += "riscv.k3s.install"
    else:
        what, next_step = "k3s was not found on this board", "install k3s first, by the playbook riscv.k3s.install"
    return Problem(what, found="; ".join(looked), where=board["hostname"], next_step=next_step)


def trace_of(board: Mapping[str, Any]) -> Optional[str]:
    """What tells that a board has k3s where no program of it was found, None for nothing: it runs, or it has a service.
    A sentence without its end; of what other services are called nothing follows.
    """
    if board["k3s"]:
        return None
    if board["ran_as"]:
        role = _role(board)
        return "k3s runs here%s, and its program was not found" % (" as %s" % role if role else "")
    if board["running"]:
        # Of a k3s that was killed, or of what has its folders from k3s, as RKE2.
        return "a containerd runs here as k3s starts one (%s), and no program k3s was found" % board["running"]
    known = [name for names in _SERVICES.values() for name in names if name in _services(board)]
    return "k3s has a service here (%s), and its program was not found" % known[0] if known else None


def _runs(board):
    return board["ran_as"] or board["running"]


def without_program(board: Mapping[str, Any]) -> Optional[str]:
    """The same, with what was looked at."""
    trace = trace_of(board)
    return "%s (%s)" % (trace, "; ".join(_looked(board))) if trace else None


def _looked(board: Mapping[str, Any]) -> Iterator[str]:
    yield "no program %s" % (board["given"] or "k3s in the usual folders, %s" % SEARCH_PATH.replace(":", ", "))
    for start in dict.fromkeys(board["start"]):
        yield "it is started as %s" % start
    yield from _shut(board)
    for place in dict.fromkeys(board["directory"]):
        yield "%s is a folder" % place
    for place in dict.fromkeys(board["dangling"]):
        yield "%s, leads to nothing" % place


def _shut(board: Mapping[str, Any]) -> Iterator[str]:
    for file in dict.fromkeys(board["shut"]):
        yield "the file %s may not be executed" % file


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
    names = _services(board)
    if len(names) == 1:
        return names.pop()
    # The packages of k3s for RPM call it k3s-server; k3s-ansible called it k3s-node, and what came of it still does.
    wanted = _SERVICES.get(_role(board), ())
    return next((name for name in wanted if name in names), "")


def _services(board):
    return {name[: -len(".service")] if name.endswith(".service") else name for name in board["services"].split()}


def _check_user(user):
    if user != "0":
        raise Problem(
            "observing a board needs root there",
            found="user id %s" % (user or "unknown"),
            next_step="set become: true for the play, or connect as root",
        )
