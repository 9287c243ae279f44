# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the lab."""

from __future__ import annotations

import argparse
import os
import signal
import sys

import binary
import blank
import boards
import cluster
import controller
import lifecycle
import memory
import network
from common import CONTAINERDS, CONTROLLER, STATE, VERSIONS, LabError, say

USAGE = (
    """\
Two k3s boards and a private registry on this machine, made of namespaces. They start broken, as boards do whose stock
images have no riscv64 content: no way to docker.io, no pause image on board-2. State folder: %s (RISCV_K3S_LAB_DIR).
The first run builds Kubernetes from its Go modules, which takes 5 to 10 minutes; after that `up` takes about
half a minute.
"""
    % STATE
)


def parser():
    """The commands and their options."""
    top = argparse.ArgumentParser(prog="lab", description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    build = commands.add_parser("build", help="install packages and build programs, and nothing else")
    up = commands.add_parser("up", help="bring the lab up, broken")
    up.add_argument("--no-pause", action="store_true", help="leave board-1 without the pause image, too")
    down = commands.add_parser("down", help="end and remove everything of the lab")
    down.add_argument(
        "--check", action="store_true", help="then list what is left of a lab, and fail if there is anything"
    )
    reset = commands.add_parser("reset", help="down, then up")
    for command in (build, up, reset):
        command.add_argument(
            "--containerd",
            metavar="1|2",
            default=os.environ.get("RISCV_K3S_LAB_CONTAINERD") or CONTAINERDS[0],
            help="major version of the boards' containerd (default 1; RISCV_K3S_LAB_CONTAINERD)",
        )
    for command in (up, reset):
        command.add_argument(
            "--boards",
            metavar="LIST",
            default=os.environ.get("RISCV_K3S_LAB_BOARDS") or "server,agent",
            help="what each board is, for example server,server,agent (default server,agent; RISCV_K3S_LAB_BOARDS)",
        )
        command.add_argument(
            "--helm",
            action="store_true",
            default=os.environ.get("RISCV_K3S_LAB_HELM") == "1",
            help="with the helm controller, whose jobs install charts (RISCV_K3S_LAB_HELM=1)",
        )
        command.add_argument(
            "--blank", action="store_true", help="boards without k3s and without a key, known by address and password"
        )
    for command in (build, up, reset):
        command.add_argument(
            "--emulated", action="store_true", help="one board without k3s, a riscv64 machine that is emulated"
        )
    commands.add_parser("status", help="what kubectl and crictl say")
    commands.add_parser("password", help="print the root password of blank boards")
    commands.add_parser("binary", help="write the file of a k3s to stdout, or to FILE").add_argument(
        "version",
        help="%s, or the version itself" % ", ".join("%s = %s" % (n, v) for n, (v, _f) in binary.BINARIES.items()),
    )
    commands.add_parser("inventory", help="print the folder of the inventory for Ansible")
    commands.add_parser(
        "example", help="write an inventory of the documents, from stdin, with the addresses of the lab into FOLDER"
    ).add_argument("folder", metavar="FOLDER")
    upgrade = commands.add_parser("upgrade", help="install the other version of k3s: A = %(A)s, B = %(B)s" % VERSIONS)
    upgrade.add_argument("version", choices=sorted(VERSIONS))
    for name, help_text in (("restart", "restart k3s on a board"), ("reboot", "cut a board's power and boot it again")):
        commands.add_parser(name, help=help_text).add_argument("board")
    execute = commands.add_parser("exec", help="run a command on a board, not by ssh: exec BOARD -- COMMAND ...")
    execute.add_argument("board")
    execute.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    ctl = commands.add_parser(
        "ctl", help="run a command in the controller's network, where the boards can be reached: ctl -- COMMAND ..."
    )
    ctl.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    return top


def perform(options):
    """Do what the command line asks for. Returns the exit code."""
    command = options.command
    known = memory.load()
    boards.lay_out(known.get("layout") or ["server", "agent"], known.get("blank", False), known.get("emulated", False))
    if command in ("build", "up", "down", "reset", "upgrade", "restart", "reboot"):
        with memory.lock():
            return _change(command, options)
    if command == "status":
        cluster.print_status()
    elif command == "inventory":
        print(controller.INVENTORY)
    elif command == "password":
        if not blank.PASSWORD.exists():
            raise LabError("there is no password: no lab with blank boards is up. Next: tests/lab/lab up --blank")
        print(blank.read_password())
    elif command == "binary":
        binary.write(options.version)
    elif command == "example":
        controller.write_example(options.folder, sys.stdin.read())
    elif command == "exec":
        cluster.hand_over(cluster.enter(boards.find(options.board), _argv(options)))
    elif command == "ctl":
        if CONTROLLER not in network.namespaces():
            raise LabError("the lab is not up. Next: tests/lab/lab up")
        cluster.hand_over(network.inside(CONTROLLER, _argv(options)))
    return 0


def _change(command, options):
    if command == "build":
        lifecycle.build_emulated() if options.emulated else lifecycle.build(_containerd(options))
    elif command in ("up", "reset") and options.emulated:
        if command == "reset":
            lifecycle.down()
        lifecycle.up_emulated()
    elif command == "up":
        lifecycle.up(_containerd(options), not options.no_pause, options.helm, options.boards.split(","), options.blank)
    elif command == "down":
        lifecycle.down()
        found = lifecycle.leftovers()
        for line in found:
            say("left over: " + line)
        if options.check and not found:
            say("nothing of a lab is left")
        return 1 if found else 0
    elif command == "reset":
        containerd, layout = _containerd(options), options.boards.split(",")
        boards.check_layout(layout)
        lifecycle.down()
        lifecycle.up(containerd, helm=options.helm, layout=layout, is_blank=options.blank)
    elif command == "upgrade":
        lifecycle.upgrade(options.version)
    elif command == "restart":
        lifecycle.restart(boards.find(options.board))
    elif command == "reboot":
        lifecycle.reboot(boards.find(options.board))
    return 0


def _containerd(options):
    # Not by argparse, which does not look at what comes from the environment.
    options.containerd = options.containerd or CONTAINERDS[0]
    if options.containerd not in CONTAINERDS:
        raise LabError(
            "there is no containerd %s for the boards, there are %s" % (options.containerd, " and ".join(CONTAINERDS))
        )
    return options.containerd


def _argv(options):
    argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    if not argv:
        raise LabError("no command was given. Next: put it after --")
    return argv


def main():
    """Entry point: errors that the user can act upon are one line, without a traceback."""
    # As an interrupt by hand: what was begun is ended, and what is temporary goes.
    signal.signal(signal.SIGTERM, _end)
    try:
        sys.exit(perform(parser().parse_args()))
    except LabError as error:
        sys.exit("lab: %s." % str(error).rstrip("."))
    except KeyboardInterrupt:
        sys.exit("lab: interrupted. Next: tests/lab/lab down")


def _end(_number, _frame):
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
