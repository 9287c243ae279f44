# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's own file in config.yaml.d: its text, and what to do about it."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.riscv.k3s.plugins.module_utils._host.files import sha256
from ansible_collections.riscv.k3s.plugins.plugin_utils._plan import settings as _config_files

WANTED = {"pause-image": "reg:5000/pause:1", "embedded-registry": True}
TEXT = _config_files.render(WANTED)


def test_text():
    assert yaml.safe_load(TEXT) == WANTED
    assert _config_files.render(dict(reversed(WANTED.items()))) == TEXT
    assert TEXT.startswith("# Written by riscv.k3s")
    assert _config_files.render({}) is None


def test_a_removal_that_k3s_has_not_seen():
    """A run was cut short between the removal and the restart."""
    journal = {"files": {_config_files.PATH: {"pending": True}}}
    assert _config_files.action({"own_config": [], "journal": journal}, {})["restart"] is True
    assert _config_files.action({"own_config": [], "journal": journal}, {})["pending"] is True
    assert _config_files.action({"own_config": [], "journal": journal}, WANTED)["change"] is True


def own(text, stale=False, path=_config_files.PATH):
    return {"path": path, "sha256": sha256(text.encode()), "stale": stale}


@pytest.mark.parametrize(
    "seen, settings, change, restart, reason",
    [
        ([], {}, False, False, "as wanted"),
        (None, {}, False, False, "as wanted"),
        ([], WANTED, True, True, "embedded-registry, pause-image is wanted"),
        ([own(TEXT)], WANTED, False, False, "as wanted"),
        ([own(TEXT, stale=True)], WANTED, False, True, "not restarted"),
        ([own("other")], WANTED, True, True, "content differs"),
        ([own(TEXT)], {}, True, True, "nothing in it is needed any more"),
        ([own(TEXT, path="/etc/rancher/k3s/config.yaml.d/riscv-k3s-other.yaml")], {}, False, False, "as wanted"),
    ],
)
def test_action(seen, settings, change, restart, reason):
    action = _config_files.action({"own_config": seen}, settings)
    assert (action["change"], action["restart"], action["text"]) == (change, restart, TEXT if settings else None)
    assert reason in action["reason"] and action["path"] == "/etc/rancher/k3s/config.yaml.d/riscv-k3s.yaml"
