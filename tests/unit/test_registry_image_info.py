# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry_image_info: real registries, and servers that misbehave in each way there is a cause for."""

import gzip
import io
import json
import socket
import subprocess
import tarfile
import threading
import time
from unittest import mock

import pytest
import registry_content as content
from registry_servers import PASSWORD, USER, docker_registry, free_port, scripted

from ansible_collections.riscv.k3s.plugins.module_utils._oci.manifest import Platform
from ansible_collections.riscv.k3s.plugins.module_utils._registry.info import _content, inspect_all
from ansible_collections.riscv.k3s.plugins.module_utils._registry.read import Found
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import accesses
from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.skopeo import Skopeo
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.modules import registry_image_info

pytestmark = pytest.mark.usefixtures("fresh_home")
PING, MANIFEST = ("GET", "/v2/"), ("GET", "/v2/app/manifests/1")
HERE = {PING: (200, {}, b"{}")}


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with docker_registry(tmp_path_factory.mktemp("registry")) as host:
        content.push_image(host, "riscv64/pause", "3.10")
        content.push_image(host, "amd64/pause", "3.10", "amd64")
        content.push_image(host, "docker/pause", "3.10", kind=content.DOCKER_MANIFEST)
        content.push_index(host, "many/app", "1", ["amd64", "riscv64"])
        content.push_index(host, "many/app", "old", ["amd64", "arm64"])
        yield host


def ask(images, host, timeout=5, **options):
    with content.opened(host, timeout=timeout, **options) as skopeo:
        return inspect_all(images, skopeo, Platform("riscv64"))


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
        "user": "",
        "origin": None,
        "has_architecture": True,
        "cause": None,
        "message": None,
    }


def test_an_index_shows_its_platforms_without_attestations(registry):
    row = ask_one(registry, "many/app:1")
    assert (row["media_type"], row["platforms"], row["has_architecture"]) == (
        content.OCI_INDEX,
        ["linux/amd64", "linux/riscv64"],
        True,
    )
    assert row["size"] == sum(map(len, content.image("riscv64", (b"layer of riscv64",))[1]))


def test_by_digest(registry):
    digest = ask_one(registry, "riscv64/pause:3.10")["digest"]
    assert ask_one(registry, "riscv64/pause@" + digest)["exists"]


def test_an_image_of_docker_s_own_format(registry):
    row = ask_one(registry, "docker/pause:3.10")
    assert (row["media_type"], row["has_architecture"]) == (content.DOCKER_MANIFEST, True)


@pytest.mark.parametrize(
    "name, exists, cause, words",
    [
        ("riscv64/pause:3.6", False, "no-such-image", ["there are 3.10", "publish the image"]),
        ("riscv64/none:1", False, "no-such-image", ["no such repository there"]),
        ("amd64/pause:3.10", True, "no-platform", ["has no content for riscv64", "linux/amd64"]),
        ("many/app:old", True, "no-platform", ["linux/amd64, linux/arm64"]),
    ],
)
def test_what_is_missing(registry, name, exists, cause, words):
    row = ask_one(registry, name)
    assert (row["exists"], row["has_architecture"], row["cause"]) == (exists, False, cause)
    assert all(word in row["message"] for word in words), row["message"]


def test_what_somebody_brought_as_a_file_is_held(registry, tmp_path):
    """As docs/supply.md says for machines without internet; from an index, as most public images are one."""
    file, target = "docker-archive:%s" % (tmp_path / "a.tar"), "docker://%s/stock/rancher/klipper-helm:v1" % registry
    words = ["--override-arch", "riscv64", "--src-tls-verify=false", "docker://%s/real/app:1" % registry, file]
    tar = io.BytesIO()
    tarfile.open(fileobj=tar, mode="w").close()
    rootfs = {"type": "layers", "diff_ids": [content.digest_of(tar.getvalue())]}
    manifest, blobs = content.image(layers=(gzip.compress(tar.getvalue()),), rootfs=rootfs)
    for blob in blobs:
        content.push_blob(registry, "real/app", blob)
    content.push_manifest(registry, "real/app", content.digest_of(manifest), content.OCI_MANIFEST, manifest)
    index = content.index([content.entry(manifest, "riscv64")])
    content.push_manifest(registry, "real/app", "1", content.OCI_INDEX, index)
    for arguments in (words, ["--dest-tls-verify=false", file, target]):
        subprocess.run([content.program("skopeo", "skopeo"), "--insecure-policy", "copy", "-q", *arguments], check=True)
    assert ask_one(registry, "stock/rancher/klipper-helm:v1")["has_architecture"]


def test_an_index_that_is_wrong_about_its_image(registry):
    """Builds on another machine without --platform (k3s 1285, calico 4256, descheduler 1886)."""
    manifest, blobs = content.image("amd64")
    for blob in blobs:
        content.push_blob(registry, "mixed/app", blob)
    content.push_manifest(registry, "mixed/app", content.digest_of(manifest), content.OCI_MANIFEST, manifest)
    index = content.index([content.entry(manifest, "riscv64")])
    content.push_manifest(registry, "mixed/app", "1", content.OCI_INDEX, index)
    row = ask_one(registry, "mixed/app:1")
    assert (row["has_architecture"], row["cause"]) == (False, "no-platform")
    words = ["its content says otherwise", "its index names linux/riscv64", "docker buildx build --platform"]
    assert all(word in row["message"] for word in words) and "has no content" not in row["message"]


def lacking_index():
    return content.index([content.entry(b"{}", "riscv64")])


@pytest.mark.parametrize(
    "answers, cause, words",
    [
        ({MANIFEST: (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")}, "registry-auth", "requires a login"),
        ({MANIFEST: (403, {}, b"")}, "registry-auth", "requires a login"),
        ({MANIFEST: (429, {"Retry-After": "300"}, b"")}, "registry-rate-limit", "wait a while"),
        ({MANIFEST: (429, {}, b"")}, "registry-rate-limit", "wait a while"),
        ({MANIFEST: (500, {}, b"<html>oops</html>")}, "registry-fault", "500 Internal Server Error"),
        ({MANIFEST: (502, {}, b"")}, "registry-fault", "look at its log"),
        ({PING: (502, {}, b"")}, "registry-fault", "502"),
        ({PING: (400, {}, b"Client sent an HTTP request to an HTTPS server.")}, "unknown", "400"),
        ({MANIFEST: (418, {}, b"")}, "unknown", "418"),
        ({MANIFEST: (200, {"Content-Type": content.OCI_MANIFEST}, b"{")}, "content-damaged", "no JSON"),
        ({MANIFEST: (200, {"Content-Type": content.OCI_INDEX}, b"[]")}, "content-damaged", "no JSON object"),
        ({MANIFEST: (200, {"Content-Type": "text/html"}, b"<html>welcome</html>")}, "no-registry", "a web page"),
        (
            {MANIFEST: (200, {"Content-Type": content.OCI_INDEX}, lacking_index())},
            "content-damaged",
            "its index lists %s, which the registry does not have" % content.digest_of(b"{}"),
        ),
    ],
)
def test_bad_answers(answers, cause, words):
    with scripted({**HERE, **answers}) as (host, dummy):
        row = ask_one(host, timeout=1)
    assert (row["exists"], row["cause"]) == (None, cause)
    assert words in row["message"]


def test_another_web_server_is_no_registry():
    with scripted({}) as (host, dummy):
        row = ask_one(host)
    assert (row["exists"], row["cause"]) == (None, "no-registry")
    assert "is not a registry" in row["message"]


def test_docker_hub_answers_401_for_a_repository_that_does_not_exist():
    with scripted({}) as (host, script):
        asks = {"WWW-Authenticate": 'Bearer realm="http://%s/token",scope="repository:app:pull"' % host}
        script.answers[PING] = script.answers[MANIFEST] = (401, asks, b"")
        script.answers["GET", "/token"] = (200, {}, b'{"token": "t"}')
        row = ask_one(host)
    assert (row["exists"], row["cause"]) == (None, "registry-auth")
    assert "some say so of a name that does not exist" in row["message"]


@pytest.mark.parametrize(
    "name, options, cause, words",
    [
        ("no-such-host.invalid:5000", {}, "registry-name", "(DNS)"),
        (None, {}, "registry-refused", "nothing listens"),
        (None, {"plain_http": False}, "registry-refused", "nothing listens"),
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
    assert {row["cause"] for row in rows} == {"registry-timeout"}
    assert [row["image"] for row in rows[:2]] == [host + "/app:0", host + "/app:1"]
    assert all(row["message"].startswith(row["image"] + " cannot be read") for row in rows)


def test_a_registry_that_hangs_up():
    with socket.socket() as rude:
        rude.bind(("127.0.0.1", 0))
        rude.listen(9)

        def hang_up():
            # As often as somebody comes, until the test shuts it.
            try:
                while True:
                    rude.accept()[0].close()
            except OSError:
                pass

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        row = ask_one("127.0.0.1:%d" % rude.getsockname()[1])
        rude.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert row["cause"] == "registry-broken"


def test_https_asked_of_plain_http(registry):
    row = ask_one(registry, "riscv64/pause:3.10", plain_http=False)
    assert row["cause"] == "plain-http"
    assert "set plain_http" in row["message"]


@pytest.mark.parametrize(
    "dates, trusted, options, cause, words",
    [
        ({}, True, {}, "no-such-image", "no such repository"),
        ({}, False, {}, "tls-authority", "set riscv_k3s_registry_ca_file to"),
        ({}, False, {"tls_verify": False}, "no-such-image", "no such repository"),
        # skopeo has no way to ask by http only: it tries https first, and takes any certificate then.
        ({}, True, {"plain_http": True}, "https-on-http", "leave out plain_http"),
        ({}, False, {"plain_http": True, "username": USER, "password": PASSWORD}, "https-on-http", "leave out plain"),
        ({"start": "20390101000000Z"}, True, {}, "registry-clock", "set the clock"),
        ({"end": "20210101000000Z"}, True, {}, "registry-clock", "has expired"),
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
        assert ask_one(host)["cause"] == "registry-auth"
        wrong = ask_one(host, username=USER, password="wr0ng")
        assert wrong["cause"] == "registry-auth" and "refuses user builder" in wrong["message"]
        assert "wr0ng" not in wrong["message"]
        assert ask_one(host, username=USER, password=PASSWORD)["cause"] == "no-such-image"


def test_credentials_go_to_their_own_registry_only():
    asks = (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
    with scripted({PING: asks, MANIFEST: asks}) as (host, script):
        entries = [{"host": host, "plain_http": True}, {"host": "127.0.0.1:1", "username": "u", "password": "p"}]
        with Skopeo(accesses({"registries": entries}), 5) as skopeo:
            assert inspect_all([host + "/app:1"], skopeo, Platform("riscv64"))[0]["cause"] == "registry-auth"
    # Where it has no login skopeo sends one without user and password.
    assert {headers.get("Authorization") for dummy, dummy, headers, dummy in script.seen} <= {None, "Basic Og=="}
    assert len(script.seen) > 1


def test_rows_keep_their_order_and_repetitions(registry):
    names = [
        registry + "/" + name for name in ("many/app:old", "riscv64/pause:3.10", "many/app:1", "riscv64/pause:3.10")
    ]
    assert [(row["image"], row["cause"]) for row in ask(names, registry)] == list(
        zip(names, ("no-platform", None, None, None))
    )


@pytest.mark.parametrize(
    "images, options, message",
    [
        (["Not/Valid"], {}, "not an image reference"),
        (["app:1"], {"ca_file": "/no/such/file"}, "no file /no/such/file"),
        (["app:1"], {"username": "only"}, "username without password"),
        (["app:1"], {"password": "only"}, "password without username"),
        (["app:1"], {"cert_file": "/etc/hostname"}, "one of cert_file and key_file"),
        (["app:1"], {"ca_file": "ca.pem"}, "no file ca.pem in /"),
        (["app:1"], {"ca_file": "/etc/hostname"}, "/etc/hostname holds no certificate"),
        (["app:1"], {"host": "http://a:5000"}, "'http://a:5000' is not a registry"),
        (["app:1"], {"host": "a:5000/"}, "'a:5000/' is not a registry"),
        (["app:1"], {"host": "registry.gitlab.com/group"}, "leave out scheme and path"),
        (["app:1"], {"timeout": 0}, "0 is not a timeout"),
        (["app:1"], {"timeout": -5}, "-5 is not a timeout"),
    ],
)
def test_wrong_options_fail(images, options, message):
    with pytest.raises(Problem) as caught:
        host = options.pop("host", "docker.io")
        entry = dict({"host": host}, **{key: value for key, value in options.items() if key != "timeout"})
        with Skopeo.of({"registries": [entry], "timeout": options.get("timeout", 5)}) as skopeo:
            inspect_all(images, skopeo, Platform("riscv64"))
    assert message in str(caught.value)


def test_a_registry_listed_twice_fails():
    entry = {"host": "a"}
    with pytest.raises(Problem, match="listed twice"):
        accesses({"registries": [entry, dict(entry)]})


def test_the_module_itself(registry, monkeypatch, capsys):
    arguments = {
        "images": [registry + "/riscv64/pause:3.10", registry + "/no:1"],
        "registries": [{"host": registry, "plain_http": True}],
        "_ansible_check_mode": True,
    }
    monkeypatch.setattr(
        "ansible.module_utils.basic._ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
    )
    monkeypatch.setattr("ansible.module_utils.basic._ANSIBLE_PROFILE", "legacy", raising=False)
    with pytest.raises(SystemExit) as ended:
        registry_image_info.main()
    result = json.loads(capsys.readouterr().out)
    assert (ended.value.code, result["changed"], [row["cause"] for row in result["images"]]) == (
        0,
        False,
        [None, "no-such-image"],
    )


@pytest.mark.parametrize("config, user", [({"User": "1000:1"}, "1000:1"), ({"User": 7}, ""), ({}, ""), ("odd", "")])
def test_the_user_that_an_image_names(config, user):
    found = Found(mock.Mock(), mock.Mock(blobs={}, data=b"{}"), ["linux/riscv64"], {"config": config})
    assert _content(found)["user"] == user
    assert _content(found._replace(image=None, config={}))["user"] is None
    assert len(_content(found._replace(config={"config": {"User": "x" * 5000}}))["user"]) == 200


@pytest.mark.parametrize(
    "annotations, origin",
    [
        (
            {
                "org.opencontainers.image.title": "coredns",
                "org.opencontainers.image.version": "1.14.7",
                "org.opencontainers.image.source": "https://github.com/coredns/coredns",
                "org.opencontainers.image.revision": "v1.14.7",
                "riscv.k3s.recipe": "coredns",
            },
            "coredns 1.14.7, https://github.com/coredns/coredns v1.14.7, built by recipe coredns",
        ),
        ({"org.opencontainers.image.version": "3"}, "3"),
        ({"org.opencontainers.image.version": "3\x1b[2J"}, "3\\x1b[2J"),
        ({"org.opencontainers.image.version": ["3"], "other": "x"}, None),
        ({"org.opencontainers.image.title": "x" * 5000}, "x" * 200),
        ("odd", None),
        (None, None),
    ],
)
def test_what_an_image_says_of_where_it_comes_from(annotations, origin):
    image = mock.Mock(blobs={}, data=json.dumps({"annotations": annotations}).encode())
    assert _content(Found(mock.Mock(), image, [], {}))["origin"] == origin
