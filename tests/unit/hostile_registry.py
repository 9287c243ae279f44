# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry that does what a test wants, and notes whom it was told what: the attacker of test_hostile_registry.py.

Without rules it is a good registry, with what was put there. A rule changes the answers to some questions.
"""

import contextlib
import http.server
import re
import socket
import ssl
import subprocess
import threading
from typing import NamedTuple

import registry_content as content
from registry_servers import program


class Asked(NamedTuple):
    """One request. ``host`` is the server that got it, ``authorization`` the header or None."""

    scheme: str
    host: str
    method: str
    path: str
    authorization: str
    body: bytes


class Hostile:
    """A server at ``address`` on a port of its own; with ``certificate`` (paths of it and its key) it speaks https.

    ``rules`` is a list of (pattern, answer): the pattern is searched in "METHOD /path", and the first that fits holds.
    An answer is (status, {header: value}, body), or a function of (Asked, connection), which returns one, or None when
    it has written to the connection itself. A body is bytes, or an iterator of bytes, sent in chunks.
    """

    def __init__(self, address, certificate=None):
        self.rules, self.asked, self.ended = [], [], threading.Event()
        self.manifests, self.blobs = {}, {}
        self.scheme = "https" if certificate else "http"
        self._server = _Server((address, 0), _Handler)
        self._server.hostile = self
        self._server.tls = _tls(certificate) if certificate else None
        self.port = self._server.server_address[1]
        self.host = "%s:%d" % (address, self.port)
        self.url = "%s://%s" % (self.scheme, self.host)

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()

    def rule(self, pattern, answer):
        """Put a rule before all others."""
        self.rules.insert(0, (pattern, answer))

    def put(self, tag, manifest, blobs=(), kind=content.OCI_MANIFEST):
        """Have a manifest under a tag (None: only under its digest) with its blobs; returns its digest."""
        digest = content.digest_of(manifest)
        for name in filter(None, (tag, digest)):
            self.manifests[name] = (kind, manifest)
        self.blobs.update({content.digest_of(blob): blob for blob in blobs})
        return digest

    def put_image(self, tag, *args, **kwargs):
        """Have a small image; arguments as those of registry_content.image."""
        return self.put(tag, *content.image(*args, **kwargs))

    def answer(self, asked, connection):
        self.asked.append(asked)
        for pattern, given in self.rules:
            if re.search(pattern, "%s %s" % (asked.method, asked.path)):
                return given(asked, connection) if callable(given) else given
        return self.good(asked)

    def good(self, asked):
        """What a registry without malice answers."""
        path, dummy, query = asked.path.partition("?")
        rest = re.fullmatch(r"/v2/(?:(.+)/(manifests|blobs|tags)/(.+))?", path)
        if not rest:
            return 404, {}, b"404 page not found\n"
        if not rest.group(1):
            return 200, {}, b"{}"
        return getattr(self, "_" + rest.group(2))(asked, rest.group(3), query)

    def _manifests(self, asked, name, _query):
        if asked.method == "PUT":
            return self._stored(name, asked)
        if name not in self.manifests:
            return 404, {}, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
        kind, data = self.manifests[name]
        return 200, {"Content-Type": kind, "Docker-Content-Digest": content.digest_of(data)}, data

    def _stored(self, name, asked):
        self.put(name, asked.body)
        return 201, {"Docker-Content-Digest": content.digest_of(asked.body)}, b""

    def _blobs(self, asked, name, query):
        if name.startswith("uploads"):
            return self._uploads(asked, query)
        if name not in self.blobs:
            return 404, {}, b'{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]}'
        return 200, {"Content-Type": "application/octet-stream"}, self.blobs[name]

    def _uploads(self, asked, query):
        if asked.method == "PUT":
            digest = re.search(r"digest=(sha256(?::|%3A)[0-9a-f]{64})", query).group(1).replace("%3A", ":")
            self.blobs[digest] = self._uploading + asked.body
            return 201, {"Location": "/v2/x/blobs/" + digest}, b""
        self._uploading = b"" if asked.method == "POST" else self._uploading + asked.body
        return (
            202,
            {"Location": asked.path.partition("?")[0].rstrip("/") + "/1", "Docker-Upload-UUID": "1", "Range": "0-0"},
            b"",
        )

    def _tags(self, _asked, _name, _query):
        return 200, {"Content-Type": "application/json"}, b'{"name":"app","tags":["1"]}'


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def get_request(self):
        connection, address = super().get_request()
        # The handshake comes with the first read, in the thread of the connection.
        return (
            self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            if self.tls
            else connection
        ), address

    def handle_error(self, request, client_address):
        pass  # clients that go away are what is tested


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def handle_any(self):
        hostile = self.server.hostile
        asked = Asked(
            hostile.scheme, hostile.host, self.command, self.path, self.headers.get("Authorization"), self._body()
        )
        given = hostile.answer(asked, self)
        if given is None:
            self.close_connection = True
            return
        self.send(*given)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815  (names that http.server looks for)

    def _body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while True:
            size = int(self.rfile.readline(), 16)
            parts.append(self.rfile.read(size + 2)[:size])
            if not size:
                return b"".join(parts)

    def send(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name, one)
        sized = isinstance(body, bytes)
        if status != 204 and "Content-Length" not in headers:
            self.send_header(*(("Content-Length", str(len(body))) if sized else ("Transfer-Encoding", "chunked")))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body) if sized else self._send_chunks(body)

    def _send_chunks(self, parts):
        for part in parts:
            if self.server.hostile.ended.is_set():
                return
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def raw(self, *parts, pause=0.0):
        """Write bytes to the connection as they are, with a pause (seconds) after each part."""
        for part in parts:
            self.wfile.write(part)
            self.wfile.flush()
            if self.server.hostile.ended.wait(pause) if pause else self.server.hostile.ended.is_set():
                return

    def cut(self):
        """Close the connection at once."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, format, *args):  # noqa: A002
        pass


def _tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def certificate(folder, addresses):
    """(certificate, key) for ``addresses`` and localhost: nothing but what is tested keeps a client from there."""
    names = ",".join(["IP:" + address for address in addresses] + ["DNS:localhost"])
    made = [str(folder / "certificate.pem"), str(folder / "key.pem")]
    argv = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3000", "-subj", "/CN=hostile", "-addext"] + [
        "subjectAltName=" + names
    ]
    subprocess.run(
        [program("openssl", "openssl")] + argv + ["-out", made[0], "-keyout", made[1]], check=True, capture_output=True
    )
    return made
