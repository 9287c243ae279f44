# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What k3s and df print, as values."""

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils._output.k3s import parse_df, parse_k3s_version


@pytest.mark.parametrize(
    "text, expected",
    [
        ("k3s version v1.24.2+k3s2 (a3a5e4ab)\ngo version go1.18.1\n", "v1.24.2+k3s2"),
        ("k3s version v1.36.3+k3s1 (0123abcd)\n", "v1.36.3+k3s1"),
        ("k3s version dev (HEAD)\n", "dev"),
        ("", None),
    ],
)
def test_k3s_version(text, expected):
    assert parse_k3s_version(text) == expected


HEAD = "Filesystem     1024-blocks    Used Available Capacity Mounted on\n"


@pytest.mark.parametrize(
    "text, expected",
    [
        (
            HEAD + "/dev/vda1         30830568 9812380  19428976      34% /\n",
            {"size": 30830568 * 1024, "available": 19428976 * 1024},
        ),
        (HEAD + "//nas/my disk 12 100 10 90 10% /mnt/12 30 40 50% x\n", {"size": 102400, "available": 92160}),
        (HEAD + "none 0 0 0 - /x\n", {"size": 0, "available": 0}),
        (HEAD, None),
        ("", None),
    ],
)
def test_df(text, expected):
    assert parse_df(text) == expected
