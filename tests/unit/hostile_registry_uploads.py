# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks by a registry that something is published to: where it goes on, what is kept.

See test_hostile_registry.py.
"""

import json

from hostile_registry_logins import challenges
from hostile_registry_world import BEARER, manifest, table

ATTACKS, attack = table()
_POST, _PATCH, _PUT = "POST .*/blobs/uploads/", "PATCH .*/blobs/uploads/", "PUT .*/blobs/uploads/"
_HAS_NOT = ("HEAD .*/blobs/", (404, {}, b""))
_FAILS = "registry-fault registry-broken registry-auth content-damaged registry-timeout no-such-image no-registry"


def _uploads_at(world, server, pattern=_POST):
    """Have the registry send the upload to another server."""
    world.registry.rule(pattern, lambda asked, _: (202, {"Location": server.url + "/v2/new/blobs/uploads/1"}, b""))


# Where an upload goes on.


@attack("pushed", "ok", https=True, login=True)
def an_upload_with_a_login(world):
    challenges(world.registry, 'Basic realm="x"')


@attack("pushed", "plain-http", https=True, login=True, outside=True)
def upload_that_goes_on_by_http(world):
    """In the field: a registry behind a proxy for TLS that does not know of it."""
    challenges(world.registry, 'Basic realm="x"')
    _uploads_at(world, world.server(world.here))


@attack("pushed", "plain-http", https=True, login=True, outside=True)
def upload_that_goes_on_by_http_where_no_proxy_is_wanted(world):
    world.environ("no_proxy", "192.0.2.0/24")
    upload_that_goes_on_by_http(world)


@attack("pushed", "registry-auth", https=True, login=True, outside=True, told=True)
def upload_that_goes_on_by_http_beside_a_proxy_for_https(world):
    """With both, no_proxy is needed for https, and lets http through as well."""
    world.environ("https_proxy", "http://127.0.0.1:9")
    upload_that_goes_on_by_http_where_no_proxy_is_wanted(world)


@attack("pushed", "registry-auth", https=True, login=True, told=True)
def upload_that_goes_on_by_http_on_this_machine(world):
    """Which Go asks without a proxy."""
    upload_that_goes_on_by_http(world)


@attack("built", "plain-http", https=True, login=True, outside=True)
def build_that_goes_on_by_http_at_another_host(world):
    challenges(world.registry, 'Basic realm="x"')
    _uploads_at(world, world.plain)


@attack("pushed", "plain-http", https=True, login=True, outside=True)
def upload_whose_end_goes_on_by_http(world):
    challenges(world.registry, 'Basic realm="x"')
    _uploads_at(world, world.plain, _PATCH)


@attack("pushed", "registry-auth", https=True, login=True, told=True)
def upload_that_goes_on_at_another_host(world):
    challenges(world.registry, 'Basic realm="x"')
    _uploads_at(world, world.other)


@attack("pushed", "registry-auth", https=True, login=True, told=True)
def upload_whose_end_goes_on_at_another_host(world):
    challenges(world.registry, 'Basic realm="x"')
    _uploads_at(world, world.other, _PATCH)


@attack("pushed", "registry-auth", login=True, told=True)
def upload_that_goes_on_at_another_port(world):
    challenges(world.registry, 'Basic realm="x"')
    _uploads_at(world, world.same_host())


@attack("pushed", "registry-auth", login=True, told=True)
def upload_that_goes_on_at_another_host_with_a_token(world):
    challenges(world.registry, 'Bearer realm="%s/token"' % world.registry.url)
    world.registry.rule("GET /token", (200, {}, json.dumps({"token": BEARER}).encode()))
    _uploads_at(world, world.other)


@attack("pushed", "registry-auth", https=True, login=True, told=True)
def upload_that_redirects_to_another_host(world):
    challenges(world.registry, 'Basic realm="x"')
    world.registry.rule(_PATCH, lambda asked, _: (307, {"Location": world.other.url + asked.path}, b""))


@attack("pushed", _FAILS, login=True)
def manifest_that_redirects_to_another_host(world):
    challenges(world.registry, 'Basic realm="x"')
    world.registry.rule("PUT .*/manifests/", lambda asked, _: (307, {"Location": world.other.url + asked.path}, b""))


@attack("pushed", "registry-auth", login=True, told=True)
def upload_at_an_address_that_breaks_the_line_of_the_log(world):
    challenges(world.registry, 'Basic realm="x"')
    location = world.other.url + '/v2/new/blobs/uploads/1?x= "y'
    world.registry.rule(_POST, (202, {"Location": location}, b""))


def _location(number, value):
    def arrange(world):
        world.registry.rule(_POST, (202, {"Location": value} if value is not None else {}, b""))

    arrange.__name__ = "upload_at_an_odd_address_%d" % number
    attack("pushed", _FAILS + " registry-unreachable registry-name registry-refused plain-http")(arrange)


for number, value in enumerate(
    [None, "", "file:///etc/passwd", "unix:///run/x", "//", "../../..", "http://[::1", "\x1b[2J", "x" * 60000]
):
    _location(number, value)


# What is kept.


@attack("pushed", "content-damaged", login=True)
def manifest_that_is_stored_as_another(world):
    world.registry.rule(
        "PUT .*/manifests/",
        lambda asked, _: world.registry.put("2", manifest(annotations={"evil": "yes"})) and (201, {}, b""),
    )


@attack("built", "content-damaged", login=True)
def build_that_is_stored_as_another(world):
    manifest_that_is_stored_as_another(world)


@attack("pushed", "no-such-image content-damaged", login=True)
def manifest_that_is_not_stored(world):
    world.registry.rule("PUT .*/manifests/", (201, {}, b""))


@attack("built", "no-such-image content-damaged", login=True)
def build_that_is_not_stored(world):
    manifest_that_is_not_stored(world)


@attack("pushed", "content-damaged registry-fault ok")
def upload_that_is_called_another(world):
    world.registry.rule(_PUT, (201, {"Docker-Content-Digest": "sha256:" + "0" * 64, "Location": "/v2/x"}, b""))


@attack("renamed", "ok")
def a_mount_that_is_refused(world):
    world.registry.rule(*_HAS_NOT)


@attack("renamed", _FAILS + " ok")
def mount_that_is_forbidden(world):
    world.registry.rule(*_HAS_NOT)
    world.registry.rule("POST .*mount=", (403, {}, b""))


@attack("renamed", "ok")
def a_mount_that_is_done(world):
    world.registry.rule(*_HAS_NOT)
    world.registry.rule("POST .*mount=", (201, {"Location": "/v2/new/blobs/x"}, b""))


def _refuses(name, pattern, *answer, way="pushed", ends=_FAILS):
    def arrange(world):
        world.registry.rule(pattern, answer)

    arrange.__name__ = name
    attack(way, ends)(arrange)


_WORDS = b'{"errors":[{"code":"DENIED","message":"\\u001b[2J\\u202e\\r\\nTASK [ok]"}]}'
_refuses("upload_that_is_forbidden", _POST, 403, {}, _WORDS, ends="registry-auth")
_refuses("upload_that_is_too_large", _PATCH, 413, {}, b"<html>\x1b[2J</html>", ends="registry-rules")
_refuses("upload_that_finds_no_room", _PUT, 507, {}, b"", ends="registry-fault")
_refuses("manifest_that_is_refused", "PUT .*/manifests/", 400, {}, _WORDS)
_refuses(
    "build_that_is_refused", "PUT .*/manifests/", 500, {}, _WORDS, way="built", ends="registry-fault registry-auth"
)
_refuses("blobs_that_are_neither_there_nor_not", "HEAD .*/blobs/", 500, {}, b"", ends="registry-fault")
_refuses("blobs_without_a_length", "HEAD .*/blobs/", 200, {"Content-Length": "-1"}, b"", ends=_FAILS + " ok")
_refuses("ranges_that_are_none", _PATCH, 202, {"Location": "/v2/new/blobs/uploads/1", "Range": "\xb2-"}, b"", ends="ok")


def _hangs(name, pattern):
    def arrange(world):
        world.registry.rule(pattern, lambda asked, connection: connection.raw(b"", b"", pause=20))

    arrange.__name__ = name
    attack("pushed", "registry-timeout")(arrange)


_hangs("upload_that_is_not_begun", _POST)
_hangs("upload_that_is_not_taken", _PATCH)
_hangs("upload_that_does_not_end", _PUT)
_hangs("manifest_that_is_not_taken", "PUT .*/manifests/")
_hangs("question_for_blobs_without_an_answer", "HEAD .*/blobs/")
