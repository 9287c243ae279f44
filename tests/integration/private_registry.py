# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry with TLS and a password beside the lab's own, and eyes that look for that password."""

from __future__ import annotations

import base64
import contextlib
import os
import pathlib
import secrets
import socket
import subprocess
import threading

import proxy

HOST, USER = "10.99.0.1:5443", "builder"
_SYSLOG = "/dev/log"
_KEPT = _SYSLOG + ".riscv-k3s-test"
_CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
# Perl is part of every Debian, and its crypt knows bcrypt, the only form that the registry reads.
_BCRYPT = r'chomp($p = <STDIN>); print crypt($p, "\$2y\$04\$abTo6UWfwHGhTDXExYiXXe")'
_CONFIG = """\
version: 0.1
log: {{level: info}}
storage: {{filesystem: {{rootdirectory: {0}/storage}}}}
auth: {{htpasswd: {{realm: lab, path: {0}/htpasswd}}}}
http: {{addr: "{1}", tls: {{certificate: {0}/cert.pem, key: {0}/key.pem}}}}
"""


class Private:
    """The registry: started with a new password, and an authority (ca.pem) of its own."""

    def __init__(self, lab, folder):
        self.lab, self.folder, self._process = lab, folder, None
        self.ca_file = folder / "ca.pem"
        self.password = secrets.token_hex(10)

    @property
    def forms(self):
        """How the password could be written: as it is, and as a login by HTTP writes it."""
        return [self.password, base64.b64encode(("%s:%s" % (USER, self.password)).encode()).decode()]

    def start(self):
        ca, cert = [[str(self.folder / (name + end)) for end in (".pem", ".key")] for name in ("ca", "cert")]
        key = str(self.folder / "key.pem")
        _openssl("req", "-x509", *_CURVE, "-subj", "/CN=The lab's authority", "-out", ca[0], "-keyout", ca[1])
        names = ["-subj", "/CN=registry", "-addext", "subjectAltName=IP:" + HOST.partition(":")[0]]
        _openssl("req", "-x509", "-CA", ca[0], "-CAkey", ca[1], *_CURVE, *names, "-out", cert[0], "-keyout", key)
        hashed = subprocess.run(
            ["perl", "-e", _BCRYPT], input=self.password, text=True, capture_output=True, check=True
        ).stdout
        (self.folder / "htpasswd").write_text("%s:%s\n" % (USER, hashed), encoding="ascii")
        (self.folder / "config.yml").write_text(_CONFIG.format(self.folder, HOST), encoding="ascii")
        with open(self.folder / "log", "w", encoding="utf-8") as log:
            self._process = proxy.start(self.lab, ["docker-registry", "serve", str(self.folder / "config.yml")], log)
        proxy.wait_for(self.lab, self._process, HOST)

    def stop(self):
        if self._process:
            proxy.end(self._process)


def _openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


class Watch:
    """What any process of the machine, boards included, has in its argument list; and what goes to the system's log."""

    def __init__(self):
        self.commands, self.messages = set(), []
        self._stopped, self._threads = threading.Event(), []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __enter__(self):
        # The boards see the machine's own /dev. Where it has a log of its own that is put aside; one that nobody reads
        # was left by a test that was killed.
        if _is_read(_SYSLOG):
            os.rename(_SYSLOG, _KEPT)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(_SYSLOG)
        self._socket.bind(_SYSLOG)
        os.chmod(_SYSLOG, 0o666)
        self._socket.settimeout(0.2)
        self._threads = [threading.Thread(target=task) for task in (self._look, self._listen)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error):
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        self._socket.close()
        os.unlink(_SYSLOG)
        with contextlib.suppress(FileNotFoundError):
            os.rename(_KEPT, _SYSLOG)

    def _look(self):
        known = set()
        while not self._stopped.wait(0.05):
            now = set()
            for process in filter(str.isdigit, os.listdir("/proc")):
                with contextlib.suppress(OSError):
                    command = pathlib.Path("/proc", process, "cmdline").read_bytes()
                    now.add((process, command))
            self.commands.update(command for dummy, command in now - known)
            known = now

    def _listen(self):
        while not self._stopped.is_set():
            with contextlib.suppress(socket.timeout):
                self.messages.append(self._socket.recv(1 << 20))


def _is_read(path):
    """Whether somebody listens on the datagram socket ``path``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        try:
            one.connect(path)
        except OSError:
            return False
    return True


def files_with(words, *folders):
    """Files below the folders that hold one of the words. These reach grep by its input, not as arguments."""
    argv = ["grep", "-rlaFs", "-D", "skip", "-f", "-", *map(str, folders)]
    return subprocess.run(argv, input="\n".join(words), text=True, capture_output=True, check=False).stdout.splitlines()
