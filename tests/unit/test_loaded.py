# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the k3s that runs has loaded a file: by boot and uptime, however the board's clock is set."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.riscv.k3s.plugins.plugin_utils._observe.loaded import is_stale, loaded

PATH = "/etc/rancher/k3s/registries.yaml"
ARCHIVE = "/var/lib/rancher/k3s/agent/images/riscv-k3s-0123456789ab.tar"


def entry(boot="b1", uptime=500, written=True, kind="file"):
    note = {"boot": boot, "uptime": uptime} if written else None
    return {"kind": kind, "sha256": "ours" if kind == "file" else None, "written": note}


CASES = [
    pytest.param(entry(), "b1", "600.25", "700", True, id="k3s was restarted since"),
    pytest.param(entry(), "b1", "400.99", "700", False, id="k3s was not restarted since"),
    pytest.param(entry(), "b1", "500.00", "700", False, id="in one second: which was first is not known"),
    pytest.param(entry(), "b1", "500.99", "700", False, id="in one second, at its end"),
    pytest.param(entry(), "b1", "501.00", "700", True, id="in the next second"),
    pytest.param(entry(), "b2", "20.10", "30", True, id="the board was started anew since"),
    pytest.param(entry(), "b2", "600.10", "700", True, id="started anew, and up for longer than at the write"),
    pytest.param(entry(), "b2", "", "30", True, id="started anew, k3s not yet"),
    pytest.param(entry(uptime=None), "b1", "600.25", "700", False, id="cut short while it was written"),
    pytest.param(entry(uptime=None), "b2", "20.10", "30", True, id="cut short, then the board was started anew"),
    pytest.param(entry(), "b1", "", "700", None, id="k3s does not run"),
    pytest.param(entry(), "b1", "garbage", "700", None, id="its start cannot be read"),
    pytest.param(entry(), "", "600.25", "700", None, id="no boot id"),
    pytest.param(entry(written=False), "b1", "600.25", "700", None, id="as somebody wrote it before us"),
    pytest.param(None, "b1", "600.25", "700", None, id="not in the journal"),
    pytest.param(entry(), "b1", "90000.00", "700", None, id="uptime and start are not counted from the same start"),
    pytest.param(entry(uptime=9000), "b1", "20.00", "30", True, id="a container that was started anew"),
    pytest.param(entry(), "b1", "600.25", "", True, id="uptime not told"),
]


@pytest.mark.parametrize("known, boot_id, k3s_started, uptime, expected", CASES)
def test_what_k3s_has_loaded(known, boot_id, k3s_started, uptime, expected):
    assert loaded(known, boot_id, k3s_started, uptime) is expected


def journal(known=None, noted=(), path=PATH):
    return {"files": {path: known} if known else {}, "loaded": dict(noted)}


BOARD = {"boot_id": "b1", "k3s_started": "400.00", "uptime": "700"}
RESTARTED = dict(BOARD, k3s_started="600.00")
UNKNOWN = dict.fromkeys(BOARD, "")
REBOOTED = {"boot_id": "b2", "k3s_started": "20.00", "uptime": "60"}


@pytest.mark.parametrize("by_time", [True, False])
@pytest.mark.parametrize(
    "notes, board, current, stale",
    [
        pytest.param(journal(entry()), BOARD, "ours", True, id="ours, not loaded"),
        pytest.param(journal(entry()), RESTARTED, "ours", False, id="ours, loaded"),
        pytest.param(journal(entry()), REBOOTED, "ours", False, id="ours, started anew"),
        pytest.param(journal(entry()), UNKNOWN, "ours", None, id="nothing known of the board"),
        pytest.param(journal(), RESTARTED, "foreign", None, id="somebody's"),
        pytest.param(journal(entry()), RESTARTED, "foreign", None, id="ours, and edited since"),
        pytest.param(journal(noted={PATH: "foreign"}), BOARD, "foreign", False, id="somebody's, and seen loaded"),
        pytest.param(journal(noted={PATH: "foreign"}), BOARD, "edited", None, id="somebody's, edited since"),
        pytest.param(journal(entry(), {PATH: "ours"}), BOARD, "ours", False, id="ours, and seen loaded"),
        pytest.param(journal(entry(), {PATH: "older"}), BOARD, "ours", True, id="ours, an older one was seen loaded"),
    ],
)
def test_times_of_files_decide_only_where_nothing_else_is_known(notes, board, current, stale, by_time):
    assert is_stale(PATH, current, notes, board, by_time) is (by_time if stale is None else stale)


@pytest.mark.parametrize("by_time", [True, False])
@pytest.mark.parametrize(
    "notes, board, stale",
    [
        pytest.param(journal(entry(uptime=None, kind="archive"), path=ARCHIVE), RESTARTED, True, id="not seen loaded"),
        pytest.param(journal(entry(uptime=None, kind="archive"), path=ARCHIVE), REBOOTED, False, id="started anew"),
        pytest.param(
            journal(entry(uptime=None, kind="archive"), {ARCHIVE: None}, ARCHIVE), BOARD, False, id="seen loaded"
        ),
        pytest.param(journal(noted={ARCHIVE: None}), BOARD, False, id="of a lost journal, seen loaded"),
        pytest.param(journal(), BOARD, None, id="of a lost journal"),
    ],
)
def test_archives_are_known_by_their_names(notes, board, stale, by_time):
    assert is_stale(ARCHIVE, None, notes, board, by_time) is (by_time if stale is None else stale)


def test_a_wrong_clock_never_restarts_k3s_on_every_run():
    """A board whose clock says what it likes at each step: once a restart of ours is noted nothing is stale again."""
    for times in itertools.product([True, False], repeat=3):
        noted: dict = {}
        restarts = 0
        for by_time in times:
            if is_stale(PATH, "foreign", journal(noted=noted), BOARD, by_time):
                restarts += 1
                noted = {PATH: "foreign"}
        assert restarts <= 1
