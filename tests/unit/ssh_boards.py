# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boards that are ssh servers on loopback addresses, by paramiko: each answers as told, in its own time."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import threading
import time

import paramiko

NULL = logging.getLogger("ssh_boards")
NULL.addHandler(logging.NullHandler())
NULL.propagate = False
OS = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n'
MACHINE = {
    "hostname": "board",
    "kernel": "6.12.0-riscv64",
    "machine": "riscv64",
    "memory": "8029512 kB",
    "model": "Milk-V Mars\0",
    "python": "/usr/bin/python3",
    "python_file": "/usr/bin/python3.13",
}
SERVER = {
    "k3s": "/usr/local/bin/k3s",
    "data_dir": "/var/lib/rancher/k3s",
    "running": "/var/lib/rancher/k3s",
    "ran_as": "k3s-server",
}
CLUSTER = "ab" * 32 + "  /var/lib/rancher/k3s/agent/server-ca.crt"


def answer(token, machine=(), system=OS, user="0", board=(), version="k3s version v1.36.3+k3s1 (0)\n", cluster=CLUSTER):
    """What the script with that token writes on a board. ``board`` is None for one where it ended before."""

    def step(name, out, rc=0, err=""):
        return "%s<%s\n%s\n%s>%d\n%s\n" % (token, name, out, token, rc, err)

    def lines(told):
        return "".join("%s %s\n" % pair for pair in told.items() if pair[1] is not None) + "end"

    text = step("machine", lines(dict(MACHINE, **dict(machine)))) + step("system", system) + step("user", user)
    if user != "0" or board is None:
        return text
    told = dict(SERVER, **dict(board))
    text += step("board", lines(told))
    if not told["k3s"]:
        return text
    return text + step("config", token + "=") + step("version", version) + step("cluster", cluster)


class _Server(paramiko.ServerInterface):
    def __init__(self, board):
        self.board = board
        self.command = None
        self.asked = threading.Event()

    def get_allowed_auths(self, username):
        return "publickey,keyboard-interactive" if self.board.questions else "publickey,password"

    def get_banner(self):
        return (self.board.words, "") if self.board.words else (None, None)

    def check_auth_interactive(self, username, submethods):
        self.board.logins.append((username, "questions"))
        return paramiko.InteractiveQuery(*self.board.questions[0])

    def check_auth_interactive_response(self, responses):
        self.board.answers.append(list(responses))
        if len(self.board.answers) < len(self.board.questions):
            return paramiko.InteractiveQuery(*self.board.questions[len(self.board.answers)])
        return paramiko.AUTH_SUCCESSFUL if [self.board.password] in self.board.answers else paramiko.AUTH_FAILED

    def _refuse(self):
        if self.board.tries and len(self.board.logins) % self.board.tries == 0:
            raise EOFError
        return paramiko.AUTH_FAILED

    def check_auth_password(self, username, password):
        self.board.logins.append((username, "password"))
        if self.board.questions:
            return paramiko.AUTH_FAILED
        return paramiko.AUTH_SUCCESSFUL if password == self.board.password else self._refuse()

    def check_auth_publickey(self, username, key):
        self.board.logins.append((username, "key"))
        is_right = self.board.client_key and key.asbytes() == self.board.client_key.asbytes()
        return paramiko.AUTH_SUCCESSFUL if is_right else self._refuse()

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        if self.board.stuck:
            self.board.closed.wait(20)
        self.command = command.decode()
        self.asked.set()
        return True


class SshBoard:
    """One board; ``answer`` makes of a token what it writes. Options: ``delay`` seconds before it answers, ``silent``
    takes connections and says nothing, ``banner`` are the texts that it says instead of ssh, ``stuck`` takes a command
    and does not say so, ``stderr`` is what it writes there, ``words`` what it says before a login. ``tries`` is after
    how many of them that fail it ends the connection; ``questions`` are those of keyboard-interactive, a list of what
    InteractiveQuery takes, in the place of the password.
    """

    def __init__(
        self,
        address,
        port=0,
        answer=answer,
        password="one-time",
        client_key=None,
        delay=0,
        silent=False,
        banner=None,
        stderr="",
        stuck=False,
        words="",
        tries=0,
        questions=(),
    ):
        self.words, self.tries, self.questions, self.answers = words, tries, questions, []
        self.address, self.answer, self.password, self.client_key = address, answer, password, client_key
        self.delay, self.silent, self.banner, self.stderr, self.stuck = delay, silent, banner, stderr, stuck
        self.closed = threading.Event()
        self.host_key = paramiko.ECDSAKey.generate()
        self.logins, self.commands, self.open = [], [], []
        self.socket = socket.create_server((address, port))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def known(self):
        """Its line of known_hosts."""
        return "[%s]:%d %s %s\n" % (self.address, self.port, self.host_key.get_name(), self.host_key.get_base64())

    def close(self):
        self.closed.set()
        for one in (self.socket, *self.open):
            # The thread that waits for the next one would keep it open.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.open.append(self.socket.accept()[0])
                threading.Thread(target=self._serve, args=(self.open[-1],), daemon=True).start()

    def _serve(self, connection):
        if self.silent:
            return
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            for text in self.banner if self.banner is not None else ():
                connection.sendall(text)
            if self.banner is not None:
                connection.close()
                return
            transport = paramiko.Transport(connection)
            transport.set_log_channel("ssh_boards")
            transport.add_server_key(self.host_key)
            server = _Server(self)
            transport.start_server(server=server)
            channel = transport.accept(20)
            if channel and server.asked.wait(20):
                self.commands.append(server.command)
                time.sleep(self.delay)
                channel.sendall(self.answer(re.search(r"riscv-k3s-[0-9a-f]{16}", server.command).group()).encode())
                channel.sendall_stderr(self.stderr.encode())
                channel.send_exit_status(0)
                channel.close()


def same_port(addresses):
    """A port that is free on all addresses."""
    for dummy in range(20):
        with socket.create_server((addresses[0], 0)) as first:
            port = first.getsockname()[1]
        try:
            for address in addresses:
                socket.create_server((address, port)).close()
            return port
        except OSError:
            continue
    raise AssertionError("no port is free on all of %s" % addresses)
