# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The corpus of error texts: its fields, and how many of its causes are told rightly.

A fixed split by hash makes a half that tunes and a half that only tests. A text with ``seen`` was tuned on, so it
counts with those that tune, whatever its hash.
"""

from __future__ import annotations

import collections
import hashlib
import ipaddress
import re

import pytest
import yaml
from fakes import read

from ansible_collections.riscv.k3s.plugins.module_utils._chain.chain import told

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
    assert FIELDS <= set(row) <= FIELDS | {"reason", "seen"}
    assert row.get("seen", True) is True
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


# The rules may be written after the texts of one half alone; the other half tells what they are worth. Which half a
# text is in its hash says. The shares, of texts with the right cause and speaker, are those that were reached, and may
# only rise.
HALVES = {"tune": 1.0, "test": 0.95}
_PULLS = ("ErrImagePull", "ImagePullBackOff")


def half(row):
    if row.get("seen"):
        return "tune"
    return ("tune", "test")[int(hashlib.sha256(row["text"].encode()).hexdigest()[0], 16) % 2]


def tells(row):
    is_pull = row["where"] == "pull" or row.get("reason") in _PULLS
    return told(row["text"], (row.get("reason", ""),) + ("pull",) * is_pull)


@pytest.mark.parametrize("name", HALVES)
def test_causes_and_speakers(name, capsys):
    rows = [row for row in ROWS if half(row) == name]
    causes = [row for row in rows if (tells(row).cause or "none") == row["cause"]]
    both = [row for row in causes if row["cause"] == "none" or tells(row).speaker == row["speaker"]]
    with capsys.disabled():
        print(
            "\ncorpus, half %r: of %d texts %d (%.0f %%) have the right cause, %d (%.0f %%) the right speaker, too"
            % (name, len(rows), len(causes), 100 * len(causes) / len(rows), len(both), 100 * len(both) / len(rows))
        )
    assert len(both) / len(rows) >= HALVES[name]


def test_what_is_called_certain_is_never_wrong():
    wrong = [row["id"] for row in ROWS if tells(row).sure and tells(row).cause not in (None, row["cause"])]
    assert not wrong
