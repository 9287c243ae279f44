# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks by how a registry answers: too slow, too much, no HTTP, redirects, tags, words.

See test_hostile_registry.py.
"""

import gzip
import itertools
import json

import registry_content as content
from hostile_registry_world import manifest, table

ATTACKS, attack = table()
_LAYER = "GET .*/blobs/" + content.digest_of(b"layer")
_CONFIG = "GET .*/blobs/" + content.digest_of(content.image()[1][0])
_ESCAPES = "\x1b]0;owned\x07\x1b[2J\u202egnp\u2066\r\nTASK [ok] \u200b\ud83d"
_OK = b"HTTP/1.1 200 OK\r\n"
_OF_THE_WAY = "registry-timeout registry-broken no-registry content-damaged"


def _wire(name, pattern, *parts, way="archived", ends=_OF_THE_WAY, pause=0.0):
    """An attack that writes bytes as they are; the last of ``parts`` may be an iterator without end."""

    def arrange(world):
        world.registry.rule(pattern, lambda asked, connection: connection.raw(*parts, pause=pause))

    arrange.__name__ = name
    attack(way, ends)(arrange)


def _drips(data):
    return [data[at : at + 1] for at in range(len(data))]


_BODY = manifest()
_HEAD = _OK + b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n" % (content.OCI_MANIFEST.encode(), len(_BODY))
for step, pattern in (("ping", "GET /v2/$"), ("manifest", "/manifests/"), ("config", _CONFIG), ("layer", _LAYER)):
    _wire("%s_without_an_answer" % step, pattern, b"", b"", pause=20)
    _wire("%s_whose_connection_closes" % step, pattern)
    _wire("%s_whose_connection_closes_in_its_head" % step, pattern, b"HTTP/1.1 200 O")
    _wire(
        "%s_whose_connection_closes_in_its_body" % step,
        pattern,
        _OK + b"Content-Length: 900\r\n\r\n{",
        ends=_OF_THE_WAY + " ok" * (step == "ping"),
    )
    _wire("%s_with_a_slow_head" % step, pattern, *_drips(_HEAD), pause=0.5)
    _wire(
        "%s_with_a_slow_body" % step,
        pattern,
        _HEAD,
        *_drips(_BODY),
        pause=0.5,
        ends=_OF_THE_WAY + " ok" * (step == "ping"),
    )
    _wire("%s_that_is_no_http" % step, pattern, b"220 smtp.example ready\r\n")
    _wire("%s_in_http_0_9" % step, pattern, _BODY)

_MANIFEST = "/manifests/"
_wire(
    "interim_answers_without_end",
    _MANIFEST,
    *[b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"] * 100000,
    way="info",
    ends=_OF_THE_WAY + " registry-fault",
)
_wire(
    "head_of_50_mib",
    _MANIFEST,
    _OK,
    *[b"X-Filler: " + b"x" * (1 << 20) + b"\r\n"] * 50,
    way="info",
    ends=_OF_THE_WAY + " registry-fault",
)
_wire(
    "head_of_100000_lines",
    _MANIFEST,
    _OK,
    *[b"X-%d: x\r\n" % number for number in range(100000)],
    way="info",
    ends=_OF_THE_WAY + " registry-fault",
)
_wire("length_below_nothing", _MANIFEST, _OK + b"Content-Length: -1\r\n\r\n", ends=_OF_THE_WAY + " registry-fault")
_wire(
    "two_lengths",
    _MANIFEST,
    _OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    ends=_OF_THE_WAY + " registry-fault",
)
_wire(
    "chunks_of_no_size",
    _MANIFEST,
    _OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    ends=_OF_THE_WAY + " registry-fault",
)
_wire(
    "chunk_with_a_name_without_end",
    _MANIFEST,
    _OK + b"Transfer-Encoding: chunked\r\n\r\n1;",
    b"x" * (1 << 22),
    ends=_OF_THE_WAY + " registry-fault",
)
_wire(
    "status_that_acts_on_terminals",
    _MANIFEST,
    b"HTTP/1.1 500 \x1b[2J\x1b]0;x\x07\xff\r\nContent-Length: 0\r\n\r\n",
    ends="registry-fault",
)
_wire(
    "status_of_four_digits",
    _MANIFEST,
    b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    ends=_OF_THE_WAY + " registry-fault",
)
_wire(
    "switch_to_another_protocol",
    _MANIFEST,
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    ends=_OF_THE_WAY + " registry-fault",
)


def _answers(name, pattern, *answer, way="archived", ends="content-damaged"):
    def arrange(world):
        world.registry.rule(pattern, answer)

    arrange.__name__ = name
    attack(way, ends)(arrange)


def _endless(name, pattern, status, headers, part, way="archived", ends="content-damaged"):
    def arrange(world):
        world.registry.rule(pattern, lambda *_: (status, headers, itertools.repeat(part)))

    arrange.__name__ = name
    attack(way, ends)(arrange)


_TYPE = {"Content-Type": content.OCI_MANIFEST}
_answers("manifest_of_10_mib", _MANIFEST, 200, _TYPE, manifest(annotations={"x": "x" * (10 << 20)}))
_endless("manifest_without_end", _MANIFEST, 200, _TYPE, b"[" * (1 << 20))
_answers("no_content", _MANIFEST, 204, {}, b"", ends="content-damaged registry-fault")
_answers("partial_content", _LAYER, 206, {"Content-Range": "bytes 0-1/5"}, b"la", ends="content-damaged registry-fault")
_answers("nothing_at_all", _MANIFEST, 200, {"Content-Type": content.OCI_MANIFEST}, b"")
_answers("not_modified", _MANIFEST, 304, {}, b"", ends="registry-fault content-damaged")
_answers("teapot", _MANIFEST, 418, {}, _ESCAPES.encode("utf-8", "surrogatepass"), ends="unknown")
_answers(
    "web_page_for_everything",
    ".",
    200,
    {"Content-Type": "text/html"},
    b"<html><h1>Welcome</h1></html>",
    ends="no-registry",
)
_answers("ping_that_is_not_there", "GET /v2/$", 404, {}, b"", ends="no-registry")
_answers(
    "ping_that_fails",
    "GET /v2/$",
    500,
    {},
    _ESCAPES.encode("utf-8", "surrogatepass"),
    ends="registry-fault no-registry",
)
_answers(
    "ping_with_a_body_of_gzip",
    "GET /v2/$",
    200,
    {"Content-Encoding": "gzip"},
    gzip.compress(b"0" * (100 << 20), 1),
    ends="ok",
)
_endless("ping_without_end", "GET /v2/$", 200, {}, b"0" * (1 << 20), ends="ok registry-timeout")
_answers(
    "type_that_acts_on_terminals",
    _MANIFEST,
    200,
    {"Content-Type": "\x1b[2J"},
    manifest(),
    ends="ok content-damaged registry-fault no-registry registry-broken",
)
_answers("unknown_encoding", _MANIFEST, 200, {"Content-Encoding": "br"}, b"\x0b\x02\x80")

_BUSY = "registry-rate-limit registry-timeout"
for number, value in enumerate(("²", "99999999", "-1", "1e999", "Fri, 31 Dec 9999 23:59:59 GMT", "0", "")):
    _answers(
        "busy_%d" % number,
        _MANIFEST,
        429,
        {"Retry-After": value.encode("utf-8").decode("latin-1")},
        b"",
        way="info",
        ends=_BUSY,
    )
_answers("busy_for_a_layer", _LAYER, 429, {"Retry-After": "99999999"}, b"", ends=_BUSY)
_answers("busy_ping", "GET /v2/$", 429, {"Retry-After": "²".encode().decode("latin-1")}, b"", ends=_BUSY)


def _error(code, message):
    return json.dumps({"errors": [{"code": code, "message": message, "detail": {"x": [message]}}]}).encode()


_JSON = {"Content-Type": "application/json"}
_answers("error_that_acts_on_terminals", _MANIFEST, 500, _JSON, _error("UNKNOWN", _ESCAPES), ends="registry-fault")
_answers("error_of_a_mebibyte", _MANIFEST, 500, _JSON, _error("UNKNOWN", "x" * (1 << 20)), ends="registry-fault")
_answers(
    "error_of_100000_errors",
    _MANIFEST,
    500,
    _JSON,
    json.dumps({"errors": [{"code": "DENIED"}] * 100000}).encode(),
    ends="registry-fault registry-auth",
)
_answers("error_that_nests_without_end", _MANIFEST, 500, _JSON, b'{"errors":' + b"[" * 500000, ends="registry-fault")
_endless(
    "error_without_end",
    _MANIFEST,
    500,
    {"Content-Type": "text/html"},
    b"<p>" * (1 << 18),
    ends="registry-fault registry-timeout",
)
_answers(
    "error_that_looks_like_the_log",
    _MANIFEST,
    500,
    _JSON,
    _error("UNKNOWN", 'x" \nlevel=fatal msg="no such host"'),
    ends="registry-fault",
)
_answers("denied_with_words", _MANIFEST, 403, _JSON, _error("DENIED", _ESCAPES), ends="registry-auth")
_answers(
    "not_found_with_words",
    _MANIFEST,
    404,
    _JSON,
    _error("MANIFEST_UNKNOWN", _ESCAPES),
    way="info",
    ends="no-such-image",
)
_answers(
    "not_found_with_a_web_page",
    _MANIFEST,
    404,
    {"Content-Type": "text/html"},
    b"<html>404</html>",
    way="info",
    ends="no-such-image no-registry",
)
_answers(
    "warnings_of_the_registry",
    "/v2/",
    500,
    {"Warning": ['299 - "level=fatal msg=\\"x\\" \x1b[2J"'] * 1000},
    b"",
    ends="registry-fault no-registry",
)


# Lists of tags, which are read for a hint only.


def _tags(name, body, headers=None, status=200):
    def arrange(world):
        world.image = "app:none"
        world.registry.rule(
            "/tags/list", (status, headers or {}, body if isinstance(body, bytes) else json.dumps(body).encode())
        )

    arrange.__name__ = name
    attack("info", "no-such-image")(arrange)


_tags("tags_that_are_a_web_page", b"<html></html>", {"Content-Type": "text/html"})
_tags("tags_that_act_on_terminals", {"name": "app", "tags": [_ESCAPES, "\u202eexe.1", "a\nb", "x" * 100000]})
_tags("tags_that_are_null", {"name": "app", "tags": None})
_tags("tags_that_are_an_object", {"name": "app", "tags": {"a": 1}})
_tags("tags_that_are_numbers", {"name": "app", "tags": [1, None, {}]})
_tags("tags_that_are_a_list", ["1"])
_tags("tags_that_nest_without_end", b'{"tags":' + b"[" * 500000)
_tags("tags_of_3_mib", {"name": "app", "tags": ["%07d" % number for number in range(300000)]})
_tags("tags_that_ask_for_themselves", {"name": "app", "tags": ["1"]}, {"Link": '</v2/app/tags/list>; rel="next"'})
_tags(
    "tags_that_go_on_without_end",
    {"name": "app", "tags": ["x" * 100] * 30000},
    {"Link": '</v2/app/tags/list?n=1>; rel="next"'},
)
_tags("tags_that_go_on_in_a_file", {"name": "app", "tags": ["1"]}, {"Link": '<file:///etc/passwd>; rel="next"'})
_tags("tags_that_go_on_in_a_path", {"name": "app", "tags": ["1"]}, {"Link": '<../../../etc/passwd>; rel="next"'})
_tags("tags_with_a_link_that_is_none", {"name": "app", "tags": ["1"]}, {"Link": "<<<>>>;;;\x1b[2J"})
_tags("tags_that_are_forbidden", b"", None, 403)
_tags("tags_that_fail", b"", None, 500)


@attack("info", "no-such-image", login=True)
def tags_that_go_on_at_another_host(world):
    _basic(world)
    world.image = "app:none"
    world.registry.rule(
        "/tags/list", (200, {"Link": '<%s/v2/app/tags/list>; rel="next"' % world.other.url}, b'{"tags":["1"]}')
    )


def _basic(world):
    """Let a registry ask for the login of the one that asks."""
    challenge = (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
    world.registry.rule(
        "GET /v2/$", lambda asked, connection: world.registry.good(asked) if asked.authorization else challenge
    )


@attack("info", "no-such-image")
def tags_on_pages_of_4_mib(world):
    world.image = "app:none"
    page = json.dumps({"tags": ["x" * 1000] * 3900}).encode()
    world.registry.rule("/tags/list", (200, {"Link": '</v2/app/tags/list?n=1>; rel="next"'}, page))
    world.callback(lambda: _at_most(100, world))


def _at_most(pages, world):
    assert sum("/tags/list" in asked.path for asked in world.registry.asked) <= pages


@attack("info", "no-such-image")
def tags_without_end(world):
    world.image = "app:none"
    world.registry.rule(
        "/tags/list", lambda *_: (200, {}, itertools.chain([b'{"tags":["'], itertools.repeat(b"x" * (1 << 20))))
    )


# Redirects.


def _to(address, status=307):
    return status, {"Location": address}, b""


@attack("archived", "ok", login=True)
def layer_on_another_host(world):
    _basic(world)
    world.registry.rule("GET .*/blobs/", lambda asked, _: _to(world.other.url + asked.path))
    world.other.put_image("1")


@attack("archived", "ok", login=True, https=True)
def layer_on_another_host_by_https(world):
    layer_on_another_host(world)


@attack("archived", "ok", login=True)
def manifest_on_another_host(world):
    _basic(world)
    world.registry.rule("GET .*/manifests/", lambda asked, _: _to(world.other.url + asked.path, 302))
    world.other.put_image("1")


@attack("archived", "ok", login=True)
def layer_on_the_same_host_by_another_name(world):
    _basic(world)
    world.registry.rule("GET .*/blobs/", lambda asked, _: _to("http://localhost:%d%s" % (world.other.port, asked.path)))
    world.other = world.server("localhost", None)
    world.other.put_image("1")


@attack("archived", "ok", login=True, https=True)
def layer_at_another_port(world):
    _basic(world)
    world.other = world.same_host()
    world.registry.rule("GET .*/blobs/", lambda asked, _: _to(world.other.url + asked.path))
    world.other.put_image("1")


@attack("archived", "plain-http", https=True, outside=True)
def layer_by_http(world):
    world.plain.put_image("1")
    world.registry.rule(_LAYER, lambda asked, _: _to(world.plain.url + asked.path))


@attack("archived", "plain-http", https=True, outside=True)
def layer_by_http_where_no_proxy_is_wanted(world):
    world.environ("NO_PROXY", "192.0.2.2")
    layer_by_http(world)


@attack("archived", "plain-http", login=True, https=True, outside=True)
def manifest_by_http(world):
    _basic(world)
    world.plain.put_image("1")
    world.registry.rule("GET .*/manifests/", lambda asked, _: _to(world.plain.url + asked.path))


@attack("archived", "plain-http", login=True, https=True, outside=True)
def ping_by_http(world):
    world.registry.rule("GET /v2/$", lambda asked, _: _to(world.plain.url + asked.path))
    _challenges(world.plain)


def _challenges(server):
    server.rule("GET /v2/$", (401, {"WWW-Authenticate": 'Basic realm="x"'}, b""))


@attack("archived", "ok", login=True, https=True)
def ping_at_another_host_that_asks_for_the_login(world):
    """What the other host says may make skopeo show the login, but to nobody else than the registry."""
    world.registry.rule("GET /v2/$", lambda asked, _: _to(world.other.url + asked.path))
    _challenges(world.other)


for number, address in enumerate(
    ("file:///etc/passwd", "unix:///run/x", "ftp://127.0.0.1/x", "//", "http://[::1", "\x1b[2J", "")
):
    _answers(
        "layer_at_an_odd_address_%d" % number,
        _LAYER,
        *_to(address),
        ends="content-damaged registry-fault registry-broken no-registry registry-refused",
    )
_answers(
    "manifest_that_redirects_to_itself",
    "GET .*/manifests/",
    *_to("/v2/app/manifests/1"),
    ends="registry-fault registry-broken",
)
_answers("ping_that_redirects_to_itself", "GET /v2/$", *_to("/v2/"), ends="registry-fault registry-broken no-registry")
_answers(
    "layer_that_redirects_to_itself",
    _LAYER,
    *_to("/v2/app/blobs/" + content.digest_of(b"layer")),
    ends="registry-fault registry-broken content-damaged",
)


# Schemes.


@attack("archived", "plain-http https-on-http")
def http_where_https_is_asked(world):
    world.more = {"plain_http": False}


@attack("archived", "plain-http", login=True)
def http_where_https_is_asked_and_certificates_are_not_checked(world):
    world.more = {"plain_http": False, "tls_verify": False}
    _challenges(world.registry)


@attack("archived", "https-on-http", https=True, login=True)
def https_where_http_is_asked(world):
    """skopeo would take any certificate, so it is not let send the login."""
    world.more = {"plain_http": True}
    _challenges(world.registry)


@attack("archived", "tls-authority", https=True, login=True)
def certificate_that_nobody_vouches_for(world):
    world.more = {"ca_file": None}


@attack("archived", "ok", outside=True)
def a_network_in_no_proxy(world):
    world.environ("http_proxy", "http://127.0.0.1:9")
    world.environ("no_proxy", "example.com,192.0.2.0/24")


@attack("archived", "registry-proxy", outside=True)
def a_proxy_that_is_not_there(world):
    world.environ("http_proxy", "http://127.0.0.1:1")


@attack("whole", "failed")
def a_whole_module_and_a_layer_that_is_a_path(world):
    world.registry.put("1", manifest(layers=[{"digest": "sha256:../../canary/file", "size": 1}]))


@attack("whole", "failed")
def a_whole_module_and_words_that_act_on_terminals(world):
    world.registry.rule(_MANIFEST, (500, _JSON, _error("UNKNOWN", _ESCAPES)))
