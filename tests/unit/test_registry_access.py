# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the controller talks to the registries of an inventory."""

import base64

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._skopeo.options import REGISTRY_OPTIONS
from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply.access import _GIVEN, registry_access

HOST = "reg:5000"
HTTP = {"mirrors": {HOST: {"endpoint": ["http://reg:5000"]}, "docker.io": {"endpoint": ["http://reg:5000/v2/riscv64"]}}}
BOARD_FILES = {"ca_file": "/on/the/board.pem", "cert_file": "/on/the/board.crt", "key_file": "/on/the/board.key"}
AUTH = {
    "configs": {
        HOST: {
            "auth": {"username": "u", "password": "p"},
            "tls": {"ca_file": "/on/the/board.pem", "insecure_skip_verify": True},
        },
        "*": {"auth": {"username": "x", "password": "y"}},
    }
}
OF_BOARD = {"ca_file": "/on/the/board.pem", "files_optional": True, "tls_verify": False}


def encoded(text):
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def access(config, **given):
    settings = {"riscv_k3s_" + key: value for key, value in given.items()}
    return registry_access(dict(settings, riscv_k3s_registries=config, riscv_k3s_other="x", ansible_host="y"))


@pytest.mark.parametrize(
    "config, given, expected",
    [
        (None, {}, []),
        ({}, {"registry": HOST}, []),
        (HTTP, {}, [{"host": HOST, "plain_http": True}]),
        ({"mirrors": None}, {}, []),
        ({"mirrors": {HOST: None}}, {}, []),
        ({"mirrors": {HOST: {}}}, {}, []),
        ({"configs": {HOST: None}}, {}, []),
        ({"mirrors": {"reg.x": {"endpoint": ["http://reg.x:80/v2"]}}}, {}, [{"host": "reg.x", "plain_http": True}]),
        ({"mirrors": {"Reg:1": {"endpoint": ["HTTP://reg:1/"]}}}, {}, [{"host": "Reg:1", "plain_http": True}]),
        ({"mirrors": {HOST: {"endpoint": ["https://reg:5000", "http://reg:5000"]}}}, {}, []),
        ({"mirrors": {HOST: {"endpoint": ["http://elsewhere:5000"]}}}, {}, []),
        (
            {"mirrors": {HOST: {"endpoint": ["https://cache", "http://reg:5000"]}}},
            {},
            [{"host": HOST, "plain_http": True}],
        ),
        ({"mirrors": {"docker.io": {"endpoint": ["http://reg:5000"]}}}, {}, []),
        (AUTH, {}, [dict(OF_BOARD, host=HOST, username="u", password="p")]),
        (
            HTTP,
            {"registry": HOST, "registry_username": "w", "registry_password": "q"},
            [{"host": HOST, "plain_http": True, "username": "w", "password": "q"}],
        ),
        (HTTP, {"registry": HOST, "registry_plain_http": False}, [{"host": HOST, "plain_http": False}]),
        ({}, {"registry": HOST, "registry_plain_http": True}, [{"host": HOST, "plain_http": True}]),
        (
            None,
            {"registry": HOST, "registry_ca_file": "ca.pem", "registry_tls_verify": True},
            [{"host": HOST, "ca_file": "ca.pem", "tls_verify": True, "ask_scheme": True}],
        ),
        (
            None,
            {"registry": HOST, "registry_token_server": "auth.example"},
            [{"host": HOST, "token_server": "auth.example", "ask_scheme": True}],
        ),
        (None, {"registry": HOST}, [{"host": HOST, "ask_scheme": True}]),
        (None, {"registry": HOST, "registry_plain_http": True}, [{"host": HOST, "plain_http": True}]),
        ({}, {"registry": HOST}, []),
        (None, {"registry": None, "registry_ca_file": "ca.pem"}, []),
        (None, {"registry_ca_file": "ca.pem"}, []),
        ({"configs": {"*": {"auth": {"username": "x", "password": "y"}}}}, {}, []),
    ],
)
def test_access(config, given, expected):
    assert access(config, **given) == expected


def test_an_inventory_that_says_nothing_of_registries():
    assert registry_access({"ansible_host": "y", "riscv_k3s_hosts": "all"}) == []


@pytest.mark.parametrize(
    "auth, login",
    [
        ({"auth": encoded("u:p")}, {"username": "u", "password": "p"}),
        ({"auth": encoded("u:p:with:colons")}, {"username": "u", "password": "p:with:colons"}),
        ({"auth": encoded("ü:pä")}, {"username": "ü", "password": "pä"}),
        # As containerd does, which skips ends of lines and zeros at the end.
        ({"auth": encoded("u:p") + "\n"}, {"username": "u", "password": "p"}),
        (
            {"auth": encoded("user:pass")[:6] + "\r\n" + encoded("user:pass")[6:]},
            {"username": "user", "password": "pass"},
        ),
        ({"auth": encoded("u:p\0\0")}, {"username": "u", "password": "p"}),
        # In its order: username and password, then a token, then auth.
        ({"auth": encoded("old:old"), "identity_token": "t"}, {"identity_token": "t"}),
        ({"auth": encoded("old:old"), "username": "u", "password": "p"}, {"username": "u", "password": "p"}),
        ({"identity_token": "t"}, {"identity_token": "t"}),
        ({"identity_token": "t", "username": "u", "password": "p"}, {"username": "u", "password": "p"}),
        ({"identity_token": "t", "password": "p"}, {"identity_token": "t"}),
        ({}, None),
        (None, None),
    ],
)
def test_every_form_of_a_login_in_registries_yaml(auth, login):
    assert access({"configs": {HOST: {"auth": auth}}}) == ([dict(login, host=HOST)] if login else [])


@pytest.mark.parametrize(
    "auth, found",
    [
        ({"username": "u"}, "username without password"),
        ({"username": "u", "auth": encoded("u:s3cret")}, "username without password"),
        ({"password": "s3cret"}, "password without username"),
    ],
)
def test_half_a_login_in_registries_yaml(auth, found):
    with pytest.raises(Problem, match="the login is not complete. Found: " + found) as caught:
        access({"configs": {HOST: {"auth": auth}}})
    assert "configs.%s.auth" % HOST in str(caught.value) and "s3cret" not in str(caught.value)


PAIR = {"username": "u", "password": "p"}


@pytest.mark.parametrize(
    "keys, hosts",
    [
        (["registry-1.docker.io"], ["docker.io", "registry-1.docker.io"]),
        (["index.docker.io"], ["docker.io", "index.docker.io"]),
        (["docker.io"], ["docker.io"]),
        (["reg.local:443"], ["reg.local", "reg.local:443"]),
        (["reg.local:80"], ["reg.local", "reg.local:80"]),
        (["reg.local:5000"], ["reg.local:5000"]),
        (["Reg.Local:5000"], ["Reg.Local:5000", "reg.local:5000"]),
    ],
)
def test_configs_are_keyed_by_the_host_of_an_endpoint(keys, hosts):
    config = {"configs": {key: {"auth": PAIR} for key in keys}}
    assert access(config) == [dict(PAIR, host=host) for host in hosts]


def test_a_key_that_images_name_goes_before():
    config = {"configs": {"docker.io": {"auth": PAIR}, "registry-1.docker.io": {"auth": {"identity_token": "t"}}}}
    assert access(config) == [
        dict(PAIR, host="docker.io"),
        {"host": "registry-1.docker.io", "identity_token": "t"},
    ]


def test_token_servers_of_any_registry():
    config = {"configs": {HOST: {"auth": PAIR}}}
    rows = access(config, registry="other:1", registry_token_servers={HOST: "auth.example", "new:1": "auth.new"})
    assert rows == [{"host": "new:1", "token_server": "auth.new"}, dict(PAIR, host=HOST, token_server="auth.example")]
    with pytest.raises(Problem, match="must be a dictionary"):
        access(config, registry_token_servers="auth.example")


@pytest.mark.parametrize(
    "value",
    [
        "s3cret",
        encoded("s3cretwithoutcolon"),
        encoded(":s3cret"),
        encoded(b"u:\xff\xfes3cret"),
        "s3cret=ü",
        encoded("u:p") + "\n!",
    ],
)
def test_auth_that_is_no_login_is_not_shown(value):
    with pytest.raises(Problem, match="auth is not valid") as caught:
        access({"configs": {HOST: {"auth": {"auth": value}}}})
    assert "configs.%s.auth" % HOST in str(caught.value)
    assert value not in str(caught.value) and "s3cret" not in str(caught.value)


def test_files_of_the_boards_count_where_they_are():
    assert access({"configs": {HOST: {"tls": BOARD_FILES}}}) == [dict(BOARD_FILES, files_optional=True, host=HOST)]
    assert access({"configs": {HOST: {"tls": {"insecure_skip_verify": False}}}}) == []


@pytest.mark.parametrize(
    "given, login",
    [
        ({"registry_username": "w", "registry_password": "q"}, {"username": "w", "password": "q"}),
        ({"registry_identity_token": "t"}, {"identity_token": "t"}),
        # Half a login is half: that the module refuses it says more than the other half of another one.
        ({"registry_password": "q"}, {"password": "q"}),
    ],
)
@pytest.mark.parametrize(
    "auth", [{"username": "u", "password": "p"}, {"auth": encoded("u:p")}, {"identity_token": "old"}]
)
def test_variables_go_before_as_a_whole_login(auth, given, login):
    assert access({"configs": {HOST: {"auth": auth}}}, registry=HOST, **given) == [dict(login, host=HOST)]


def test_a_login_of_empty_texts_is_none():
    """As AWX hands on fields of a credential that nobody filled in: what registries.yaml says of the registry stays."""
    auth = {"username": "u", "password": "p"}
    empty = {"registry_" + key: "" for key in _GIVEN}
    assert access({"configs": {HOST: {"auth": auth}}}, registry=HOST, **empty) == [dict(auth, host=HOST)]


def test_variables_leave_other_registries_and_other_settings_alone():
    config = {
        "configs": {
            HOST: {"auth": {"username": "u", "password": "p"}, "tls": BOARD_FILES},
            "other:1": {"auth": {"identity_token": "t"}},
        }
    }
    other = {"host": "other:1", "identity_token": "t"}
    kept = dict(BOARD_FILES, files_optional=True, host=HOST)
    assert access(config, registry=HOST, registry_username="w", registry_password="q") == [
        other,
        dict(kept, username="w", password="q"),
    ]
    # Files of the variables must be there, those of the boards need not: so they are not mixed.
    assert access(config, registry=HOST, registry_ca_file="own.pem") == [
        other,
        {"host": HOST, "username": "u", "password": "p", "ca_file": "own.pem"},
    ]


def test_what_comes_out_are_options_of_the_modules():
    everything = {
        "registry_" + key: "x"
        for key in ("username", "password", "identity_token", "ca_file", "cert_file", "key_file", "token_server")
    }
    rows = access(
        {"configs": {"b:1": {"tls": BOARD_FILES}}},
        registry=HOST,
        registry_tls_verify=False,
        registry_plain_http=False,
        **everything,
    )
    rows += access(None, registry=HOST)
    known = set(REGISTRY_OPTIONS["registries"]["options"])
    assert {key for row in rows for key in row} == known


def test_a_config_that_k3s_would_refuse_is_refused():
    with pytest.raises(Problem):
        access({"configs": []})
