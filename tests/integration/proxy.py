# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry that fails when told to: hands requests on to a real one, but for those that a fault is set for.

Run by itself: proxy.py ADDRESS:PORT REGISTRY FOLDER. The file FOLDER/faults.json is a list of faults, FOLDER/log gets a
JSON list
[method, path, status] for each request. A fault hits ``times`` requests of its ``method`` whose path fits the regular
expression ``path``,
after letting ``skip`` of them pass:

    status  answer with ``status`` and ``headers``, without asking the registry
    short   half of the body, said to be all of it (a blob that was cut in the registry's storage)
    cut     half of the body, then the connection is closed
    die     half of the body, then nothing listens here any more
    hang    no answer at all, and the connection stays open
    trickle the whole body, in steps of a second with ``rate`` bytes each
    garbage status 200 and a web page, as a captive portal has it
"""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import modules

PAGE = b"<html><head><title>Sign in</title></head><body>Please sign in to use this network.</body></html>"
_HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")


class Front:
    """Starts and stops the proxy in the controller's network, sets its faults, and reads what it was asked."""

    def __init__(self, lab, folder, address):
        self.lab, self.folder, self.address = lab, pathlib.Path(folder), address
        self._process = None

    def start(self, *faults):
        """Answer from now on, with these faults and an empty log."""
        self.stop()
        self.folder.mkdir(exist_ok=True)
        (self.folder / "log").write_text("", encoding="utf-8")
        _write(self.folder / "faults.json", list(faults))
        self._process = start(self.lab, [sys.executable, __file__, self.address, self.lab.registry, str(self.folder)])
        wait_for(self.lab, self._process, self.address)

    def stop(self):
        """End it, and return when it has ended."""
        if self._process:
            end(self._process)
        self._process = None

    def asked(self, method, pattern=""):
        """[(path, status)] of the requests of this method whose path fits."""
        rows = [json.loads(line) for line in (self.folder / "log").read_text(encoding="utf-8").splitlines()]
        return [(path, status) for asked, path, status in rows if asked == method and re.search(pattern, path)]


def start(lab, argv, log=subprocess.DEVNULL):
    """Start a server in the controller's network. `lab ctl` becomes the command, so the process is the server's own."""
    return subprocess.Popen(
        [str(modules.ROOT / "tests/lab/lab"), "ctl", "--", *argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log
    )


def wait_for(lab, process, address):
    """Wait until a server listens on ADDRESS:PORT; it fails when the process ends before."""
    host, _colon, port = address.partition(":")
    ask = "import socket; socket.create_connection((%r, %s), 2)" % (host, port)

    def listens():
        if process.poll() is not None:
            raise RuntimeError("the server at %s ended with %d" % (address, process.returncode))
        return lab.ctl([sys.executable, "-c", ask], check=False).returncode == 0

    lab.wait("%s listens" % address, listens, 30)


def end(process):
    """End a server."""
    process.terminate()
    process.wait(20)


def fault(kind, method, path, times=1, skip=0, **more):
    """One fault for Front.start."""
    return dict(kind=kind, method=method, path=path, times=times, skip=skip, **more)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    registry, folder = "", pathlib.Path()

    def _serve(self):
        found = self._fault()
        kind = found["kind"] if found else None
        length = int(self.headers.get("Content-Length") or 0)
        if kind in ("cut", "die") and length:
            self.rfile.read(length // 2)
            self._fail(kind)
            return
        body = self.rfile.read(length) if length else None
        if kind == "status":
            self._answer(found["status"], list(found.get("headers", {}).items()), b"", 0)
            return
        if kind == "hang":
            self._log(kind)
            time.sleep(3600)  # or until this server is ended
            return
        if kind == "garbage":
            # Bytes after an answer to HEAD would be read as the next answer, or not, as it falls.
            self._answer(200, [("Content-Type", "text/html")], b"" if self.command == "HEAD" else PAGE, len(PAGE))
            return
        upstream = http.client.HTTPConnection(self.registry, timeout=60)
        try:
            # The Host header stays, so that the registry sends uploads here, too.
            upstream.request(self.command, self.path, body, dict(self.headers))
            answer = upstream.getresponse()
            data, headers = answer.read(), [item for item in answer.getheaders() if item[0].lower() not in _HOP_BY_HOP]
        finally:
            upstream.close()
        size = int(answer.getheader("Content-Length") or 0) if self.command == "HEAD" else len(data)
        if kind in (None, "trickle"):
            self._answer(answer.status, headers, data, size, found["rate"] if kind else None)
            return
        half = data[: len(data) // 2]
        self._answer(answer.status, headers, half, len(half) if kind == "short" else len(data))
        if kind != "short":
            self._fail(kind)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _fault(self):
        """The fault for this request, which is then used up once; None when it is to be served."""
        with self.lock:
            faults = json.loads((self.folder / "faults.json").read_text(encoding="utf-8"))
            for found in faults:
                if found["times"] and found["method"] == self.command and re.search(found["path"], self.path):
                    counter = "skip" if found["skip"] else "times"
                    found[counter] -= 1
                    _write(self.folder / "faults.json", faults)
                    return found if counter == "times" else None
        return None

    def _answer(self, status, headers, data, size, rate=None):
        self._log(status)
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        for begin in range(0, len(data), rate) if rate else ():
            self.wfile.write(data[begin : begin + rate])
            self.wfile.flush()
            time.sleep(1)
        if not rate:
            self.wfile.write(data)
        self.wfile.flush()

    def _fail(self, kind):
        self._log(kind)
        if kind == "die":
            os._exit(0)  # as when the power goes: no connection is closed in order
        self.close_connection = True

    def _log(self, status):
        with self.lock, open(self.folder / "log", "a", encoding="utf-8") as file:
            file.write(json.dumps([self.command, self.path, status]) + "\n")

    def log_message(self, *_args):
        pass


def _write(path, value):
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value), encoding="utf-8")
    part.replace(path)


def main(address, registry, folder):
    host, _colon, port = address.partition(":")
    _Handler.registry, _Handler.folder = registry, pathlib.Path(folder)
    ThreadingHTTPServer((host, int(port)), _Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
