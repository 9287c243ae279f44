# Copyright (c) 2026, The riscv.k3s developers
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release table: what it knows, how sure it is, and that it agrees with the real lists."""

import pytest

from ansible_collections.riscv.k3s.plugins.module_utils.problem import Problem
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand import releases as _releases
from ansible_collections.riscv.k3s.plugins.plugin_utils._demand.releases import (
    BUSYBOX,
    COREDNS,
    KLIPPER_HELM,
    KLIPPER_LB,
    PAUSE,
    TRAEFIK,
    stock_images,
)


@pytest.mark.parametrize("version", ["v1.24.2", "v1.30.0", "v1.36.3"])
def test_the_table_is_the_version_s_own_list(k3s_manifests, version):
    listed = (k3s_manifests / version / "image-list.txt").read_text().split()
    known = stock_images(version)
    assert sorted("%s:%s" % (name, image.tag) for name, image in known.items()) == listed
    assert {image.sure for image in known.values()} == {"exact"}


@pytest.mark.parametrize(
    "version, name, tag, sure",
    [
        ("v1.24.2+k3s2", COREDNS, "1.9.1", "exact"),
        ("1.24.6", COREDNS, "1.9.1", "exact"),
        ("v1.24.8+k3s1", KLIPPER_LB, "v0.3.5", "approximate"),
        ("v1.24.17+k3s1", KLIPPER_HELM, "v0.8.2-build20230815", "approximate"),
        ("v1.24.0+k3s1", COREDNS, None, "unknown"),  # nothing below it is known
        ("v1.24.0+k3s1", PAUSE, "3.6", "exact"),
        ("v1.30.5+k3s1", COREDNS, "1.10.1", "approximate"),
        ("v1.31.14+k3s1", BUSYBOX, None, "unknown"),
        ("v1.33.13+k3s1", PAUSE, "3.6", "exact"),
        ("v1.33.13+k3s2", PAUSE, "3.10.2", "exact"),
        ("v1.33.13", PAUSE, "3.10.2", "exact"),
        ("v1.33.13+k3s2", KLIPPER_HELM, None, "unknown"),
        ("v1.33.14+k3s1", KLIPPER_HELM, "v0.11.0-build20260602", "approximate"),
        ("v1.34.9+k3s1", PAUSE, "3.6", "exact"),
        ("v1.34.10+k3s1", PAUSE, "3.10.2", "exact"),
        ("v1.34.10+k3s1", TRAEFIK, "3.7.4", "approximate"),
        ("v1.36.2+k3s1", PAUSE, "3.6", "exact"),
        ("v1.36.5-rc1+k3s1", COREDNS, "1.14.6", "approximate"),
        ("v1.37.1+k3s1", KLIPPER_LB, None, "unknown"),
        ("v1.37.0+k3s1", PAUSE, "3.10.2", "exact"),
        ("v1.38.0+k3s1", PAUSE, "3.10.2", "approximate"),
        ("v1.38.0+k3s1", COREDNS, None, "unknown"),
        ("v1.23.5+k3s1", PAUSE, None, "unknown"),
        # What RISC-V users run: built from source, with the release's images or a fork's.
        ("v1.36.3+k3s-54c12b8f", KLIPPER_HELM, "v0.13.3-build20260727", "approximate"),
        ("v1.36.3+k3s-54c12b8f", PAUSE, "3.10.2", "approximate"),
        ("v1.26.3+k3s-73fec085", COREDNS, "1.10.1", "approximate"),
        ("v1.27.4+k3s-09aa9a6d-dirty", KLIPPER_LB, "v0.4.4", "approximate"),
        ("v1.37.1+k3s-0123abcd", KLIPPER_LB, None, "unknown"),
        # A build from an archive of the source, as distributions make it, has no commit.
        ("k3s version v1.36.3+k3s- ()\ngo version go1.24\n", PAUSE, "3.10.2", "approximate"),
        ("v1.36.3+k3s1-riscv64", PAUSE, "3.10.2", "approximate"),
        ("v1.36.3+k3s.1", PAUSE, "3.10.2", "approximate"),
        ("k3s version v1.26.3+k3s-73fec085 (73fec085)\ngo version go1.20.3\n", COREDNS, "1.10.1", "approximate"),
        ("k3s version v1.24.2+k3s2 (6d1c0b0a)\ngo version go1.18.1", COREDNS, "1.9.1", "exact"),
    ],
)
def test_how_sure(version, name, tag, sure):
    assert stock_images(version)[name] == (tag, sure)


def test_every_minor_from_1_24_to_1_37_is_in_the_table():
    assert {first[:2] for first, dummy, dummy in _releases._rows()} == {(1, minor) for minor in range(24, 38)}


def test_rows_are_ordered_and_complete():
    rows = list(_releases._rows())
    assert [first for first, dummy, dummy in rows] == sorted(first for first, dummy, dummy in rows)
    assert all(first <= last and len(tags) == 8 for first, last, tags in rows)


@pytest.mark.parametrize("text", ["", "latest", "v1.24", "1.24.2+rke2r1", None, 1.24])
def test_what_is_no_version(text):
    with pytest.raises(Problem):
        stock_images(text)
