# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A board that is an ssh server on loopback and runs what it is told in a real sh, under a folder that stands for / and
HOME there. Programs that would change the machine are small scripts of its own.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import threading

import paramiko
from ssh_boards import SshBoard

from ansible_collections.riscv.k3s.plugins.module_utils._host.command import SEARCH_PATH

PROGRAMS = {
    # The one user of the folder: of root's rights only what is asked for here.
    "sudo": '[ "$1" = -n ] || { IFS= read -r given; [ "$given" = "$SUDO_PASSWORD" ] || { echo no >&2; exit 1; }; }\n'
    '[ "$1" != -n ] || [ -z "$SUDO_PASSWORD" ] || exit 1\n'
    'while :; do case $1 in -p) shift 2 ;; -*) shift ;; *) break ;; esac; done\nexec "$@"\n',
    "id": 'case $1 in -u) echo "$ACCOUNT" ;; *) exec /usr/bin/id "$@" ;; esac\n',
    # Files of who runs the tests are those of the board's user.
    "ls": '$APPLET ls "$@" | sed "s/^\\([^ ]* *[0-9]* *\\)$(/usr/bin/id -u) /\\1$ACCOUNT /"\n',
    "uname": 'case $1 in -n) cat "$ROOT/running" ;; *) exec /usr/bin/uname "$@" ;; esac\n',
    "hostname": 'echo "$1" >"$ROOT/running"\n',
    "passwd": 'case $1 in -l) sed -i "s/^$2:/&!/" "$ROOT/etc/shadow" ;; -u) sed -i "s/^$2:!/$2:/" "$ROOT/etc/shadow" ;;'
    ' esac\necho "passwd $1" >>"$ROOT/told"\n',
}


class _Shell(paramiko.ServerInterface):
    def __init__(self, board):
        self.board, self.user, self.begun = board, "", []

    def get_allowed_auths(self, username):
        return "publickey,password"

    def check_auth_password(self, username, password):
        self.user = username
        self.board.logins.append("password")
        right = password == self.board.password and not self.board.is_locked(username)
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        self.user = username
        self.board.logins.append("key")
        right = self.board.takes(username, key.get_base64())
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        self.board.commands.append(command.decode())
        if self.board.ending.is_set():
            return False
        self.begun.append(threading.Thread(target=self.board.run_on, args=(channel, command), daemon=True))
        return True

    def after_replies(self, transport):
        """Starts what was asked for when it was answered that it will be, as sshd does: an end must not come before."""
        send = transport._send_user_message

        def sent(message):
            send(message)
            while self.begun and threading.current_thread() is transport:
                self.begun.pop(0).start()

        transport._send_user_message = sent


# Those of a busybox that the scripts start.
APPLETS = ("cat", "chmod", "cp", "dd", "grep", "head", "mkdir", "mv", "rm", "tail", "wc")


class ShellBoard(SshBoard):
    """Options: ``busybox`` is the path of one where the board has nothing else, ``uid`` that of who logs in, ``pam`` is
    whether a locked account's keys are taken, ``reads`` the file of keys that it reads in HOME, ``sudo_password`` ""
    where sudo asks for none, ``lies`` a function from a command to what is answered in its stead, or None; ``lingers``
    are the seconds between the end of what a command writes and its own, in which it ends each other one.
    """

    def __init__(
        self,
        folder,
        busybox=None,
        uid=0,
        pam=True,
        reads=".ssh/authorized_keys",
        sudo_password="",
        lies=None,
        lingers=0,
        **more,
    ):
        self.lingers, self.ending = lingers, threading.Event()
        self.root = pathlib.Path(folder)
        self.busybox, self.uid, self.pam, self.reads = busybox, uid, pam, reads
        self.sudo_password, self.lies = sudo_password, lies
        for name in ("home", "etc", "bin"):
            (self.root / name).mkdir(parents=True)
        for name, text in PROGRAMS.items():
            (self.root / "bin" / name).write_text("#!/bin/sh\n" + text)
            (self.root / "bin" / name).chmod(0o755)
        for name in APPLETS if busybox else ():
            (self.root / "bin" / name).symlink_to(busybox)
        self.home = self.root / "home"
        (self.root / "running").write_text("vendor\n")
        (self.root / "etc/hostname").write_text("vendor\n")
        (self.root / "etc/hosts").write_text("127.0.0.1\tlocalhost\n127.0.1.1\tvendor # ours\n")
        (self.root / "etc/shadow").write_text("root:$6$salt$hash:1:0:99999:7:::\nmango:$6$salt$hash:1:0:99999:7:::\n")
        super().__init__("127.0.0.1", **more)

    def is_locked(self, user):
        return "%s:!" % user in (self.root / "etc/shadow").read_text()

    def takes(self, user, blob):
        with contextlib.suppress(OSError):
            return blob in (self.home / self.reads).read_text(errors="replace") and (
                self.pam or not self.is_locked(user)
            )
        return False

    def files(self):
        """All that lies there, to be compared."""
        return {
            str(path.relative_to(self.root)): (oct(path.lstat().st_mode), path.read_bytes() if path.is_file() else None)
            for path in sorted(self.root.rglob("*"))
        }

    def run_on(self, channel, command):
        # Who asked may be gone.
        with contextlib.suppress(OSError, EOFError):
            first, script = self._script(channel, command)
            told = self.lies((script or command).decode()) if self.lies else None
            if told is None:
                self._run(channel, command, first, script)
            else:
                channel.sendall(told)
            if self.lingers:
                channel.shutdown_write()
                self.ending.set()
                self.closed.wait(self.lingers)
                self.ending.clear()
            channel.send_exit_status(0)
            channel.close()

    @staticmethod
    def _script(channel, command):
        """What sudo reads, and the script that is read behind it, where the command reads one."""
        first, script = b"", b""
        size = re.search(rb"count=([0-9]+)", command)
        while size and b"sudo -S" in command and not first.endswith(b"\n"):
            first += channel.recv(1) or b"\n"
        while size and len(script) < int(size.group(1)):
            script += channel.recv(int(size.group(1)) - len(script)) or b"\0" * int(size.group(1))
        return first, script

    def _run(self, channel, command, first, script):
        # Here lies what a script looks for in / and where programs are.
        size = b"count=%d" % len(script)
        script = script.replace(b"\nroot=\n", b"\nroot=$ROOT\n").replace(b"path=" + SEARCH_PATH.encode(), b"path=$PATH")
        command = command.replace(size, b"count=%d" % len(script))
        shell = [self.busybox, "sh"] if self.busybox else ["/bin/sh"]
        if self.busybox:
            command = command.replace(b"/bin/sh -c", b"%s sh -c" % self.busybox.encode())
        environment = dict(
            os.environ,
            HOME=str(self.home),
            ROOT=str(self.root),
            PATH="%s:%s" % (self.root / "bin", os.environ["PATH"]),
            ACCOUNT=str(self.uid),
            APPLET=self.busybox or "env PATH=/usr/bin:/bin",
            SUDO_PASSWORD=self.sudo_password,
        )
        with subprocess.Popen(
            [*shell, "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=self.home,
            start_new_session=True,
        ) as process:
            threading.Thread(target=self._feed, args=(channel, process.stdin, first + script), daemon=True).start()
            for data in iter(lambda: process.stdout.read1(32768), b""):
                channel.sendall(data)

    @staticmethod
    def _feed(channel, stdin, first):
        with contextlib.suppress(OSError, ValueError):
            stdin.write(first)
            stdin.flush()
            for data in iter(lambda: channel.recv(32768), b""):
                stdin.write(data)
                stdin.flush()
        with contextlib.suppress(OSError, ValueError):
            stdin.close()

    def _serve(self, connection):
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport = paramiko.Transport(connection)
            transport.set_log_channel("ssh_boards")
            transport.add_server_key(self.host_key)
            shell = _Shell(self)
            shell.after_replies(transport)
            transport.start_server(server=shell)
            # What nobody holds is closed.
            channels = []
            while True:
                channels.append(transport.accept(20))
                if channels[-1] is None:
                    return
