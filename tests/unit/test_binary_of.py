# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which k3s program a board gets: from a file, from a URL, and what is refused of both."""

from __future__ import annotations

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._upgrade.binary import binary_of

SUM = "ab" * 32
URL = "https://example.org/k3s/v1.36.3%2Bk3s1/k3s-riscv64"


def test_a_file():
    row = binary_of({"binary": "files/k3s-riscv64"}, "riscv64", "v1.36.3+k3s1", links=True)
    assert row == {
        "source": "files/k3s-riscv64",
        "url": None,
        "file": "files/k3s-riscv64",
        "checksum": None,
        "version": "v1.36.3+k3s1",
        "architecture": "riscv64",
        "path": "/usr/local/bin/k3s",
        "replace": False,
        "links": True,
        "key": "files/k3s-riscv64 - riscv64",
    }


@pytest.mark.parametrize("checksum", [SUM, "sha256:" + SUM, "sha256:" + SUM.upper(), " %s\n" % SUM])
def test_a_url(checksum):
    row = binary_of({"binary": URL, "binary_checksum": checksum}, "x86_64", None, path="/usr/bin/k3s")
    assert (row["url"], row["file"], row["checksum"], row["architecture"], row["path"]) == (
        URL,
        "abababababababab-k3s-riscv64",
        SUM,
        "amd64",
        "/usr/bin/k3s",
    )


@pytest.mark.parametrize("url", ["https://example.org/", "https://example.org", "http://example.org/a?b=/c"])
def test_names_in_the_cache_stay_there(url):
    name = binary_of({"binary": url, "binary_checksum": SUM}, "riscv64", None)["file"]
    assert name in ("abababababababab-k3s", "abababababababab-a")


def test_the_inventory_says_where_it_lies():
    settings = {"binary": "k3s", "binary_path": "/opt/k3s"}
    assert binary_of(settings, "riscv64", None, path="/usr/bin/k3s")["path"] == "/opt/k3s"


def test_a_login_in_a_url_is_refused_and_not_shown():
    with pytest.raises(Problem, match="holds a login") as caught:
        binary_of({"binary": "https://me:geheim@example.org/k3s", "binary_checksum": SUM}, "riscv64", None)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({}, "no k3s program for this board. Found: riscv_k3s_binary is not set"),
        ({"binary": " "}, "riscv_k3s_binary is not set"),
        ({"binary": URL}, "a URL without a checksum"),
        ({"binary": URL, "binary_checksum": "md5:12"}, "riscv_k3s_binary_checksum is not valid"),
        ({"binary": "k3s", "binary_checksum": "12"}, "riscv_k3s_binary_checksum is not valid"),
        ({"binary": "ftp://example.org/k3s", "binary_checksum": SUM}, "cannot be fetched"),
    ],
)
def test_refused(settings, message):
    with pytest.raises(Problem, match=message):
        binary_of(settings, "riscv64", None)


@pytest.mark.parametrize(
    "query", ["token=hunter2", "a=1&X-Amz-Signature=hunter2", "sig=hunter2", "private_key=hunter2"]
)
def test_a_url_that_lets_in_whoever_has_it_is_refused_without_it(query):
    settings = {"binary": "https://h/k3s?" + query, "binary_checksum": "a" * 64}
    with pytest.raises(Problem, match="holds a login, which Ansible would show. Found: https://h/k3s") as caught:
        binary_of(settings, "riscv64", "v1.36.3+k3s1")
    assert "hunter2" not in str(caught.value)


def test_another_query_is_fetched():
    settings = {"binary": "https://h/k3s?version=1", "binary_checksum": "a" * 64}
    assert binary_of(settings, "riscv64", "v1.36.3+k3s1")["url"] == "https://h/k3s?version=1"
