# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The corpus of error texts is whole: what reads it may rely on its fields."""

from __future__ import annotations

import collections
import ipaddress
import re

import pytest
import yaml
from fakes import read

ROWS = yaml.safe_load(read("errors.yml"))
BY_ID = [pytest.param(row, id=row["id"]) for row in ROWS]
FIELDS = {"id", "text", "where", "cause", "speaker", "source"}
WHERE = {"event", "waiting", "log", "pull"}
SPEAKERS = {
    "registry",
    "token-server",
    "proxy",
    "mirror",
    "store",
    "kernel",
    "runc",
    "cni",
    "kubelet",
    "containerd",
    "dns",
    "network",
    "api-server",
    "k3s",
    "program",
    "helm",
    "provisioner",
    "scheduler",
}
# Of documentation (RFC 5737), or on their way nowhere.
_ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_LOGIN = re.compile(r"https?://[^/\s\"]+:[^/\s\"]+@")


@pytest.mark.parametrize("row", BY_ID)
def test_the_fields(row):
    assert FIELDS <= set(row) <= FIELDS | {"reason"}
    assert re.fullmatch(r"[a-z0-9]+([.-][a-z0-9]+)*", row["id"])
    assert isinstance(row["text"], str) and row["text"] == row["text"].strip("\n") != ""
    assert row["where"] in WHERE and row["speaker"] in SPEAKERS
    assert re.fullmatch(r"[a-z0-9-]+", row["cause"])
    assert row["source"] == "recorded on the lab" or re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", row["source"])
    assert re.fullmatch(r"[A-Z][A-Za-z]+", row.get("reason", "None"))


@pytest.mark.parametrize("row", BY_ID)
def test_nobody_is_named(row):
    addresses = [ipaddress.ip_address(one) for one in _ADDRESS.findall(row["text"]) if _is_address(one)]
    assert not [one for one in addresses if one.is_global]
    assert not _LOGIN.search(row["text"])


def _is_address(text):
    """Versions may have four numbers, too."""
    return all(int(part) < 256 and str(int(part)) == part for part in text.split("."))


@pytest.mark.parametrize("field", ["id", "text"])
def test_no_row_is_there_twice(field):
    counted = collections.Counter(row[field] for row in ROWS)
    assert not [one for one, times in counted.items() if times > 1]
