# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_image_info: real registries, and servers that misbehave in each way there is a cause for."""

import json
import socket
import threading
import time

import pytest
import registry_content as content
from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._registry_info import inspect_all
from ansible_collections.riscv.k3s.plugins.module_utils._registry_options import connector
from ansible_collections.riscv.k3s.plugins.modules import registry_image_info
from registry_servers import PASSWORD, USER, docker_registry, free_port, scripted

MANIFEST = ("GET", "/v2/app/manifests/1")


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        client = content.connect(host)
        content.push_image(client, "riscv64/pause", "3.10")
        content.push_image(client, "amd64/pause", "3.10", "amd64")
        content.push_index(client, "many/app", "1", ["amd64", "riscv64"])
        content.push_index(client, "many/app", "old", ["amd64", "arm64"])
        yield host


def ask(images, host, timeout=5, **options):
    entry = dict({"host": host, "plain_http": True, "tls_verify": True, "ca_file": None, "username": None, "password": None}, **options)
    return inspect_all(images, connector({"registries": [entry], "timeout": timeout}), "riscv64")


def ask_one(host, name="app:1", **options):
    return ask(["%s/%s" % (host, name)], host, **options)[0]


def test_a_single_image(registry):
    manifest, blobs = content.image()
    assert ask_one(registry, "riscv64/pause:3.10") == {
        "image": registry + "/riscv64/pause:3.10",
        "exists": True,
        "digest": content.digest_of(manifest),
        "media_type": content.OCI_MANIFEST,
        "platforms": ["linux/riscv64"],
        "size": sum(map(len, blobs)),
        "has_architecture": True,
        "cause": None,
        "message": None,
    }


def test_an_index_shows_its_platforms_without_attestations(registry):
    row = ask_one(registry, "many/app:1")
    assert (row["media_type"], row["platforms"], row["has_architecture"]) == (content.OCI_INDEX, ["linux/amd64", "linux/riscv64"], True)
    assert row["size"] == sum(map(len, content.image("riscv64", (b"layer of riscv64",))[1]))


def test_by_digest(registry):
    digest = ask_one(registry, "riscv64/pause:3.10")["digest"]
    assert ask_one(registry, "riscv64/pause@" + digest)["exists"]


@pytest.mark.parametrize(
    "name, exists, cause, words",
    [
        ("riscv64/pause:3.6", False, "not_found", ["there are 3.10", "publish the image"]),
        ("riscv64/none:1", False, "not_found", ["no such repository there"]),
        ("amd64/pause:3.10", True, "no_architecture", ["has no content for riscv64", "linux/amd64"]),
        ("many/app:old", True, "no_architecture", ["linux/amd64, linux/arm64"]),
    ],
)
def test_what_is_missing(registry, name, exists, cause, words):
    row = ask_one(registry, name)
    assert (row["exists"], row["has_architecture"], row["cause"]) == (exists, False, cause)
    assert all(word in row["message"] for word in words), row["message"]


@pytest.mark.parametrize(
    "answers, cause, words",
    [
        ({MANIFEST: (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")}, "unauthorized", "wants a login"),
        ({MANIFEST: (403, {}, b"")}, "unauthorized", "wants a login"),
        ({MANIFEST: (429, {"Retry-After": "300"}, b"")}, "rate_limited", "wait 300 s"),
        ({MANIFEST: (429, {}, b"")}, "rate_limited", "wait a while"),
        ({MANIFEST: (500, {}, b"<html>oops</html>")}, "server_error", "500 (oops)"),
        ({MANIFEST: (502, {}, b"")}, "server_error", "look at its log"),
        ({MANIFEST: (400, {}, b"Client sent an HTTP request to an HTTPS server.")}, "https_on_http", "leave out plain_http"),
        ({MANIFEST: (418, {}, b"")}, "other", "418"),
        ({MANIFEST: (200, {"Content-Type": content.OCI_MANIFEST}, b"{")}, "damaged", "is damaged"),
        ({MANIFEST: (200, {"Content-Type": content.OCI_INDEX}, b"[]")}, "damaged", "is damaged"),
        ({MANIFEST: (200, {"Content-Type": "text/html"}, b"<html>welcome</html>")}, "other", "text/html"),
        (
            {
                MANIFEST: (
                    200,
                    {"Content-Type": content.OCI_INDEX},
                    json.dumps({"manifests": [{"digest": "sha256:" + "0" * 64, "platform": {"architecture": "riscv64"}}]}).encode(),
                )
            },
            "damaged",
            "lists riscv64, but the registry does not have that manifest",
        ),
    ],
)
def test_bad_answers(answers, cause, words):
    with scripted(answers) as (host, dummy):
        row = ask_one(host)
    assert row["cause"] == cause
    assert words in row["message"]


def test_another_web_server_is_no_registry():
    with scripted({}) as (host, dummy):
        row = ask_one(host)
    assert (row["exists"], row["cause"]) == (None, "unreachable")
    assert "there is no registry" in row["message"]


def test_docker_hub_answers_401_for_a_repository_that_does_not_exist():
    with scripted({}) as (host, script):
        script.answers[MANIFEST] = (401, {"WWW-Authenticate": 'Bearer realm="http://%s/token",scope="repository:app:pull"' % host}, b"")
        script.answers["GET", "/token"] = (200, {}, b'{"token": "t"}')
        row = ask_one(host)
    assert row["cause"] == "unauthorized"
    assert "mend the repository's name" in row["message"]


@pytest.mark.parametrize(
    "name, options, cause, words",
    [
        ("no-such-host.invalid:5000", {}, "dns", "its name is not known"),
        (None, {}, "refused", "nothing listens there"),
        (None, {"plain_http": False}, "refused", "nothing listens there"),
    ],
)
def test_no_way_there(name, options, cause, words):
    row = ask_one(name or "127.0.0.1:%d" % free_port(), **options)
    assert (row["exists"], row["has_architecture"], row["cause"]) == (None, None, cause)
    assert words in row["message"]


def test_a_silent_registry_is_waited_for_once():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(20)
        host = "127.0.0.1:%d" % silent.getsockname()[1]
        start = time.monotonic()
        rows = ask(["%s/app:%d" % (host, number) for number in range(40)], host, timeout=1)
        assert time.monotonic() - start < 3
    assert {row["cause"] for row in rows} == {"timeout"}
    assert [row["image"] for row in rows[:2]] == [host + "/app:0", host + "/app:1"]


def test_a_registry_that_hangs_up():
    with socket.socket() as rude:
        rude.bind(("127.0.0.1", 0))
        rude.listen(1)

        def hang_up():
            rude.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        row = ask_one("127.0.0.1:%d" % rude.getsockname()[1])
        thread.join()
    assert row["cause"] == "unreachable"


def test_https_asked_of_plain_http(registry):
    row = ask_one(registry, "riscv64/pause:3.10", plain_http=False)
    assert row["cause"] == "http_on_https"
    assert "set plain_http: true" in row["message"]


@pytest.mark.parametrize(
    "dates, trusted, options, cause, words",
    [
        ({}, True, {}, "not_found", "no such repository"),
        ({}, False, {}, "tls", "give its authority with ca_file"),
        ({}, False, {"tls_verify": False}, "not_found", "no such repository"),
        ({}, True, {"plain_http": True}, "https_on_http", "leave out plain_http"),
        ({"start": "20390101000000Z"}, True, {}, "clock", "set the clock"),
        ({"end": "20210101000000Z"}, True, {}, "tls", "has expired"),
    ],
)
def test_certificates(tmp_path, dates, trusted, options, cause, words):
    pem, key = content.certificate(tmp_path, **dates)
    with docker_registry(tmp_path, certificate=pem, key=key) as host:
        row = ask_one(host, **dict({"plain_http": False, "ca_file": pem if trusted else None}, **options))
    assert row["cause"] == cause
    assert words in row["message"]


def test_login(tmp_path):
    with docker_registry(tmp_path, login=True) as host:
        assert ask_one(host)["cause"] == "unauthorized"
        wrong = ask_one(host, username=USER, password="wrong")
        assert wrong["cause"] == "unauthorized" and "refuses user builder" in wrong["message"] and "wrong" not in wrong["message"]
        assert ask_one(host, username=USER, password=PASSWORD)["cause"] == "not_found"


def test_credentials_go_to_their_own_registry_only():
    with scripted({MANIFEST: (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")}) as (host, script):
        connect = connector(
            {"registries": [{"host": "other.invalid", "plain_http": True, "tls_verify": True, "ca_file": None, "username": "u", "password": "p"}], "timeout": 5}
        )
        assert connect(host)._connection._credentials is None
        ask_one(host)
    assert all("Authorization" not in headers for dummy, dummy, headers, dummy in script.seen)


def test_rows_keep_their_order_and_repetitions(registry):
    names = [registry + "/" + name for name in ("many/app:old", "riscv64/pause:3.10", "many/app:1", "riscv64/pause:3.10")]
    assert [(row["image"], row["cause"]) for row in ask(names, registry)] == list(zip(names, ("no_architecture", None, None, None)))


@pytest.mark.parametrize(
    "images, options, message",
    [
        (["Not/Valid"], {}, "not an image reference"),
        (["app:1"], {"ca_file": "/no/such/file"}, "cannot be read"),
        (["app:1"], {"username": "only"}, "password is not"),
    ],
)
def test_wrong_options_fail(images, options, message):
    with pytest.raises(Problem) as caught:
        ask(images, "docker.io", **options)
    assert message in str(caught.value)


def test_a_registry_listed_twice_fails():
    entry = {"host": "a"}
    with pytest.raises(Problem):
        connector({"registries": [entry, dict(entry)], "timeout": 5})


def test_docker_io_is_asked_where_it_is_served():
    assert connector({"registries": [], "timeout": 5})("docker.io")._connection.base == "https://registry-1.docker.io"


def test_the_module_itself(registry, monkeypatch, capsys):
    arguments = {
        "images": [registry + "/riscv64/pause:3.10", registry + "/no:1"],
        "registries": [{"host": registry, "plain_http": True}],
        "_ansible_check_mode": True,
    }
    monkeypatch.setattr("ansible.module_utils.basic._ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
    monkeypatch.setattr("ansible.module_utils.basic._ANSIBLE_PROFILE", "legacy", raising=False)
    with pytest.raises(SystemExit) as ended:
        registry_image_info.main()
    result = json.loads(capsys.readouterr().out)
    assert (ended.value.code, result["changed"], [row["cause"] for row in result["images"]]) == (0, False, [None, "not_found"])
