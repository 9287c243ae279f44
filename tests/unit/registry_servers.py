# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries to talk to: the real one of Debian's docker-registry, and one that answers what a test says."""

import contextlib
import http.server
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from prerequisites import missing

USER, PASSWORD = "builder", "correct horse"
# bcrypt of PASSWORD, the only form that the registry reads
HTPASSWD = USER + ":$2b$04$abTo6UWfwHGhTDXExYiXXepXDYvvLLEgp2fBBoGTsP7Ar1sFpw9um\n"


def program(name, package):
    """Path of a program."""
    path = shutil.which(name)
    if path is None:
        missing("%s is missing (Debian package %s)" % (name, package))
    return path


@contextlib.contextmanager
def docker_registry(folder, login=False, certificate=None, key=None):
    """A real registry on 127.0.0.1 with its storage in ``folder``; yields host:port."""
    binary = program("docker-registry", "docker-registry")
    host = "127.0.0.1:%d" % free_port()
    lines = [
        "version: 0.1",
        "log: {level: error}",
        "storage: {filesystem: {rootdirectory: %s}}" % (folder / "storage"),
        "http:",
        "  addr: " + host,
    ]
    if certificate:
        lines.append("  tls: {certificate: %s, key: %s}" % (certificate, key))
    if login:
        (folder / "htpasswd").write_text(HTPASSWD)
        lines.append("auth: {htpasswd: {realm: test, path: %s}}" % (folder / "htpasswd"))
    (folder / "config.yml").write_text("\n".join(lines) + "\n")
    with open(str(folder / "log"), "w") as log:
        process = subprocess.Popen([binary, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        wait_for(host, process)
        yield host
    finally:
        process.terminate()
        process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(host, process, seconds=20):
    name, port = host.split(":")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, "the registry ended"
        with contextlib.suppress(OSError), socket.create_connection((name, int(port)), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail("the registry does not answer")


class Script:
    """What a made-up registry answers: (method, path without query) -> (status, headers, body), a list of such for one
    after the other.
    """

    def __init__(self, answers):
        self.answers = answers
        self.seen = []  # (method, whole path, headers, body)

    def answer(self, method, path, headers, body):
        self.seen.append((method, path, headers, body))
        given = self.answers.get((method, path.split("?")[0]), (404, {}, b""))
        if isinstance(given, list):
            given = given.pop(0) if len(given) > 1 else given[0]
        return given


@contextlib.contextmanager
def scripted(answers, certificate=None, key=None):
    """A server that answers by a Script, by plain http without a certificate; yields (host:port, Script)."""
    script = Script(answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, data = script.answer(self.command, self.path, self.headers, body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_HEAD = do_POST = do_PATCH = do_PUT = handle_any  # noqa: N815  (names that http.server looks for)

        def log_message(self, format, *args):  # noqa: A002
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        # The handshake waits for the first byte that is read, which a thread of its own does.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield "127.0.0.1:%d" % server.server_address[1], script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
