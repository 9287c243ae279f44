# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""registries.yaml: stable text, and refusal of what k3s would ignore."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._supply import registries as _registries

HOST = "192.168.173.76:6000"
GOOD = {
    "mirrors": {
        HOST: {"endpoint": ["http://" + HOST]},
        "docker.io": {"endpoint": ["http://%s/v2/riscv64" % HOST], "rewrite": {"^a/(.*)$": "b/$1"}},
    },
    "configs": {
        "reg.example:443": {
            "auth": {"username": "u", "password": "pass:#word"},
            "tls": {"ca_file": "/ca.pem", "insecure_skip_verify": False},
        }
    },
}


def test_text_holds_the_settings():
    assert yaml.safe_load(_registries.render(GOOD)) == GOOD


def test_order_does_not_change_the_text():
    reordered = {key: dict(reversed(GOOD[key].items())) for key in reversed(GOOD)}
    assert _registries.render(reordered) == _registries.render(GOOD)


def test_text_subclasses_of_ansible_are_plain_text():
    class Tagged(str):
        pass

    assert (
        Tagged("x")
        == yaml.safe_load(
            _registries.render({"configs": {Tagged("h"): {"auth": {"username": "u", "password": Tagged("x")}}}})
        )["configs"]["h"]["auth"]["password"]
    )


@pytest.mark.parametrize(
    "config, message",
    [
        ([], "must be a dictionary"),
        ({"mirror": {}}, "k3s ignores mirror"),
        ({"mirrors": {HOST: {"endpoints": ["http://x"]}}}, "the key is `endpoint`"),
        ({"mirrors": {HOST: {"endpoint": "http://x"}}}, "must be a list"),
        ({"mirrors": {HOST: {"endpoint": ["x:5000"]}}}, "http:// or https://"),
        ({"mirrors": {HOST: {"endpoint": ["https://x", "http://x", "https://x/v2"]}}}, "stands there twice"),
        ({"mirrors": {"http://x": {"endpoint": ["http://x"]}}}, "without scheme"),
        ({"mirrors": {HOST: {"endpoint": ["http://u:secret@x"]}}}, "configs.x.auth"),
        ({"mirrors": {HOST: {"endpoint": ["u:secret@x:5000"]}}}, "'***@x:5000'"),
        ({"mirrors": {HOST: {"endpoint": "https://u:secret@x"}}}, "'https://…@x'"),
        ({"mirrors": {"u:se/cret@x": {}}}, "without scheme"),
        ({"mirrors": {HOST: {"rewrite": {"(": "x"}}}}, "regular expression"),
        ({"mirrors": {HOST: {"rewrite": {"^(?!library/)(.*)": "x/$1"}}}}, "as Go has them: Go has no look-ahead"),
        ({"mirrors": {HOST: {"rewrite": {"^a/(.*)": "b/\\1"}}}}, "as $1, not as "),
        ({"mirrors": {HOST: {"rewrite": {"^a/.*": "b/$1"}}}}, "puts $1, a group that its pattern does not have"),
        ({"mirrors": {"docker-registry": {"endpoint": ["http://x"]}}}, "no image is of a registry by that name"),
        ({"mirrors": {"index.docker.io": None}}, "no image is of a registry by that name"),
        ({"mirrors": {HOST: "x"}}, "must be a dictionary"),
        ({"configs": {HOST: {"auth": {"token": "secret"}}}}, "k3s ignores token"),
        ({"configs": {HOST: {"tls": {"insecure_skip_verify": "yes"}}}}, "true or false"),
        ({"configs": {HOST: {"tls": {"cert_file": "/c"}}}}, "needs key_file"),
    ],
)
def test_refuses(config, message):
    with pytest.raises(Problem) as caught:
        _registries.render(config)
    assert message in str(caught.value)
    assert "riscv_k3s_registries" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "mirrors, hosts",
    [
        ({HOST: {"endpoint": ["http://" + HOST]}}, []),
        ({"docker.io": {"endpoint": ["http://%s/v2/riscv64" % HOST]}}, [HOST]),
        ({"docker.io": {"endpoint": ["https://" + HOST]}}, []),
        ({"docker.io": {"endpoint": ["http://" + HOST]}, HOST: None}, [HOST]),
        ({"docker.io": {"endpoint": ["http://" + HOST]}, HOST: {"endpoint": ["https://cache"]}}, [HOST]),
        ({"docker.io": {"endpoint": ["http://" + HOST]}, HOST: {"endpoint": ["https://" + HOST]}}, []),
    ],
)
def test_plain_http_needs_a_mirror_of_its_own_name(mirrors, hosts):
    assert _registries.plain_http_hosts({"mirrors": mirrors}) == hosts
