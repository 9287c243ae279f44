# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One rule for which registry speaks http."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.endpoints import own_scheme, speaks_http

HOST = "reg:5000"


@pytest.mark.parametrize(
    "endpoints, scheme",
    [
        (None, None),
        ([], None),
        (["http://reg:5000"], "http"),
        (["HTTP://reg:5000/v2/riscv64"], "http"),
        (["https://reg:5000", "http://reg:5000"], "https"),
        (["https://cache", "http://reg:5000"], "http"),
        (["http://REG:5000/"], "http"),
        (["http://cache"], None),
        (["http://reg:50001"], None),
        (["http://cache/reg:5000"], None),
        (["http://user:secret@reg:5000/v2"], "http"),
        (["reg:5000"], None),
        (["http://[fd00::1"], None),
    ],
)
def test_the_first_endpoint_that_is_the_registry_itself_decides(endpoints, scheme):
    assert own_scheme(HOST, endpoints) == scheme
    assert speaks_http(HOST, endpoints) is (scheme == "http")


@pytest.mark.parametrize(
    "endpoint, scheme",
    [("http://reg.lan:80/v2", "http"), ("https://reg.lan:443", "https"), ("http://reg.lan:443", None)],
)
def test_the_port_of_a_scheme_may_stand_there(endpoint, scheme):
    assert own_scheme("reg.lan", [endpoint]) == scheme
