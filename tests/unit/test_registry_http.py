# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to a registry: log-in, redirects, and an error for each way it can go wrong. The other side is a real server on loopback."""

import base64
import json
import socket
import ssl
import subprocess
import urllib.error

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._registry import Registry
from ansible_collections.riscv.k3s.plugins.module_utils._registry_auth import Credentials
from ansible_collections.riscv.k3s.plugins.module_utils._registry_http import Connection
from registry_servers import docker_registry, free_port, program, scripted

ME = Credentials("builder", "s3cret")
OK = {("GET", "/v2/"): (200, {}, b"{}")}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


def answering(status, headers=None, body=b""):
    return {("GET", "/v2/"): (status, headers or {}, body)}


def errors(code, message):
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


STATUSES = [
    (401, errors("UNAUTHORIZED", "log in"), None, "the registry wants a login. Found: 401 (UNAUTHORIZED: log in) for GET /v2/"),
    (401, b"", ME, "the registry refuses user builder"),
    (403, errors("DENIED", "no"), ME, "the registry refuses user builder. Found: 403 (DENIED: no)"),
    (404, b"<html>not here</html>", None, "there is no registry"),
    (400, b"Client sent an HTTP request to an HTTPS server.\n", None, "the registry speaks https"),
    (405, b"", None, "does not take this request"),
    (413, b"<h1>Too large</h1>", None, "the registry finds the layer too large. Found: 413 (Too large)"),
    (429, b"", None, "the registry limits how much may be asked"),
    (500, errors("UNKNOWN", "disk full"), None, "the registry failed. Found: 500 (UNKNOWN: disk full)"),
    (503, b"", None, "the registry failed. Found: 503 for GET /v2/"),
    (418, b'{"errors": "odd"}', None, "the registry refuses the request"),
]


@pytest.mark.parametrize("status, body, credentials, message", STATUSES)
def test_status(status, body, credentials, message):
    with scripted(answering(status, {"WWW-Authenticate": "Basic realm=x"}, body)) as (host, _script):
        with pytest.raises(Problem) as caught:
            Registry(host, plain_http=True, credentials=credentials).check()
    assert message in str(caught.value) and "Where: http://%s." % host in str(caught.value) and "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "answers, waits, status",
    [
        ([(429, {"Retry-After": "2"}, b""), (503, {"Retry-After": "0"}, b""), (200, {}, b"")], [2, 1], 200),
        ([(429, {"Retry-After": "Wed, 01 Jan 2020 00:00:00 GMT"}, b""), (200, {}, b"")], [1], 200),
        ([(429, {"Retry-After": "soon"}, b""), (200, {}, b"")], [], 429),
        ([(429, {}, b""), (200, {}, b"")], [], 429),
        ([(500, {"Retry-After": "2"}, b""), (200, {}, b"")], [], 500),
        # In all no longer than a minute.
        ([(429, {"Retry-After": "25"}, b"")], [25, 25], 429),
        ([(429, {"Retry-After": "3600"}, b"")], [], 429),
    ],
)
def test_it_waits_as_long_as_the_registry_asks(answers, waits, status):
    waited = []
    with scripted({("GET", "/v2/"): answers}) as (host, _script):
        connection = Connection(host, plain_http=True, sleep=waited.append)
        assert connection.request("GET", "/v2/", expect=(status,)).status == status
    assert waited == waits


def test_an_answer_that_breaks_off(tmp_path):
    half = (200, {"Content-Length": "10"}, b"12345")
    with scripted({("GET", "/v2/"): half, ("GET", "/v2/a/blobs/sha256:1"): half}) as (host, _script):
        registry = Registry(host, plain_http=True)
        for ask in (registry.check, lambda: registry.pull_blob("a", "sha256:1", 10, str(tmp_path / "blob"))):
            with pytest.raises(Problem, match="the connection to the registry .* broke off. Found: 5 bytes of an answer are missing"):
                ask()


def test_nothing_listens():
    with pytest.raises(Problem, match="cannot be reached. Found: connection refused"):
        Registry("127.0.0.1:%d" % free_port(), plain_http=True).check()


@pytest.mark.parametrize("plain", [True, False])
def test_name_is_not_known(monkeypatch, plain):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Problem, match="its name is not known .Name or service not known."):
        Registry("registry.invalid:5000", plain_http=plain).check()


def test_silence():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(Problem, match="no answer within 0.2 s"):
            Registry("127.0.0.1:%d" % silent.getsockname()[1], plain_http=True, timeout=0.2).check()


@pytest.mark.parametrize(
    "reason, message",
    [
        (OSError(113, "No route to host"), "No route to host"),
        (ConnectionResetError(104, "Connection reset by peer"), "reset by peer"),
        (ssl.SSLError(1, "odd"), "no TLS there"),
    ],
)
def test_other_failures(monkeypatch, reason, message):
    def fail(*args, **kwargs):
        raise urllib.error.URLError(reason)

    connection = Connection("registry.example:5000")
    monkeypatch.setattr(connection._opener, "open", fail)
    with pytest.raises(Problem, match=message):
        connection.request("GET", "/v2/")


def test_https_to_a_plain_registry():
    with scripted(OK) as (host, _script):
        with pytest.raises(Problem, match="no secure connection.*if this registry speaks plain http, set plain_http: true"):
            Registry(host).check()


def test_basic_login():
    challenge = (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
    with scripted({("GET", "/v2/"): [challenge, (200, {}, b"")], ("HEAD", "/v2/a/blobs/b"): (200, {}, b"")}) as (host, script):
        registry = Registry(host, plain_http=True, credentials=ME)
        registry.check()
        assert registry.has_blob("a", "b")
    expected = "Basic " + base64.b64encode(b"builder:s3cret").decode()
    assert [headers["Authorization"] for _method, _path, headers, _body in script.seen] == [None, expected, expected]


@pytest.mark.parametrize("credentials", [None, ME])
def test_bearer_login(credentials):
    answers = {("GET", "/token"): (200, {}, b'{"token": "T"}')}
    with scripted(answers) as (host, script):
        challenge = 'Bearer realm="http://%s/token",service="reg",scope="repository:a:pull,push"' % host
        answers[("POST", "/v2/a/blobs/uploads/")] = [(401, {"WWW-Authenticate": challenge}, b""), (202, {"Location": "/upload?state=1"}, b"")]
        answers[("PUT", "/upload")] = (201, {}, b"")
        Registry(host, plain_http=True, credentials=credentials).push_blob("a", "sha256:0", 4, data=b"blob")
    seen = [(method, path, headers["Authorization"]) for method, path, headers, _body in script.seen]
    assert seen == [
        ("POST", "/v2/a/blobs/uploads/", None),
        ("GET", "/token?service=reg&scope=repository%3Aa%3Apull%2Cpush", credentials and credentials.basic()),
        ("POST", "/v2/a/blobs/uploads/", "Bearer T"),
        ("PUT", "/upload?state=1&digest=sha256%3A0", "Bearer T"),
    ]
    assert script.seen[-1][3] == b"blob"


def test_a_token_that_ended_is_renewed_and_the_file_sent_again(tmp_path):
    (tmp_path / "blob").write_bytes(b"blob")
    answers = {("GET", "/token"): [(200, {}, b'{"access_token": "first"}'), (200, {}, b'{"token": "second"}')]}
    with scripted(answers) as (host, script):
        denied = (401, {"WWW-Authenticate": 'Bearer realm="http://%s/token"' % host}, b"")
        answers[("POST", "/v2/a/blobs/uploads/")] = [denied, (202, {"Location": "/upload"}, b"")]
        answers[("PUT", "/upload")] = [denied, (201, {}, b"")]
        Registry(host, plain_http=True).push_blob("a", "sha256:0", 4, file=str(tmp_path / "blob"))
    assert [(headers["Authorization"], body) for method, _path, headers, body in script.seen if method == "PUT"] == [
        ("Bearer first", b"blob"),
        ("Bearer second", b"blob"),
    ]


@pytest.mark.parametrize(
    "token, message", [((403, {}, b""), "refuses user builder"), ((200, {}, b"{}"), "gave no token"), ((200, {}, b"<html>"), "gave no token")]
)
def test_token_server_fails(token, message):
    answers = {("GET", "/token"): token}
    with scripted(answers) as (host, _script):
        answers[("GET", "/v2/")] = (401, {"WWW-Authenticate": 'Bearer realm="http://%s/token"' % host}, b"")
        with pytest.raises(Problem, match=message):
            Registry(host, plain_http=True, credentials=ME).check()


def test_who_we_are_is_not_told_to_a_storage_server():
    with scripted({("PUT", "/store"): (201, {}, b""), ("GET", "/config"): (200, {}, b"x")}) as (store, stored):
        answers = {
            ("GET", "/v2/"): [(401, {"WWW-Authenticate": "Basic realm=x"}, b""), (200, {}, b"")],
            ("POST", "/v2/a/blobs/uploads/"): (202, {"Location": "http://%s/store" % store}, b""),
            ("HEAD", "/v2/a/blobs/b"): (307, {"Location": "http://%s/config" % store}, b""),
        }
        with scripted(answers) as (host, _script):
            registry = Registry(host, plain_http=True, credentials=ME)
            registry.check()
            registry.push_blob("a", "sha256:0", 1, data=b"x")
            stored.answers[("HEAD", "/config")] = (200, {}, b"")
            assert registry.has_blob("a", "b")
    assert [(method, headers["Authorization"]) for method, _path, headers, _body in stored.seen] == [("PUT", None), ("HEAD", None)]


def test_a_damaged_blob_and_a_missing_location():
    with scripted({("GET", "/v2/a/blobs/sha256:1"): (200, {}, b"x"), ("POST", "/v2/a/blobs/uploads/"): (202, {}, b"")}) as (host, _script):
        with pytest.raises(Problem, match="came damaged"):
            Registry(host, plain_http=True).blob("a", "sha256:1")
        with pytest.raises(Problem, match="does not say where to upload"):
            Registry(host, plain_http=True).push_blob("a", "sha256:0", 1, data=b"x")


def test_tags_of_several_pages():
    pages = [(200, {"Link": '</v2/a/tags/list?last=2>; rel="next"'}, b'{"tags": ["2", "1"]}'), (200, {}, b'{"tags": ["0"]}')]
    with scripted({("GET", "/v2/a/tags/list"): pages}) as (host, _script):
        assert Registry(host, plain_http=True).tags("a") == ["0", "1", "2"]
        assert Registry(host, plain_http=True).tags("missing") == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that is its own authority: (certificate, key)."""
    openssl = program("openssl", "openssl")
    folder = tmp_path_factory.mktemp("tls")
    made = (str(folder / "cert.pem"), str(folder / "key.pem"))
    command = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=test",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    subprocess.run(command + ["-days", "2", "-out", made[0], "-keyout", made[1]], check=True, stderr=subprocess.DEVNULL)
    return made


def test_tls(tmp_path, certificate):
    with docker_registry(tmp_path, certificate=certificate[0], key=certificate[1]) as host:
        Registry(host, ca_file=certificate[0]).check()
        Registry(host, tls_verify=False).check()
        with pytest.raises(Problem, match="the certificate of 127.0.0.1:[0-9]+ is not trusted. Found: self.signed certificate.*ca_file"):
            Registry(host).check()
        with pytest.raises(Problem, match="the registry speaks https"):
            Registry(host, plain_http=True).check()
        with pytest.raises(Problem, match="Hostname mismatch|not valid for"):
            Registry(host.replace("127.0.0.1", "localhost"), ca_file=certificate[0]).check()


@pytest.mark.parametrize("text, found", [(None, "no such file"), ("no certificate", "no certificate in PEM form")])
def test_bad_ca_file(tmp_path, text, found):
    if text:
        (tmp_path / "ca.pem").write_text(text)
    with pytest.raises(Problem, match="ca.pem cannot be read. Found: " + found):
        Registry("127.0.0.1:1", ca_file=str(tmp_path / "ca.pem"))
