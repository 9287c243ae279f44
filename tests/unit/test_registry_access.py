# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the controller talks to the registries of an inventory."""

import pytest
from ansible_collections.riscv.k3s.plugins.plugin_utils._registry_access import registry_access

HTTP = {"mirrors": {"reg:5000": {"endpoint": ["http://reg:5000"]}, "docker.io": {"endpoint": ["http://reg:5000/v2/riscv64"]}}}
AUTH = {
    "configs": {
        "reg:5000": {"auth": {"username": "u", "password": "p"}, "tls": {"ca_file": "/on/the/board.pem", "insecure_skip_verify": True}},
        "*": {"auth": {"username": "x", "password": "y"}},
    }
}


@pytest.mark.parametrize(
    "config, given, expected",
    [
        (None, {}, []),
        ({}, {"registry": "reg:5000"}, []),
        (HTTP, {}, [{"host": "reg:5000", "plain_http": True}]),
        ({"mirrors": {"reg:5000": None}}, {}, []),
        ({"mirrors": {"reg:5000": {"endpoint": ["https://reg:5000", "http://reg:5000"]}}}, {}, []),
        (AUTH, {}, [{"host": "reg:5000", "username": "u", "password": "p", "tls_verify": False}]),
        (HTTP, {"registry": "reg:5000", "username": "w", "password": "q"}, [{"host": "reg:5000", "plain_http": True, "username": "w", "password": "q"}]),
        (HTTP, {"registry": "reg:5000", "plain_http": False}, [{"host": "reg:5000", "plain_http": False}]),
        (None, {"registry": "reg:5000", "ca_file": "ca.pem", "tls_verify": True}, [{"host": "reg:5000", "ca_file": "ca.pem", "tls_verify": True}]),
        (None, {"registry": None, "ca_file": "ca.pem"}, []),
    ],
)
def test_access(config, given, expected):
    assert registry_access(config, **given) == expected
