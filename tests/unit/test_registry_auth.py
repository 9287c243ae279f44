# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials from options and from the files of docker and podman; challenges of registries."""

import base64
import json

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._errors import Problem
from ansible_collections.riscv.k3s.plugins.module_utils._registry_auth import Challenge, Credentials, find_credentials, token_url

HOST = "192.168.173.76:6000"


def encoded(text):
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def home(tmp_path):
    """An environment with a home folder, and a function that writes its docker config."""
    (tmp_path / ".docker").mkdir()
    environ = {"HOME": str(tmp_path)}

    def write(auths, path=".docker/config.json"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(auths if isinstance(auths, str) else json.dumps({"auths": auths}))
        return environ

    return write


@pytest.mark.parametrize("key", [HOST, "http://" + HOST, "https://" + HOST + "/v1/"])
@pytest.mark.parametrize("entry", [{"auth": encoded("user:pass:word")}, {"username": "user", "password": "pass:word"}])
def test_docker_config(home, key, entry):
    assert find_credentials(HOST, environ=home({key: entry})) == Credentials("user", "pass:word")


@pytest.mark.parametrize("auths", [{}, {"192.168.173.76": {"auth": encoded("a:b")}}, {HOST: {}}, '{"credsStore": "x"}'])
def test_docker_config_without_this_registry(home, auths):
    assert find_credentials(HOST, environ=home(auths)) is None


def test_no_config(tmp_path):
    assert find_credentials(HOST, environ={"HOME": str(tmp_path)}) is None


def test_options_come_first_and_podman_before_docker(home, tmp_path):
    home({HOST: {"auth": encoded("docker:1")}})
    environ = dict(home({HOST: {"auth": encoded("podman:2")}}, "run/containers/auth.json"), XDG_RUNTIME_DIR=str(tmp_path / "run"))
    assert find_credentials(HOST, environ=environ).username == "podman"
    assert find_credentials(HOST, "me", "3", environ=environ) == Credentials("me", "3")
    environ["REGISTRY_AUTH_FILE"] = str(tmp_path / ".docker" / "config.json")
    assert find_credentials(HOST, environ=environ).username == "docker"


@pytest.mark.parametrize(
    "username, password, message", [("me", None, "username is set but password is not"), (None, "x", "password is set but username is not")]
)
def test_half_a_pair(username, password, message):
    with pytest.raises(Problem, match=message):
        find_credentials(HOST, username, password, environ={})


@pytest.mark.parametrize("text", ["{secret", '["secret"]', '{"auths": ["secret"]}'])
def test_unreadable_config_does_not_leak(home, text):
    with pytest.raises(Problem, match="config.json cannot be read") as caught:
        find_credentials(HOST, environ=home(text))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("auth", ["secret!", encoded("secret"), 5])
def test_broken_auth_does_not_leak(home, auth):
    with pytest.raises(Problem, match="is not valid") as caught:
        find_credentials(HOST, environ=home({HOST: {"auth": auth}}))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "header, expected",
    [
        (None, None),
        ('Basic realm="a b"', Challenge("basic", {"realm": "a b"})),
        (
            'Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"',
            Challenge("bearer", {"realm": "https://auth.example/token", "service": "reg", "scope": "repository:a/b:pull,push"}),
        ),
        ('bearer realm="a \\"b\\"", error=invalid_token', Challenge("bearer", {"realm": 'a "b"', "error": "invalid_token"})),
    ],
)
def test_challenge(header, expected):
    assert Challenge.parse(header) == expected


def test_token_url():
    challenge = Challenge("bearer", {"realm": "https://auth.example/token?x=1", "service": "reg", "scope": "repository:a/b:pull,push"})
    assert token_url(challenge, "https", HOST) == "https://auth.example/token?x=1&service=reg&scope=repository%3Aa%2Fb%3Apull%2Cpush"


@pytest.mark.parametrize(
    "realm, message", [("", "does not say where"), ("file:///etc/passwd", "does not say where"), ("http://auth.example/token", "sent unencrypted")]
)
def test_token_url_refused(realm, message):
    with pytest.raises(Problem, match=message):
        token_url(Challenge("bearer", {"realm": realm}), "https", HOST)
