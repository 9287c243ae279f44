# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks on logins: challenges that name another host, tokens that are none. See test_hostile_registry.py."""

import itertools
import json

import registry_content as content
from hostile_registry_world import BEARER, IDENTITY, manifest, table
from registry_servers import PASSWORD, USER

ATTACKS, attack = table()
_TOKEN = json.dumps({"token": BEARER}).encode()


def challenges(server, *values):
    """Have a server want a login, with these challenges in as many headers."""
    challenge = (401, {"WWW-Authenticate": list(values)}, b"")
    server.rule("GET /v2/$", lambda asked, _: server.good(asked) if asked.authorization else challenge)


def bearer(server, realm, answer=(200, {}, _TOKEN), tokens=None):
    """Have ``server`` name a token server, which answers so (``tokens``: another server)."""
    challenges(server, 'Bearer realm="%s",service="x",scope="repository:app:pull,push"' % realm)
    (tokens or server).rule("(GET|POST) /token", answer)


def _own(server):
    return server.url + "/token"


def _latin(text):
    """As http.server takes it, to send UTF-8."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


# What must go well.


@attack("archived", "ok", login=True, https=True)
def a_login_by_password(world):
    challenges(world.registry, 'Basic realm="x"')


@attack("archived", "ok", login=True, https=True)
def a_login_by_token(world):
    bearer(world.registry, _own(world.registry))


@attack("archived", "ok", login=True)
def two_challenges_in_one_header(world):
    challenges(world.registry, 'Basic realm="a, b", Bearer realm="%s",service="x"' % _own(world.registry))
    world.registry.rule("GET /token", (200, {}, _TOKEN))


@attack("archived", "ok", login=True)
def two_challenges_in_two_headers(world):
    challenges(world.registry, "Negotiate", 'Basic realm="x"')


@attack("archived", "ok", https=True)
def an_identity_token(world):
    world.more = {"identity_token": IDENTITY}
    bearer(world.registry, _own(world.registry), (200, {}, json.dumps({"access_token": BEARER}).encode()))


@attack("archived", "ok", login=True, https=True)
def a_token_server_that_is_trusted(world):
    """Told apart from a leak by the host: that one may be told."""
    world.servers.remove(world.other)
    world.more = {"token_server": world.other.host}
    bearer(world.registry, _own(world.other), tokens=world.other)


@attack("archived", "ok")
def a_token_server_elsewhere_without_a_login(world):
    world.servers.remove(world.other)
    bearer(world.registry, _own(world.other), tokens=world.other)


def _user_login(world, **more):
    """A login that the user of this machine has stored."""
    folder = world.folder / "run" / "containers"
    folder.mkdir()
    entry = {"auth": content.BASIC.split()[1]}
    (folder / "auth.json").write_text(json.dumps(dict({"auths": {world.registry.host + "/app": entry}}, **more)))


@attack("archived", "ok", https=True)
def a_login_of_the_user_by_path(world):
    _user_login(world)
    challenges(world.registry, 'Basic realm="x"')


@attack("archived", "ok", https=True)
def a_credential_helper(world):
    _user_login(world, auths={}, credHelpers={world.registry.host: "hostile"})
    helper = world.folder / "data" / "docker-credential-hostile"
    helper.write_text('#!/bin/sh\necho \'{"Username":"%s","Secret":"%s"}\'\n' % (USER, PASSWORD))
    helper.chmod(0o700)
    world.environ("PATH", "%s:/usr/bin:/bin" % helper.parent)
    challenges(world.registry, 'Basic realm="x"')


# Token servers that are others.


@attack("archived", "registry-auth", login=True, https=True)
def token_server_at_another_host(world):
    bearer(world.registry, _own(world.other), tokens=world.other)


@attack("archived", "registry-auth", login=True)
def token_server_at_another_host_by_http(world):
    bearer(world.registry, _own(world.other), tokens=world.other)


@attack("archived", "registry-auth", login=True, https=True)
def token_server_by_http(world):
    bearer(world.registry, _own(world.plain), tokens=world.plain)


@attack("archived", "registry-auth plain-http", login=True, https=True, outside=True)
def token_server_by_http_outside(world):
    bearer(world.registry, _own(world.plain), tokens=world.plain)


@attack("archived", "registry-auth", login=True, https=True)
def token_server_at_another_port(world):
    other = world.same_host()
    bearer(world.registry, _own(other), tokens=other)


@attack("archived", "registry-auth", login=True, https=True)
def token_server_at_localhost(world):
    other = world.server("localhost", None)
    bearer(world.registry, _own(other), tokens=other)


@attack("pushed", "registry-auth", login=True, https=True)
def token_server_at_another_host_for_a_push(world):
    bearer(world.registry, _own(world.other), tokens=world.other)


@attack("archived", "registry-auth", https=True)
def identity_token_to_another_host(world):
    world.more = {"identity_token": IDENTITY}
    bearer(world.registry, _own(world.other), tokens=world.other)


@attack("archived", "registry-auth", https=True)
def login_of_the_user_to_another_host(world):
    _user_login(world)
    bearer(world.registry, _own(world.other), tokens=world.other)


@attack("archived", "registry-auth", login=True, https=True)
def second_challenge_at_another_host(world):
    challenges(
        world.registry, 'Bearer realm="%s",service="x", Bearer realm="%s"' % (_own(world.other), _own(world.registry))
    )
    world.other.rule("/token", (200, {}, _TOKEN))


@attack("archived", "registry-auth", login=True, https=True, told=True)
def token_server_that_changes_after_the_first_question(world):
    """The question without a login gets another answer than that with it: skopeo does what it is told."""
    realms = itertools.chain([_own(world.registry)], itertools.repeat(_own(world.other)))
    world.registry.rule(
        "GET /v2/$",
        lambda asked, _: (
            world.registry.good(asked)
            if asked.authorization
            else (401, {"WWW-Authenticate": 'Bearer realm="%s"' % next(realms)}, b"")
        ),
    )
    for server in (world.registry, world.other):
        server.rule("GET /token", (200, {}, _TOKEN))


@attack("archived", "ok registry-auth registry-fault", https=True)
def identity_token_that_is_sent_on(world):
    world.more = {"identity_token": IDENTITY}
    token_server_that_sends_on(world)


@attack("archived", "ok", login=True, https=True)
def token_server_that_sends_on(world):
    """It may, for the password does not go along."""
    bearer(world.registry, _own(world.registry), (307, {"Location": _own(world.other)}, b""))
    world.other.rule("/token", (200, {}, _TOKEN))


_ODD = [
    "file:///etc/passwd",
    "",
    "/token",
    "https://",
    "javascript:1",
    "https://%zz/",
    "https://a b/",
    "https://[::1",
    "unix:///run/x",
    "\u202e\x1b[2J",
    "x" * 60000,
]


def _realm(number, realm):
    def arrange(world):
        bearer(world.registry, _latin(realm))

    arrange.__name__ = "realm_that_is_odd_%d" % number
    attack(
        "archived",
        "registry-auth registry-fault registry-broken registry-name no-registry registry-unreachable",
        login=True,
        https=True,
    )(arrange)


for number, realm in enumerate(_ODD):
    _realm(number, realm)


def _disguised(name, form):
    def arrange(world):
        bearer(world.registry, form % {"here": world.registry.host, "there": world.other.host}, tokens=world.other)

    arrange.__name__ = "realm_" + name
    attack(
        "archived",
        "registry-auth registry-fault registry-name no-registry registry-unreachable",
        login=True,
        https=True,
    )(arrange)


_disguised("with_the_registry_as_its_user", "https://%(here)s@%(there)s/token")
_disguised("with_a_password", "https://u:p@%(there)s/token")
_disguised("with_the_registry_as_its_path", "https://%(there)s/token#https://%(here)s/token")
_disguised("with_a_quote", 'https://%(there)s/token?x=\\"y')
_disguised("with_the_registry_behind_a_backslash", "https://%(there)s\\\\@%(here)s/token")
_disguised("in_upper_case", "HTTPS://%(there)s/token")


def _challenge(number, value):
    def arrange(world):
        challenges(world.registry, _latin(value))

    arrange.__name__ = "challenge_that_is_odd_%d" % number
    attack("archived", "ok registry-auth registry-fault registry-broken no-registry", login=True)(arrange)


for number, value in enumerate(
    [
        "",
        "Bearer",
        "Bearer realm",
        'Bearer realm="',
        "Digest x",
        "\x1b[2J",
        ",,,,",
        'Basic realm="\\',
        "Bearer " + 'x="y",' * 5000,
    ]
):
    _challenge(number, value)


# Tokens.


def _token(name, *answer, ends="registry-auth registry-fault content-damaged registry-broken no-registry"):
    def arrange(world):
        bearer(world.registry, _own(world.registry), answer)

    arrange.__name__ = "token_" + name
    attack("info", ends, login=True)(arrange)


_token("that_is_no_json", 200, {}, b"token")
_token("of_a_web_page", 200, {"Content-Type": "text/html"}, b"<html></html>")
_token("of_nothing", 200, {}, b"{}", ends="ok registry-auth")
_token("that_is_a_list", 200, {}, b"[]")
_token("that_is_a_number", 200, {}, b'{"token": 1}')
_token("that_nests_without_end", 200, {}, b'{"token":' + b"[" * 500000)
_token("of_5_mib", 200, {}, json.dumps({"token": "x" * (5 << 20)}).encode())
_token(
    "of_500_kib",
    200,
    {},
    json.dumps({"token": "x" * (500 << 10)}).encode(),
    ends="ok unknown registry-broken no-registry registry-auth",
)
_token("with_a_line_of_its_own", 200, {}, json.dumps({"token": "x\r\nHost: evil"}).encode())
_token("that_acts_on_terminals", 200, {}, json.dumps({"token": "\x1b[2J\u202e"}).encode())
_token(
    "that_has_expired",
    200,
    {},
    json.dumps({"token": "x", "expires_in": -1, "issued_at": "0001-01-01T00:00:00Z"}).encode(),
    ends="ok registry-auth",
)
_token("whose_time_is_a_text", 200, {}, json.dumps({"token": "x", "expires_in": "soon"}).encode())
_token("that_is_refused", 401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
_token("that_is_refused_with_words", 403, {}, b'{"details":"\\u001b[2J\\u202e"}')
_token("that_fails", 500, {}, b"\x1b[2J", ends="registry-fault registry-auth")
_token("for_which_it_is_busy", 429, {"Retry-After": "99999999"}, b"", ends="registry-rate-limit registry-auth")


@attack("info", "registry-auth registry-fault content-damaged registry-timeout", login=True)
def token_without_end(world):
    bearer(world.registry, _own(world.registry), lambda *_: (200, {}, itertools.repeat(b"x" * (1 << 20))))


@attack("info", "registry-timeout", login=True)
def token_that_does_not_come(world):
    bearer(world.registry, _own(world.registry), lambda asked, connection: connection.raw(b"", b"", pause=20))


# Refusals.


@attack("archived", "registry-auth", login=True)
def login_that_is_refused(world):
    world.registry.rule("/v2/", (401, {"WWW-Authenticate": 'Basic realm="x"'}, b""))


@attack("archived", "registry-auth", login=True)
def token_that_never_suffices(world):
    bearer(world.registry, _own(world.registry))
    more = 'Bearer realm="%s",error="insufficient_scope",scope="repository:app:%%s"' % _own(world.registry)
    world.registry.rule("/manifests/", (401, {"WWW-Authenticate": more % "all"}, b""))


@attack("archived", "registry-auth", login=True, https=True)
def token_that_does_not_suffice_and_names_another_host(world):
    bearer(world.registry, _own(world.registry))
    world.registry.rule(
        "/manifests/",
        (401, {"WWW-Authenticate": 'Bearer realm="%s",error="insufficient_scope",scope="x"' % _own(world.other)}, b""),
    )
    world.other.rule("/token", (200, {}, _TOKEN))


@attack("archived", "registry-auth", login=True, https=True)
def layer_alone_that_asks_for_a_login_at_another_host(world):
    world.registry.rule(
        "GET .*/blobs/" + content.digest_of(b"layer"),
        (401, {"WWW-Authenticate": 'Bearer realm="%s"' % _own(world.other)}, b""),
    )
    world.other.rule("/token", (200, {}, _TOKEN))


@attack("archived", "content-damaged", login=True)
def other_content_for_those_with_a_login(world):
    challenges(world.registry, 'Basic realm="x"')
    evil = manifest(layers=[{"digest": "sha256:../../canary/file", "size": 1}])
    world.registry.rule(
        "/manifests/",
        lambda asked, _: (200, {"Content-Type": content.OCI_MANIFEST}, evil if asked.authorization else manifest()),
    )
